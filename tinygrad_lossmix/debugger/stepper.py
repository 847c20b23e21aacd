"""The stepper as users get it: a walk that shows itself in a REPL and in a notebook.

>>> from tinygrad_lossmix import Tensor
>>> z = Tensor([2.0, 1.0], name="z")
>>> walk = Stepper((z * z).sum())
>>> walk.next()
True
>>> print(walk)
[1/3] n2 → n1: [1, 1]
"""

from __future__ import annotations

from html import escape
from typing import Any

from tinygrad_lossmix.debugger import wording
from tinygrad_lossmix.debugger.walk import Walk


class Stepper(Walk):
    __doc__ = Walk.__doc__

    def __repr__(self) -> str:
        return f"Stepper: {self}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("Stepper" if cycle else wording.view(self).plain)

    def _repr_html_(self) -> str:
        """The current stop, and every node with its gradient so far."""
        parts = wording.view(self), wording.listing(self)
        return "".join(f"<pre>{escape(part.plain)}</pre>" for part in parts)
