"""NumPy functions that need no row of their own: spelled out in others, or without derivative."""

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_lossmix.engine import arrangements as arrangements
from tinygrad_lossmix.engine.freeze import freeze_option
from tinygrad_lossmix.engine.refusals import HABITS, Habit, no_rule, plain
from tinygrad_lossmix.engine.table import COMPOSED, PLAIN, REDUCTIONS, TABLE, composed, is_duck
from tinygrad_lossmix.engine.tensor import Tensor, record

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # for the axes of einsum
REDUCTIONS |= {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}

PLAIN |= {
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.all, np.any,
    np.isfinite, np.isinf, np.isnan, np.isclose, np.allclose, np.array_equal, np.array_equiv,
    np.sign, np.signbit, np.floor, np.ceil, np.trunc, np.rint, np.round, np.around, np.fix,
    np.argmax, np.argmin, np.argsort, np.nonzero, np.flatnonzero, np.argwhere, np.count_nonzero,
    np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like,
    np.result_type, np.shares_memory, np.may_share_memory,
    np.isreal, np.iscomplex, np.iscomplexobj, np.isrealobj, np.isposinf, np.isneginf,
    np.isin, np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values,
    np.searchsorted, np.digitize, np.argpartition, np.lexsort,
    np.nanargmax, np.nanargmin, np.save, np.savez, np.savez_compressed, np.savetxt,
    np.array2string, np.array_repr, np.array_str,
}  # fmt: skip


@composed(np.full_like)
def _full_like(a: Any, fill_value: Any, *args: Any, **kwargs: Any) -> Any:
    if not isinstance(fill_value, Tensor):
        return np.full_like(a._value, fill_value, *args, **kwargs)
    like = np.empty_like(a, *args, **kwargs)
    return np.broadcast_to(fill_value.astype(like.dtype), like.shape)


composed(np.outer)(lambda a, b: np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1)))


@composed(np.where)
def _where(condition: Any, *branches: Any) -> Any:
    mask = condition._value != 0 if isinstance(condition, Tensor) else condition
    if Tensor in map(type, branches):
        return record(np.where, (mask, *branches))
    return np.where(mask, *branches)


@composed(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = a_min if min is None else min, a_max if max is None else max
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


COMPOSED |= {np.amax: np.max, np.amin: np.min, np.radians: np.deg2rad, np.degrees: np.rad2deg}


def _without_nan(extreme: Any, x: Any, y: Any) -> Any:
    return extreme(np.where(np.isnan(x), y, x), np.where(np.isnan(y), x, y))


COMPOSED |= {np.fmax: partial(_without_nan, np.maximum), np.fmin: partial(_without_nan, np.minimum)}


@composed(np.dot)
def _dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) <= 2 or np.ndim(a) == 1:
        return np.matmul(a, b)
    return np.tensordot(a, np.moveaxis(b, -2, 0), 1)


@composed(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    n = axes
    if np.iterable(axes):
        first, second = axes
        n = np.size(first)
        a, b = np.moveaxis(a, first, range(-n, 0)), np.moveaxis(b, second, range(n))
    cut = np.ndim(a) - n
    left, summed, right = np.shape(a)[:cut], np.shape(b)[:n], np.shape(b)[n:]
    if cut < 0 or np.shape(a)[cut:] != summed:
        raise ValueError(f"np.tensordot: axes of {np.shape(a)[cut:]} and {summed} to sum over")
    flat = np.reshape(a, (math.prod(left), math.prod(summed)))
    return (flat @ np.reshape(b, (flat.shape[1], math.prod(right)))).reshape(left + right)


# fmt: off
composed(np.inner)(lambda a, b:
                   np.dot(a, np.swapaxes(b, -1, -2) if np.ndim(a) and np.ndim(b) > 1 else b))
composed(np.vdot)(lambda a, b: np.dot(np.ravel(a), np.ravel(b)))
composed(np.copy)(lambda a: +a)
composed(np.trace)(lambda a, offset=0, axis1=0, axis2=1:
                   np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1))
composed(np.ptp)(lambda a, axis=None, keepdims=False:
                 np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims))
composed(np.nan_to_num)(lambda x, nan=0.0, posinf=None, neginf=None: np.where(
                        np.isfinite(x), x, np.nan_to_num(plain(x), True, nan, posinf, neginf)))
# fmt: on


@composed(np.einsum)
def _einsum(subscripts: Any, *operands: Any, optimize: Any = False) -> Any:
    if not isinstance(subscripts, str) or not operands:
        raise TypeError("np.einsum on Tensors takes letters, then operands: 'ij,jk->ik', t, u")
    left, _, out = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(operands) == 1:
        operands, terms = (*operands, operands[0].dtype.type(1)), [*terms, ""]
    # the axes that an ellipsis stands for get letters of their own, aligned on the right
    pairs = enumerate(zip(terms, operands, strict=False))
    axes = {i: np.ndim(x) - len(term) + 3 for i, (term, x) in pairs if "..." in term}
    free = "".join(c for c in LETTERS if c not in subscripts)
    dots = free[: max(axes.values(), default=0)]
    for i, n in axes.items():
        terms[i] = terms[i].replace("...", dots[len(dots) - n :])
    if dots and "->" in subscripts and "..." not in out:
        raise ValueError(f"np.einsum: the output of {subscripts!r} must include the ellipsis")
    every = "".join(terms)
    if "->" not in subscripts:
        out = "..." + "".join(sorted(c for c in every if every.count(c) == 1 and c not in dots))
    explicit = f"{','.join(terms)}->{out.replace('...', dots)}"
    options = {"optimize": freeze_option(optimize)} if optimize else {}
    return record(np.einsum, operands, {"subscripts": explicit, **options})


@composed(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    axes = x.ndim if axis is None else np.size(axis)
    if ord is None or (axes, ord) in ((1, 2), (2, "fro")):
        return record(np.linalg.norm, (x,), {"axis": freeze_option(axis), "keepdims": keepdims})
    if axes != 1 or ord not in (1, np.inf, -np.inf):
        raise no_rule(np.linalg.norm, options=[f"ord={ord!r}"])
    reduction: Any = {1: np.sum, np.inf: np.max, -np.inf: np.min}[ord]
    return reduction(np.absolute(x), axis=axis, keepdims=keepdims)


@composed(np.median)
def _median(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    moved, k = np.moveaxis(a, axes, range(len(axes))), len(axes)
    rows = np.sort(moved.reshape((n := math.prod(moved.shape[:k]), *moved.shape[k:])), 0)
    last, value = [np.mean(x, axis=0) for x in (rows[-1:], rows[(n - 1) // 2 : n // 2 + 1])]
    value = np.where(np.isnan(last), last, value)  # NaN is sorted to the end
    return np.expand_dims(value, axes) if keepdims else value


@composed(np.average)
def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    if weights is None and not returned:
        return np.mean(a, axis=axis, keepdims=keepdims)
    weights = np.ones(np.shape(a), a.dtype) if weights is None else weights
    if not is_duck(plain(weights)):  # NumPy refuses other shapes, and those that sum to 0
        np.average(np.zeros(np.shape(a)), axis, plain(weights))
    if np.shape(weights) != np.shape(a):
        axes = normalize_axis_tuple(axis, np.ndim(a))
        others = tuple([i for i in range(np.ndim(a)) if i not in axes])
        weights = np.expand_dims(np.transpose(weights, np.argsort(axes)), others)
    product = np.multiply(a, weights)
    weights = np.broadcast_to(weights, product.shape).astype(product.dtype)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    value = np.sum(product, axis=axis, keepdims=keepdims) / total
    return (value, np.broadcast_to(total, value.shape)) if returned else value


_names = [f.__name__ for f in {*TABLE, *COMPOSED, *PLAIN}]
_instead = {name: f"write np.{name}(t)" for name in _names if hasattr(np, name)} | HABITS
for _name in _instead.keys() - vars(Tensor).keys():
    setattr(Tensor, _name, Habit(_name, _instead[_name]))
