"""One spelling for each call: methods, aliases and defaults of NumPy brought to one form.

A sum, mean, product, maximum or minimum becomes `ufunc.reduce` with the axes in order; whatever
only relabels axes becomes `reshape` or `transpose` with everything written out.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import axes_of
from tinygrad_lossmix.compiler.ir.trace import stand_in
from tinygrad_lossmix.engine.table import REDUCTIONS

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
    total: Any = np.sum(exact, axis=axis, keepdims=keepdims is True)  # type: ignore[call-overload]
    return np.divide, (total, total.dtype.type(x.size / total.size if total.size else 0)), {}


def _var(x: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0,
         keepdims: Any = False, **options: Any) -> Call:  # fmt: skip
    if x.dtype.kind != "f" or _is_special(x, dtype, options):
        given = {"axis": axis, "dtype": dtype, "ddof": ddof, "keepdims": keepdims} | options
        return np.var, (x,), given
    centred = x - np.mean(x, axis=axis, keepdims=True)
    squares = centred * centred
    total: Any = np.sum(squares, axis=axis, keepdims=keepdims is True)  # type: ignore[call-overload]
    count = x.size / total.size if total.size else 0
    return np.divide, (total, total.dtype.type(max(count - ddof, 0))), {}


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Call:
    if ord is not None or x.dtype.kind != "f":
        return np.linalg.norm, (x,), {"ord": ord, "axis": axis, "keepdims": keepdims}
    return np.sqrt, (np.sum(x * x, axis=axis, keepdims=keepdims),), {}


def _is_special(x: Any, dtype: Any, options: Mapping[str, Any]) -> bool:
    half = x.dtype == np.float16  # whose counts and sums overflow: NumPy takes them in float32
    return half or dtype is not None or any(v is not np._NoValue for v in options.values())


def _shaped(function: Any, x: Any, *args: Any, **kwargs: Any) -> Call:
    return function, (x,), {"shape": function(stand_in(x), *args, **kwargs).shape}


def _transpose(x: Any, axes: Any = None) -> Call:
    # an empty array of shape 0, 1, 2 … tells where each axis went
    return np.transpose, (x,), {"axes": np.transpose(np.empty(range(x.ndim)), axes).shape}


def _power(x: Any, y: Any) -> Call:
    if type(y) in (int, float) and y == 1 and x.dtype.kind == "f":
        return np.positive, (x,), {}
    if type(y) is int and y == 2:
        return np.multiply, (x, x), {}
    if type(y) is int and y == -1 and x.dtype.kind == "f":
        return np.divide, (1.0, x), {}
    return np.power, (x, y), {}


# spelled out in others of NumPy's, as for Tensors
COMPOSED_ALIKE = {
    np.ravel, np.squeeze, np.expand_dims, np.swapaxes, np.moveaxis, np.dot, np.clip, np.amax,
    np.amin, np.flip, np.fliplr, np.flipud, np.split, np.array_split, np.hsplit, np.vsplit,
    np.dsplit, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.roll, np.repeat, np.tile,
    np.diagonal, np.broadcast_arrays, np.stack,
}  # fmt: skip
CANONICAL: dict[Any, Callable[..., Call]] = {
    **{function: _over(ufunc) for ufunc, function in REDUCTIONS.items()},
    np.concatenate: lambda arrays, axis=0, **options: (
        np.concatenate,
        (arrays,),
        {"axis": axis} | options,
    ),
    np.all: _over(np.logical_and),
    np.any: _over(np.logical_or),
    np.mean: _mean,
    np.var: _var,
    np.std: lambda *args, **options: (np.sqrt, (np.var(*args, **options),), {}),
    np.linalg.norm: _norm,
    np.reshape: partial(_shaped, np.reshape),
    np.broadcast_to: partial(_shaped, np.broadcast_to),
    np.transpose: _transpose,
    np.power: _power,
}
