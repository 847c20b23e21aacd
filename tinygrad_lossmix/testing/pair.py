"""A plain function and its gradient written by hand: is it repeatable, without side effects?"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.check_report import Check
from tinygrad_lossmix.testing.methods import BESIDE, EPS, roughness, row_of
from tinygrad_lossmix.testing.subject import Allowed, Recording, Subject, any_differ, differ, listed


class Pair(Subject):
    """A plain function of arrays that returns a number, and its gradient written by hand."""

    by_hand: Callable[..., Any]

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.f, self.by_hand = self.given
        self.recording = self._recorded()

    def value(self, arrays: Sequence[Array]) -> Array:
        """The value of f at other arrays, of which it gets copies."""
        value = self.f(*self.arguments([a.copy() for a in arrays]))
        value = np.asarray(value.data if isinstance(value, Tensor) else value)
        if value.size != 1 or value.dtype.kind not in "fciu":
            raise ValueError(
                f"the function of a pair returns a number, not shape {value.shape} of "
                f"{value.dtype}: sum it, or weight its entries"
            )
        return value.reshape(())

    def gradient(self, arrays: Sequence[Array]) -> list[Any]:
        """The gradient by hand, which gets these arrays themselves."""
        self.handed = self.arguments(arrays)
        found = self.by_hand(*self.handed)
        return list(found) if len(self.wrt) > 1 and isinstance(found, tuple | list) else [found]

    def _recorded(self) -> Recording | None:
        """The leaves and the cost of f called with Tensors, where that gives the same number."""
        leaves = [Tensor(a) for a in self.arrays]
        try:
            cost = self.f(*self.arguments(leaves))
        except Exception:  # it was written for arrays, and need not take anything else
            return None
        if not isinstance(cost, Tensor) or cost.size != 1 or not set(leaves) <= set(nodes(cost)):
            return None
        detached = any(each.function is constant.recorded for each in nodes(cost))  # type: ignore[attr-defined]
        same = np.allclose(cost.data, self.value(self.arrays), rtol=1e-6, equal_nan=True)
        return (leaves, cost) if same and not detached else None

    def allowed(self, analytic: Array, floor: bool = True) -> Allowed:
        """No recording of a gradient by hand: what it scatters by, and what an ulp of its input
        does.

        But for the scatter of a gradient that was rounded to float32: that is a fault in itself.
        """
        unit, point = self.unit, self.point

        def gradients(points: Array) -> Array:
            """They are called at the input itself elsewhere, where what they raise is reported."""
            try:
                return np.array([self.slopes(each) for each in points])
            except Exception:
                return np.full((len(points), len(point)), np.nan)

        spread = np.max(np.abs(gradients(self.ulps_away(4)) - analytic), axis=0, initial=0.0)
        digits = np.frexp(analytic)[0] * 2.0**12  # of what is not a short number by itself
        rounded = np.all(analytic == analytic.astype(np.float32)) and np.any(
            digits != digits.round()
        )
        for beside in () if unit <= EPS and rounded else BESIDE:
            rows = (gradients(row_of(point, s * max(beside, 8.0 * unit))) for s in (1.0, -1.0))
            scatter = 4.0 * np.fmin(*map(roughness, rows))
            near = beside == BESIDE[0]  # further off only where it is stuck between two floats
            spread = np.where(near, np.fmax(spread, scatter), spread)
            spread = np.where((spread == 0.0) & (scatter < 1e-10), scatter, spread)
            if np.all(spread > 0.0):
                break
        size = np.abs(np.nan_to_num(analytic, posinf=0.0, neginf=0.0))
        size = 32.0 * size + 4.0 * (np.max(size, initial=1.0) if floor else 0.0)
        return Allowed(4.0 * np.nan_to_num(spread, posinf=0.0) + unit * size, np.inf)

    def behaviour(self, gradients: list[Any], allowed: Allowed, exact: bool) -> Iterator[Check]:
        """Side effects, repeatability and layouts."""
        given = [a.copy() for a in self.arrays]
        first, handed = self.gradient(given), self.handed
        kept = [np.array(g) for g in first]
        changed = listed(itertools.compress(self.wrt, map(differ, given, self.arrays)))
        detail = f"the gradient wrote into argument {changed}"
        yield Check("inputs not mutated", not changed, detail)
        again = self.gradient([a.copy() for a in self.arrays])
        self.gradient([a * a.dtype.type(0.5) for a in self.arrays])
        same = not any_differ(kept, gradients) and not any_differ(again, gradients)
        yield Check("the same answer twice", same, "called again with the same input it differs")
        borrowed = ""
        if same and (any_differ(first, kept) or any_differ(again, gradients)):
            borrowed = "a later call overwrote what an earlier one had returned: return a new array"
        elif any(itertools.starmap(_shared, itertools.product(first, handed))):
            borrowed = "it returns its own input, or a view of it: return a copy"
        elif any(itertools.starmap(_shared, itertools.combinations(first, 2))):
            borrowed = "two of the gradients share memory: return copies"
        yield Check("results are its own", not borrowed, borrowed)
        yield from self.layouts(allowed.entries)


def _shared(a: Any, b: Any) -> bool:
    return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.may_share_memory(a, b)
