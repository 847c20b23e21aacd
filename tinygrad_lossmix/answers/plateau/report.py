"""Explain the value at which a loss is stuck.

What you can do here: `plateau("2.3026", classes=10)` prints as a report; read its `.matches`.

>>> match = plateau("1.4612").matches[0]
>>> match.name, match.formula, match.classes
('softmax twice, on its floor', 'ln(1 + (K - 1)/e)', 10)
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.figures import half_unit, numbered, paragraph
from tinygrad_lossmix.answers.plateau.hints import hints
from tinygrad_lossmix.answers.plateau.match import NEAR, Match, Question, matches
from tinygrad_lossmix.records import plain


@dataclass(frozen=True)
class Plateau:
    """What fits a loss, the best match first."""

    loss: str
    classes: int | None
    accuracy: float | None
    matches: tuple[Match, ...]
    coincidence: float  # the share of numbers with as many digits that fit something as well
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON."""
        return dict(plain(asdict(self) | {"loss": float(self.loss)}))

    def __str__(self) -> str:
        parts = [paragraph(self.heading()), *numbered(self.matches)]
        return "\n\n".join([*parts, *map(paragraph, self.notes)])

    __repr__ = __str__

    def heading(self) -> str:
        """What was asked, and whether anything fits."""
        asked = f"A loss of {self.loss}"
        if self.classes is not None:
            asked += " with one output" if self.classes == 1 else f" with {self.classes} classes"
        asked += f" at an accuracy of {self.accuracy:.4g}" if self.accuracy is not None else ""
        if not self.matches:
            return f"{asked}: nothing fits, it is none of the known plateaus."
        if not self.matches[0].hit:
            return f"{asked} fits nothing to its last digit, but is within {NEAR:.0%} of"
        return f"{asked} is"


def plateau(loss: Any, classes: int | None = None, accuracy: Any = None) -> Plateau:
    """Explain the value at which a loss is stuck.

    Args:
        loss: a number, as exact as its digits: text keeps them all, "2.30".
        classes: the number of outputs K; without it, K is searched.
        accuracy: the fraction that is right, measured with the loss; likewise.

    Raises:
        ValueError: a number is not finite or out of its range.

    >>> plateau(100, classes=10).matches[0].cost
    "PyTorch's BCELoss, which clamps logarithms at -100"
    """
    text = str(loss).strip()
    if classes is not None and (
        isinstance(classes, bool) or not isinstance(classes, int | np.integer) or classes < 1
    ):
        raise ValueError(f"there is at least one class, a whole number of them, not {classes!r}")
    asked = Question(digits=half_unit(text), loss=float(text), classes=classes)
    if accuracy is not None:
        asked = replace(asked, slack=half_unit(accuracy), accuracy=float(accuracy))
        if not 0.0 <= float(accuracy) <= 1.0:
            raise ValueError(f"an accuracy is a fraction between 0 and 1, not {accuracy}")
    found, share = matches(asked)
    notes = hints(asked, found, share)
    if math.copysign(1.0, asked.loss) < 0.0 == asked.loss:
        notes = (f"{text} is 0; the minus is that of -y ln 1.", *notes)
    return Plateau(text, classes, asked.accuracy, found, share, notes)
