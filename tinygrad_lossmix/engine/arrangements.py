"""NumPy functions that move entries: spelled out in new shapes, slices, indices and joins.

How a function reads its options NumPy is asked, of an array that stands in for the numbers: which
shape comes out, in which order the axes are, where each entry was.
"""

import itertools
import operator
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_lossmix.engine.refusals import no_rule
from tinygrad_lossmix.engine.rules import scatter
from tinygrad_lossmix.engine.table import COMPOSED, composed, is_duck, signature
from tinygrad_lossmix.engine.tensor import record


def _relabelled(function: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
    """Of a function that only gives the axes other lengths: NumPy says which."""
    return a.reshape(function(np.broadcast_to(0.0, a.shape), *args, **kwargs).shape)


def _raised(function: Any, *arys: Any) -> Any:
    """The same of any number of arrays, or numbers."""
    found = tuple([np.reshape(a, function(np.empty(np.shape(a))).shape) for a in arys])
    return found if len(found) > 1 else found[0]


def _permuted(function: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
    """Of a function that only reorders the axes: NumPy says how, on an array of shape 0, 1, 2 …"""
    return a.transpose(function(np.empty(tuple(range(a.ndim))), *args, **kwargs).shape)


def _asked(function: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The array of a call, and the call as a question about any other."""
    given = signature(function).bind(*args, **kwargs)
    a, *options = given.args
    return a, lambda like: function(like, *options, **given.kwargs)


def rearranged(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Of a function that takes entries from anywhere: NumPy says from where, of 1, 2, 3 …; 0: 0."""
    a, ask = _asked(function, args, kwargs)
    at = ask(np.arange(1, a.size + 1).reshape(a.shape))
    flat = a.reshape(-1)
    flat = flat if at.all() else np.concatenate([flat, np.zeros(1, a.dtype)])
    return flat[at.reshape(-1) - 1].reshape(at.shape)  # at a row of indices `scatter` is fastest


def _sliced(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Of a function that cuts or turns: NumPy says where each part begins and ends on each axis."""
    a, ask = _asked(function, args, kwargs)
    axes = [np.broadcast_to(i, a.shape) for i in np.indices(a.shape, sparse=True)]
    found = [ask(each) for each in axes] or [ask(np.zeros(()))]
    cut, several = [], isinstance(found[0], list)
    for part in zip(*found, strict=True) if several else [found]:
        ends = [at.flat[[0, -1]] if at.size else (0, at.shape[i] - 1) for i, at in enumerate(part)]
        key = [slice(i, None, -1) if i > j >= 0 else slice(i, j + 1) for i, j in ends[: a.ndim]]
        cut.append(a[tuple(key)])
    return cut if several else cut[0]


_WAYS: dict[Any, tuple[Any, ...]] = {
    _relabelled: (np.squeeze, np.expand_dims),
    _raised: (np.atleast_1d, np.atleast_2d, np.atleast_3d),
    _permuted: (np.swapaxes, np.moveaxis, np.rollaxis),
    rearranged: (np.rot90, np.delete, np.resize, np.diagonal, np.diag, np.diagflat),
    _sliced: (np.flip, np.fliplr, np.flipud, np.split, np.array_split, np.hsplit, np.vsplit,
              np.dsplit),
}  # fmt: skip
COMPOSED |= {each: partial(way, each) for way, functions in _WAYS.items() for each in functions}

# fmt: off
composed(np.reshape)(lambda a, shape=None, newshape=None:  # its name in NumPy 2.0
                     a.reshape(shape if newshape is None else newshape))
composed(np.ravel)(lambda a: a.reshape(-1))
composed(np.broadcast_arrays)(lambda *args: tuple([
    np.broadcast_to(a, np.broadcast_shapes(*map(np.shape, args))) for a in args]))
composed(np.sort)(lambda a, axis=-1, kind=None, *, stable=None:
                  np.take_along_axis(a, np.argsort(a, axis=axis, kind="stable"), axis))
composed(np.tril)(lambda m, k=0: np.where(np.tril(np.ones(m.shape[-2:], bool), k), m, 0.0))
composed(np.triu)(lambda m, k=0: np.where(np.triu(np.ones(m.shape[-2:], bool), k), m, 0.0))
composed(np.stack)(lambda arrays, axis=0:
                   np.concatenate([np.expand_dims(a, axis) for a in arrays], axis=axis))
composed(np.vstack)(lambda tup: np.concatenate([np.atleast_2d(a) for a in tup]))
composed(np.hstack)(lambda tup: np.concatenate(
    several := [np.atleast_1d(a) for a in tup], min(several[0].ndim - 1, 1)))
composed(np.dstack)(lambda tup: np.concatenate([np.atleast_3d(a) for a in tup], 2))
composed(np.column_stack)(lambda tup: np.concatenate(
    [np.reshape(a, (-1, 1)) if np.ndim(a) < 2 else a for a in tup], 1))
composed(np.append)(lambda arr, values, axis=None: np.concatenate((arr, values), axis))
# fmt: on


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


@composed(np.take)
def _take(a: Any, indices: Any, axis: int | None = None) -> Any:
    if not is_duck(indices):
        indices = np.asarray(indices, None if np.size(indices) else np.intp)
        indices = indices.astype(np.intp, casting="same_kind")
    if axis is None:
        return a.reshape(-1)[indices]
    return a[(slice(None),) * range(a.ndim)[axis] + (indices,)]  # IndexError if it is not there


@composed(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    arr, axis = (np.ravel(arr), 0) if axis is None else (arr, axis)
    if np.ndim(indices) != arr.ndim:
        shapes = f"indices of shape {np.shape(indices)} for an array of shape {arr.shape}"
        raise ValueError(f"np.take_along_axis: {shapes}: give as many axes, labels[:, None]")
    key = [*np.ogrid[tuple(map(slice, arr.shape))]]
    key[axis] = indices
    return arr[tuple(key)]


@composed(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n < 0:
        raise ValueError(f"np.diff: n is how many times differences are taken, not {n}")
    (i,) = normalize_axis_tuple(axis, np.ndim(a))
    one = (*np.shape(a)[:i], 1, *np.shape(a)[i + 1 :])
    parts = [x for x in (prepend, a, append) if x is not None]
    if len(parts) > 1:
        a = np.concatenate([x if np.ndim(x) else np.broadcast_to(x, one) for x in parts], axis)
    for _ in range(n):
        a = a[(slice(None),) * i + (slice(1, None),)] - a[(slice(None),) * i + (slice(-1),)]
    return a


@composed(np.pad)
def _pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0.0) -> Any:
    known = mode in ("constant", "edge", "reflect", "symmetric", "wrap")
    if not known or np.size(constant_values) > 1:
        raise no_rule(np.pad, options=["several constant_values" if known else f"mode={mode!r}"])
    if mode != "constant":
        return rearranged(np.pad, array, pad_width, mode)
    alone = np.pad(np.ones((1,) * array.ndim, bool), pad_width)  # one entry: where the first goes
    key = tuple([slice(i, i + n) for i, n in zip(np.argwhere(alone)[0], array.shape, strict=True)])
    shape = tuple([m + n - 1 for m, n in zip(alone.shape, array.shape, strict=True)])
    padded = scatter(array, key=key, shape=shape)
    if constant_values == 0:
        return padded
    inside = np.pad(np.ones(array.shape, bool), pad_width)
    return np.where(inside, padded, array.dtype.type(constant_values))


@composed(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    reps = tuple(np.atleast_1d(reps).tolist())
    shape = (1,) * (len(reps) - A.ndim) + A.shape
    wide = [*zip((1,) * (A.ndim - len(reps)) + reps, shape, strict=True)]  # each beside its length
    rows = np.broadcast_to(A.reshape([k for n in shape for k in (1, n)]), sum(wide, ()))
    return rows.reshape([k * n for k, n in wide])


@composed(np.repeat)
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    times = np.ravel(repeats)
    if not a.ndim or times.dtype.kind != "i" or len(times) != 1 or not 0 < (k := times[0]) < 10:
        return rearranged(np.repeat, a, repeats, axis)
    a, axis = (a.reshape(-1), 0) if axis is None else (a, axis)
    (i,) = normalize_axis_tuple(operator.index(axis), a.ndim)
    return np.stack([a] * k, i + 1).reshape((*a.shape[:i], a.shape[i] * k, *a.shape[i + 1 :]))
