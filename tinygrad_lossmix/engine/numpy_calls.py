"""NumPy functions that need no row of their own: spelled out in others, or without derivative."""

import itertools
import math
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.refusals import HABITS, Habit
from tinygrad_lossmix.engine.rules import LETTERS
from tinygrad_lossmix.engine.table import COMPOSED, PLAIN, REDUCTIONS, TABLE, is_duck, spelling
from tinygrad_lossmix.engine.tensor import Tensor, record

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


def composed(function: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated definition of a NumPy function in terms of others."""

    def register(definition: Callable[..., Any]) -> Callable[..., Any]:
        definition.__qualname__ = spelling(function)  # what Python calls it in an error
        COMPOSED[function] = definition
        return definition

    return register


@composed(np.full_like)
def _full_like(a: Any, fill_value: Any, *args: Any, **kwargs: Any) -> Any:
    if not isinstance(fill_value, Tensor):
        return np.full_like(a._value, fill_value, *args, **kwargs)
    like = np.empty_like(a, *args, **kwargs)
    return np.broadcast_to(fill_value.astype(like.dtype), like.shape)


@composed(np.reshape)
def _reshape(a: Any, shape: Any = None, newshape: Any = None) -> Any:
    return a.reshape(shape if newshape is None else newshape)  # its name in NumPy 2.0


composed(np.ravel)(lambda a: a.reshape(-1))
composed(np.outer)(lambda a, b: np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1)))


@composed(np.where)
def _where(condition: Any, *branches: Any) -> Any:
    mask = condition._value != 0 if isinstance(condition, Tensor) else condition
    if len(branches) != 2:
        return np.where(mask, *branches)
    x, y = branches
    if isinstance(x, Tensor) or isinstance(y, Tensor):
        return record(np.where, (mask, x, y))
    return np.where(mask, x, y)


@composed(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = a_min if min is None else min, a_max if max is None else max
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


def _relabelled(function: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
    """Of a function that only gives the axes other lengths: NumPy says which."""
    return a.reshape(function(np.broadcast_to(0.0, a.shape), *args, **kwargs).shape)


def _permuted(function: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
    """Of a function that only reorders the axes: NumPy says how, on an array of shape 0, 1, 2 …"""
    return a.transpose(function(np.empty(tuple(range(a.ndim))), *args, **kwargs).shape)


COMPOSED |= {f: partial(_relabelled, f) for f in (np.squeeze, np.expand_dims)}
COMPOSED |= {f: partial(_permuted, f) for f in (np.swapaxes, np.moveaxis)}
COMPOSED |= {np.amax: np.max, np.amin: np.min, np.radians: np.deg2rad, np.degrees: np.rad2deg}


def _without_nan(extreme: Any, x: Any, y: Any) -> Any:
    return extreme(np.where(np.isnan(x), y, x), np.where(np.isnan(y), x, y))


COMPOSED |= {np.fmax: partial(_without_nan, np.maximum), np.fmin: partial(_without_nan, np.minimum)}


@composed(np.take)
def _take(a: Any, indices: Any, axis: int | None = None) -> Any:
    if not is_duck(indices):
        indices = np.asarray(indices, None if np.size(indices) else np.intp)
        indices = indices.astype(np.intp, casting="same_kind")
    if axis is None:
        return a.reshape(-1)[indices]
    before = range(a.ndim)[axis]  # IndexError for an axis that is not there
    return a[(slice(None),) * before + (indices,)]


@composed(np.dot)
def _dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) <= 2 or np.ndim(a) == 1:
        return np.matmul(a, b)
    rows = np.moveaxis(b, -2, 0)
    *left, n = np.shape(a)
    _, *right = np.shape(rows)
    flat = np.reshape(a, (math.prod(left), n)) @ np.reshape(
        rows, (np.shape(rows)[0], math.prod(right))
    )
    return flat.reshape((*left, *right))


@composed(np.concatenate)
def _concatenate(arrays: Any, axis: int | None = 0) -> Any:
    if axis is None:
        arrays, axis = [np.ravel(a) for a in arrays], 0
    axis = operator.index(axis)
    options = {"axis": axis, "ends": ()}
    made = record(np.concatenate, tuple(arrays), options)
    options["ends"] = tuple(itertools.accumulate(np.shape(a)[axis] for a in made.args))
    made.values = ()  # a rule for each of n arrays that is handed all n would take quadratic time
    return made


@composed(np.stack)
def _stack(arrays: Any, axis: int = 0) -> Any:
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis=axis)


@composed(np.einsum)
def _einsum(subscripts: Any, *operands: Any) -> Any:
    if not isinstance(subscripts, str) or not 1 <= len(operands) <= 2:
        raise TypeError(
            "np.einsum on Tensors takes a subscripts string and one or two operands: "
            "join three in two steps"
        )
    left, _, out = subscripts.replace(" ", "").partition("->")
    x, y = operands if len(operands) == 2 else (operands[0], operands[0].dtype.type(1))
    terms = {0: left.partition(",")[0], 1: left.partition(",")[2]}
    # the axes that an ellipsis stands for get letters of their own, aligned on the right
    axes = {i: np.ndim((x, y)[i]) - len(terms[i]) + 3 for i in terms if "..." in terms[i]}
    free = "".join(c for c in LETTERS if c not in subscripts)
    dots = free[: max(axes.values(), default=0)]
    for i, n in axes.items():
        terms[i] = terms[i].replace("...", dots[len(dots) - n :])
    if dots and "->" in subscripts and "..." not in out:
        raise ValueError(f"np.einsum: the output of {subscripts!r} must include the ellipsis")
    every = terms[0] + terms[1]
    if "->" not in subscripts:
        out = "..." + "".join(sorted(c for c in every if every.count(c) == 1 and c not in dots))
    explicit = f"{terms[0]},{terms[1]}->{out.replace('...', dots)}"
    return record(np.einsum, (x, y), {"subscripts": explicit})


_names = [f.__name__ for f in {*TABLE, *COMPOSED, *PLAIN}]
_instead = {name: f"write np.{name}(t)" for name in _names if hasattr(np, name)} | HABITS
for _name in _instead.keys() - vars(Tensor).keys():
    setattr(Tensor, _name, Habit(_name, _instead[_name]))
