"""The six pairs in closed form: cost and output delta of logits, without cancellation.

Each function takes logits z and labels y of one example (K,) or of a batch (n, K), in C order, and
returns the cost, summed over the examples, and δ = ∂C/∂z of each, in z's shape; `dot` sums
products. Labels with an axis less than z are classes; `class_forms` has forms of theirs. A
difference is taken only where its terms do not cancel, so that every component of δ keeps its
relative accuracy in the tails, where `a - y` rounds to zero. p = softmax(z), q = 1 - p.

>>> softmax_ll(np.array([40.0, 0.0]), np.array([1.0, 0.0]))[1]
array([-4.24835426e-18,  4.24835426e-18])
"""

import functools
from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array, dispatched
from tinygrad_lossmix.mixes import class_forms
from tinygrad_lossmix.mixes.labels import require_finite
from tinygrad_lossmix.mixes.rows import (
    column,
    exponentials,
    of_class,
    others,
    paired,
    summed,
    without_largest,
)
from tinygrad_lossmix.quiet import quiet

Dot = Callable[[Array, Array], Array]


@quiet
def mean(evaluate: Callable[..., Any], z: Array, y: Array) -> tuple[Array, Array]:
    """The mean cost of a batch (…, K) and its δ, per example, by one of the functions below.

    Raises:
        ValueError: the cost is not finite, and labels hold NaN or infinity.
    """
    if z.ndim > 2:
        k = z.shape[-1]
        cost, delta = mean(evaluate, z.reshape(-1, k), y.reshape(-1, *y.shape[z.ndim - 1 :]))
        if type(delta) is not np.ndarray:
            return cost, delta.reshape(z.shape)
        delta.resize(z.shape, refcheck=False)  # in place: of a view, `grad` would return a copy
        return cost, delta
    if z.dtype.char == "e":  # a sum over a batch soon leaves the range of float16
        wide = y.astype(np.float32) if y.ndim == z.ndim else y
        cost, delta = mean(evaluate, z.astype(np.float32), wide)
        return cost.astype(np.float16), delta.astype(np.float16)
    arrays = type(z) is type(y) is np.ndarray  # nobody to ask: one node takes 3 % less
    total, delta = (evaluated.__wrapped__ if arrays else evaluated)(evaluate, z, y)
    return total / len(z) if z.ndim > 1 else total, delta


@dispatched
def evaluated(form: Callable[..., Any], z: Array, y: Array) -> tuple[Array, Array]:
    """The cost and δ of arrays in any memory layout: in blocks if large, 0·∞ = 0 where it comes up.

    Raises:
        ValueError: the cost is not finite, and labels hold NaN or infinity.
    """
    z = np.ascontiguousarray(z)
    if z.nbytes > 1.5 * BLOCK and z.ndim == 2:
        form = functools.partial(in_blocks, form)
    total, delta = form(z, y)
    if not isfinite(total):  # asked only here: each would cost every call 5 %
        require_finite(y)
        total = form(z, y, dot_at_infinity)[0]
    return total, delta


def dot_at_infinity(x: Array, y: Array) -> Array:
    """Σ x·y of finite x, with 0·∞ = 0."""
    return np.where((x == 0) & np.isinf(y), 0.0, x * y).sum()


# Bytes. Arrays of that size stay in the cache, and in memory that is not given back after each use,
# which would take as long again; BLAS takes no threads for them, which wait on a busy machine.
BLOCK = 2**16


def in_blocks(evaluate: Callable[..., Any], z: Array, y: Array, dot: Dot = np.vdot) -> Any:
    """A form of a large batch, some rows at a time: ½ to 0.8 of the time, a third of the memory.

    A form of classes writes δ where it belongs, nine times as many rows at a time: all in place.
    """
    direct = getattr(class_forms, evaluate.__name__, None) if y.ndim == 1 else None
    n, k = z.shape
    rows = max(1, (9 if direct else 1) * BLOCK // (k * z.itemsize))
    total, delta = 0.0, np.empty_like(z)
    for at in (slice(i, i + rows) for i in range(0, n, rows)):
        if direct:
            part, _ = direct(z[at], y[at], delta[at])
        else:
            part, delta[at] = evaluate(z[at], y[at], dot)
        total += part
    return z.dtype.type(total), delta


def sigmoid_ce(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = Σ y·softplus(-z) + (1-y)·softplus(z);  δ = (1-y)σ(z) - yσ(-z) = a - y.

    With u = e^-|z|: σ(z) = e^min(z,0)/(1+u), σ(-z) = e^-max(z,0)/(1+u), softplus = max + ln(1+u).
    """
    if y.ndim < z.ndim:
        return class_forms.sigmoid_ce(z, y)
    above, below = np.maximum(z, 0.0), np.minimum(z, 0.0)
    right, left = np.exp(below), np.exp(-above)
    u, off = right * left, 1.0 - y
    total = np.add.reduce(np.log1p(u), None) + dot(off, above) - dot(y, below)
    return total, (off * right - y * left) / (1.0 + u)


def sigmoid_ll(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = Σ y·softplus(-z);  δ = -yσ(-z): nothing for a wrong class."""
    if y.ndim < z.ndim:
        return class_forms.sigmoid_ll(z, y)
    below, left = np.minimum(z, 0.0), np.exp(-np.maximum(z, 0.0))
    u = np.exp(below) * left
    return dot(y, np.log1p(u) - below), y * left / (-1.0 - u)


def sigmoid_quadratic(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = ½Σ(a-y)²;  δ = (a-y)·σ(z)σ(-z)."""
    right, left = np.exp(np.minimum(z, 0.0)), np.exp(-np.maximum(z, 0.0))
    total = 1.0 + right * left
    a, b = right / total, left / total
    error = _error(a, b, y)
    return 0.5 * dot(error, error), error * a * b


def softmax_ll(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = Σ y (logsumexp(z) - z);  δ_k = p_k Σ_{j≠k} y_j - y_k q_k."""
    if y.ndim < z.ndim:
        return class_forms.softmax_ll(z, y)
    at, d, e, rest = exponentials(z)
    total = paired(summed(y), np.log1p(rest.take(at))) - dot(y, d)
    delta = others(y)  # in place from here: one node takes 4 % less
    delta *= e
    delta -= y * rest
    e += rest
    delta /= e
    return total, delta


def softmax_quadratic(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = ½Σe² with e = p - y = (1-y)p - yq;  δ_j = p_j [q_j e_j - Σ_{k≠j} p_k e_k]."""
    _, _, e, rest = exponentials(z)
    total = e + rest
    p, q = e / total, rest / total
    error = _error(p, q, y)
    return 0.5 * dot(error, error), p * (q * error - others(p * error))


def softmax_ce(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = -Σ y ln p + (1-y) ln(1-p);  δ_j = p_j Σ_{k≠j} y_k - y_j q_j + (1-y_j) p_j
    - Σ_{k≠j} (1-y_k) p_k p_j/q_k.

    With one entry p is 1 whatever z is, and only the label 1 has a finite cost.
    """
    if y.ndim < z.ndim:
        return class_forms.softmax_ce(z, y)
    if z.shape[-1] == 1:
        wrong = y != 1
        cost = np.where(wrong, np.inf, 0.0).sum(dtype=z.dtype)
        return cost, np.where(wrong, np.nan, np.zeros_like(z))
    at, d, e, rest = exponentials(z)
    total, wrong = e + rest, 1.0 - y
    odds = wrong * e / rest
    t = rest.take(at)
    log_t, log_total = np.log(t), np.log1p(t)
    pulled: Any = 0.0
    if t.size and not t.item(t.argmin()) > np.finfo(t.dtype).eps:
        w, log_t = without_largest(z, at)
        pulled = column((1.0 - y.take(at)) / (1.0 + t)) * w
        odds.ravel()[at] = 0.0
    delta = (e * (others(y) + wrong - others(odds)) - y * rest) / total - pulled
    log_q = np.log1p(-e / total)
    log_q.ravel()[at] = log_t - log_total
    return paired(summed(y), log_total) - dot(y, d) - dot(wrong, log_q), delta


def _error(a: Array, b: Array, y: Array) -> Array:
    """a - y of outputs a, with b = 1 - a: (1-y)a - yb."""
    if y.ndim == a.ndim:
        return (1.0 - y) * a - y * b
    error, at = a.copy(), of_class(a, y)
    error.ravel()[at] = -b.take(at)
    return error
