"""A drawing: DOT text that turns itself into pictures."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from tinygrad_lossmix import atomic
from tinygrad_lossmix.views.render import NoRenderer, render
from tinygrad_lossmix.views.theme import dark_style
from tinygrad_lossmix.views.tooltips import Texts, titled

SCOPE = "lossmix"  # keeps the style of a drawing to itself on a page that holds it


class Drawing:
    """What `draw` returns; notebooks show it.

    Attributes:
        dot: the drawing in the DOT language.
        text: the same recording as a tree of text.
        renderer: what drew it last, `dot` or `pygraphviz`; None before that.
    """

    def __init__(self, dot: str, text: str, tooltips: Texts | None = None) -> None:
        self.dot = dot
        self.text = text
        self._tooltips = tooltips or {}
        self.renderer: str | None = None

    def svg(self) -> str:
        """An `<svg>` element that takes the size it is given; boxes and arrows under the pointer
        show names and values in full.

        Raises:
            NoRenderer: neither Graphviz nor pygraphviz draws it; the message says why.
        """
        return scalable(titled(self._render("svg").decode(), self._tooltips))

    def png(self) -> bytes:
        """A PNG picture; raises as `svg` does."""
        return self._render("png")

    def save(self, path: str | Path) -> Path:
        """Write a file, by its suffix: .svg, .png, .pdf, .dot, or .txt for the tree.

        Returns:
            the path of what was written. Without a renderer this is a .dot in place of a picture;
            a line on stderr says so.

        Raises:
            ValueError: another suffix.
            OSError: the file cannot be written.
        """
        path = Path(path)
        form = path.suffix.lower().removeprefix(".")
        if form not in ("svg", "png", "pdf", "dot", "txt"):
            raise ValueError(
                f"a drawing is saved as .svg, .png, .pdf, .dot or .txt, not {path.suffix or path}"
            )
        try:
            atomic.write(path, self._content(form))
        except NoRenderer as error:
            path = path.with_suffix(".dot")
            atomic.write(path, self._content("dot"))
            print(f"{error}; wrote {path} instead", file=sys.stderr)
        return path

    def _content(self, form: str) -> bytes:
        if form == "svg":
            return self.svg().encode()
        if form in ("dot", "txt"):
            return (self.dot if form == "dot" else self.text + "\n").encode()
        return self._render(form)

    def _render(self, form: str) -> bytes:
        picture, self.renderer = render(self.dot, form)
        return picture

    def __repr__(self) -> str:
        return 'Drawing: .svg(), .png(), .save("graph.svg"), .dot'

    def _repr_svg_(self) -> str | None:
        try:
            return self.svg()
        except Exception:  # a notebook would show a traceback in place of the text
            return None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"text/plain": self.text}
        if svg := self._repr_svg_():
            bundle["image/svg+xml"] = svg
        return bundle


def scalable(svg: str) -> str:
    """The `<svg>` element of Graphviz's output, free to shrink, dark where that is asked for."""
    svg = svg[svg.index("<svg") :].rstrip()
    opening, rest = svg.split(">", 1)
    width = re.search(r' width="(\d+)pt"', opening)
    opening = re.sub(r' (width|height)="[^"]*"', "", opening)
    style = f' style="max-width: {width[1]}pt"' if width else ""
    return f'{opening} class="{SCOPE}"{style}>\n{dark_style(f".{SCOPE}")}{rest}\n'
