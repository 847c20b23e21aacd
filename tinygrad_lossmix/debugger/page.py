"""A page that plays a backward pass over its drawing, each product beside it as matrices.

One file that needs nothing else, not even a network: the drawing, a table of the same steps, a
script and a style. It forbids the browser everything but these two, by a policy of its own.

What you can do here: `page(cost, "steps.html")`, and open the file in a browser; or `page(cost)` in
a notebook.
"""

import base64
import hashlib
import html
import json
import re
import sys
from collections.abc import Mapping
from importlib import resources
from math import prod
from pathlib import Path
from string import Template
from typing import Any, overload

import numpy as np

from tinygrad_lossmix.debugger import rule
from tinygrad_lossmix.debugger.chain_rule import Factors, Product, factors
from tinygrad_lossmix.debugger.lockstep import Lockstep, Meeting, walks_of
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import IN_FULL, number, shaped, short
from tinygrad_lossmix.views.dot import bare
from tinygrad_lossmix.views.drawing import SCOPE, NoRenderer, render
from tinygrad_lossmix.views.grids import picked
from tinygrad_lossmix.views.picture import CROWDED, FEW_SHOWN, Cluster, Picture, picture, size
from tinygrad_lossmix.views.reading import is_array
from tinygrad_lossmix.views.shown import Shown
from tinygrad_lossmix.views.theme import dark_style, page_colours

SCRIPTS = ("arrays", "product", "drawing", "view", "recording", "side", "steps")
FRAME = 640  # pixels, the height of a page in a notebook
FEW = 12  # rows or columns of an array that are all shown; of more, some at each end

Names = Mapping[str, Any] | None


@overload
def page(
    cost: Tensor, path: None = None, names: Names = None, beside: Tensor | None = None
) -> "Page": ...
@overload
def page(
    cost: Tensor, path: str | Path, names: Names = None, beside: Tensor | None = None
) -> Path: ...
def page(
    cost: Tensor,
    path: str | Path | None = None,
    names: Names = None,
    beside: Tensor | None = None,
) -> "Page | Path":
    """Make an HTML page that steps through a recording, forwards and back.

    Args:
        cost: a scalar Tensor. Its gradients are found for the page; `.grad` stays as it is.
        path: the file to write.
        names: names for Tensors and constant arrays, in place of the caller's variables.
        beside: another scalar Tensor, such as another mix of the same logits: both are stepped in
            lock-step.

    Returns:
        the path; without one a Page: `.save(path)`, `.show()`, `.html`; notebooks show it. Without
        a renderer the page has no picture; it and a line on stderr say what to install.

    Raises:
        TypeError: cost is not a Tensor.
        ValueError: cost is not a scalar, or has more than 300 boxes; path does not end in .html.
        OSError: the file cannot be written.

    >>> z = Tensor([2.0, 1.0], name="z")
    >>> page((z * z).sum())
    Page: .show(), .save("steps.html"), .html
    """
    walk = Walk(cost, names)
    made = page_of(walk if beside is None else Lockstep(walk, Walk(beside, names)))
    return made if path is None else made.save(path)


class Page(Shown):
    """A page that plays a recording; what `page` returns where no file is named.

    Attributes:
        html: the whole file.
    """

    suffixes = ".html or .htm (draw makes pictures)"

    def __init__(self, html: str) -> None:
        self.html = html

    def _content(self, form: str) -> bytes:
        return self.html.encode()

    def __repr__(self) -> str:
        return 'Page: .show(), .save("steps.html"), .html'

    def _repr_html_(self) -> str:
        """The file in a frame, without any access to the notebook around it."""
        return (
            '<iframe title="Steps of a recording" sandbox="allow-scripts" width="100%" '
            f'height="{FRAME}" style="border: 0" srcdoc="{html.escape(self.html)}"></iframe>'
        )


def page_of(steps: Walk | Lockstep) -> Page:
    """`page`, of what is walked already, opened where the walk is; raises as it does."""
    walks = walks_of(steps)
    played, sides, recordings = Playback(), [], []
    for k, walk in enumerate(walks, 1):
        boxes = size(walk.reading)
        if boxes > CROWDED:
            raise ValueError(
                f"a page with {boxes:,} boxes cannot be read, the most is {CROWDED}: step through "
                "a node further in or fewer examples; tree(cost) and step(cost) take any size"
            )
        end = walk.at(len(walk)).gradients()  # the drawing gets the room that all of them need
        shown = picture(walk.reading, end)
        recordings.append(played.recording(walk, shown))
        words = {"title": html.escape(walk.reading.title), "k": "" if k == 1 else k}
        sides.append(Template(_part("side.html")).substitute(words, drawing=_drawn(shown, k)))
    content = {"sides": recordings, "open": steps.position, "arrays": played.arrays}
    if isinstance(steps, Lockstep):
        met = {position: str(meeting) for position, meeting in steps.met.items()}
        content |= {"moments": steps.moments, "meetings": met}
    return Page(_html(" | ".join(walk.reading.title for walk in walks), sides, content))


def _drawn(shown: Picture, k: int) -> str:
    """The drawing, or what is to be installed for one; a line on stderr says that, too."""
    try:
        svg, _ = render(bare(shown), "svg")
    except NoRenderer as error:
        print(f"{error}; the page has the table only", file=sys.stderr)
        return f'<p class="missing">{html.escape(str(error))}. The tables have all the steps.</p>'
    return _inline(svg.decode(), k)


def _inline(svg: str, k: int) -> str:
    """The drawing as a part of a page whose policy forbids it a style of its own."""
    opening, rest = svg[svg.index("<svg") :].split(">", 1)
    box = opening.split('viewBox="', 1)[1].split('"', 1)[0]
    rest = rest.replace('<g id="', f'<g id="drawing{k}-')  # a page may hold two drawings
    return f'<svg class="{SCOPE}" viewBox="{box}">{rest.strip()}'


def _html(title: str, sides: list[str], content: dict[str, Any]) -> str:
    script = "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    style = "\n".join(
        [
            page_colours(),
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
        kind="two" if len(sides) > 1 else "one",
        sides="".join(sides),
        content=json.dumps(content, separators=(",", ":")).translate(shielded),
        script=script,
    )


def _part(name: str) -> str:
    """A file of the page without its indents and comments, which only its authors read."""
    text = resources.files(__package__).joinpath("web", name).read_text(encoding="utf-8")
    return re.sub(r"\n\s*(//[^\n]*|/\*[^*]*\*/)?(?=\n)|(?<=\n) +", "", text)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


class Playback:
    """What a page plays, as data for its script: numbers are text already, an array is there once.

    Arrays are collected while recordings are added.
    """

    def __init__(self) -> None:
        self._arrays: dict[str, int] = {}

    @property
    def arrays(self) -> list[Any]:
        """Each array, at the index that stands for it elsewhere."""
        return [json.loads(text) for text in self._arrays]

    def _array(self, x: Any, view: tuple[int, ...] | None = None) -> int:
        """The index of an array, seen as a matrix: a vector as a row, leading axes as one."""
        x = np.asarray(x)
        rows, columns = view or (prod(x.shape[:-1]), x.shape[-1] if x.ndim else 1)
        cells = x.reshape(rows, columns)[np.ix_(_some(rows), _some(columns))]
        record = {
            "shape": x.shape,
            "view": (rows, columns),
            "cells": [number(entry) for entry in cells.flat],
            "text": list(dict.fromkeys([short(x, FEW_SHOWN), shaped(x, IN_FULL)])),
        }
        return self._arrays.setdefault(json.dumps(record), len(self._arrays))

    def recording(self, walk: Walk, shown: Picture) -> dict[str, Any]:
        """Nodes in the order of their values, products in theirs; node i is box n<i>."""
        reading = walk.reading
        index = {node: i for i, node in enumerate(reading.nodes)}
        nodes = [
            {
                "name": reading.call(node),
                "defined": reading.defined(node),
                "value": self._array(node.data),
                "args": sorted({index[x] for x in node.args if isinstance(x, Tensor)}),
                "whole": reading.full_name(node),
                "equation": reading.equation(node),
                "line": reading.line(node),
                "delta": reading.delta(node),
            }
            for node in reading.nodes
        ]
        return {
            "nodes": [{key: x for key, x in node.items() if x != ""} for node in nodes],
            "cost": index[walk.cost],
            "seed": self._array(walk.seed),
            "constants": [
                self._array(x) for node in reading.nodes for x in node.args if is_array(x)
            ],
            "products": [self._product(walk, stop, index) for stop in walk.products],
            "groups": [
                {"boxes": boxes, "output": max(i for i in boxes if i < len(nodes))}
                for boxes in map(Cluster.all_boxes, shown.everything.within())
            ],
            "delta": self._delta(walk),
        }

    def _product(self, walk: Walk, stop: Product, index: dict[Tensor, int]) -> dict[str, Any]:
        call, (node, place, argument, *_) = walk.reading.call, stop
        found = factors(node, place, stop.g)
        known = {
            "node": index[node],
            "to": index[argument],
            "arrow": sum(arg is argument for arg in node.args[:place]),
            "gradients": [self._array(x) for x in (stop.g, stop.contribution, stop.total)],
            "rule": rule.product(walk.reading, node, place),
            "received": stop.received,
            "expected": stop.expected,
        }
        if found is not None:
            other = call(node.args[1 - place]) if node.function is np.matmul else ""
            known |= {
                "sign": found.sign,
                "factors": self._factors(stop, found),
                "localAt": found.local,
                "local": f"{other}.T" if other else "",
            }
        return known

    def _factors(self, stop: Product, found: Factors) -> list[int]:
        """Two factors and what they give; the gradients among them have the shapes they had."""
        arrays = [found.left, found.right, stop.contribution]
        if found.sign == "∘":
            return [self._array(x) for x in arrays]
        views = [found.left.shape, found.right.shape, (len(found.left), found.right.shape[1])]
        arrays[1 - found.local] = stop.g
        return [*map(self._array, arrays, views)]

    def _delta(self, walk: Walk) -> dict[str, Any] | None:
        symbols = walk.reading.symbols
        gradient = symbols and walk.at(len(walk)).gradient(symbols.z)
        if symbols is None or gradient is None:
            return None
        meeting = Meeting("z", gradient, symbols.a_minus_y)
        words = "They are equal." if meeting.same else f"They differ by up to {meeting.gap:.4g}."
        return {
            "name": walk.reading.derivative(symbols.z),
            "difference": symbols.scaled("a - y"),
            "complete": walk.complete(symbols.z),
            "arrays": [self._array(x) for x in (gradient, symbols.a_minus_y)],
            "words": words,
        }


def _some(n: int) -> list[int]:
    return [i for i in picked(n, FEW) if i is not None]
