"""A value that a loss gets stuck at: a formula in the number of classes K, and what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Array = Any
Number = Callable[[Array], Array]  # of K, one or an array of them


@dataclass(frozen=True)
class Convention:
    """How frameworks report a cost per example: a factor, and how it is written."""

    name: str
    factor: Number
    written: str  # around the formula of the sum


SUM = Convention("summed over the K outputs, mean over the examples", lambda k: 1.0, "{}")
MEAN = Convention("mean over everything", lambda k: 1.0 / k, "({})/K")
NO_HALF = Convention(f"{SUM.name}, without the 1/2", lambda k: 2.0, "2 ({})")
MSE = Convention(f"{MEAN.name}, without the 1/2 (MSELoss)", lambda k: 2.0 / k, "2 ({})/K")
EACH = Convention("mean over the examples", lambda k: 1.0, "{}")
EITHER, SQUARED = (SUM, MEAN), (SUM, MSE, NO_HALF)


@dataclass(frozen=True)
class Constant:
    """A value that a loss gets stuck at, per example with one label, summed over the K outputs."""

    name: str
    cost: str
    formula: str
    value: Number
    meaning: str
    conventions: tuple[Convention, ...] = EITHER
    accuracy: Number | None = None  # that goes with it, where not any may
    slope: float = 0.0  # how much it changes with the accuracy it was computed from
    lowest: Number | None = None  # what the loss can be at all, if it is stuck for this reason
    highest: Number | None = None
    fewest: int = 2  # classes
    most: int = 100  # classes that are tried when K is not known
    single: bool = False  # of one output alone
    common: bool = False  # so that even then it is what a near miss is taken for

    @property
    def is_floor(self) -> bool:
        """Whether no loss of this pair is lower."""
        return self.lowest is self.value

    def depends_on_k(self, convention: Convention) -> bool:
        """Whether what is reported is another value for another number of classes."""
        few, many = (float(self.value(k) * convention.factor(k)) for k in (3.0, 7.0))
        return abs(few - many) > 1e-9


def always(value: float) -> Number:
    """The same for any K."""
    return lambda k: value


def fixed(
    name: str,
    cost: str,
    formula: str,
    value: float,
    meaning: str,
    bound: str | None = None,
    **more: Any,
) -> Constant:
    """A constant for any K; `bound`, lowest or highest, if no loss of the pair crosses it."""
    at = always(value)
    options = {"fewest": 1} | more | ({bound: at} if bound else {})
    return Constant(name, cost, formula, at, meaning, (EACH,), **options)
