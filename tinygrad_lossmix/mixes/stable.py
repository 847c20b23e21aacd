"""The six pairs in closed form: cost and output delta of logits, without cancellation.

Each function takes logits z and labels y of one example (K,) or of a batch (n, K), in C order, and
returns the cost, summed over the examples, and δ = ∂C/∂z of each, in z's shape; `dot` sums
products. A difference is taken only where its terms do not cancel, so that every component of δ
keeps its relative accuracy in the tails, where `a - y` rounds to zero. p = softmax(z), q = 1 - p.

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

_ones = functools.lru_cache(32)(np.ones)


@functools.lru_cache(32)
def _starts(n: int, k: int) -> Array:
    return np.arange(0, n * k, k)


@functools.lru_cache(32)
def _all_but_one(k: int, dtype: Any) -> Array:
    return 1 - np.eye(k, dtype=dtype)


def dot_at_infinity(x: Array, y: Array) -> Array:
    """Σ x·y of finite x, with 0·∞ = 0."""
    return np.where((x == 0) & np.isinf(y), 0.0, x * y).sum()


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
    """C = S·logsumexp(z) - y·z with S = Σy;  δ_k = p_k Σ_{j≠k} y_j - y_k q_k."""
    at, d, e = _exponentials(z)
    rest = _others(e)
    t = _flat(rest)[at]
    delta = (e * _others(y) - y * rest) / _column(1.0 + t)
    return np.dot(_sum(y), np.log1p(t)) - dot(y, d), delta


def softmax_quadratic(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = ½Σe² with e = p - y = (1-y)p - yq;  δ_j = p_j [q_j e_j - Σ_{k≠j} p_k e_k]."""
    at, _, e = _exponentials(z)
    rest = _others(e)
    total = _column(1.0 + _flat(rest)[at])
    p, q = e / total, rest / total
    error = (1.0 - y) * p - y * q
    return 0.5 * dot(error, error), p * (q * error - _others(p * error))


def softmax_ce(z: Array, y: Array, dot: Dot = np.vdot) -> tuple[Array, Array]:
    """C = -Σ y ln p + (1-y) ln(1-p);  δ_j = p_j Σ_{k≠j} y_k - y_j q_j + (1-y_j) p_j
    - Σ_{k≠j} (1-y_k) p_k p_j/q_k, where p_j/q_k is the softmax of z without entry k.

    At the largest p it is taken as that softmax, w: q underflows there long before p_j/q. With one
    entry p is 1 whatever z is, and only the label 1 has a finite cost.
    """
    if z.shape[-1] == 1:
        wrong = y != 1
        cost = np.where(wrong, np.inf, 0.0).sum(dtype=z.dtype)
        return cost, np.where(wrong, np.nan, np.zeros_like(z))
    at = _peak(z)
    top = _flat(z)[at]
    others = np.maximum(z, np.finfo(z.dtype).min)  # an entry at -inf can still be the second
    _flat(others)[at] = -np.inf
    second_at = _peak(others)
    second = _flat(z)[second_at]
    w = np.exp(others - _column(_flat(others)[second_at]))
    without = _sum(w)
    w /= _column(without)
    t = without * np.exp(second - top)
    p = w * _column(t / (1.0 + t))
    q = 1.0 - p  # no p left is above one half
    odds = (1.0 - y) * p / q
    _flat(p)[at] = 1.0 / (1.0 + t)
    _flat(q)[at] = t / (1.0 + t)
    wrong = (1.0 - y) * p
    pushed = p * _others(odds) + _column(_flat(wrong)[at]) * w
    delta = p * _others(y) - y * q + wrong - pushed

    log_total = np.log1p(t)
    log_p = z - _column(top) - _column(log_total)
    _flat(log_p)[at] = -log_total
    log_q = np.log1p(-p)
    _flat(log_q)[at] = second - top + np.log(without) - log_total
    return 0.0 - dot(y, log_p) - dot(1.0 - y, log_q), delta


def _exponentials(z: Array) -> tuple[Any, Array, Array]:
    """Where each row of z is largest, d = z minus that, and e^d."""
    at = _peak(z)
    d = z - _column(_flat(z)[at])
    _flat(d)[at] = 0.0  # also where the largest is infinite
    return at, d, np.exp(d)


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


def _others(x: Array) -> Array:
    """Σ_{j≠k} x_j for each k of a row, without taking x_k away again."""
    k = x.shape[-1]
    if k <= 32:  # a small matrix takes half the time of the other way, a large one far more
        return x.dot(_all_but_one(k, x.dtype))
    at = _peak(np.abs(x))
    rest = x.copy()
    _flat(rest)[at] = 0.0
    without = _sum(rest)
    sums = _column(without + _flat(x)[at]) - x
    _flat(sums)[at] = without
    return sums
