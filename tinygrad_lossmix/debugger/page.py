"""A page that plays a recording over its drawing: forward values, then the backward pass.

One file that needs nothing else, not even a network: the drawing, a table of the same steps, a
script and a style. It forbids the browser everything but these two, by a policy of its own.

What you can do here: `page(cost, "steps.html")`, and open the file in a browser; or `page(cost)` in
a notebook.
"""

import base64
import hashlib
import html
import json
import sys
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, overload

from tinygrad_lossmix import files
from tinygrad_lossmix.debugger.show import jacobian
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import IN_FULL, shaped, short
from tinygrad_lossmix.views.drawing import SCOPE, NoRenderer, drawing, render, scalable
from tinygrad_lossmix.views.picture import CROWDED, size
from tinygrad_lossmix.views.theme import DARK, LIGHT, Colours, dark_style

FRAME = 640  # pixels, the height of a page in a notebook


@overload
def page(cost: Tensor, path: None = None, names: Mapping[str, Any] | None = None) -> "Page": ...
@overload
def page(cost: Tensor, path: str | Path, names: Mapping[str, Any] | None = None) -> Path: ...
def page(
    cost: Tensor, path: str | Path | None = None, names: Mapping[str, Any] | None = None
) -> "Page | Path":
    """Make an HTML page that steps through a recording, forwards and back.

    Args:
        cost: a scalar Tensor. Its gradients are found for the page; `.grad` stays as it is.
        path: the file to write.
        names: names for Tensors and constant arrays, in place of the caller's variables.

    Returns:
        the path; without one a Page, which a notebook shows. Without a renderer the page has no
        picture; it and a line on stderr say what to install.

    Raises:
        TypeError: cost is not a Tensor.
        ValueError: cost is not a scalar, or has more than 300 boxes; path does not end in .html.
        OSError: the file cannot be written.

    >>> z = Tensor([2.0, 1.0], name="z")
    >>> page((z * z).sum())
    Page: .save("steps.html"), .html; a notebook shows it
    """
    if path is not None:
        path = _named_html(path)
    walk = Walk(cost, names)
    walk.forward()
    made = page_of(walk)
    return made if path is None else made.save(path)


class Page:
    """A page that plays a recording; what `page` returns where no file is named.

    Attributes:
        html: the whole file.
    """

    def __init__(self, html: str) -> None:
        self.html = html

    def save(self, path: str | Path) -> Path:
        """Write the file.

        Returns:
            its path.

        Raises:
            ValueError: path does not end in .html.
            OSError: the file cannot be written.
        """
        path = _named_html(path)
        files.write(path, self.html.encode())
        return path

    def __repr__(self) -> str:
        return 'Page: .save("steps.html"), .html; a notebook shows it'

    def _repr_html_(self) -> str:
        """The file in a frame, without any access to the notebook around it."""
        return (
            '<iframe title="Steps of a recording" sandbox="allow-scripts" width="100%" '
            f'height="{FRAME}" style="border: 0" srcdoc="{html.escape(self.html)}"></iframe>'
        )


def page_of(walk: Walk) -> Page:
    """`page`, of what is walked already, opened where the walk is; raises as it does."""
    boxes = size(walk.reading)
    if boxes > CROWDED:
        raise ValueError(
            f"a page with {boxes:,} boxes cannot be read, the most is {CROWDED}: step through a "
            "node further in or fewer examples; tree(cost) and step(cost) take any size"
        )
    gradients = walk.at(len(walk)).gradients()  # the drawing gets the room that all of them need
    try:
        picture, _ = render(drawing(walk.reading, gradients).dot, "svg")
        shown = _inline(scalable(picture.decode()))
    except NoRenderer as error:
        print(f"{error}; the page has the table only", file=sys.stderr)
        shown = f'<p class="missing">{html.escape(str(error))}. The table has all the steps.</p>'
    return Page(_html(walk.reading.title, shown, _content(walk)))


def _named_html(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(
            f"a page is saved as .html, not {path.suffix or path}: draw() makes pictures"
        )
    return path


def _inline(svg: str) -> str:
    """The drawing as a part of a page whose policy forbids it a style of its own."""
    opening, rest = svg.split(">", 1)
    box = opening.split('viewBox="', 1)[1].split('"', 1)[0]
    rest = rest.replace(dark_style(f".{SCOPE}"), "", 1).strip()
    width = round(float(box.split()[2]))
    return f'<svg class="{SCOPE}" viewBox="{box}" width="{width}">{rest}'


def _content(walk: Walk) -> dict[str, Any]:
    """What the script shows: nodes in the order of their values, then products in theirs.

    Node i is box n<i> of the drawing. Numbers are text already.
    """
    reading = walk.reading
    index = {node: i for i, node in enumerate(reading.nodes)}
    nodes = [
        {
            "name": reading.call(node),
            "defined": reading.defined(node),
            "value": _lengths(shaped, node.data),
            "whole": reading.full_name(node),
            "equation": reading.equation(node),
            "gradient": reading.derivative(node),
            "label": reading.gradient_label(node),
        }
        for node in reading.nodes
    ]
    products = [
        {
            "node": index[stop.node],
            "to": index[stop.argument],
            "arrow": sum(arg is stop.argument for arg in stop.node.args[: stop.place]),
            "upstream": _lengths(short, stop.g),
            "derivative": f"d{reading.call(stop.node)}/d{reading.call(stop.argument)}",
            "local": jacobian(stop.local),
            "downstream": _lengths(short, stop.contribution),
            "accumulated": _lengths(short, stop.total),
            "received": stop.received,
            "expected": stop.expected,
        }
        for stop in walk.products
    ]
    opened = walk.position + len(nodes)
    return {"nodes": nodes, "cost": index[reading.cost], "products": products, "open": opened}


def _lengths(brief: Callable[[Array], str], x: Array) -> list[str]:
    """An array as in the drawing and as it is shown by itself; once where they are the same."""
    return list(dict.fromkeys([brief(x), shaped(x, IN_FULL)]))


def _html(title: str, shown: str, content: dict[str, Any]) -> str:
    script = _part("page.js")
    style = "\n".join(
        [
            f":root {{ color-scheme: light dark; {_variables(LIGHT)} }}",
            f"@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}",
            dark_style(f".{SCOPE}").removeprefix("<style>").removesuffix("</style>"),
            _part("page.css"),
        ]
    )
    shielded = {ord(c): f"\\u{ord(c):04x}" for c in "<>&"}  # JSON that ends no element around it
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return Template(_part("page.html")).substitute(
        policy=policy,
        title=html.escape(title),
        style=style,
        drawing=shown,
        content=json.dumps(content, separators=(",", ":")).translate(shielded),
        script=script,
    )


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _variables(colours: Colours) -> str:
    named = colours._asdict()
    named["ground"], named["accent"] = named.pop("boxes")["input"]
    return "; ".join(f"--{name}: {value}" for name, value in named.items())


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
