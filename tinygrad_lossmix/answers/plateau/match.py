"""What the value says that a loss is stuck at.

What you can do here: `print(plateau("2.3026", classes=10))`, or read its matches.

>>> match = plateau("1.4612").matches[0]
>>> match.name, match.formula, match.classes
('softmax twice, on its floor', 'ln(1 + (K - 1)/e)', 10)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.digits import half_unit
from tinygrad_lossmix.answers.figures import paragraph, plain
from tinygrad_lossmix.answers.plateau.constant import Constant, Fixed
from tinygrad_lossmix.answers.plateau.constants import constants
from tinygrad_lossmix.answers.plateau.hints import hints

Array = Any
NEAR = 0.01  # of the value: as far off as a loss measured on mini-batches may be
GUESS = 0.1  # as far off as an accuracy may be from the one that goes with a value


@dataclass(frozen=True)
class Match:
    """A constant that a loss fits."""

    name: str
    cost: str
    formula: str
    reduction: str
    value: float
    difference: float  # the loss minus the value
    exact: bool  # no further off than the digits of the loss allow
    classes: int | None  # the K that fits best; None: it fits any
    range: tuple[int, int] | None  # the smallest and the largest K that fit
    contradicted: bool  # the accuracy does not go with it
    meaning: str

    def __str__(self) -> str:
        k = ""
        if self.range:
            low, high = self.range
            k = f", K = {self.classes}" + (f" ({low} to {high} fit)" if low < high else "")
        off = "" if self.exact else f"; the loss is {self.difference:+.4g} off"
        doubt = " Its accuracy would be another one." if self.contradicted else ""
        return "\n".join(
            [
                f"{self.name}: {self.formula} = {self.value:.4f}{k}{off}",
                f"{self.cost}, {self.reduction}",
                f"{self.meaning}{doubt}",
            ]
        )


@dataclass(frozen=True)
class Plateau:
    """What fits a loss, the best match first."""

    loss: str
    classes: int | None
    accuracy: float | None
    matches: tuple[Match, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON."""
        return dict(
            plain(
                {
                    "loss": float(self.loss),
                    "classes": self.classes,
                    "accuracy": self.accuracy,
                    "matches": [asdict(match) for match in self.matches],
                    "notes": self.notes,
                }
            )
        )

    def __str__(self) -> str:
        parts = [paragraph(self.heading())]
        for i, match in enumerate(self.matches, start=1):
            first, *rest = str(match).splitlines()
            lines = [paragraph(first, "   ", f"{i}. "), *(paragraph(x, "   ") for x in rest)]
            parts.append("\n".join(lines))
        parts += map(paragraph, self.notes)
        return "\n\n".join(parts)

    def heading(self) -> str:
        """What was asked, and whether anything fits."""
        asked = f"A loss of {self.loss}"
        if self.classes is not None:
            asked += " with one output" if self.classes == 1 else f" with {self.classes} classes"
        asked += f" at an accuracy of {self.accuracy:.4g}" if self.accuracy is not None else ""
        if not self.matches:
            return f"{asked}: nothing fits, it is none of the known plateaus."
        if not self.matches[0].exact:
            return f"{asked} fits nothing to its last digit, but is within {NEAR:.0%} of"
        return f"{asked} is"


def plateau(loss: Any, classes: int | None = None, accuracy: Any = None) -> Plateau:
    """What a loss says that does not fall any more.

    Args:
        loss: a number, as exact as its digits: text keeps them all, "2.30".
        classes: the number of outputs K; without it, K is searched.
        accuracy: the fraction that is right, measured with the loss; likewise.

    Raises:
        ValueError: a number is not finite or out of its range.

    >>> plateau(100, classes=10).matches[0].cost
    "PyTorch's BCELoss, which clamps logarithms at -100"
    """
    digits = half_unit(loss)
    asked = Question(float(loss), digits, classes)
    if classes is not None and classes < 1:
        raise ValueError(f"there is at least one class, not {classes}")
    if accuracy is not None:
        asked = replace(asked, slack=half_unit(accuracy), accuracy=float(accuracy))
        if not 0.0 <= float(accuracy) <= 1.0:
            raise ValueError(f"an accuracy is a fraction between 0 and 1, not {accuracy}")
    found = [
        match
        for constant in constants(asked.accuracy)
        for reduction, factor in reported(constant, classes)
        for match in fits(asked, constant, reduction, factor)
    ]
    matches = best(found, digits)
    notes = hints(asked.loss, digits, classes, asked.accuracy, bool(matches))
    return Plateau(str(loss).strip(), classes, asked.accuracy, matches, notes)


@dataclass(frozen=True)
class Question:
    """A loss and what is known about it."""

    loss: float
    digits: float  # how far off its digits allow it to be
    classes: int | None
    accuracy: float | None = None
    slack: float = 0.0  # how far off the digits of the accuracy allow that to be


def reported(constant: Constant, classes: int | None) -> Iterator[tuple[str, Any]]:
    """The conventions as names and factors; those that are one for this K as one."""
    if classes is None:
        yield from ((c.name, c.factor) for c in constant.conventions)
        return
    names: dict[float, list[str]] = {}
    for convention in constant.conventions:
        names.setdefault(float(convention.factor(classes)), []).append(convention.name)
    yield from ((", or ".join(same), lambda k, f=factor: f) for factor, same in names.items())


def fits(asked: Question, constant: Constant, reduction: str, factor: Any) -> Iterator[Match]:
    """The numbers of classes for which a constant fits, neighbours as one match."""
    fixed = isinstance(constant, Fixed)
    if asked.classes is not None:
        ks = np.array([float(asked.classes)] if asked.classes >= constant.fewest else [])
    else:
        ks = np.arange(max(constant.fewest, 2), 3.0 if fixed else constant.most + 1.0)
    values = constant.value(ks) * factor(ks) + 0.0 * ks
    off = asked.loss - values
    close = np.abs(off) <= NEAR * np.abs(values)
    allowed = asked.digits + constant.slope * asked.slack + 1e-9 * abs(asked.loss)
    exact = (np.abs(off) <= allowed) & (close | (constant.slope == 0.0))
    chosen = np.flatnonzero(exact if exact.any() else close)
    vague = asked.classes is None and not fixed and not (constant.common and len(chosen) == 1)
    if not len(chosen) or (vague and not exact.any()):
        return  # where K was searched, a near miss tells nothing
    for run in np.split(chosen, np.flatnonzero(np.diff(chosen) > 1) + 1):
        i = run[np.argmin(np.abs(off[run]))]
        any_k = fixed or (len(run) > 1 and np.ptp(values[run]) < 1e-9)
        yield Match(
            name=constant.name,
            cost=constant.cost,
            formula=constant.formula,
            reduction=reduction,
            value=float(values[i]),
            difference=float(off[i]),
            exact=bool(exact.any()),
            classes=None if any_k else int(ks[i]),
            range=None if any_k else (int(ks[run[0]]), int(ks[run[-1]])),
            contradicted=contradicted(constant, float(ks[i]), asked.accuracy),
            meaning=constant.meaning,
        )


def contradicted(constant: Constant, k: float, accuracy: float | None) -> bool:
    """Whether another accuracy goes with a constant."""
    if accuracy is None or constant.accuracy is None:
        return False
    return abs(constant.accuracy(k) - accuracy) > GUESS


def best(found: Sequence[Match], digits: float) -> tuple[Match, ...]:
    """In order: what the accuracy goes with, what is exact, singles out K, is right to a further
    digit, is common.

    Beside exact matches, near ones are kept only if they are more common.
    """
    sure = [i for i, match in enumerate(found) if match.exact and not match.contradicted]
    kept = [m for i, m in enumerate(found) if m.exact or not sure or i < sure[0]]

    def rank(m: Match) -> tuple[bool, ...]:
        vague = m.range is not None and m.range[0] < m.range[1]
        return m.contradicted, not m.exact, vague, abs(m.difference) > digits / 10

    return tuple(sorted(kept, key=rank))
