"""A recording replayed in mpmath: differences of values with as many digits as it takes.

The only method that sees a saturated tail: where the derivative is 1e-18 next to a cost of 40, or
1e-434, values in float64 do not change at all. It needs a second definition of every function,
written down without regard to rounding. To import this file needs mpmath.
"""

import math
from collections.abc import Callable
from functools import partial
from operator import truediv
from typing import Any

import mpmath as mp
import numpy as np

from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.replay import replay
from tinygrad_lossmix.engine.rules import astype, getitem, scatter
from tinygrad_lossmix.engine.table import SCIPYS, Array, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes import lml, outputs
from tinygrad_lossmix.mixes.costs import xlogy
from tinygrad_lossmix.mixes.labels import one_hot
from tinygrad_lossmix.mixes.layers import LAYERS, PAIRS
from tinygrad_lossmix.testing.methods import Estimate, NotApplicable, split

DIGITS = (60, 120, 240, 480, 960, 1200)
SMALLEST = 5e-324
CERTAIN = 960  # digits: with fewer, a slope of exactly 0 may only have been out of sight


class InMpmath:
    """The value of a recording, dotted with a seed, as a function of its leaves in mpmath.

    Not applicable where one evaluation takes more operations on numbers than `most`.
    """

    def __init__(
        self, cost: Tensor, leaves: list[Tensor], seed: Array, most: float = math.inf
    ) -> None:
        self.cost, self.leaves, self.seed = cost, leaves, seed
        operations = 0.0
        for each in nodes(cost):
            if each.function is not None and each.function not in ORACLES:
                raise NotApplicable(f"mpmath has no oracle for {spelling(each.function)}")
            if not np.all(np.isfinite(each.data)):
                raise NotApplicable("the recording holds values that are not finite")
            if each.function in (np.arctan2, np.copysign):  # a divide would not be finite
                value = each.function(*[np.add(arg, 0.0) for arg in each.values])
                if not np.allclose(value, each.data, atol=0.0):
                    raise NotApplicable("the sign of a zero decides, and mpmath has none")
            size = float(each.size)
            if each.function in (np.matmul, np.einsum):  # the geometric mean of all sizes
                size = np.sqrt(np.prod([float(np.size(arg)) for arg in each.values]) * size)
            operations += size
        if int(operations) > most:
            raise NotApplicable("the recording is too large for mpmath to be quick")

    def __call__(self, flat: Array) -> Any:
        """The value at other entries of the leaves, all of them in one object array."""
        known = dict(zip(self.leaves, split(flat, self.leaves), strict=True))
        value = replay(self.cost, known, self._compute, lambda arg: lifted(arg.data))[self.cost]
        return np.sum(lifted(self.seed) * value)

    def _compute(self, each: Tensor, args: list[Any]) -> Any:
        if each.function is None:
            return lifted(each.data)
        value = ORACLES[each.function](*map(lifted, args), **each.kwargs)
        return np.asarray(value, dtype=object)

    def value(self, point: Array) -> float:
        """The value itself, with more and more digits until two agree; NaN at a pole."""
        before = math.nan
        for digits in DIGITS:
            with mp.workdps(digits):
                try:
                    value = float(self(lifted(point)))
                except ZeroDivisionError:
                    value = math.nan
            if value == before != 0.0:  # 0 may be a number out of sight
                break
            before = value
        return value

    def derivative(self, point: Array, goal: Array, directions: Array | None) -> Estimate:
        """Central differences with more and more digits, until two agree within the goal.

        At the entries of all leaves, along directions (k, n) or, without, along every entry.
        """
        ways = np.eye(len(point)) if directions is None else directions
        here: dict[int, Any] = {}
        each = zip(ways, goal, strict=True)
        found = np.array([self._along(way, point, limit, here) for way, limit in each])
        values, errors, left, right, kinks = found.reshape(-1, 5).T
        return Estimate(values, errors, left, right, kinks > 0.0)

    def _along(self, way: Array, point: Array, goal: float, here: dict[int, Any]) -> list[float]:
        """The fields of an estimate in one direction; here: the value at the point, by digits."""
        limit = mp.mpf(0.01) * mp.mpf(max(float(goal), SMALLEST))
        found = [0.0, math.inf, 0.0, 0.0, False]
        before, nothing = None, False
        for digits in DIGITS:
            if digits < CERTAIN and (nothing or mp.mpf(10) ** (-2 * digits // 3) > limit):
                continue  # rounding alone would be too much
            with mp.workdps(digits):
                slopes = self._slopes(point, way, digits, here)
                nothing = slopes == (0, 0, 0)
                if nothing and digits < CERTAIN:
                    continue
                if before or nothing:
                    (centre, left, right), (once, *sides) = slopes, before or slopes
                    off, jump = abs(centre - once), abs(left - right)
                    kink = jump > 0.5 * abs(sides[0] - sides[1]) and jump > 1e-9 * abs(left)
                    found = [*map(float, (centre, off, left, right, kink))]
                    if off <= limit:
                        break
                before = slopes
        return found

    def _slopes(self, point: Array, way: Array, digits: int, here: dict[int, Any]) -> Any:
        """Central, left and right."""
        base, size = lifted(point), max(1.0, float(np.max(np.abs(point * way))))
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
    x = np.asarray(x)
    if x.dtype == object:
        return x
    return np.asarray(np.frompyfunc(lambda v: mp.mpf(float(v)), 1, 1)(x), dtype=object)


def _real(function: Callable[..., Any], pole: Any = lambda *xs: mp.nan, count: int = 1) -> Any:
    """A function of so many numbers, on object arrays; NaN where it leaves the real line."""

    def value(*xs: Any) -> Any:
        try:
            found = function(*xs)
        except (ValueError, ZeroDivisionError, OverflowError):
            found = pole(*xs)
        return found if isinstance(found, mp.mpf) else mp.nan

    return np.frompyfunc(value, count, 1)


_exp, _log1p, _sqrt = _real(mp.exp), _real(mp.log1p), _real(mp.sqrt)
_log = _real(mp.log, lambda x: -mp.inf if x == 0 else mp.nan)
_times = np.frompyfunc(lambda x, y: mp.mpf(0) if x == 0 else x * y, 2, 1)


def _logsumexp(z: Array, axis: int = -1, keepdims: bool = False) -> Array:
    return _log(np.sum(_exp(z), axis=axis, keepdims=keepdims))


def _log_softmax(z: Array, axis: int = -1) -> Array:
    return z - _logsumexp(z, axis, keepdims=True)


def _sum_of_others(x: Array, axis: int = -1) -> Array:
    last = np.moveaxis(x, axis, -1)
    return np.moveaxis(np.matmul(last, 1 - np.eye(last.shape[-1], dtype=int)), -1, axis)


def _log1m_softmax(z: Array, axis: int = -1) -> Array:
    return _log(_sum_of_others(_exp(z), axis)) - _logsumexp(z, axis, keepdims=True)


def _lml_parts(z: Array) -> Array:
    """τ by Newton's method on Σ a of all but the largest logit = 1 - a of that, in logarithms."""
    first = np.equal(np.argmax(z, axis=-1)[..., None], np.arange(z.shape[-1]))
    rest: Any = lambda x: np.sum(np.where(first, 0, x), axis=-1, keepdims=True)
    u = z - np.max(z, axis=-1, keepdims=True)
    tau, step = _log(rest(_exp(u))), 1
    tau = np.maximum(tau, tau / 2)
    while True:
        a, b = 1 / (1 + _exp(tau - u)), 1 / (1 + _exp(u - tau))
        if np.all(abs(step) < mp.sqrt(mp.eps)):  # the last step left its square
            return np.stack([u - tau, a, b, a * b / np.sum(a * b, axis=-1, keepdims=True)])
        last = np.sum(np.where(first, b, 0), axis=-1, keepdims=True)
        step = _log(rest(a) / last) / (rest(a * b) / rest(a) + 1 - last)
        tau = tau + step


def _scattered(g: Array, key: Any, shape: tuple[int, ...]) -> Array:
    full = np.full(shape, mp.mpf(0), dtype=object)
    np.add.at(full, key, g)
    return full


_LOGS: dict[str, Callable[[Array], tuple[Array, Array]]] = {  # ln a and ln(1 - a)
    "sigmoid": lambda z: (-_log1p(_exp(-z)), -_log1p(_exp(z))),
    "softmax": lambda z: (_log_softmax(z), _log1m_softmax(z)),
    "lml": lambda z: _LOGS["sigmoid"](_lml_parts(z)[0]),
}
_COSTS: dict[str, tuple[Callable[..., Array], Callable[..., Array]]] = {  # C, and ∂C/∂a
    "ll": (
        lambda y, log_a, log_rest: -y * log_a,
        lambda y, a, rest: -y / a,
    ),
    "ce": (
        lambda y, log_a, log_rest: -_times(y, log_a) - _times(1 - y, log_rest),
        lambda y, a, rest: (1 - y) / rest - y / a,
    ),
    "quadratic": (
        lambda y, log_a, log_rest: ((1 - y) * _exp(log_a) - y * _exp(log_rest)) ** 2 / 2,
        lambda y, a, rest: (1 - y) * a - y * rest,
    ),
}


def _dense(y: Array, z: Array) -> Array:
    """Classes as one-hot labels, others as they are."""
    return y if y.ndim == z.ndim else one_hot(y.astype(np.intp), z.shape, object)


def _mean_cost(output: str, cost: str, z: Array, y: Array) -> Array:
    """The mean cost of a batch."""
    return np.sum(_COSTS[cost][0](_dense(y, z), *_LOGS[output](z))) / (
        math.prod(np.shape(z)[:-1]) or 1
    )


def _deltas(output: str, cost: str, z: Array, y: Array) -> Array:
    """∂C/∂z of each example: ∂C/∂a through the Jacobian of the output layer."""
    a, rest = map(_exp, _LOGS[output](z))
    slope = _COSTS[cost][1](_dense(y, z), a, rest)
    if output == "lml":
        each = slope * a * rest
        return each - _lml_parts(z)[3] * np.sum(each, axis=-1, keepdims=True)
    if not LAYERS[output].distribution:
        return slope * a * rest
    return a * (slope * rest - (np.sum(slope * a, axis=-1, keepdims=True) - slope * a))


_SAME = (
    np.negative, np.positive, np.absolute, np.square, np.add, np.subtract, np.multiply, np.maximum,
    np.minimum, np.matmul, np.where, np.sum, np.mean, np.var, np.prod, np.max, np.min, np.reshape,
    np.broadcast_to, np.transpose, np.cumsum, np.cumprod, np.roll,
)  # fmt: skip
_NAMES = ("exp", "expm1", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "log10")
_ARCS = ("sin", "cos", "tan", "sinh", "cosh", "tanh")
ORACLES: dict[Any, Callable[..., Array]] = {  # by function: the same on object arrays
    **{function: function for function in _SAME},
    **{getattr(np, name): _real(getattr(mp, name)) for name in _NAMES},
    **{form.cost: partial(_mean_cost, *pair) for pair, form in PAIRS.items()},
    **{form.delta: partial(_deltas, *pair) for pair, form in PAIRS.items()},
    **{getattr(np, f"arc{name}"): _real(getattr(mp, f"a{name}")) for name in _ARCS},
    **{SCIPYS[name]: _real(getattr(mp, name)) for name in ("erf", "erfc")},
    np.arctan2: _real(mp.atan2, count=2),
    np.hypot: _real(mp.hypot, count=2),
    np.exp2: _real(lambda x: mp.mpf(2) ** x),
    np.log2: lambda x: _log(x) / mp.log(2),
    np.cbrt: _real(lambda x: mp.sign(x) * mp.cbrt(abs(x))),
    np.fabs: np.absolute,
    np.reciprocal: _real(lambda x: 1 / x),
    np.deg2rad: _real(mp.radians),
    np.rad2deg: _real(mp.degrees),
    np.remainder: _real(lambda x, y: x - y * mp.floor(x / y), count=2),
    np.fmod: _real(lambda x, y: x - y * (mp.floor if x / y > 0 else mp.ceil)(x / y), count=2),
    np.floor_divide: _real(lambda x, y: mp.floor(x / y), count=2),
    np.copysign: lambda x, y: abs(x) * np.where(np.signbit(y.astype(float)), -1, 1),
    np.heaviside: lambda x, y: np.where(x == 0, y, (x > 0) * mp.mpf(1)),
    np.float_power: _real(pow, lambda x, y: mp.inf, 2),
    SCIPYS["ndtr"]: _real(mp.ncdf),
    SCIPYS["logit"]: lambda x: _log(x) - _log1p(-x),
    SCIPYS["entr"]: lambda x: -_times(x, _log(x)),
    SCIPYS["rel_entr"]: lambda x, y: _times(x, _log(x)) - _times(x, _log(y)),
    SCIPYS["xlog1py"]: lambda x, y: _times(x, _log1p(y)),
    np.log: _log,
    np.divide: _real(truediv, lambda x, y: mp.sign(x) * mp.inf if x else mp.nan, 2),
    np.logaddexp: lambda x, y: _log(_exp(x) + _exp(y)),
    np.power: _real(pow, lambda x, y: mp.inf, 2),
    np.concatenate: lambda *xs, axis, ends: np.concatenate(xs, axis),
    np.einsum: lambda *xs, subscripts, **options: np.einsum(subscripts, *xs),
    np.std: lambda x, **options: _sqrt(np.var(x, **options)),
    np.linalg.norm: lambda x, **options: _sqrt(np.sum(x * x, **options)),
    getitem: lambda x, key: x[key],
    astype: lambda x, dtype: x,
    scatter: _scattered,
    constant: lambda x: x,
    xlogy: lambda x, y: _times(x, _log(y)),
    outputs.sigmoid: lambda z: 1 / (1 + _exp(-z)),
    outputs.softplus: lambda z: _log1p(_exp(z)),
    outputs.log_sigmoid: lambda z: -_log1p(_exp(-z)),
    outputs.softmax: lambda z, axis=-1: _exp(_log_softmax(z, axis)),
    outputs.log_softmax: _log_softmax,
    outputs.logsumexp: _logsumexp,
    outputs.log1m_softmax: _log1m_softmax,
    outputs.sum_of_others: _sum_of_others,
    lml.lml: lambda z, axis=-1: np.moveaxis(_lml_parts(np.moveaxis(z, axis, -1))[1], -1, axis),
    lml.lml_parts: _lml_parts,
}
