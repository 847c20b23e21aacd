"""A recording replayed in mpmath: differences of values with as many digits as it takes.

The only method that sees a saturated tail: where the derivative is 1e-18 next to a cost of 40, or
1e-434, values in float64 do not change at all.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.table import Array, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.methods import Estimate, NotApplicable
from tinygrad_lossmix.testing.oracles import oracles
from tinygrad_lossmix.testing.replay import replay
from tinygrad_lossmix.testing.tolerance import split

DIGITS = (60, 120, 240, 480, 960, 1200)
SMALLEST = 5e-324
CERTAIN = 960  # digits: with fewer, a slope of exactly 0 may only have been out of sight


class Replay:
    """The value of a recording, dotted with a seed, as a function of its leaves in mpmath.

    Raises:
        NotApplicable: mpmath is not installed, or a function of the recording is unknown to it.
    """

    def __init__(self, cost: Tensor, leaves: list[Tensor], seed: Array) -> None:
        try:
            import mpmath

            self.mp, self.table = mpmath, oracles()
        except ImportError as error:
            raise NotApplicable(
                "mpmath is not installed: pip install 'tinygrad_lossmix[verify]'"
            ) from error
        self.cost, self.leaves, self.seed = cost, leaves, seed
        for each in nodes(cost):
            if each.function is not None and each.function not in self.table:
                raise NotApplicable(f"mpmath has no oracle for {spelling(each.function)}")
            if not np.all(np.isfinite(each.data)):
                raise NotApplicable("the recording holds values that are not finite")

    @property
    def size(self) -> int:
        """How many operations on numbers one evaluation takes."""
        total = 0.0
        for each in nodes(self.cost):
            size = float(each.size)
            if each.function in (np.matmul, np.einsum):  # the geometric mean of all sizes
                size = np.sqrt(np.prod([float(np.size(arg)) for arg in each.values]) * size)
            total += size
        return int(total)

    def __call__(self, flat: Array) -> Any:
        """The value at other entries of the leaves, all of them in one object array."""
        values = zip(self.leaves, split(flat, self.leaves), strict=True)
        value = replay(self.cost, dict(values), lifted, self._compute)
        return np.sum(lifted(self.seed) * value)

    def _compute(self, each: Tensor, args: list[Any]) -> Any:
        value = self.table[each.function](*map(lifted, args), **each.kwargs)
        return np.asarray(value, dtype=object)

    def value(self, point: Array) -> float:
        """The value itself, with more and more digits until two agree; NaN at a pole."""
        before = math.nan
        for digits in DIGITS:
            with self.mp.workdps(digits):
                try:
                    value = float(self(lifted(point)))
                except ZeroDivisionError:
                    value = math.nan
            if value == before != 0.0:  # 0 may be a number out of sight
                break
            before = value
        return value

    def derivative(self, point: Array, goal: Array, directions: Array | None) -> Estimate:
        """Central differences with more and more digits, until two agree.

        Args:
            point: the entries of all leaves, float64.
            goal: the error that is good enough for each derivative.
            directions: (k, n), to differentiate along; None: along every entry.
        """
        mp, ways = self.mp, np.eye(len(point)) if directions is None else directions
        found = np.zeros((3, len(ways)))
        errors = np.full(len(ways), np.inf)
        kinks = np.zeros(len(ways), dtype=bool)
        here: dict[int, Any] = {}
        for i, way in enumerate(ways):
            limit = mp.mpf(0.01) * mp.mpf(max(float(goal[i]), SMALLEST))
            before: Any = None
            nothing = False
            for digits in DIGITS:
                if digits < CERTAIN and (nothing or mp.mpf(10) ** (-2 * digits // 3) > limit):
                    continue  # rounding alone would be too much
                with mp.workdps(digits):
                    slopes = self._slopes(point, way, digits, here)
                    nothing = slopes == (0, 0, 0)
                    if nothing and digits < CERTAIN:
                        continue
                    if before is not None or nothing:
                        before = before or slopes
                        moved = abs(slopes[0] - before[0])
                        found[:, i], errors[i] = [float(s) for s in slopes], float(moved)
                        jumps = abs(slopes[1] - slopes[2]), abs(before[1] - before[2])
                        kinks[i] = jumps[0] > 0.5 * jumps[1] and jumps[0] > 1e-9 * abs(slopes[1])
                        if moved <= limit:
                            break
                    before = slopes
        return Estimate(found[0], errors, found[1], found[2], kinks)

    def _slopes(self, point: Array, way: Array, digits: int, here: dict[int, Any]) -> Any:
        """Central, left and right; here: the value at the point itself, by digits."""
        mp, base = self.mp, lifted(point)
        size = max(1.0, float(np.max(np.abs(point * way))))
        step = mp.mpf(size) * mp.mpf(10) ** (-(digits // 3))
        move = lifted(way) * step
        try:
            if digits not in here:
                here[digits] = self(base)
            high, low = self(base + move), self(base - move)
        except ZeroDivisionError:  # a pole, or too few digits to stay off it
            return mp.nan, mp.nan, mp.nan
        centre = here[digits]
        return (high - low) / (2 * step), (centre - low) / step, (high - centre) / step


def lifted(x: Any) -> Array:
    """An object array of mpmath numbers; exact."""
    import mpmath as mp

    x = np.asarray(x)
    if x.dtype == object:
        return x
    result = np.empty(x.shape, dtype=object)
    result[...] = np.frompyfunc(lambda v: mp.mpf(float(v)), 1, 1)(x)
    return result
