"""The six pairs in closed form: cost and output delta of logits, without cancellation.

Each function takes logits z and labels y of one example (K,) or of a batch (n, K) and returns the
cost of each example, () or (n,), and δ = ∂C/∂z in z's shape. Written with
p = softmax(z), q = 1 - p, u = e^-|z|; a difference is taken only where its terms do not cancel, so
that every component of δ keeps its relative accuracy in the tails, where `a - y` rounds to zero:

>>> softmax_ll(np.array([40.0, 0.0]), np.array([1.0, 0.0]))[1]
array([-4.24835426e-18,  4.24835426e-18])
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

Array = Any

_ones = functools.lru_cache(np.ones)


def sigmoid_ce(z: Array, y: Array) -> tuple[Array, Array]:
    """C = Σ y·softplus(-z) + (1-y)·softplus(z);  δ = (1-y)σ(z) - yσ(-z) = a - y."""
    u, right = np.exp(-np.abs(z)), z >= 0
    off = right - y
    return _sum(np.log1p(u)) + _weighted(off, z), (off + (~right - y) * u) / (1.0 + u)


def sigmoid_ll(z: Array, y: Array) -> tuple[Array, Array]:
    """C = Σ y·softplus(-z);  δ = -yσ(-z): nothing for a wrong class."""
    u = np.exp(-np.abs(z))
    softplus = np.log1p(u) - np.minimum(z, 0.0)
    return _weighted(y, softplus), -y * np.where(z >= 0, u, 1.0) / (1.0 + u)


def sigmoid_quadratic(z: Array, y: Array) -> tuple[Array, Array]:
    """C = ½Σ(a-y)²;  δ = (a-y)·σ(z)σ(-z)."""
    u, right = np.exp(-np.abs(z)), z >= 0
    error = (right - y + (~right - y) * u) / (1.0 + u)
    return 0.5 * np.vecdot(error, error), error * (u / np.square(1.0 + u))


def softmax_ll(z: Array, y: Array) -> tuple[Array, Array]:
    """C = S·logsumexp(z) - y·z with S = Σy;  δ_k = p_k Σ_{j≠k} y_j - y_k q_k."""
    _, d, t, p, q = _softmax(z)
    total, others = _label_sums(y)
    return total * np.log1p(t) - _weighted(y, d), p * others - y * q


def softmax_quadratic(z: Array, y: Array) -> tuple[Array, Array]:
    """C = ½Σe² with e = p - y;  δ_j = p_j [q_j e_j - Σ_{k≠j} p_k e_k]."""
    at, _, _, p, q = _softmax(z)
    error = (1.0 - y) * p - y * q
    return 0.5 * np.vecdot(error, error), p * (q * error - _others(p * error, at))


def softmax_ce(z: Array, y: Array) -> tuple[Array, Array]:
    """C = -Σ y ln p + (1-y) ln(1-p);  δ_j = p_j Σ_{k≠j} y_k - y_j q_j + (1-y_j) p_j
    - Σ_{k≠j} (1-y_k) p_k p_j/q_k, where p_j/q_k is the softmax of z without entry k.

    The entry m of the largest p needs that softmax by itself: q_m underflows long before p_j/q_m.
    """
    at = _peak(z)
    top = z[at]
    rest = z.copy()
    rest[at] = -np.inf
    second_at = _peak(rest)
    second = rest[second_at]
    e = np.exp(rest - np.maximum(second, np.finfo(z.dtype).min)[..., None])
    e[second_at] = 1.0
    without = _sum(e)
    t = without * np.exp(second - top)
    without_top = e / without[..., None]
    without_top[at] = 0.0
    p = without_top * (t / (1.0 + t))[..., None]
    p[at] = 1.0 / (1.0 + t)
    q = 1.0 - p
    q[at] = t / (1.0 + t)

    log_p = z - top[..., None] - np.log1p(t)[..., None]
    log_p[at] = -np.log1p(t)
    log_q = np.log1p(-p)
    log_q[at] = second - top + np.log(without) - np.log1p(t)
    wrong = 1.0 - y
    cost = -_weighted(y, log_p) - _weighted(wrong, log_q)

    odds = wrong * p / q
    odds[at] = 0.0
    pushed = p * (_sum(odds)[..., None] - odds) + (wrong[at] * p[at])[..., None] * without_top
    return cost, p * _label_sums(y)[1] - y * q + wrong * p - pushed


def _softmax(z: Array) -> tuple[Any, Array, Array, Array, Array]:
    """Where z is largest, z minus that, t = Σ of the other e^(z-max), p and q = 1 - p."""
    at = _peak(z)
    d = z - z[at][..., None]
    d[at] = 0.0  # also where the largest is infinite
    e = np.exp(d)
    e[at] = 0.0
    t = _sum(e)
    e[at] = 1.0
    p = e / (1.0 + t)[..., None]
    q = 1.0 - p
    q[at] = t / (1.0 + t)
    return at, d, t, p, q


def _peak(x: Array) -> Any:
    """The index of the largest entry of each row."""
    k = x.argmax(axis=-1)
    return k if x.ndim == 1 else (np.arange(len(k)), k)


def _sum(x: Array) -> Array:
    """Over the last axis; a dot product takes a quarter of the time of np.sum on short rows."""
    return x.dot(_ones(x.shape[-1], x.dtype))


def _weighted(y: Array, x: Array) -> Array:
    """Σ y·x over the last axis, with 0·∞ = 0."""
    sums = np.vecdot(y, x)
    if np.isnan(np.vdot(sums, sums)):
        sums = np.where(y == 0, 0.0, y * x).sum(axis=-1)
    return sums


def _label_sums(y: Array) -> tuple[Array, Array]:
    """Σ_j y_j of each row, and Σ_{j≠k} y_j for each k."""
    total = _sum(y)
    if np.count_nonzero(total) == np.count_nonzero(y):  # no row has two entries: exact
        return total, total[..., None] - y
    return total, _others(y, _peak(np.abs(y)))


def _others(x: Array, at: Any) -> Array:
    """Σ_{j≠k} x_j for each k, exactly where x_k outweighs the others: at `at`."""
    rest = x.copy()
    rest[at] = 0.0
    without = _sum(rest)
    sums = (without + x[at])[..., None] - x
    sums[at] = without
    return sums
