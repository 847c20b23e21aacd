"""One spelling for each call: methods, aliases and defaults of NumPy brought to one form.

A sum, mean, product, maximum or minimum becomes `ufunc.reduce` with the axes in order; whatever
only relabels axes becomes `reshape` or `transpose` with everything written out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import axes_of
from tinygrad_lossmix.compiler.ir.inference import stand_in

Call = tuple[Any, tuple[Any, ...], Mapping[str, Any]]


def canonical(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call:
    """The same call, as the other files of this folder know it."""
    if function in CANONICAL:
        return CANONICAL[function](*args, **kwargs)
    if getattr(function, "__name__", "") == "reduce":
        return _reduction(function)(*args, **kwargs)
    return function, args, kwargs


def _reduction(reduce: Any) -> Callable[..., Call]:
    def call(x: Any, axis: Any = 0, dtype: Any = None, out: None = None, keepdims: Any = False,
             **options: Any) -> Call:  # fmt: skip
        axes = axes_of(x.ndim, axis)
        kept: dict[str, Any] = {"axis": None if len(axes) == x.ndim and not keepdims else axes}
        kept |= {"keepdims": True} if keepdims is True else {}
        kept |= {"dtype": np.dtype(dtype)} if dtype is not None else {}
        return reduce, (x,), kept | {k: v for k, v in options.items() if v is not np._NoValue}

    return call


def _over(ufunc: np.ufunc) -> Callable[..., Call]:
    """np.sum, np.max …: over everything unless an axis is given."""
    reduce = _reduction(ufunc.reduce)
    return lambda x, axis=None, *args, **kwargs: reduce(x, axis, *args, **kwargs)


def _mean(x: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: Any = False,
          **options: Any) -> Call:  # fmt: skip
    if _is_special(x, dtype, options):
        given = {"axis": axis, "dtype": dtype, "keepdims": keepdims} | options
        return np.mean, (x,), given
    exact = x if x.dtype.kind == "f" else x.astype(np.float64)
    total: Any = np.sum(exact, axis=axis, keepdims=keepdims is True)
    return np.divide, (total, total.dtype.type(x.size / total.size if total.size else 0)), {}


def _var(x: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0,
         keepdims: Any = False, **options: Any) -> Call:  # fmt: skip
    if x.dtype.kind != "f" or _is_special(x, dtype, options):
        given = {"axis": axis, "dtype": dtype, "ddof": ddof, "keepdims": keepdims} | options
        return np.var, (x,), given
    centred = x - np.mean(x, axis=axis, keepdims=True)
    total: Any = np.sum(centred * centred, axis=axis, keepdims=keepdims is True)
    count = x.size / total.size if total.size else 0
    return np.divide, (total, total.dtype.type(max(count - ddof, 0))), {}


def _is_special(x: Any, dtype: Any, options: Mapping[str, Any]) -> bool:
    half = x.dtype == np.float16  # whose counts and sums overflow: NumPy takes them in float32
    return half or dtype is not None or any(v is not np._NoValue for v in options.values())


def _relabelled(function: Any, form: Any = np.reshape) -> Callable[..., Call]:
    def call(x: Any, *args: Any, **kwargs: Any) -> Call:
        shape = function(stand_in(x), *args, **kwargs).shape
        return form, (x,), {"shape": shape}

    return call


def _permuted(function: Any) -> Callable[..., Call]:
    def call(x: Any, *args: Any, **kwargs: Any) -> Call:
        # an empty array of shape 0, 1, 2 … tells where each axis went
        axes = function(np.empty(tuple(range(x.ndim))), *args, **kwargs).shape
        return np.transpose, (x,), {"axes": axes}

    return call


def _dot(a: Any, b: Any) -> Call:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply, (a, b), {}
    if np.ndim(b) <= 2:
        return np.matmul, (a, b), {}
    return np.dot, (a, b), {}


def _clip(a: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None) -> Call:
    low, high = a_min if min is None else min, a_max if max is None else max
    if low is None:
        return np.minimum, (a, high), {}
    if high is None:
        return np.maximum, (a, low), {}
    return np.minimum, (np.maximum(a, low), high), {}


def _power(x: Any, y: Any) -> Call:
    if type(y) in (int, float) and y == 1 and x.dtype.kind == "f":
        return np.positive, (x,), {}
    if type(y) is int and y == 2:
        return np.multiply, (x, x), {}
    if type(y) is int and y == -1 and x.dtype.kind == "f":
        return np.divide, (1.0, x), {}
    return np.power, (x, y), {}


CANONICAL: dict[Any, Callable[..., Call]] = {
    np.sum: _over(np.add),
    np.prod: _over(np.multiply),
    np.max: _over(np.maximum),
    np.min: _over(np.minimum),
    np.amax: _over(np.maximum),
    np.amin: _over(np.minimum),
    np.all: _over(np.logical_and),
    np.any: _over(np.logical_or),
    np.mean: _mean,
    np.var: _var,
    **{f: _relabelled(f) for f in (np.reshape, np.ravel, np.squeeze, np.expand_dims)},
    **{f: _permuted(f) for f in (np.transpose, np.swapaxes, np.moveaxis)},
    np.broadcast_to: _relabelled(np.broadcast_to, np.broadcast_to),
    np.dot: _dot,
    np.clip: _clip,
    np.power: _power,
}
