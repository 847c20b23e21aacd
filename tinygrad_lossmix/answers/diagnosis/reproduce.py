"""Which transform x cost x reduction reproduces the number that a loss reported.

>>> x, y = np.array([[2.0, 1.0, 0.0]]), np.array([[1.0, 0.0, 0.0]])
>>> [candidate.name for candidate in reproducing(candidates(x, y), 0.4076, x.dtype)]
['softmax + log-likelihood, mean over the examples or sum']
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.diagnosis.pairings import (
    EVERYTHING,
    PAIRINGS,
    PER_EXAMPLE,
    TOTAL,
    Pairing,
)
from tinygrad_lossmix.answers.figures import half_unit

Array = Any
COMPUTED = 1e-5  # what a framework's float32 may be off by, relative to the loss


@dataclass(frozen=True)
class Candidate:
    """What a pairing would report."""

    pairing: Pairing
    reductions: tuple[str, ...]  # all that give this value for the shape at hand
    value: float

    @property
    def reduction(self) -> str:
        """In words."""
        if PER_EXAMPLE in self.reductions and EVERYTHING in self.reductions:
            return "mean" if TOTAL not in self.reductions else "one output"
        return " or ".join(self.reductions)

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.pairing.name}, {self.reduction}"

    @property
    def called(self) -> str:
        """What frameworks call this pairing with this reduction."""
        if not self.pairing.called or self.pairing.usual in self.reductions:
            return self.pairing.called
        return f'{self.pairing.called}, reduction="sum"' if TOTAL in self.reductions else ""


@np.errstate(all="ignore")
def candidates(x: Array, y: Array) -> list[Candidate]:
    """Every pairing that takes these outputs, by every reduction that makes a difference.

    A quirk is left out where it does not change the number. Quirks are computed in the dtype of the
    outputs, as frameworks do: there an output rounds to 0 or 1 that does not in another one.
    """
    exact, wide = x.astype(np.float64), y.astype(np.float64)
    computed = computing(x.dtype)
    n, k = x.shape
    found: list[Candidate] = []
    plain: dict[tuple[str, str], float] = {}
    for pairing in PAIRINGS:
        if not pairing.takes(x):
            continue
        numbers = (x, y) if pairing.quirk else (exact, wide)
        total = float(pairing.total(*numbers))
        if pairing.quirk is None:
            plain[pairing.transform, pairing.cost] = total
        elif np.isclose(total, plain.get((pairing.transform, pairing.cost), np.nan), computed, 0):
            continue
        found += [Candidate(pairing, names, total / by) for by, names in reductions(n, k).items()]
    return found


def reductions(n: int, k: int) -> dict[int, tuple[str, ...]]:
    """Divisors, and the names of each; for one example or one output some are the same."""
    found: dict[int, tuple[str, ...]] = {}
    for name, divisor in ((PER_EXAMPLE, n), (EVERYTHING, n * k), (TOTAL, 1)):
        found[divisor] = (*found.get(divisor, ()), name)
    return found


def computing(dtype: Any) -> float:
    """How far the same number may be off, relatively, computed in another way."""
    return max(COMPUTED, 4.0 * float(np.finfo(dtype).eps))


def reproducing(found: Sequence[Candidate], loss: Any, dtype: Any) -> list[Candidate]:
    """Those that are the loss, to its digits or to what computing it costs.

    Those that are as close as computing allows come first, however few digits there are.
    """
    value = float(loss)
    rounding = max(computing(dtype) * abs(value), 2e-7)
    close = [c for c in found if abs(c.value - value) <= max(half_unit(loss), rounding)]
    return sorted(close, key=lambda c: abs(c.value - value) > rounding)


def nearest(found: Sequence[Candidate], loss: Any, most: int = 3) -> list[Candidate]:
    """Those that come closest."""
    finite = [c for c in found if np.isfinite(c.value)]
    return sorted(finite, key=lambda c: abs(c.value - float(loss)))[:most]
