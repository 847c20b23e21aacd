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
from pathlib import Path
from string import Template
from typing import Any, overload

from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.debugger.playback import Playback
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.views.dot import bare
from tinygrad_lossmix.views.drawing import SCOPE, NoRenderer, render
from tinygrad_lossmix.views.picture import CROWDED, Picture, picture, size
from tinygrad_lossmix.views.shown import Shown
from tinygrad_lossmix.views.theme import dark_style, page_colours

SCRIPTS = ("arrays", "product", "drawing", "view", "recording", "side", "steps")
FRAME = 640  # pixels, the height of a page in a notebook

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
    walks = [steps.left, steps.right] if isinstance(steps, Lockstep) else [steps]
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
