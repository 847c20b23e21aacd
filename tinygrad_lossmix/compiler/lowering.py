"""What functions are in a program that it does not take as they are: other calls, lowered.

Indices that are arrays, classes and einsum come in calls that there are loops for:

>>> places((np.array([1, -1]), slice(2)), (3, 2))
array([[2, 3],
       [4, 5]])

A closed form of the mixes is its NumPy calls, or one call of the whole. Those of
`mixes/closed_forms.py` are traced as they are where they take no steps in place; those of softmax
are spelled out here, for finite logits: with indices and products for NumPy, with masks for loops.
Where a logit is infinite the cost comes out as NaN or infinity, and the interpreted form is asked.
Each takes logits z and labels y, both (K,) or (n, K), and returns the cost, summed over the
examples, and δ of each, tails exact: a difference is taken only where it does not cancel.
"""

import operator
import re
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import is_plain, parts, uniform
from tinygrad_lossmix.compiler.differentiate import named
from tinygrad_lossmix.compiler.ir.program import Lowering, TracedProgram
from tinygrad_lossmix.compiler.ir.trace import Kind
from tinygrad_lossmix.engine.arrangements import rearranged
from tinygrad_lossmix.engine.rules import getitem, scatter
from tinygrad_lossmix.engine.table import COMPOSED, INTEGER, Array, is_duck
from tinygrad_lossmix.mixes import closed_forms, lml, outputs
from tinygrad_lossmix.mixes.labels import one_hot
from tinygrad_lossmix.mixes.rows import all_but_one

Value = Any
CLASSES = 32  # at most, for a product with the matrix that is 1 off its diagonal


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


def _cumprod(x: Value, axis: int | None = None, **options: Any) -> Value:
    """One product after another; None where they are not of floats."""
    if options or x.dtype.kind != "f":
        return None
    axis, rows = (0, x.reshape(-1)) if axis is None else (axis, np.moveaxis(x, axis, 0))
    products = [*accumulate(rows, operator.mul)]
    return np.moveaxis(np.stack(products), 0, axis) if products else None


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


def softmax_ll(z: Value, y: Value, exponentials: Callable[..., Any]) -> tuple[Value, Value]:
    """`closed_forms.softmax_ll`."""
    at, d, e, rest, tail, others = exponentials(z)  # noqa: RUF059 (they name values in the text)
    delta = (e * others(y) - y * rest) / _column(1.0 + tail, z)
    sums = y.sum(axis=-1, keepdims=tail.ndim == z.ndim)
    return (sums * np.log1p(tail)).sum() - (y * d).sum(), delta


def softmax_ll_of_classes(z: Value, y: Value) -> tuple[Value, Value]:
    """`closed_forms.softmax_ll` of classes y: Σ_{j≠y} e_j is a sum without the class's own."""
    peak = z.max(axis=-1, keepdims=True)
    e, right = np.exp(z - peak), _noted(z, is_class, y, z.shape)
    d = _noted(z, of_class, z, y) - peak
    rest, own = _sum(np.where(right, 0.0, e)), np.exp(d)
    cost = (np.log1p(rest + (own - 1.0)) - d).sum()
    return cost, np.where(right, -rest, e) * (1.0 / (rest + own))


def softmax_quadratic(z: Value, y: Value, exponentials: Callable[..., Any]) -> tuple[Value, Value]:
    """`closed_forms.softmax_quadratic`."""
    at, d, e, rest, tail, others = exponentials(z)  # noqa: RUF059 (they name values in the text)
    total = _column(1.0 + tail, z)
    p, q = e / total, rest / total
    error = (1.0 - y) * p - y * q
    return 0.5 * (error * error).sum(), p * (q * error - others(p * error))


def softmax_ce(z: Value, y: Value) -> tuple[Value, Value]:
    """`closed_forms.softmax_ce`; an entry alone the largest is `first`, w is the softmax without
    it."""
    if z.shape[-1] == 1:
        return closed_forms.softmax_ce(z, y)
    top, d, e, rest, t, others = _masked(z)
    first = np.logical_and(top, _sum(top.astype(z.dtype)) == 1.0)
    lowest = float(np.finfo(z.dtype).min)
    second = np.where(first, lowest, z).max(axis=-1, keepdims=True)
    w = np.where(first, 0.0, np.exp(z - second))
    w_total, total, wrong = _sum(w), 1.0 + t, 1.0 - y
    pulled = _sum(np.where(first, wrong, 0.0)) / (total * w_total) * w
    odds = np.where(first, 0.0, wrong * e / rest)
    delta = (e * (others(y) + wrong - (_sum(odds) - odds)) - y * rest) / total - pulled
    log_q_first = second - z.max(axis=-1, keepdims=True) + np.log(w_total) - np.log1p(t)
    log_q = np.where(first, log_q_first, np.log1p(-e / total))
    return (_sum(y) * np.log1p(t)).sum() - (y * d).sum() - (wrong * log_q).sum(), delta


def _indexed(z: Value) -> tuple[Value, Value, Value, Value, Value, Callable[..., Value]]:
    """Where each row is largest, counted through all rows, d = z minus that, e^d, its Σ_{j≠k}, that
    of the largest, and Σ_{j≠k} itself: a product with the matrix that is 1 off its diagonal."""
    off_diagonal = all_but_one(z.shape[-1], z.dtype)
    at = np.argmax(z, axis=-1)
    if z.ndim > 1:
        at = at + np.arange(0, z.size, z.shape[-1])
    d = z - _column(np.take(z, at), z)
    e = np.exp(d)
    rest = e @ off_diagonal
    return at, d, e, rest, np.take(rest, at), lambda x: x @ off_diagonal


def _masked(z: Value) -> tuple[Value, Value, Value, Value, Value, Callable[..., Value]]:
    """The same row by row, the largest known by a mask: what a sum without one loses where that is
    not on top is little beside what softmax leaves it."""
    d = z - z.max(axis=-1, keepdims=True)  # `_from_largest` takes twice the time
    top, e = d == 0.0, np.exp(d)
    t = _sum(np.where(top, 0.0, e)) + (_sum(top.astype(z.dtype)) - 1.0)
    others = partial(_without_each, top=top)
    return top, d, e, others(e), t, others


def _from_largest(z: Value, axis: int = -1) -> tuple[Value, ...]:
    """`outputs.from_largest`, all the largest known by a mask: 0 there, at infinity too."""
    largest = z.max(axis=axis, keepdims=True)
    top = z == largest
    d = np.where(top, 0.0, z - largest)
    e = np.exp(d)
    ties = _sum(top.astype(z.dtype), axis) - 1.0
    return d, e, _sum(np.where(top, 0.0, e), axis) + ties, _sum(e, axis)


def _sum_of_few_others(x: Value, axis: int = -1) -> Value:
    """`outputs.sum_of_others`; None, which leaves it as one call, of many classes."""
    if (k := x.shape[axis]) <= CLASSES:
        return np.swapaxes(np.swapaxes(x, axis, -1) @ all_but_one(k, x.dtype), axis, -1)
    return None


def _sum_of_others(x: Value, axis: int = -1) -> Value:
    """`outputs.sum_of_others`."""
    if (few := _sum_of_few_others(x, axis)) is not None:
        return few
    size = np.absolute(x)
    return _without_each(x, size == size.max(axis=axis, keepdims=True), axis)


def _without_each(x: Value, top: Value, axis: int = -1) -> Value:
    """Σ_{j≠k} x_j, the largest known by a mask, as a sum without them and one of them."""
    small, large = _sum(np.where(top, 0.0, x), axis), _sum(np.where(top, x, 0.0), axis)
    return np.where(top, small + (large - x), (small - x) + large)


def _noted(z: Value, function: Callable[..., Value], *args: Any) -> Value:
    """A function of classes, also of constant ones: in the program of z, if it is traced."""
    return z.program.call(function, args, {}) if is_duck(z) else function(*args)


def _classes(y: Value) -> Value:
    """The classes that labels were made of, or labels as they are."""
    if getattr(y, "function", None) is np.reshape and y.args[0].function is one_hot:
        classes, shape, _ = y.args[0].args
        return classes.reshape(y.shape[:-1]) if shape[-1] == y.shape[-1] else y
    if getattr(y, "function", None) is one_hot:
        return y.args[0]
    if type(y) is np.ndarray and y.ndim and y.shape[-1] > 1 and y.dtype.kind == "f":
        classes = y.argmax(axis=-1)
        return classes if np.array_equal(y, one_hot(classes, y.shape, y.dtype)) else y
    return y


def _sum(x: Value, axis: int = -1) -> Value:
    return x.sum(axis=axis, keepdims=True)


def _column(x: Value, z: Value) -> Value:
    """A number of each row of z, to be broadcast along it."""
    return x.reshape(-1, 1) if x.ndim < z.ndim == 2 else x


def _lowered(evaluate: Lowering, spelled_out: Lowering | None, *given: Any) -> Lowering:
    """A closed form as its calls, for arrays of moderate size, with as few classes as a product
    with their matrix is worth; else as one call."""

    def lowered(z: Value, y: Value) -> tuple[Value, Value]:
        program: TracedProgram = z.program
        kinds = Kind((), z.dtype), Kind(z.shape, z.dtype)
        large = z.ndim == 2 and z.size * z.dtype.itemsize > 1.5 * closed_forms.BLOCK
        if large or spelled_out is None or (given and z.shape[-1] > CLASSES):
            return program.pair(closed_forms.evaluated, *kinds, evaluate, z, y)
        y = y if y.ndim == z.ndim else one_hot(y, z.shape, z.dtype)
        return named(spelled_out, z, y, *given)

    return lowered


def _looped(form: Lowering, z: Value, y: Value) -> tuple[Value, Value]:
    """A closed form for loops, of labels or classes."""
    if y.ndim < z.ndim and form is closed_forms.softmax_ll:
        return named(softmax_ll_of_classes, z, y)
    if y.ndim < z.ndim and form not in AS_ONE:
        y = _noted(z, one_hot, y, z.shape, z.dtype)
    return LOOPED[form](z, y)


AS_ONE = [evaluate for evaluate, _ in lml.PAIRS.values()]
SIGMOIDS = (closed_forms.sigmoid_ce, closed_forms.sigmoid_ll, closed_forms.sigmoid_quadratic)
SOFTMAXES: dict[Any, Lowering] = {
    closed_forms.softmax_ll: softmax_ll,
    closed_forms.softmax_quadratic: softmax_quadratic,
}
LOWERED: dict[Any, Lowering] = {
    **{form: _lowered(form, form) for form in SIGMOIDS},
    **{form: _lowered(form, spelled_out, _indexed) for form, spelled_out in SOFTMAXES.items()},
    **{form: _lowered(form, None) for form in (closed_forms.softmax_ce, *AS_ONE)},
}
LOOPED: dict[Any, Lowering] = {
    **{form: form for form in SIGMOIDS},
    **{form: partial(f, exponentials=_masked) for form, f in SOFTMAXES.items()},
    closed_forms.softmax_ce: softmax_ce,
    **{form: LOWERED[form] for form in AS_ONE},
}
LOWERED |= {
    closed_forms.evaluated: lambda form, z, y: LOWERED[form](z, _classes(y)),
    scatter: labels_at,
    outputs.from_largest: _from_largest,
    outputs.sum_of_others: _sum_of_few_others,
}
LOOPED |= {
    closed_forms.evaluated: lambda form, z, y: _looped(form, z, _classes(y)),
    getitem: _getitem,
    scatter: _scatter,
    outputs.from_largest: _from_largest,
    outputs.sum_of_others: _sum_of_others,
    np.cumprod: _cumprod,
    np.take: _take,
    np.roll: partial(rearranged, np.roll),
    np.einsum: _einsum,
}
