"""Output layers that are right at every logit: value and gradient finite, tails exact.

One row of the table each, so that a Tensor records them as one node. Over the last axis unless
`axis` is given: an axis, several, or None for all. All raise TypeError for logits that are not real
numbers, ValueError over an axis of length 0.

>>> sigmoid(np.array([-40.0, 0.0, 1000.0]))
array([4.24835426e-18, 5.00000000e-01, 1.00000000e+00])
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_lossmix.engine.refusals import unknown
from tinygrad_lossmix.engine.rules import HALF
from tinygrad_lossmix.engine.table import COMPOSED, SCIPYS, Array, dispatched, row
from tinygrad_lossmix.engine.tensor import Tensor, record
from tinygrad_lossmix.mixes.labels import numbers
from tinygrad_lossmix.mixes.rows import by_rows, entry, others, peak, summed
from tinygrad_lossmix.quiet import quiet


def wide(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays, in float32 where the first is float16: sums leave its range.

    Of two values only the first is rounded again: the other is for the rule.
    """

    @functools.wraps(function)
    def computed(*arrays: Array, **options: Any) -> Any:
        if arrays[0].dtype is not HALF:
            return function(*arrays, **options)
        found = function(*[x.astype(np.float32) for x in arrays], **options)
        if type(found) is tuple:
            return found[0].astype(np.float16), found[1]
        return found.astype(np.float16)

    return computed


def over_axes(function: Callable[..., Array]) -> Any:
    """A function over one axis, made one over all that NumPy's reductions take."""
    name = function.__name__

    def one(z: Any, **options: Any) -> Any:
        return record(over, (z,), options) if type(z) is Tensor else function(z, **options)

    @functools.wraps(function)
    def over(z: Any, axis: Any = -1, keepdims: Any = None, **other: Any) -> Any:
        if other or (keepdims is not None and name != "logsumexp"):
            raise unknown(f"lm.{name}", other or ["keepdims"])
        options = {} if keepdims is None else {"keepdims": keepdims}
        z = z if type(z) is Tensor else numbers("logits", z)
        shape = z.shape
        if type(axis) is int and axis == -1 and shape and shape[-1]:
            return one(z, **options)
        axis = range(z.ndim) if axis is None else axis
        try:
            axes = normalize_axis_tuple(axis, z.ndim or 1)[: z.ndim]
        except TypeError:
            kind = type(axis).__name__
            raise TypeError(f"an axis is an integer, integers or None, not {kind}") from None
        if 0 in (lengths := [shape[i] for i in axes]):
            raise ValueError(f"{name} over no entries: z of shape {shape}, axes {axes}")
        if len(axes) == 1:
            return one(z, axis=axes[0] - z.ndim, **options)
        last = range(-len(axes), 0)
        moved = np.moveaxis(z, axes, last)
        result = one(moved.reshape((*moved.shape[: z.ndim - len(axes)], math.prod(lengths))))
        if name != "logsumexp":
            result = np.moveaxis(result.reshape(moved.shape), last, axes)
        elif keepdims:
            result = np.expand_dims(result, axes)
        return result if type(result) is Tensor else result[()]

    return over


@dispatched
def sigmoid(z: Array) -> Array:
    """1/(1 + e^-z), elementwise, eq. (3) of the book; a Tensor for a Tensor.

    >>> sigmoid(np.array([-800.0, 0.0, 800.0]))
    array([0. , 0.5, 1. ])
    """
    return _sigmoid(numbers("logits", z))[0]


@quiet
def _sigmoid(z: Array) -> tuple[Array, Array]:
    """The sigmoid, and e^-z: where that overflows, 0 is right."""
    f = np.exp(-z)
    return 1.0 / (1.0 + f), f


@dispatched
def softplus(z: Array) -> Array:
    """ln(1 + e^z), elementwise; its derivative is the sigmoid.

    >>> softplus(np.array([-800.0, 0.0, 800.0]))
    array([0.00000000e+00, 6.93147181e-01, 8.00000000e+02])
    """
    z = numbers("logits", z)
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


@dispatched
def log_sigmoid(z: Array) -> Array:
    """ln(sigmoid(z)) = -softplus(-z), elementwise.

    >>> log_sigmoid(np.array([-800.0, 800.0]))
    array([-800.,    0.])
    """
    z = numbers("logits", z)
    return np.minimum(z, 0.0) - np.log1p(np.exp(-np.abs(z)))


@dispatched
@by_rows
@quiet
def from_largest(z: Array) -> tuple[Array, Array, Array, Array]:
    """d = z minus its largest along an axis, e^d, Σ e^d without that of one largest, and Σ e^d."""
    at = peak(z)
    largest = entry(z, at)
    d = z - largest
    e = np.exp(d)
    flat = e.ravel()
    one = flat[at]
    if np.vdot(one, one) != one.size:  # of infinite ones, which differ by NaN
        d[z == largest] = 0.0
        np.exp(d, out=e)
        one = flat[at]
    flat[at] = 0.0
    total = summed(e)[..., None]
    flat[at] = one
    return d, e, total, 1.0 + total


@dispatched
@by_rows
def sum_of_others(x: Array) -> Array:
    """Σ_{j≠k} x_j for each k along an axis, without taking x_k away again.

    >>> sum_of_others(np.array([1.0, 1e-20, 2e-20]))
    array([3.e-20, 1.e+00, 1.e+00])
    """
    return others(x)


@over_axes
@wide
def softmax(z: Array, axis: int = -1) -> Array:
    """e^z_k / Σ_j e^z_j over an axis, eq. (78) of the book; a Tensor for a Tensor.

    >>> softmax(np.array([1000.0, 1000.0, -1000.0]))
    array([0.5, 0.5, 0. ])
    """
    _, e, _, total = from_largest(z, axis)
    return e / total


@over_axes
def log_softmax(z: Array, axis: int = -1) -> Array:
    """ln(softmax(z)) over an axis.

    >>> log_softmax(np.array([40.0, 0.0]))
    array([-4.24835426e-18, -4.00000000e+01])
    """
    return _log_softmax(z, axis=axis)[0]


@wide
def _log_softmax(z: Array, axis: int = -1) -> tuple[Array, Array]:
    """ln(softmax(z)), by log1p, which keeps the tail, and softmax(z)."""
    d, e, rest, total = from_largest(z, axis)
    return d - np.log1p(rest), e / total


@over_axes
@wide
def logsumexp(z: Array, axis: int = -1, keepdims: bool = False) -> Array:
    """ln Σ_k e^z_k over an axis, which is dropped unless keepdims; its derivative is the softmax.

    >>> logsumexp(np.array([1000.0, 1000.0]))
    np.float64(1000.6931471805599)
    """
    total = z.max(axis=axis, keepdims=True) + np.log1p(from_largest(z, axis)[2])
    return total if keepdims else total.squeeze(axis)[()]


@over_axes
@wide
def log1m_softmax(z: Array, axis: int = -1) -> Array:
    """ln(1 - softmax(z)) over an axis: ln of what the others get.

    >>> log1m_softmax(np.array([1000.0, 0.0]))
    array([-1000.,    -0.])
    """
    log_a, a = _log_softmax(z, axis=axis)
    most = np.greater(a, 0.5)  # of one entry at most; there 1 - a would lose the tail
    rest = logsumexp(np.where(most, -np.inf, log_a), axis=axis, keepdims=True)
    return np.where(most, rest, np.log1p(-np.where(most, 0.0, a)))


# The rules take no difference that the tail would be lost in: as in the closed forms of the mixes.
_LOWEST = {np.dtype(t): np.array(np.log(np.finfo(t).tiny), t) for t in "efdg"}
_LARGEST = {np.dtype(t): np.array(np.finfo(t).max) for t in "efdg"}


def _sigmoid_rule(g: Array, a: Array, z: Array, kept: Array | None = None) -> Array:
    """g * a * (1 - a); 1 - a as F/(1 + F), F = e^-z: exact where a is near 1."""
    if kept is None:
        f = np.exp(-np.maximum(z, _LOWEST[z.dtype]))  # bounded: below, 1 - a is 1
    else:  # F is kept: to compute it again takes 5 % of a step of a network
        f = np.minimum(kept, _LARGEST[z.dtype])
    return g * (a * (f / (1.0 + f)))


@wide
def _softmax_rule(g: Array, a: Array, z: Array, axis: int = -1) -> Array:
    """a * (g - sum(g * a, axis=axis, keepdims=True)); as sums over the other entries."""
    return a * (g * sum_of_others(a, axis=axis) - sum_of_others(g * a, axis=axis))


@wide
def _log_softmax_rule(
    g: Array, log_a: Array, z: Array, a: Array | None = None, axis: int = -1
) -> Array:
    """g - exp(log_a) * sum(g, axis=axis, keepdims=True); as sums over the other entries."""
    a = softmax(z, axis=axis) if a is None else a
    return g * sum_of_others(a, axis=axis) - a * sum_of_others(g, axis=axis)


@wide
def _log1m_softmax_rule(g: Array, log_b: Array, z: Array, axis: int = -1) -> Array:
    """a * sum(r, axis=axis, keepdims=True) - r, a = softmax(z, axis=axis), r = g * a / (1 - a).

    As a_j Σ_{k≠j} g_k a_k/(1 - a_k) - g_j a_j; for the largest a_k, a_j/(1 - a_k) is w_j.
    """
    a = softmax(z, axis=axis)
    most = np.greater(a, 0.5)
    off = np.where(most, 0.0, a)
    w = softmax(np.where(most, -np.inf, z), axis=axis)
    pushed = np.where(most, g * a, 0.0).sum(axis=axis, keepdims=True) * np.where(most, 0.0, w)
    return a * sum_of_others(g * off / (1.0 - off), axis=axis) + pushed - g * a


def _logsumexp_rule(g: Array, s: Array, z: Array, axis: int = -1, keepdims: bool = False) -> Array:
    """g * softmax(z, axis=axis), g repeated along it."""
    return (g if keepdims else np.expand_dims(g, axis)) * softmax(z, axis=axis)


SCIPYS |= {"expit": sigmoid, "log_expit": log_sigmoid}
COMPOSED[np.logaddexp.reduce] = lambda z, axis=0, **options: (  # of nothing, -inf as in NumPy
    logsumexp(z, axis, **options) if z.size else np.sum(z, axis=axis, **options) - np.inf
)

# fmt: off
row(sigmoid,       _sigmoid_rule, forward=_sigmoid)
row(softplus,      lambda g, s, z: g * sigmoid(z))
row(log_sigmoid,   lambda g, s, z: g * sigmoid(-z))
row(softmax,       _softmax_rule)
row(log_softmax,   _log_softmax_rule, forward=_log_softmax)
row(logsumexp,     _logsumexp_rule)
row(log1m_softmax, _log1m_softmax_rule)
row(sum_of_others, lambda g, s, x, axis=-1: sum_of_others(g, axis=axis), forward=sum_of_others)
# fmt: on
