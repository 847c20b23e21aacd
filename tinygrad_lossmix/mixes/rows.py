"""Rows of numbers, one (K,) or n of them (n, K) in C order: their largest, and sums without one.

>>> others(np.array([1.0, 1e-20, 2e-20]))
array([3.e-20, 1.e+00, 1.e+00])
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array

FEW = 64  # up to here a product with a matrix takes less time, of one row a seventh
_ones = functools.lru_cache(32)(np.ones)


@functools.lru_cache(32)
def starts(n: int, k: int) -> Array:
    """Where each of n rows of k begins in all of them."""
    return np.arange(0, n * k, k)


@functools.lru_cache(32)
def all_but_one(k: int, dtype: Any) -> Array:
    """The matrix that is 1 off its diagonal."""
    return 1 - np.eye(k, dtype=dtype)


def without_largest(z: Array, at: Any) -> tuple[Array, Array]:
    """The softmax of each row without its largest entry, and ln(q/p) of that entry.

    Where an output is nearly certain: its q and the other p underflow long before p/q does.
    """
    rest = np.maximum(z, np.finfo(z.dtype).min)  # an entry at -inf can still be the second
    rest.ravel()[at] = -np.inf
    second = peak(rest)
    w = np.exp(rest - entry(rest, second))
    total = summed(w)
    return w / column(total), z.take(second) - z.take(at) + np.log(total)


def by_rows(function: Callable[[Array], Any]) -> Callable[..., Any]:
    """A function of rows, made one of an array (…, K, …) over one of its axes, K numbers long.

    What it gives of each row, K numbers or one, is along that axis.
    """

    @functools.wraps(function)
    def computed(x: Array, axis: int = -1) -> Any:
        if axis == -1 and x.ndim <= 2 and x.flags.c_contiguous:
            return function(x)
        last = np.swapaxes(x, axis, -1)
        found = function(np.ascontiguousarray(last.reshape(-1, last.shape[-1])))
        back: Any = lambda y: np.swapaxes(y.reshape(*last.shape[:-1], y.shape[-1]), axis, -1)
        return tuple(map(back, found)) if isinstance(found, tuple) else back(found)

    return computed


def exponentials(z: Array) -> tuple[Any, Array, Array, Array]:
    """Where each row of z is largest, d = z minus that, e^d, and Σ_{j≠k} e^d_j for each k."""
    at = peak(z)
    d = z - entry(z, at)
    d.ravel()[at] = 0.0  # also where the largest is infinite
    e = np.exp(d)
    return at, d, e, others(e, at)


def peak(x: Array) -> Any:
    """Where each row is largest, as an index of `x.ravel()`: a third of the time of a pair."""
    k = x.argmax(axis=-1)
    return k if x.ndim == 1 else k + starts(*x.shape)


def entry(x: Array, at: Any) -> Array:
    """An entry of each row, by its index in `x.ravel()`, to be broadcast along it.

    Of one row 0-d, an array: one of length 1 and a scalar take twice the time to be broadcast.
    """
    return x[at, ...] if x.ndim == 1 else x.take(at)[:, None]


def of_class(z: Array, y: Array) -> Any:
    """Where the number of each row's class is, as an index of `z.ravel()`."""
    return y + starts(*z.shape) if y.ndim else y


def column(x: Array) -> Array:
    """A number of each row, to be broadcast along it."""
    return x[:, None] if x.ndim else x


def summed(x: Array) -> Array:
    """Over the last axis; a dot product takes a quarter of the time of np.sum on short rows."""
    return x.dot(_ones(x.shape[-1], x.dtype))


def paired(x: Array, y: Array) -> Any:
    """Σ x·y of two numbers of each row; of one row not by `np.vdot`, which takes 20 times."""
    return np.vdot(x, y) if x.ndim else x * y


def others(x: Array, at: Any = None) -> Array:
    """Σ_{j≠k} x_j for each k of a row, without taking x_k away again; `at`: its `peak(np.abs(x))`.

    Only the largest is not taken away from a sum that it is in.
    """
    k = x.shape[-1]
    if k <= FEW:
        return x.dot(all_but_one(k, x.dtype))
    at = peak(np.abs(x)) if at is None else at
    sums = x.copy()
    sums.ravel()[at] = 0.0
    without = summed(sums)
    np.subtract(column(without + x.take(at)), x, out=sums)
    sums.ravel()[at] = without
    return sums
