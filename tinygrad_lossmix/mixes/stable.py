"""The six pairs in closed form: cost and output delta of logits, without cancellation.

Each function takes logits z and labels y of one example (K,) or of a batch (n, K), in C order, and
returns the cost, summed over the examples, and δ = ∂C/∂z of each, in z's shape; `dot` sums
products. A difference is taken only where its terms do not cancel, so that every component of δ
keeps its relative accuracy in the tails, where `a - y` rounds to zero. With p = softmax(z),
q = 1 - p and m the largest entry of z: at every k ≠ m, where p_k ≤ ½, the short formula will do; at
m, q comes from the sum of the others.

>>> softmax_ll(np.array([40.0, 0.0]), np.array([1.0, 0.0]))[1]
array([-4.24835426e-18,  4.24835426e-18])
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
Dot = Callable[[Array, Array], Array]

_ones = functools.lru_cache(np.ones)


@functools.lru_cache
def _starts(n: int, k: int) -> Array:
    return np.arange(0, n * k, k)


def dot_at_infinity(x: Array, y: Array) -> Array:
    """Σ x·y, with 0·∞ = 0."""
    return np.where((x == 0) | (y == 0), 0.0, x * y).sum()


def sigmoid_ce(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = Σ y·softplus(-z) + (1-y)·softplus(z);  δ = (1-y)σ(z) - yσ(-z) = a - y."""
    u, right = np.exp(-np.abs(z)), z >= 0
    off = right - y
    return np.log1p(u).sum() + dot(off, z), (off + (~right - y) * u) / (1.0 + u)


def sigmoid_ll(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = Σ y·softplus(-z);  δ = -yσ(-z): nothing for a wrong class."""
    u = np.exp(-np.abs(z))
    softplus = np.log1p(u) - np.minimum(z, 0.0)
    return dot(y, softplus), -y * np.maximum(u, z < 0) / (1.0 + u)


def sigmoid_quadratic(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = ½Σ(a-y)²;  δ = (a-y)·σ(z)σ(-z)."""
    u, right = np.exp(-np.abs(z)), z >= 0
    error = (right - y + (~right - y) * u) / (1.0 + u)
    return 0.5 * dot(error, error), error * (u / np.square(1.0 + u))


def softmax_ll(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = S·logsumexp(z) - y·z with S = Σy;  δ = S·p - y, and at m: p_m Σ_{j≠m} y_j - y_m q_m."""
    at, d, e, t = _softmax(z)
    y_top, rest = _without(y, at)
    y_rest, total = _sum(rest), 1.0 + t
    labels = y_top + y_rest
    delta = e * _column(labels / total) - y
    _flat(delta)[at] = (y_rest - y_top * t) / total
    return np.dot(labels, np.log1p(t)) - dot(rest, d), delta


def softmax_quadratic(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = ½Σe² with e = p - y;  δ_j = p_j [q_j e_j - Σ_{k≠j} p_k e_k]."""
    at, _, e, t = _softmax(z)
    total = 1.0 + t
    _flat(e)[at] = 1.0
    p = e / _column(total)
    q = 1.0 - p
    _flat(q)[at] = t / total
    error = p - y
    _flat(error)[at] = (_flat((1.0 - y) * p) - _flat(y * q))[at]
    pull = p * error
    top, rest = _without(pull, at)
    others = _column(top + _sum(rest)) - pull
    _flat(others)[at] = _sum(rest)
    return 0.5 * dot(error, error), p * (q * error - others)


def softmax_ce(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = -Σ y ln p + (1-y) ln(1-p);  δ_j = p_j Σ_{k≠j} y_k - y_j q_j + (1-y_j) p_j
    - Σ_{k≠j} (1-y_k) p_k p_j/q_k, where p_j/q_k is the softmax of z without entry k.

    At k = m it is taken as that softmax, w: q_m underflows long before p_j/q_m.
    """
    at = _peak(z)
    top = _flat(z)[at]
    rest = z.copy()
    _flat(rest)[at] = -np.inf
    second_at = _peak(rest)
    second = _flat(rest)[second_at]
    w = np.exp(rest - _column(np.maximum(second, np.finfo(z.dtype).min)))
    _flat(w)[second_at] = 1.0
    _flat(w)[at] = 0.0
    without = _sum(w)
    w /= _column(without)
    t = without * np.exp(second - top)
    total = 1.0 + t
    p = w * _column(t / total)
    y_top, rest = _without(y, at)
    y_rest, wrong, wrong_top, p_top = _sum(rest), 1.0 - y, 1.0 - y_top, 1.0 / total

    odds = wrong * p / (1.0 - p)
    pushed = _sum(odds)
    delta = (
        p * (wrong + _column(y_top + y_rest - pushed) + odds) - y - _column(wrong_top * p_top) * w
    )
    _flat(delta)[at] = (y_rest - y_top * t + wrong_top - pushed) * p_top

    log_total = np.log1p(t)
    log_p = z - _column(top + log_total)
    _flat(log_p)[at] = -log_total
    log_q = np.log1p(-p)
    _flat(log_q)[at] = second - top + np.log(without) - log_total
    return -dot(y, log_p) - dot(wrong, log_q), delta


def _softmax(z: Array) -> tuple[Any, Array, Array, Array]:
    """Where z is largest, z minus that but far below there, e to its power, and t = Σe."""
    at = _peak(z)
    d = z - _column(_flat(z)[at])
    _flat(d)[at] = -1e5  # e is 0, in every dtype
    e = np.exp(d)
    return at, d, e, _sum(e)


def _peak(x: Array) -> Any:
    """Where each row is largest, as an index of `_flat(x)`: a third of the time of a pair."""
    k = x.argmax(axis=-1)
    return k if x.ndim == 1 else k + _starts(*x.shape)


def _flat(x: Array) -> Array:
    return x if x.ndim == 1 else x.reshape(-1)


def _column(x: Array) -> Array:
    """A number of each row, to be broadcast along it."""
    return x[:, None] if x.ndim else x


def _sum(x: Array) -> Array:
    """Over the last axis; a dot product takes a quarter of the time of np.sum on short rows."""
    return x.dot(_ones(x.shape[-1], x.dtype))


def _without(x: Array, at: Any) -> tuple[Array, Array]:
    """The entry of each row at `at`, and x with 0 in its place."""
    rest = x.copy()
    _flat(rest)[at] = 0.0
    return _flat(x)[at], rest
