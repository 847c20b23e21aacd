"""Derivative rules that take more than a line, and functions for what NumPy writes as a method.

`derivatives.py` puts them in the table. As there, g is the gradient arriving at the output z of a
function of x, y …
"""

import functools
import math
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import INTEGER, Array, Rule, dispatched

HALF = np.dtype(np.float16)


def lift(g: Array, x: Array, axis: Any) -> Array:
    """What a reduction of x left, with the reduced axes back, of length one."""
    if not g.ndim or g.ndim == x.ndim:
        return g
    shape = list(x.shape)
    for i in axis if isinstance(axis, tuple) else (axis,):
        shape[i] = 1
    return g.reshape(tuple(shape))


def filled(x: Array, shape: Any) -> Array:
    """`np.broadcast_to`, as a new array: takes a seventh of the time on small ones."""
    if not issubclass(type(x), (np.ndarray, np.generic)):  # a Tensor, which NumPy asks
        return np.broadcast_to(x, shape)
    full = np.empty(shape, x.dtype)
    if x.ndim > full.ndim:
        raise ValueError(f"an array of shape {x.shape} cannot be broadcast to {full.shape}")
    full[...] = x
    return full


def var_rule(
    g: Array, z: Array, x: Array, axis: Any = None, ddof: float = 0, keepdims: bool = False
) -> Array:
    """2g(x - mean)/(n - ddof)."""
    centred = x - np.mean(x, axis=axis, keepdims=True)
    return 2.0 * (lift(g, x, axis) / (count(x, z) - ddof)) * centred


def extreme_rule(g: Array, z: Array, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """g where x == z, the maximum or minimum, in equal parts among ties; NaN counts as one."""
    peak = x == lift(z, x, axis)
    alone = type(peak) is np.ndarray and np.count_nonzero(peak) == z.size
    if alone and not np.isnan(z).any():  # a half to a tenth of the time
        return lift(g, x, axis) * peak
    peak = np.logical_or(peak, x != x)
    counted = np.promote_types(x.dtype, np.float32)
    share = peak / np.add.reduce(peak, axis=axis, keepdims=True, dtype=counted)
    return lift(g, x, axis) * share


def count(x: Array, z: Array) -> Any:
    """How many entries of x went into each entry of its reduction z."""
    return divisor(x.size / z.size if z.size else 0.0, x.dtype)


def divisor(n: float, dtype: np.dtype[Any]) -> Any:
    """A count to divide by: float16 ends at 65504, so there it is a float32."""
    return np.float32(n) if dtype is HALF else n


def above(x: Array, y: Array, z: Array) -> Array:
    """1 where x > y, 0 where x < y, ½ at ties and where either is NaN; in the precision of z."""
    more, less = np.greater(x, y), np.less(x, y)
    if type(more) is np.ndarray and np.not_equal(more, less).all():  # a fourth of the time
        return more
    half = z.dtype.type(0.5)
    return half * more + half * np.logical_not(less)


def power_left(g: Array, z: Array, x: Array, y: Array) -> Array:
    """g * y * x ** (y - 1); 0 where x and y are 0."""
    if isinstance(y, int | float):
        return g * y * x ** (y - 1 if y else 0)
    return g * y * x ** np.where((x == 0) & (y == 0), 0.0, y - 1.0)


def power_right(g: Array, z: Array, x: Array, y: Array) -> Array:
    """g * z * log(x); 0 where x is 0: there 0^y does not change with y. In the precision of z."""
    x = np.asarray(x) if isinstance(x, int | float) else x
    x = x if x.dtype == z.dtype else x.astype(z.dtype)
    return g * z * np.log(np.where(x == 0, 1.0, x))


def logaddexp_left(g: Array, z: Array, x: Array, y: Array) -> Array:
    """g * exp(x - z); g/2 where x and y are the same infinity."""
    x, y = [z.dtype.type(v) if isinstance(v, int | float) else v for v in (x, y)]
    near = np.less(y, x + (4.0 if z.dtype is HALF else 20.0))  # powers of exp(y - x) are numbers
    if type(near) is np.ndarray and near.all():  # a third of the time
        return g / (1.0 + np.exp(y - x))
    both = np.isinf(x) & np.equal(x, y)
    return g * np.exp(-np.logaddexp(0.0, np.where(both, 0.0, y) - np.where(both, 0.0, x)))


def logaddexp_right(g: Array, z: Array, x: Array, y: Array) -> Array:
    """g * exp(y - z); g/2 where x and y are the same infinity."""
    return logaddexp_left(g, z, y, x)


def ratio(x: Array, y: Array) -> Array:
    """x / y, and 0 where both are 0."""
    return x / np.where((x == 0) & (y == 0), 1.0, y)


def arctan2_left(g: Array, z: Array, x: Array, y: Array) -> Array:
    """g * y / (x * x + y * y); 0 where both are 0."""
    r = np.hypot(x, y)
    r = np.where(r == 0, np.inf, r)
    return g * (y / r / r)


def arctan2_right(g: Array, z: Array, x: Array, y: Array) -> Array:
    """-g * x / (x * x + y * y); 0 where both are 0."""
    return -arctan2_left(g, z, y, x)


def product_rule(g: Array, z: Array, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """g times the product of the other entries; without dividing: zeros are no trouble."""
    every = range(x.ndim)
    reduced = every if axis is None else [i % x.ndim for i in np.atleast_1d(axis) if x.ndim]
    axes = [*reduced, *(i for i in every if i not in reduced)]
    shape = [x.shape[i] for i in axes]
    rows = x.transpose(axes).reshape((math.prod(shape[: len(reduced)]), *shape[len(reduced) :]))
    one = np.ones_like(rows[:1])
    before = np.cumprod(np.concatenate([one, rows[:-1]]), 0)
    after = np.cumprod(np.concatenate([one, rows[:0:-1]]), 0)[::-1]
    others = (before * after).reshape(tuple(shape)).transpose(tuple(np.argsort(axes)))
    return lift(g, x, axis) * others


def cumprod_rule(g: Array, z: Array, x: Array, axis: Any = None) -> Array:
    """The product of the entries before, times s: g plus the next entry times its s."""
    axis = axis or 0
    s, before, entries = [np.swapaxes(v.reshape(g.shape), 0, axis) for v in (g, z, x)]
    n, product = 1, entries[1:]  # of the n next entries
    while n < s.shape[0]:  # from the sums over n entries those over 2n; zeros are no trouble
        s = np.concatenate([s[:-n] + product * s[n:], s[-n:]])
        product, n = product[:-n] * product[n:], 2 * n
    before = np.concatenate([np.ones_like(before[:1]), before[:-1]])
    return np.swapaxes(before * s, 0, axis).reshape(x.shape)


def transpose_rule(g: Array, z: Array, x: Array, axes: Any = None) -> Array:
    """g with the axes put back."""
    if axes is None:
        return g.transpose()
    return g.transpose(*np.argsort(np.atleast_1d(axes) % g.ndim))


def matmul_left(g: Array, z: Array, x: Array, y: Array) -> Array:
    """G Yᵀ; a vector is a row on the left and a column on the right."""
    if y.ndim == 1:
        return g * y if x.ndim == 1 else g[..., None] * y
    return (y @ g[..., None])[..., 0] if x.ndim == 1 else g @ y.mT


def matmul_right(g: Array, z: Array, x: Array, y: Array) -> Array:
    """Xᵀ G; a vector is a row on the left and a column on the right."""
    if x.ndim == 1:
        return g * x if y.ndim == 1 else x[:, None] * g[..., None, :]
    return (x.mT @ g[..., None])[..., 0] if y.ndim == 1 else x.mT @ g


def getitem(x: Array, key: Any) -> Array:
    """`x[key]`, with key any index of NumPy's but a Tensor."""
    return x[key]


def astype(x: Array, dtype: Any) -> Array:
    """x in another float dtype."""
    return x.astype(dtype)


@functools.partial(dispatched, relevant=lambda g, key, shape: (g, *np.index_exp[key]))
def scatter(g: Array, key: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape` with g added at `key`; an entry indexed twice receives both."""
    full, parts = np.zeros(shape, g.dtype), np.index_exp[key]
    listed = [isinstance(k, np.ndarray) and k.dtype.kind in INTEGER for k in parts]
    if not any(listed):
        full[key] = g
    elif all(listed) and full.ndim + g.ndim > 2 and g.size > 500:  # rows: a third of the time
        row = math.prod(shape[len(parts) :])
        at = np.ravel_multi_index(parts, shape[: len(parts)], mode="wrap")[..., None] * row
        np.add.at(full.reshape(-1), (at + np.arange(row)).reshape(-1), g.reshape(-1))
    else:
        np.add.at(full, key, g)
    return full


def piece(i: int, g: Array, z: Array, axis: int, ends: Any) -> Array:
    """The part of a concatenation's gradient that belongs to its i-th array."""
    before = (slice(None),) * (axis % g.ndim)
    return g[(*before, slice(ends[i - 1] if i else 0, ends[i]))]


def einsum_rule(i: int, g: Array, z: Array, *xs: Array, subscripts: str, **options: Any) -> Array:
    """The other operands and g, summed over what this one, the i-th, does not have."""
    terms, out = subscripts.split("->")
    mine, others = (each := terms.split(","))[i], [out, *each[:i], *each[i + 1 :]]
    letters = "".join(dict.fromkeys(mine))
    known = "".join(c for c in letters if c in "".join(others))
    part = np.einsum(f"{','.join(others)}->{known}", g, *xs[:i], *xs[i + 1 :], **options)
    size = dict(zip(mine, xs[i].shape, strict=True))
    found = dict(zip(known, part.shape, strict=True))
    if found != size:  # a letter of this operand alone, or 1 in the other, was summed: repeated
        part = part.reshape(tuple([found.get(c, 1) for c in letters]))
        shape = [size[c] if found.get(c, 1) == 1 else found[c] for c in letters]
        part = np.broadcast_to(part, tuple(shape))
    if len(letters) < len(mine):  # a repeated letter took the diagonal: only it has a gradient
        at = dict(zip(letters, np.ogrid[tuple(map(slice, part.shape))], strict=True))
        key = tuple([at[c] for c in mine])
        part = scatter(part, key=key, shape=tuple([k.size for k in key]))
    return part


class Numbered:
    """One rule for any number of arguments, told which of them is meant."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def __getitem__(self, i: int) -> Rule:
        return functools.partial(self.rule, i)
