"""What is typed, looked up among the names that a recording is shown under.

>>> z = Tensor([2.0, 1.0], name="z")
>>> names = Names(Reading((z * z).sum()))
>>> names.node("z") is z
True
>>> names.node("zz")
Traceback (most recent call last):
tinygrad_lossmix.debugger.names.Mistake: there is no zz here: did you mean z?
"""

from __future__ import annotations

import difflib
from typing import Any

from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import clean, shorten
from tinygrad_lossmix.views.reading import Reading, constants


class Mistake(Exception):
    """A command that cannot be carried out, in words for the one who typed it."""


class Names:
    """The nodes and constant arrays of a recording by the names they are shown under.

    Attributes:
        known: what each name stands for.
    """

    def __init__(self, reading: Reading) -> None:
        arrays = constants(reading)
        self.known: dict[str, Any] = {name: x for x in arrays if (name := reading.call(x))}
        self.known |= {name: node for node, name in reading.names.items()}

    def node(self, text: str) -> Tensor:
        """The node of that name.

        Raises:
            Mistake: there is none.
        """
        found = self.known.get(text)
        if isinstance(found, Tensor):
            return found
        if found is not None:
            raise Mistake(f"{text} is a constant: it has no gradient")
        raise self.missing(text)

    def missing(self, text: str) -> Mistake:
        """The mistake of a name that is not there, with the nearest that is."""
        near = difflib.get_close_matches(text, self.known, 1)
        advice = f"did you mean {near[0]}?" if near else "`list` shows the names"
        return Mistake(f"there is no {shorten(clean(text))} here: {advice}")
