"""The six pairs in closed form where labels are classes, by their index: nothing is made one-hot.

Each function is that of its name in `closed_forms.py` for y (), the class of one example z (K,), or
y (n,) of a batch (n, K), K ≥ 2: the cost, summed over the examples, and δ of each, as accurate.

>>> softmax_ll(np.array([40.0, 0.0]), np.array(0))[1]
array([-4.24835426e-18,  4.24835426e-18])
"""

from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.rows import (
    column,
    exponentials,
    others,
    peak,
    starts,
    summed,
    without_largest,
)


def sigmoid_ce(z: Array, y: Array) -> tuple[Array, Array]:
    """C = Σ softplus(w), with w = z but w_y = -z_y;  δ = σ(w), but δ_y = -σ(w_y)."""
    right, w, u = _turned(z, y)
    delta = np.where(w < 0, u, 1.0) / (1.0 + u)
    delta.ravel()[right] *= -1.0
    return np.add.reduce(np.maximum(w, 0.0) + np.log1p(u), None), delta


def sigmoid_ll(z: Array, y: Array) -> tuple[Array, Array]:
    """C = softplus(-z_y);  δ_y = -σ(-z_y), the others 0, or NaN where z is."""
    right, delta = _of_class(z, y), np.minimum(np.abs(z), 0.0)
    nothing, w = np.add.reduce(delta, None), -z.take(right)
    u = np.exp(-np.abs(w))
    delta.ravel()[right] = np.where(w < 0, u, 1.0) / (-1.0 - u)
    return nothing + np.add.reduce(np.maximum(w, 0.0) + np.log1p(u), None), delta


def sigmoid_quadratic(z: Array, y: Array) -> tuple[Array, Array]:
    """C = ½Σσ(w)², with w = z but w_y = -z_y;  δ = σ(w)²σ(-w), but δ_y with a minus."""
    right, w, u = _turned(z, y)
    negative, total = w < 0, 1.0 + u
    square = np.square(np.where(negative, u, 1.0) / total)
    delta = square * (np.where(negative, 1.0, u) / total)
    delta.ravel()[right] *= -1.0
    return 0.5 * np.add.reduce(square, None), delta


def softmax_ll(z: Array, y: Array) -> tuple[Array, Array]:
    """C = ln Σe^(z - z_y);  δ = p, but δ_y = -q_y. Written into one array: large ones take time."""
    at, right = peak(z), _of_class(z, y)
    e = z - column(z.take(at))
    flat = e.ravel()
    flat[at] = 0.0  # also where the largest is infinite
    d = flat.take(right)
    np.exp(e, out=e)
    flat[at] = 0.0
    t = summed(e)
    rest = (t - flat.take(right)) + (right != at)
    flat[at] = 1.0
    total = 1.0 + t
    e /= column(total)
    flat[right] = rest / -total
    return np.add.reduce(np.log1p(t) - d, None), e


def softmax_quadratic(z: Array, y: Array) -> tuple[Array, Array]:
    """C = ½Σe² with e = p, but e_y = -q_y;  δ_j = p_j [q_j e_j - Σ_{k≠j} p_k e_k]."""
    _, _, e, rest = exponentials(z)
    total, right = e + rest, _of_class(z, y)
    p, q = e / total, rest / total
    error = p.copy()
    error.ravel()[right] = -q.take(right)
    return 0.5 * np.vdot(error, error), p * (q * error - others(p * error))


def softmax_ce(z: Array, y: Array) -> tuple[Array, Array]:
    """C = -ln p_y - Σ_{k≠y} ln q_k;  with r = p/q, but r_y = 0: δ_j = p_j (2 - Σ_{k≠j} r_k), but
    δ_y = -q_y - p_y Σr."""
    at, d, e, rest = exponentials(z)
    total, right = e + rest, _of_class(z, y)
    odds = e / rest
    odds.ravel()[right] = 0.0
    t = rest.take(at)
    log_t, log_total = np.log(t), np.log1p(t)
    pulled: Any = 0.0
    if t.size and not t.item(t.argmin()) > np.finfo(t.dtype).eps:
        w, log_t = without_largest(z, at)
        pulled = column((right != at) / (1.0 + t)) * w
        odds.ravel()[at] = 0.0
    pull = others(odds)
    factor = 2.0 - pull
    factor.ravel()[right] = -pull.take(right)
    delta = e * factor
    delta.ravel()[right] -= rest.take(right)
    log_q = np.log1p(-e / total)
    log_q.ravel()[at] = log_t - log_total
    log_q.ravel()[right] = 0.0
    cost = np.add.reduce(log_total - d.take(right), None) - np.add.reduce(log_q, None)
    return cost, delta / total - pulled


def _of_class(z: Array, y: Array) -> Any:
    """Where the logit of each row's class is, as an index of `z.ravel()`."""
    return y + starts(*z.shape) if y.ndim else y


def _turned(z: Array, y: Array) -> tuple[Any, Array, Array]:
    """Where the logits of the classes are, the logits with those negated, and e^-|z|."""
    right, w = _of_class(z, y), z.copy()
    w.ravel()[right] *= -1.0
    return right, w, np.exp(-np.abs(z))
