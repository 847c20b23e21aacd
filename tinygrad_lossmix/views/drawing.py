"""A recording as a drawing: DOT text that turns itself into pictures.

By Graphviz's own `dot`, else by pygraphviz, which carries Graphviz inside.

>>> z = Tensor([2.0, 1.0], name="z")
>>> cost = (z * z).sum()
>>> cost.backward()
>>> draw(cost)
Drawing: .show(), .save("graph.svg"), .svg(), .png(), .dot, .mermaid
>>> titled('<g id="node1" class="node">\\n<title>n0</title>\\n</g>', {"n0": ["z"]}).splitlines()
['<g id="node1" class="node">', '<title>z</title>', '</g>']
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from html import escape, unescape
from pathlib import Path
from typing import Any

import graphviz

from tinygrad_lossmix import files
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.installation import install
from tinygrad_lossmix.printing import brief
from tinygrad_lossmix.views.animated import animated, edited
from tinygrad_lossmix.views.dot import dot, tooltips
from tinygrad_lossmix.views.mermaid import mermaid
from tinygrad_lossmix.views.picture import CROWDED, Look, Picture, pictures, size
from tinygrad_lossmix.views.reading import Gradients, Reading, gradients
from tinygrad_lossmix.views.shown import Drawn
from tinygrad_lossmix.views.theme import dark_style
from tinygrad_lossmix.views.tree import tree_of

ADVICE = f"{install('draw')}, or Graphviz itself"
SCOPE = "lossmix"  # keeps the style of a drawing to itself on a page that holds it
TITLE = re.compile(r'(<g id="[a-z]+(\d+)"[^>]*>\n)<title>([^<]*)</title>\n')  # by Graphviz
_one_at_a_time = threading.Lock()


def draw(
    cost: Tensor,
    names: Mapping[str, Any] | None = None,
    direction: str = "down",
    *,
    collapse: bool = False,
    open: str | Collection[str] = (),
    values: str = "short",
    beside: Tensor | None = None,
) -> Drawing:
    """Draw a recording: values, gradients, and arrows that pass them on, there and back.

    Args:
        cost: a Tensor of any shape; call `cost.backward()` first to see gradients.
        names: names for Tensors and constant arrays, in place of the caller's variables.
        direction: "down" or "right", where the values flow to.
        collapse: show each group (softmax, log_likelihood …) as one box. Above 300 boxes this is
            done anyway.
        open: groups to show in full while the others are one box each: the name of the function
            or of its output, or several.
        values: "short"; "shapes" of the arrays in their place; "none".
        beside: another cost: what both were computed from is drawn once, and where their gradients
            differ those of the other one are drawn in another colour.

    Returns:
        a Drawing: `.svg()`, `.png()`, `.dot`, `.mermaid`, `.save(path)`, `.show()`; notebooks
        show it.

    Raises:
        TypeError: cost is not a Tensor.
        ValueError: more than 1000 boxes; another direction or other values; no such group.
    """
    look, reading = Look(direction, collapse, open, values), Reading(cost, names)
    if beside is None:
        return drawing(reading, gradients(cost), look)
    from tinygrad_lossmix.views.joined import joined, renamed  # it needs the compiler's numbering

    other = renamed(reading, Reading(beside, names))
    sides = [(each, gradients(each.cost)) for each in (reading, other)]
    titles = [reading.title, other.title]
    return Drawing({"": joined(sides, look)}, titles, zip(titles, sides, strict=True))


def drawing(reading: Reading, known: Gradients, look: Look | None = None) -> Drawing:
    """`draw`, of what is read already, with the gradients that are known."""
    (shown,) = pictures([(reading, known)], look or Look())
    notes = []
    if (in_full := size(reading)) > max(CROWDED, len(shown.boxes)):
        notes = [f"each group is shown as one box: in full, {in_full:,} boxes"]
    return Drawing({"": shown}, notes, [("", (reading, known))])


class Drawing(Drawn):
    """What `draw` returns; notebooks show it.

    Attributes:
        renderer: what drew it last, `dot` or `pygraphviz`; None before that.
    """

    suffixes = ".svg, .png, .pdf, .dot, .mmd (Mermaid) or .txt"

    def __init__(
        self,
        pictures: Mapping[str, Picture],
        notes: list[str],
        seen: Iterable[tuple[str, tuple[Reading, Gradients]]],  # each with its title
        more: str = "",
    ) -> None:
        self._pictures = pictures
        self._notes = notes
        self._seen = [*seen]
        self._more = more
        self.renderer: str | None = None

    @cached_property
    def text(self) -> str:  # type: ignore[override]
        """The same as a tree of text."""
        trees = [f"{title}\n{tree_of(*each)}".strip("\n") for title, each in self._seen]
        return "\n\n".join(filter(None, [*trees, self._more]))

    @cached_property
    def dot(self) -> str:
        """The drawing in the DOT language."""
        return dot(self._pictures, self._notes)

    @cached_property
    def mermaid(self) -> str:
        """The drawing as a Mermaid flowchart, for Markdown pages that render it."""
        return mermaid(self._pictures, self._notes)

    def svg(self, animate: bool = False) -> str:
        """An `<svg>` element that takes the size it is given; boxes and arrows under the pointer
        show names and values in full.

        Args:
            animate: play the walk, again and again: values forward, the seed, each product back.

        Raises:
            NoRenderer: neither Graphviz nor pygraphviz draws it; the message says why.
        """
        svg = self._render("svg").decode()
        if animate:
            svg = animated(svg, self._pictures, f".{SCOPE}")
        return scalable(titled(svg, tooltips(self._pictures)))

    def save(self, path: str | Path, animate: bool = False) -> Path:
        """Write a file, by its suffix: .svg, .png, .pdf, .dot, .mmd, or .txt for the tree.

        Args:
            animate: play the walk, in an .svg.

        Returns:
            the path of what was written. Without a renderer this is a .dot in place of a picture;
            a line on stderr says so.

        Raises:
            ValueError: another suffix, or one that cannot be animated.
            OSError: the file cannot be written.
        """
        path = Path(path)
        if animate and path.suffix.lower() != ".svg":
            raise ValueError(f"only an .svg is animated, not {path.suffix}")
        try:
            if not animate:
                return super().save(path)
            files.write(path, self.svg(animate).encode())
        except NoRenderer as error:
            path = super().save(path.with_suffix(".dot"))
            print(f"{error}; wrote {path} instead", file=sys.stderr)
        return path

    def _content(self, form: str) -> bytes:
        if form in ("dot", "mmd"):
            return (self.dot if form == "dot" else self.mermaid).encode()
        return super()._content(form)

    def _render(self, form: str) -> bytes:
        picture, self.renderer = render(self.dot, form)
        return picture

    def __repr__(self) -> str:
        return 'Drawing: .show(), .save("graph.svg"), .svg(), .png(), .dot, .mermaid'


def scalable(svg: str, dark: str = dark_style(f".{SCOPE}")) -> str:
    """An `<svg>` element as it was drawn, free to shrink with its letters, dark where asked for."""
    svg = svg[svg.index("<svg") :].rstrip()
    opening, rest = svg.split(">", 1)
    width = re.search(r' width="([\d.]+)pt"', opening)
    opening = re.sub(r' (width|height)="[^"]*"', "", opening)
    style = f' style="max-width: {width[1]}pt"' if width else ""
    shrinking = ' text-rendering="geometricPrecision"'  # else letters are as wide as whole pixels
    return f'{opening} class="{SCOPE}"{style}{shrinking}>\n{dark}{rest}\n'


def titled(svg: str, texts: Mapping[str, list[str]]) -> str:
    """Graphviz's SVG with these texts, of what is called so in the DOT text and in the order it has
    there, in place of its own made-up titles.
    """
    waiting = {name: iter(each) for name, each in texts.items()}

    def title(found: re.Match[str]) -> str:
        text = next(waiting.get(unescape(found[3]), iter(())), "")
        return f"{found[1]}<title>{escape(text)}</title>\n" if text else found[1]

    return edited(svg, TITLE, title)


class NoRenderer(RuntimeError):
    """Nothing here turns this DOT text into a picture; the message says why."""


def render(dot: str, form: str) -> tuple[bytes, str]:
    """DOT text as svg, png or pdf, and the name of what drew it; else NoRenderer is raised."""
    reason = f"drawing a {form} needs Graphviz: {ADVICE}"
    try:
        return graphviz.pipe("dot", form, dot.encode(), quiet=True), "dot"
    except graphviz.ExecutableNotFound:
        pass
    except subprocess.CalledProcessError as error:
        reason = _failed("dot", form, error.stderr.decode(errors="replace"))
    try:
        return _pygraphviz(dot, form), "pygraphviz"
    except ImportError:
        raise NoRenderer(reason) from None
    except (ValueError, OSError) as error:
        raise NoRenderer(_failed("pygraphviz", form, str(error))) from error


def _failed(renderer: str, form: str, said: str) -> str:
    said = brief(" ".join(said.split()), 200)
    return f"{renderer} failed to draw a {form}: {said or 'it gave no reason'}"


def renderer() -> str | None:
    """What draws here, tried on a small graph; None: nothing does."""
    try:
        return render("digraph { a -> b }", "svg")[1]
    except NoRenderer:
        return None


def _pygraphviz(dot: str, form: str) -> bytes:
    import pygraphviz

    with _one_at_a_time, _quiet():
        graph = pygraphviz.AGraph(string=dot)
        try:
            return graph.draw(format=form, prog="dot")
        finally:
            graph.close()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send what libraries in C write to stderr nowhere: missing fonts are not news."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
