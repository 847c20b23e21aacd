"""Indices that are arrays, classes, and einsum, in calls that there are loops for.

>>> places((np.array([1, -1]), slice(2)), (3, 2))
array([[2, 3],
       [4, 5]])
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import is_plain, parts, uniform
from tinygrad_lossmix.engine.arrangements import rearranged
from tinygrad_lossmix.engine.rules import getitem, scatter
from tinygrad_lossmix.engine.table import COMPOSED, INTEGER, Array, is_duck
from tinygrad_lossmix.mixes.labels import one_hot

Value = Any


def places(key: Any, shape: tuple[int, ...]) -> Array:
    """Where the entries of x[key] are in `x.ravel()`, for x of a shape; NumPy's IndexError."""
    axes = [np.broadcast_to(i, shape)[key] for i in np.indices(shape, sparse=True)]
    return np.asarray(np.ravel_multi_index(tuple(axes), shape), np.intp)


def taken(x: Array, at: Array) -> Array:
    """The entries of x at places."""
    return x.ravel()[at]


def added(g: Array, at: Array, shape: tuple[int, ...]) -> Array:
    """Zeros of a shape with g added at places."""
    return scatter(g.ravel(), key=at.ravel(), shape=(int(np.prod(shape)),)).reshape(shape)


def is_class(y: Array, shape: tuple[int, ...]) -> Array:
    """Where in an array of a shape (…, K) each row's class is, of classes (…): a mask."""
    return np.broadcast_to(np.equal(y[..., None], np.arange(shape[-1])), shape)


def of_class(x: Array, y: Array) -> Array:
    """The entry of each row of x (…, K) at its class, of classes (…): (…, 1)."""
    return np.take_along_axis(x, y[..., None], -1)


LOOKUPS = (taken, of_class)
OF_CLASSES = (is_class, of_class, one_hot)


def _places(x: Value, key: Any, shape: tuple[int, ...]) -> Value:
    """`places` in the program of x; None where no array is in the key, or a mask not known yet."""
    kinds = [part.dtype.kind for part in parts(key) if is_duck(part)]
    if is_plain(key) or "b" in kinds:
        return None
    return x.program.call(places, (key, shape), {}) if kinds else places(key, shape)


def _getitem(x: Value, key: Any) -> Value:
    at = _places(x, key, x.shape)
    return None if at is None else x.program.call(taken, (x, at), {})


def labels_at(g: Value, key: Any, shape: tuple[int, ...]) -> Value:
    """`scatter` of ones at one class in each row: labels; None for anything else."""
    if not len(shape) == len(parts(key)) == 2:
        return None
    rows, y = parts(key)
    each = is_duck(y) and not is_duck(rows)
    each = each and y.dtype.kind in INTEGER and y.shape == np.shape(rows)
    if not each or uniform(g) != 1 or not np.array_equal(np.ravel(rows), np.arange(shape[0])):
        return None
    classes = y.program.call(places, ((y.reshape(-1),), shape[1:]), {})
    return one_hot(classes, shape, g.dtype)


def _scatter(g: Value, key: Any, shape: tuple[int, ...]) -> Value:
    if (labels := labels_at(g, key, shape)) is not None:
        return labels
    like = next(x for x in (g, *parts(key)) if is_duck(x))
    at = _places(like, key, shape)
    return None if at is None else like.program.call(added, (g, at, shape), {})


def _take(a: Value, indices: Value, axis: int | None = None, **options: Any) -> Value:
    return None if options else COMPOSED[np.take](a, indices, axis)


def _einsum(subscripts: str, *operands: Value, **options: Any) -> Value:
    """A product of matrices, or of entries and a sum; None for a diagonal, for other than two
    operands, and for what a call on arguments alone need not spell out, as one on a Tensor does."""
    if not re.fullmatch(r"\w*,\w*->\w*", str(subscripts)):
        return None
    terms, out = subscripts.split("->")
    (a, b), (x, y) = terms.split(","), operands
    if len(set(a)) < len(a) or len(set(b)) < len(b):
        return None
    sizes = [dict(zip(t, np.shape(v), strict=True)) for t, v in ((a, x), (b, y))]
    same = all(sizes[0][c] == sizes[1][c] for c in a if c in b)
    left, right = [c for c in a if c not in b], [c for c in b if c not in a]
    inner = [c for c in a if c in b]
    if same and left and right and inner and sorted(left + right) == sorted(out):
        rows = np.transpose(x, [a.index(c) for c in left + inner])
        columns = np.transpose(y, [b.index(c) for c in inner + right])
        n = int(np.prod([sizes[0][c] for c in inner]))
        flat = np.reshape(rows, (-1, n)) @ np.reshape(columns, (n, -1))
        shape = tuple([(sizes[0] | sizes[1])[c] for c in left + right])
        return np.transpose(np.reshape(flat, shape), [(left + right).index(c) for c in out])
    every = [*out, *sorted({*a, *b} - {*out})]
    factors = [
        np.reshape(np.transpose(v, [t.index(c) for c in every if c in t]),
                   tuple([size.get(c, 1) for c in every]))
        for v, t, size in zip((x, y), (a, b), sizes, strict=True)
    ]  # fmt: skip
    return np.sum(factors[0] * factors[1], axis=tuple(range(len(out), len(every))))


SPELLED: dict[Any, Callable[..., Value]] = {
    getitem: _getitem,
    scatter: _scatter,
    np.take: _take,
    np.roll: partial(rearranged, np.roll),
    np.einsum: _einsum,
}
