"""A recording replayed in mpmath: differences of values with as many digits as it takes.

The only method that sees a saturated tail: where the derivative is 1e-18 next to a cost of 40, or
1e-434, values in float64 do not change at all. It needs a second definition of every function,
written down without regard to rounding.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.rules import astype, getitem, scatter
from tinygrad_lossmix.engine.table import Array, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.installation import install
from tinygrad_lossmix.mixes import outputs
from tinygrad_lossmix.mixes.costs import xlogy
from tinygrad_lossmix.mixes.layers import LAYERS, PAIRS
from tinygrad_lossmix.testing.methods import Estimate, NotApplicable, split
from tinygrad_lossmix.testing.replay import replay

DIGITS = (60, 120, 240, 480, 960, 1200)
SMALLEST = 5e-324
CERTAIN = 960  # digits: with fewer, a slope of exactly 0 may only have been out of sight


class InMpmath:
    """The value of a recording, dotted with a seed, as a function of its leaves in mpmath.

    Raises:
        NotApplicable: mpmath is not installed, a function of the recording is unknown to it, or one
        evaluation takes more operations on numbers than `most`.
    """

    def __init__(
        self, cost: Tensor, leaves: list[Tensor], seed: Array, most: float = math.inf
    ) -> None:
        try:
            import mpmath

            self.mp, self.table = mpmath, oracles()
        except ImportError as error:
            raise NotApplicable(f"mpmath is not installed: {install('verify')}") from error
        self.cost, self.leaves, self.seed = cost, leaves, seed
        operations = 0.0
        for each in nodes(cost):
            if each.function is not None and each.function not in self.table:
                raise NotApplicable(f"mpmath has no oracle for {spelling(each.function)}")
            if not np.all(np.isfinite(each.data)):
                raise NotApplicable("the recording holds values that are not finite")
            size = float(each.size)
            if each.function in (np.matmul, np.einsum):  # the geometric mean of all sizes
                size = np.sqrt(np.prod([float(np.size(arg)) for arg in each.values]) * size)
            operations += size
        if int(operations) > most:
            raise NotApplicable("the recording is too large for mpmath to be quick")

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
    return np.asarray(np.frompyfunc(lambda v: mp.mpf(float(v)), 1, 1)(x), dtype=object)


@functools.cache
def oracles() -> dict[Any, Callable[..., Array]]:
    """By function: the same on object arrays.

    Raises:
        ImportError: mpmath is not installed.
    """
    import mpmath as mp

    def real(function: Callable[..., Any]) -> Any:
        """A function of one number; NaN where it leaves the real line."""

        def value(x: Any) -> Any:
            try:
                found = function(x)
            except (ValueError, ZeroDivisionError, OverflowError):
                return -mp.inf if x == 0 and function is mp.log else mp.nan
            return found if isinstance(found, mp.mpf) else mp.nan

        return np.frompyfunc(value, 1, 1)

    exp, log, log1p = map(real, (mp.exp, mp.log, mp.log1p))

    def power(x: Any, y: Any) -> Any:
        try:
            found = mp.mpf(x) ** mp.mpf(y)
        except ZeroDivisionError:
            return mp.inf
        return found if isinstance(found, mp.mpf) else mp.nan

    def divide(x: Any, y: Any) -> Any:
        return x / y if y else (mp.nan if x == 0 else mp.sign(x) * mp.inf)

    times = np.frompyfunc(lambda x, y: mp.mpf(0) if x == 0 else x * y, 2, 1)

    def logsumexp(z: Array, axis: int = -1, keepdims: bool = False) -> Array:
        top = np.max(z, axis=axis, keepdims=True)
        total = top + log(np.sum(exp(z - top), axis=axis, keepdims=True))
        return total if keepdims else np.squeeze(total, axis)

    def log_softmax(z: Array, axis: int = -1) -> Array:
        return z - logsumexp(z, axis, keepdims=True)

    def log1m_softmax(z: Array, axis: int = -1) -> Array:
        e = np.moveaxis(exp(z - np.max(z, axis=axis, keepdims=True)), axis, -1)
        others = np.moveaxis(np.matmul(e, 1 - np.eye(e.shape[-1], dtype=int)), -1, axis)
        return log(others) - log(np.sum(np.moveaxis(e, -1, axis), axis=axis, keepdims=True))

    def scattered(g: Array, key: Any, shape: tuple[int, ...]) -> Array:
        full = np.full(shape, mp.mpf(0), dtype=object)
        np.add.at(full, key, g)
        return full

    same = (
        np.negative, np.absolute, np.add, np.subtract, np.multiply, np.maximum, np.minimum,
        np.matmul, np.where, np.sum, np.mean, np.var, np.prod, np.max, np.min, np.reshape,
        np.broadcast_to, np.transpose,
    )  # fmt: skip
    names = ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh")
    table: dict[Any, Callable[..., Array]] = {
        **{function: function for function in same},
        **{getattr(np, name): real(getattr(mp, name)) for name in names},
        np.positive: lambda x: x,
        np.square: lambda x: x * x,
        np.divide: np.frompyfunc(divide, 2, 1),
        np.logaddexp: lambda x, y: np.maximum(x, y) + log1p(exp(-abs(x - y))),
        np.power: np.frompyfunc(power, 2, 1),
        np.concatenate: lambda *xs, axis, ends: np.concatenate(xs, axis),
        np.einsum: lambda x, y, subscripts: np.einsum(subscripts, x, y),
        getitem: lambda x, key: x[key],
        astype: lambda x, dtype: x,
        scatter: scattered,
        constant: lambda x: x,
        xlogy: lambda x, y: times(x, log(y)),
        outputs.sigmoid: lambda z: 1 / (1 + exp(-z)),
        outputs.softplus: lambda z: log1p(exp(z)),
        outputs.log_sigmoid: lambda z: -log1p(exp(-z)),
        outputs.softmax: lambda z, axis=-1: exp(log_softmax(z, axis)),
        outputs.log_softmax: log_softmax,
        outputs.logsumexp: logsumexp,
        outputs.log1m_softmax: log1m_softmax,
    }
    logs: dict[str, Callable[[Array], tuple[Array, Array]]] = {
        "sigmoid": lambda z: (-log1p(exp(-z)), -log1p(exp(z))),
        "softmax": lambda z: (log_softmax(z), log1m_softmax(z)),
    }
    costs: dict[str, Callable[..., Array]] = {
        "ll": lambda y, log_a, log_rest: -y * log_a,
        "ce": lambda y, log_a, log_rest: -times(y, log_a) - times(1 - y, log_rest),
        "quadratic": lambda y, log_a, log_rest: ((1 - y) * exp(log_a) - y * exp(log_rest)) ** 2 / 2,
    }
    slopes: dict[str, Callable[..., Array]] = {
        "ll": lambda y, a, rest: -y / a,
        "ce": lambda y, a, rest: (1 - y) / rest - y / a,
        "quadratic": lambda y, a, rest: (1 - y) * a - y * rest,
    }

    def mean_cost(output: str, cost: str, z: Array, y: Array) -> Array:
        """The mean cost of a batch, from ln a and ln(1 - a)."""
        return np.sum(costs[cost](y, *logs[output](z))) / (math.prod(np.shape(z)[:-1]) or 1)

    def deltas(output: str, cost: str, z: Array, y: Array) -> Array:
        """∂C/∂z of each example: ∂C/∂a through the Jacobian of the output layer."""
        a, rest = map(exp, logs[output](z))
        slope = slopes[cost](y, a, rest)
        if not LAYERS[output].distribution:
            return slope * a * rest
        return a * (slope * rest - (np.sum(slope * a, axis=-1, keepdims=True) - slope * a))

    for pair, form in PAIRS.items():
        table[form.cost] = functools.partial(mean_cost, *pair)
        table[form.delta] = functools.partial(deltas, *pair)
    return table
