"""Calls that need not be made: the same numbers, or more exact ones, in fewer calls.

Constants become one where that rounds nothing and neither over- nor underflows, signs are absorbed,
broadcasts disappear where the next call broadcasts anyway. Nothing is assumed of numbers: x - x
stays, and so does 0·x.

>>> from tinygrad_lossmix.compiler.ir.program import TracedProgram
>>> x = TracedProgram().argument("x", np.zeros(3))
>>> -(x * 2.0) / -2.0 is x
True
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import normal, number, uniform
from tinygrad_lossmix.compiler.ir.trace import Traced
from tinygrad_lossmix.engine.rules import astype

Value = Any


def simpler(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Value | None:
    """The same value in a simpler way, or None."""
    if isinstance(function, np.ufunc) and kwargs:
        return None
    if isinstance(function, np.ufunc) and function.signature is None:
        lean = _without_broadcasts(args)
        if lean is not args:
            return function(*lean)
        if not all(_is_float(x) for x in args):
            return None
    rule = RULES.get(function)
    return rule(*args, **kwargs) if rule else None


def _without_broadcasts(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands of an elementwise call, those that only repeat a smaller array as that array."""
    for i, x in enumerate(args):
        small = x.args[0] if _is(x, np.broadcast_to) else uniform(x)
        if small is None:
            continue
        lean = (*args[:i], small, *args[i + 1 :])
        if np.broadcast_shapes(*map(np.shape, lean)) == np.broadcast_shapes(*map(np.shape, args)):
            return lean
    return args


def _is_float(x: Any) -> bool:
    return type(x) in (int, float) or getattr(x, "dtype", np.dtype(bool)).kind == "f"


def _is(x: Any, function: Any) -> bool:
    return isinstance(x, Traced) and x.function is function


def _number(c: Any, like: Value) -> float | None:
    """A finite number that leaves like's dtype alone when it multiplies it."""
    if not isinstance(like, Traced) or like.dtype not in (np.float16, np.float32, np.float64):
        return None
    return number(c) if getattr(c, "dtype", like.dtype) == like.dtype else None


def _folded(c: float, k: float, like: Value) -> float | None:
    """c·k, where an array multiplied by it once is no worse than by c and then by k.

    So it is if the product is exact, as that with a power of two, and a normal number of like's
    dtype: then it over- and underflows only where the result does.
    """
    exact = _is_power_of_two(c) or _is_power_of_two(k)
    return c * k if exact and normal(c * k, like.dtype) else None


def _is_power_of_two(c: float) -> bool:
    return abs(math.frexp(c)[0]) == 0.5


def _scaled(x: Value, k: float) -> Value | None:
    """k·x in the calls of x, or with a sign; None where it takes one more."""
    if k == 1.0:
        return x
    if _is(x, np.negative):
        return x.args[0] if k == -1.0 else np.multiply(x.args[0], -k)
    if _is(x, np.multiply) and (c := _number(x.args[1], x.args[0])) is not None:
        both = _folded(c, k, x)
        return None if both is None else np.multiply(x.args[0], both)
    if _is(x, np.divide) and (c := _number(x.args[0], x.args[1])) is not None:
        both = _folded(c, k, x)
        return None if both is None else np.divide(both, x.args[1])
    return None


def _multiply(a: Value, b: Value) -> Value | None:
    if (k := _number(a, b)) is not None:
        return np.multiply(b, k)
    if (k := _number(b, a)) is None:
        return _signed(np.multiply, a, b)
    if (found := _scaled(a, k)) is not None:
        return found
    if k == -1.0:
        return np.negative(a)
    return None if type(b) is float else np.multiply(a, k)


def _divide(a: Value, b: Value) -> Value | None:
    if k := _number(b, a):
        inverse = _folded(1.0, 1.0 / k, a) if _is_power_of_two(k) else None
        return None if inverse is None else np.multiply(a, inverse)
    k = _number(a, b)
    if k is not None and _is(b, np.multiply) and (c := _number(b.args[1], b.args[0])):
        both = _folded(k, 1.0 / c, b) if _is_power_of_two(c) else None
        return None if both is None else np.divide(both, b.args[0])
    return _signed(np.divide, a, b)


def _signed(function: Any, a: Value, b: Value) -> Value | None:
    """A product or quotient with the signs of its operands taken in front."""
    size = math.prod(np.broadcast_shapes(np.shape(a), np.shape(b)))
    signs = [_is(x, np.negative) and x.size == size for x in (a, b)]
    if not any(signs):
        return None
    result = function(*[x.args[0] if sign else x for x, sign in zip((a, b), signs, strict=True)])
    return result if all(signs) else np.negative(result)


def _add(a: Value, b: Value) -> Value | None:
    if _is(b, np.negative):
        return np.subtract(a, b.args[0])
    return np.subtract(b, a.args[0]) if _is(a, np.negative) else None


def _exp(x: Value) -> Value | None:
    """e^-max(z, c) as min(e^-z, e^-c), where e^-z was computed before."""
    if _is(x, np.negative) and _is(x.args[0], np.maximum):
        z, lowest = x.args[0].args
        known = x.program.seen(np.exp, x.program.seen(np.negative, z))
        if known is not None and not isinstance(lowest, Traced):
            return np.minimum(known, np.exp(-lowest))
    return None


def _sum(x: Value, axis: Any = None, keepdims: bool = False, **options: Any) -> Value | None:
    if options or x.dtype.kind != "f":
        return None
    if axis == () or (axis is None and not x.ndim):
        return x
    if _is(x, np.negative) and axis is None:
        return np.negative(np.add.reduce(x.args[0], axis=None))
    if _is(x, np.broadcast_to) and not x.args[0].ndim and axis is None:
        return x.args[0] * float(x.size) if x.size <= np.finfo(x.dtype).max else None
    if axis is None and _is(x, np.multiply):
        a, b = x.args
        if np.shape(a) == np.shape(b) and getattr(a, "dtype", None) == getattr(b, "dtype", None):
            return np.vdot(a, b)
    return None


def _shaped(function: Any) -> Callable[..., Value | None]:
    """A view that only gives a shape: of another like it, the last one counts."""

    def rule(x: Value, shape: tuple[int, ...]) -> Value | None:
        if x.shape == shape:
            return x
        return function(x.args[0], shape) if _is(x, function) else None

    return rule


def _transpose(x: Value, axes: tuple[int, ...]) -> Value | None:
    if axes == tuple(range(x.ndim)):
        return x
    if _is(x, np.transpose):
        return np.transpose(x.args[0], [x.kwargs["axes"][i] for i in axes])
    return None


RULES: dict[Any, Callable[..., Value | None]] = {
    np.positive: lambda x: x,
    np.negative: lambda x: _scaled(x, -1.0) if x.dtype.kind == "f" else None,
    np.add: _add,
    np.subtract: lambda a, b: np.add(a, b.args[0]) if _is(b, np.negative) else None,
    np.multiply: _multiply,
    np.divide: _divide,
    np.exp: _exp,
    np.add.reduce: _sum,
    np.broadcast_to: _shaped(np.broadcast_to),
    np.reshape: _shaped(np.reshape),
    np.transpose: _transpose,
    astype: lambda x, dtype: x if x.dtype == dtype else None,
}
