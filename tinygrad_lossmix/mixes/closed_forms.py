"""The six pairs in closed form: cost and output delta of logits, without cancellation.

Each function takes logits z and labels y of one example (K,) or of a batch (n, K), in C order, and
returns the cost, summed over the examples, and δ = ∂C/∂z of each, in z's shape; `dot` sums
products. A difference is taken only where its terms do not cancel, so that every component of δ
keeps its relative accuracy in the tails, where `a - y` rounds to zero. p = softmax(z), q = 1 - p.

>>> softmax_ll(np.array([40.0, 0.0]), np.array([1.0, 0.0]))[1]
array([-4.24835426e-18,  4.24835426e-18])
"""

import functools
from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array, dispatched
from tinygrad_lossmix.mixes.labels import require_finite

Dot = Callable[[Array, Array], Array]

FEW = 32  # up to here a sum of others by a matrix takes half the time, from here far more
_ones = functools.lru_cache(32)(np.ones)


@functools.lru_cache(32)
def _starts(n: int, k: int) -> Array:
    return np.arange(0, n * k, k)


@functools.lru_cache(32)
def all_but_one(k: int, dtype: Any) -> Array:
    return 1 - np.eye(k, dtype=dtype)


@np.errstate(all="ignore")
def mean(evaluate: Callable[..., Any], z: Array, y: Array) -> tuple[Array, Array]:
    """The mean cost of a batch (…, K) and its δ, per example, by one of the functions below.

    Raises:
        ValueError: the cost is not finite, and labels hold NaN or infinity.
    """
    if z.ndim > 2:
        k = z.shape[-1]
        cost, delta = mean(evaluate, z.reshape(-1, k), y.reshape(-1, k))
        return cost, delta.reshape(z.shape)
    if z.dtype.char == "e":  # a sum over a batch soon leaves the range of float16
        cost, delta = mean(evaluate, z.astype(np.float32), y.astype(np.float32))
        return cost.astype(np.float16), delta.astype(np.float16)
    total, delta = evaluated(evaluate, z, y)
    return total / z.dtype.type(len(z)) if z.ndim > 1 else total, delta


@dispatched
def evaluated(form: Callable[..., Any], z: Array, y: Array) -> tuple[Array, Array]:
    """The cost and δ of arrays in any memory layout: in blocks if large, 0·∞ = 0 where it comes up.

    Raises:
        ValueError: the cost is not finite, and labels hold NaN or infinity.
    """
    z = np.ascontiguousarray(z)
    if z.size > 2 * BLOCK and z.ndim == 2:
        form = functools.partial(in_blocks, form)
    total, delta = form(z, y)
    if not isfinite(total):  # asked only here: each would cost every call 5 %
        require_finite(y)
        total = form(z, y, dot_at_infinity)[0]
    return total, delta


def dot_at_infinity(x: Array, y: Array) -> Array:
    """Σ x·y of finite x, with 0·∞ = 0."""
    return np.where((x == 0) & np.isinf(y), 0.0, x * y).sum()


BLOCK = 2**17  # numbers: what a form needs of them fits in the cache of a core


def in_blocks(evaluate: Callable[..., Any], z: Array, y: Array, dot: Dot = np.vdot) -> Any:
    """A form of a large batch, some rows at a time: 0.8 of the time, a third of the memory."""
    n, k = z.shape
    rows = max(1, BLOCK // k)
    total, delta = 0.0, np.empty_like(z)
    for i in range(0, n, rows):
        part, delta[i : i + rows] = evaluate(z[i : i + rows], y[i : i + rows], dot)
        total += part
    return z.dtype.type(total), delta


def sigmoid_ce(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = Σ y·softplus(-z) + (1-y)·softplus(z);  δ = (1-y)σ(z) - yσ(-z) = a - y.

    With u = e^-|z|: σ(z) = e^min(z,0)/(1+u), σ(-z) = e^-max(z,0)/(1+u), softplus = max + ln(1+u).
    """
    above, below = np.maximum(z, 0.0), np.minimum(z, 0.0)
    right, left = np.exp(below), np.exp(-above)
    u, off = right * left, 1.0 - y
    total = np.add.reduce(np.log1p(u), None) + dot(off, above) - dot(y, below)
    return total, (off * right - y * left) / (1.0 + u)


def sigmoid_ll(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = Σ y·softplus(-z);  δ = -yσ(-z): nothing for a wrong class."""
    below, left = np.minimum(z, 0.0), np.exp(-np.maximum(z, 0.0))
    u = np.exp(below) * left
    return dot(y, np.log1p(u) - below), y * left / (-1.0 - u)


def sigmoid_quadratic(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = ½Σ(a-y)²;  δ = (a-y)·σ(z)σ(-z)."""
    right, left = np.exp(np.minimum(z, 0.0)), np.exp(-np.maximum(z, 0.0))
    total = 1.0 + right * left
    a, b = right / total, left / total
    error = (1.0 - y) * a - y * b
    return 0.5 * dot(error, error), error * a * b


def softmax_ll(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = S·logsumexp(z) - y·z with S = Σy;  δ_k = p_k Σ_{j≠k} y_j - y_k q_k."""
    at, d, e, rest = _exponentials(z)
    delta = (e * _others(y) - y * rest) / (e + rest)
    return np.vdot(_sum(y), np.log1p(rest.take(at))) - dot(y, d), delta


def softmax_quadratic(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = ½Σe² with e = p - y = (1-y)p - yq;  δ_j = p_j [q_j e_j - Σ_{k≠j} p_k e_k]."""
    _, _, e, rest = _exponentials(z)
    total = e + rest
    p, q = e / total, rest / total
    error = (1.0 - y) * p - y * q
    return 0.5 * dot(error, error), p * (q * error - _others(p * error))


def softmax_ce(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = -Σ y ln p + (1-y) ln(1-p);  δ_j = p_j Σ_{k≠j} y_k - y_j q_j + (1-y_j) p_j
    - Σ_{k≠j} (1-y_k) p_k p_j/q_k.

    With one entry p is 1 whatever z is, and only the label 1 has a finite cost.
    """
    if z.shape[-1] == 1:
        wrong = y != 1
        cost = np.where(wrong, np.inf, 0.0).sum(dtype=z.dtype)
        return cost, np.where(wrong, np.nan, np.zeros_like(z))
    at, d, e, rest = _exponentials(z)
    total, wrong = e + rest, 1.0 - y
    odds = wrong * e / rest
    t = rest.take(at)
    log_t, log_total = np.log(t), np.log1p(t)
    pulled: Any = 0.0
    if t.size and not t.item(t.argmin()) > np.finfo(t.dtype).eps:
        w, log_t = _without_largest(z, at)
        pulled = _column((1.0 - y.take(at)) / (1.0 + t)) * w
        odds.ravel()[at] = 0.0
    delta = (e * (_others(y) + wrong - _others(odds)) - y * rest) / total - pulled
    log_q = np.log1p(-e / total)
    log_q.ravel()[at] = log_t - log_total
    return np.vdot(_sum(y), log_total) - dot(y, d) - dot(wrong, log_q), delta


def _without_largest(z: Array, at: Any) -> tuple[Array, Array]:
    """The softmax of each row without its largest entry, and ln(q/p) of that entry.

    Where an output is nearly certain: its q and the other p underflow long before p/q does.
    """
    others = np.maximum(z, np.finfo(z.dtype).min)  # an entry at -inf can still be the second
    others.ravel()[at] = -np.inf
    second = _peak(others)
    w = np.exp(others - _column(others.take(second)))
    total = _sum(w)
    return w / _column(total), z.take(second) - z.take(at) + np.log(total)


def _exponentials(z: Array) -> tuple[Any, Array, Array, Array]:
    """Where each row of z is largest, d = z minus that, e^d, and Σ_{j≠k} e^d_j for each k."""
    at = _peak(z)
    d = z - _column(z.take(at))
    d.ravel()[at] = 0.0  # also where the largest is infinite
    e = np.exp(d)
    return at, d, e, _others(e)


def _peak(x: Array) -> Any:
    """Where each row is largest, as an index of `x.ravel()`: a third of the time of a pair."""
    k = x.argmax(axis=-1)
    return k if x.ndim == 1 else k + _starts(*x.shape)


def _column(x: Array) -> Array:
    """A number of each row, to be broadcast along it."""
    return x[:, None] if x.ndim else x


def _sum(x: Array) -> Array:
    """Over the last axis; a dot product takes a quarter of the time of np.sum on short rows."""
    return x.dot(_ones(x.shape[-1], x.dtype))


def _others(x: Array) -> Array:
    """Σ_{j≠k} x_j for each k of a row, without taking x_k away again."""
    k = x.shape[-1]
    if k <= FEW:
        return x.dot(all_but_one(k, x.dtype))
    at = _peak(np.abs(x))
    rest = x.copy()
    rest.ravel()[at] = 0.0
    without = _sum(rest)
    sums = _column(without + x.ravel()[at]) - x
    sums.ravel()[at] = without
    return sums
