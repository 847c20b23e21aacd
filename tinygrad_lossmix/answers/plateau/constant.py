"""A value that a loss gets stuck at: a formula in the number of classes K, and what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Array = Any


@dataclass(frozen=True)
class Convention:
    """How frameworks report a cost per example: its factor is a function of K."""

    name: str
    factor: Callable[[Array], Array]


SUM = Convention("summed over the K outputs, mean over the examples", lambda k: 1.0)
MEAN = Convention("mean over everything", lambda k: 1.0 / k)
NO_HALF = Convention(
    "summed over the K outputs, mean over the examples, without the 1/2", lambda k: 2.0
)
MSE = Convention("mean over everything, without the 1/2 (MSELoss)", lambda k: 2.0 / k)
EACH = Convention("mean over the examples", lambda k: 1.0)
EITHER, SQUARED = (SUM, MEAN), (SUM, MSE, NO_HALF)


@dataclass(frozen=True)
class Constant:
    """A value that a loss gets stuck at, per example with one label, summed over the K outputs."""

    name: str
    cost: str
    formula: str
    value: Callable[[Array], Array]  # of K, a number or an array of them
    meaning: str
    conventions: tuple[Convention, ...] = EITHER
    accuracy: Callable[[float], float] | None = None  # of K: what goes with it, if that is known
    slope: float = 0.0  # how much it changes with the accuracy it was computed from
    fewest: int = 2  # classes
    most: int = 100  # classes that are tried when K is not known
    common: bool = False  # so that even then it is what a near miss is taken for


@dataclass(frozen=True)
class Fixed(Constant):
    """A value that does not depend on K."""

    conventions: tuple[Convention, ...] = (EACH,)
    fewest: int = 1


def chance(k: float) -> float:
    """The accuracy of guessing."""
    return 1.0 / k


def perfect(k: float) -> float:
    """The accuracy on a floor."""
    return 1.0
