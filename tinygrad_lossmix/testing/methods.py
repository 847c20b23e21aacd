"""Derivatives from values of a function alone, and what rounding may do to those of a recording.

The methods are differences over a ladder of steps and the complex step. Each takes a function of a
flat float64 array that returns a number, and a point, and returns an `Estimate`: a derivative for
each entry and how far it may be off, which is measured: no error is taken from a constant. Where no
step can be trusted the error is infinite; where a method cannot be used, NotApplicable says why.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.replay import computed, recorded, replay
from tinygrad_lossmix.engine.rules import astype
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.layers import LAYERS, PAIRS

Function = Callable[[Array], Any]

EPS = float(np.finfo(np.float64).eps)
LADDER = 0.5 ** np.array([28, 25, 22, 19, 16, 13, 11, 10, 9, 8, 7, 6, 5, 4, 3])  # steps
ROUGH = 0.5 ** np.array([26, 22, 18])
SMALLEST = 1e-12  # entries: the ladder goes down to steps that are small beside them
ORDERS = 4  # columns of the tableau of extrapolations
BESIDE = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)  # relative: where rounding is measured, if it shows there
TINY = 1e-200  # the complex step: its square is nothing
SAFETY = 64.0  # how much more than what was measured is allowed
SIZE = 2.0**-26  # relative: by how much each value of a recording is made wrong
SAMPLES = 3  # and as many with the opposite signs: beside a kink one of both moves
OF_LOGITS = {f for layer in LAYERS.values() for f in layer.rows}
OF_LOGITS |= {f for form in PAIRS.values() for f in (form.cost, form.delta)}


class Estimate(NamedTuple):
    """For each entry the derivative, the error it may have, and whether the function has a kink."""

    values: Array
    errors: Array
    left: Array
    right: Array
    kinks: Array


class NotApplicable(Exception):
    """A method cannot be used on this function; the message says why."""


def flat(arrays: Sequence[Any]) -> Array:
    """All entries, one after the other, in float64."""
    return np.concatenate([np.asarray(a, dtype=np.float64).reshape(-1) for a in arrays])


def split(entries: Array, like: Sequence[Any]) -> list[Array]:
    """The flat entries as arrays of the same shapes as these."""
    parts, end = [], 0
    for each in like:
        start, end = end, end + each.size
        parts.append(entries[start:end].reshape(each.shape))
    return parts


def numerical_gradient(f: Callable[[Array], Any], x: Array) -> Array:
    """The gradient of a scalar function of an array, by central differences.

    Truncation grows with the square of the step, rounding with its inverse and with the size of f.
    They meet where the cube of the step is about ε·|f|; f is taken to grow like x, as a cost does.

    Args:
        f: takes an array of x's shape and dtype, returns a number.
        x: where; real numbers of any shape, floats or computed with as float64.

    Returns:
        an array like that, right to about ten digits for a smooth f of float64.

    >>> numerical_gradient(lambda x: (x**2).sum(), np.array([1.0, -3.0])).round(6)
    array([ 2., -6.])
    """
    x = np.asarray(x)
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    gradient, eps = np.empty_like(x), np.finfo(x.dtype).eps
    for i in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        distance = max((eps * max(1.0, abs(x[i]))) ** (1 / 3), 4.0 * np.spacing(abs(x[i])))
        above[i] += distance
        below[i] -= distance
        gradient[i] = float(f(above) - f(below)) / float(above[i] - below[i])
    return gradient


def central(f: Function, x: Array) -> Estimate:
    """Central differences, the best of three steps: ten digits at best."""
    return _differences(f, x, ROUGH, 2)


def richardson(f: Function, x: Array) -> Estimate:
    """Central differences over a ladder of steps, extrapolated to a step of 0: twelve digits."""
    smallest = max(float(np.min(sizes(x), initial=1.0)), SMALLEST)
    rungs = math.ceil(-math.log(smallest, 8.0))
    more = LADDER[0] * 8.0 ** -np.arange(rungs, 0.0, -1.0)
    return _differences(f, x, np.concatenate([more, LADDER]), ORDERS)


def _differences(f: Function, x: Array, steps: Array, orders: int) -> Estimate:
    """The derivative and the slopes on both sides, from steps that grow."""
    with np.errstate(all="ignore"):
        here, rounding = float(f(x)), noise(f, x)
        size, finest = np.maximum(np.abs(x), 1.0), sizes(x) * LADDER[0] / 8.0
        above, below, up, down = np.full((4, len(steps), len(x)), np.nan)
        for i in range(len(x)):
            moved = x.copy()
            for k in np.flatnonzero(steps * size[i] >= min(finest[i], steps[0])):
                moved[i] = x[i] + steps[k] * size[i]
                up[k, i], above[k, i] = moved[i] - x[i], float(f(moved))
                moved[i] = x[i] - steps[k] * size[i]
                down[k, i], below[k, i] = x[i] - moved[i], float(f(moved))
        off = 1.7 * np.fmax(rounding, 4.0 * EPS * np.fmax(np.abs(above), np.abs(below))) / up
        values, errors = _best((above - below) / (up + down), up * down, off, orders)
        right, of_right = _best((above - here) / up, up, 2.0 * off, orders)
        left, of_left = _best((here - below) / down, down, 2.0 * off, orders)
        kinks = np.abs(right - left) > of_right + of_left
        for side, error in ((left, of_left), (right, of_right)):  # the edge of a domain
            edge = np.isinf(errors) & np.isfinite(error)
            values, errors = np.where(edge, side, values), np.where(edge, 4.0 * error, errors)
        moved = np.max(np.abs(above - below), axis=0, initial=0.0, where=np.isfinite(above - below))
        lost = rounding > np.maximum(1e-3 * moved, 1e-12 * abs(here))
    return Estimate(values, np.where(lost, np.inf, errors), left, right, kinks & ~lost)


def _best(quotients: Array, steps: Array, off: Array, orders: int) -> tuple[Array, Array]:
    """The best of a tableau of quotients for each entry, and its error.

    Lepski's rule: rounding is known and shrinks as the step grows, so quotients agree within it up
    to the first step that is too long; the one before is the best. Its truncation is at most what
    rounding, `off`, could hide at the step before it.

    Quotients have a row for each step, the smallest first; each order is a column extrapolated from
    neighbours in the one before (Neville), where truncation is proportional to the steps.
    """
    best, errors = quotients[len(quotients) // 2], np.full(quotients.shape[1], np.inf)
    first, bound = best, errors
    for order in range(orders):
        if order:
            ratio = steps[order:] / steps[:-order]
            quotients = quotients[:-1] + (quotients[:-1] - quotients[1:]) / (ratio - 1.0)
        radius, seen = off[: len(quotients)], np.isfinite(quotients)
        started = np.logical_or.accumulate(seen)
        gap = np.where(started, -np.inf, np.inf)  # a hole ends the ladder, but not below it
        low = np.maximum.accumulate(np.where(seen, quotients - radius, -gap))
        high = np.minimum.accumulate(np.where(seen, quotients + radius, gap))
        agreed = seen[1:] & started[:-1] & (low <= high)[1:]
        found = np.where(agreed, 2.0 * (radius[1:] + radius[:-1]), np.inf)
        k = np.argmin(found, axis=0)[None]
        error = np.take_along_axis(found, k, axis=0)[0]
        value = np.take_along_axis(quotients, k + 1, axis=0)[0]
        best, errors = np.where(error < errors, (value, error), (best, errors))
        if not order:
            first, bound = best, errors
    return best, np.where(np.abs(best - first) > errors + bound, np.inf, errors)


def noise(f: Function, x: Array) -> float:
    """How far rounding inside f moves a value, on the safe side; NaN where f is not finite."""
    found = np.nan
    for side in (1.0, -1.0):
        for beside in BESIDE:
            values = np.array([f(at) for at in row_of(x, side * beside)], dtype=np.float64)
            if np.any(values != values[0]):
                break
        rough = 4.0 * np.maximum(roughness(values), EPS * np.max(np.abs(values)))
        found = np.fmax(found, rough)
    return float(found)


def sizes(x: Array) -> Array:
    """The scale on which a function of x may change: 1 or more, but less beside a small number."""
    size = np.abs(x)
    return np.where((size > 0.0) & (size < 1e-2), size, np.maximum(size, 1.0))


def row_of(x: Array, beside: float) -> Array:
    """A few points near x, at equal distances, in a direction that no symmetry singles out."""
    return x + np.arange(1, 11)[:, None] * beside * sizes(x) * np.cos(np.arange(len(x)))


def roughness(values: Array) -> Array:
    """The rounding in values at equal steps: sixth differences show little else.

    Moré and Wild, Estimating computational noise, 2011.
    """
    return np.sqrt(np.mean(np.diff(values, 6, axis=0) ** 2, axis=0) / math.comb(12, 6))


def complex_step(f: Function, x: Array) -> Estimate:
    """Im f(x + ih)/h: no difference is taken, so every digit is right, if f is analytic."""
    values = _imaginary_parts(f, x)
    rough = richardson(f, x)
    far = np.abs(values - rough.values) > rough.errors + 32.0 * EPS * np.abs(values)
    if np.any(far & ~rough.kinks):
        raise NotApplicable("the function means something else on complex numbers")
    near = [_imaginary_parts(f, x * (1.0 + k * EPS)) for k in (-3, -1, 2)]
    spread = np.max([np.abs(other - values) for other in near], axis=0)
    errors = 4.0 * spread + 32.0 * EPS * np.abs(values)
    return Estimate(values, errors, rough.left, rough.right, rough.kinks)


def _imaginary_parts(f: Function, x: Array) -> Array:
    values = np.empty(x.shape)
    with np.errstate(all="ignore"):
        for i in range(len(x)):
            moved = x.astype(np.complex128)
            moved[i] += 1j * TINY
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", np.exceptions.ComplexWarning)
                    value = np.asarray(f(moved))
            except Exception as error:  # of a function that was not written for them
                raise NotApplicable(
                    f"it does not take complex numbers ({type(error).__name__})"
                ) from error
            if value.dtype.kind != "c":
                raise NotApplicable("it drops the imaginary part")
            values[i] = float(value.imag) / TINY
    if not np.all(np.isfinite(values)):
        raise NotApplicable("it is not finite on complex numbers")
    return values


class Allowed(NamedTuple):
    """What rounding may do to each entry of a gradient, and to the value."""

    entries: Array
    value: float


def rounding(leaves: list[Tensor], cost: Tensor, seed: Array, rng: np.random.Generator) -> Allowed:
    """c·ε·Σ|∂g/∂v|·|v| of every entry of the gradient g of <seed, cost>, and the same of the value.

    A gradient computed through values v is off by about ε·Σ|∂g/∂v|·|v|, over every value on its
    way, those inside the rules included; ε is the coarsest rounding in the recording, at least
    that of float64, which is compared in. That sum is measured: the recording of the gradient
    is replayed with every value off by a relative η·N(0, 1), and what the gradient moves by,
    divided by η, is the sum with random weights. A true zero that is the difference of large
    terms is therefore allowed their rounding, a small number that is computed without
    cancellation is not.
    """
    lift: Any = lambda data: Tensor(np.asarray(data, dtype=np.float64))
    start = lift(seed)
    fresh = [lift(leaf.data) for leaf in leaves]

    def wider(each: Tensor, args: list[Any]) -> Any:
        return in_float64(recorded, each, args) if each.function else lift(each.data)

    known = dict(zip(leaves, fresh, strict=True))
    wide = replay(cost, known, wider, lambda arg: lift(arg.data))[cost]
    try:
        parts = grad(wide, fresh, start, create_graph=True)
    except Exception:  # a rule that does not run on Tensors
        parts = [Tensor(g) for g in grad(wide, fresh, start.data)]
    kinds = [np.finfo(each.dtype) for each in nodes(cost)]
    smallest = max(float(kind.smallest_normal) for kind in kinds)
    unit = SAFETY * max(2.0**-52, *(float(kind.eps) for kind in kinds))
    least = SAFETY * max(float(np.finfo(leaf.dtype).smallest_subnormal) for leaf in leaves)
    gradient: Any = np.concatenate([part.reshape(-1) for part in parts])
    entries = _moved(gradient, smallest, rng)
    size = float(_moved((wide * start).sum(), smallest, rng))
    size += abs(float(np.vdot(seed, cost.data)))
    return Allowed(unit * entries + least, unit * size + least)


def in_float64(compute: Any, each: Tensor, args: list[Any]) -> Any:
    """A node computed from float64, which stays it: `astype` is left out."""
    return args[0] if each.function is astype else compute(each, args)


def _moved(target: Tensor, smallest: float, rng: np.random.Generator) -> Array:
    """How far a recorded result moves for a relative error of 1 in every value, or its own size."""
    samples = [
        _disturbed(target, size, smallest, np.random.default_rng(seed))
        for seed in rng.integers(2**32, size=SAMPLES)
        for size in (SIZE, -SIZE)
    ]
    moved = np.abs(np.array(samples) - target.data) / SIZE
    moved = np.where(np.isfinite(moved), moved, 0.0)  # a value can fall out of a domain
    return moved.max(axis=0) + np.abs(np.nan_to_num(target.data))


def _disturbed(target: Tensor, size: float, smallest: float, rng: np.random.Generator) -> Array:
    """A recorded result with everything in it wrong by a relative `size`, times random numbers.

    Numbers that underflow are wrong by a fraction of the `smallest` normal one. Logits are moved by
    `size` itself: what a stable function rounds inside, e^z first of all, is off as if they were.
    """

    def moves(value: Any) -> Any:
        return size * rng.normal(size=np.shape(value))

    def off(value: Any) -> Any:
        value = np.asarray(value, dtype=np.float64)
        return value * (1.0 + moves(value))

    def disturbed(each: Tensor, args: list[Any]) -> Any:
        """The value of a node, off; so are its constants, but for an exponent."""
        if each.function is None:
            return off(each.data)
        for i, (arg, old) in enumerate(zip(args, each.args, strict=True)):
            floats = isinstance(arg, np.ndarray | np.generic) and arg.dtype.kind == "f"
            exponent = each.function is np.power and i
            if floats and not exponent and not isinstance(old, Tensor):
                args[i] = off(arg)
        if each.function in OF_LOGITS:
            args[0] = args[0] + moves(args[0])
        result = off(in_float64(computed, each, args))
        return result + smallest * moves(result)

    return np.asarray(replay(target, {}, disturbed, lambda arg: off(arg.data))[target])
