"""DOT into pictures: by Graphviz's own `dot`, else by pygraphviz, which carries Graphviz inside."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import graphviz

from tinygrad_lossmix.printing import clean, shorten

ADVICE = 'pip install "tinygrad_lossmix[draw]", or Graphviz itself'
_one_at_a_time = threading.Lock()


class NoRenderer(RuntimeError):
    """Nothing here turns this DOT text into a picture; the message says why."""


def render(dot: str, form: str) -> tuple[bytes, str]:
    """A picture, and the name of what drew it.

    Args:
        dot: DOT text.
        form: svg, png or pdf.

    Raises:
        NoRenderer: neither `dot` nor pygraphviz is there, or neither works.
    """
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
    said = shorten(clean(" ".join(said.split())), 200)
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
            picture: bytes = graph.draw(format=form, prog="dot")
        finally:
            graph.close()
    return picture


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
