"""Pairs in closed form where labels are classes, by their index: nothing is made one-hot.

Each function is that of its name in `closed_forms.py` for y (), the class of one example z (K,), or
y (n,) of a batch (n, K), K ≥ 2: the cost, summed over the examples, and δ of each, as accurate.
δ is written into `out` if there is one, in C order as z is.

>>> softmax_ll(np.array([40.0, 0.0]), np.array(0))[1]
array([-4.24835426e-18,  4.24835426e-18])
"""

from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.rows import (
    column,
    entry,
    exponentials,
    of_class,
    others,
    peak,
    summed,
    without_largest,
)


def sigmoid_ce(z: Array, y: Array, out: Array | None = None) -> tuple[Any, Array]:
    """C = softplus(-z_y) + Σ_{k≠y} softplus(z_k);  δ = σ(z), but δ_y = -σ(-z_y)."""
    at, above, below = of_class(z, y), np.maximum(z, 0.0), np.minimum(z, 0.0)
    right, left = np.exp(below), np.exp(-above)
    u = right * left
    above.ravel()[at] = -below.take(at)
    right.ravel()[at] = -left.take(at)
    return np.add.reduce(np.log1p(u) + above, None), np.divide(right, 1.0 + u, out=out)


def sigmoid_ll(z: Array, y: Array, out: Array | None = None) -> tuple[Any, Array]:
    """C = softplus(-z_y);  δ_y = -σ(-z_y), the others 0; NaN where z is, both."""
    at, delta = of_class(z, y), np.minimum(np.abs(z), 0.0, out=out)
    logit, flat = z.take(at), delta.ravel()
    below, left = np.minimum(logit, 0.0), np.exp(-np.maximum(logit, 0.0))
    u = np.exp(below) * left
    flat[at] = np.log1p(u) - below
    cost = np.add.reduce(flat)
    flat[at] = left / (-1.0 - u)
    return cost, delta


def softmax_ll(z: Array, y: Array, out: Array | None = None) -> tuple[Any, Array]:
    """C = ln Σe^(z - z_y);  δ = p, but δ_y = -q_y. All in one array."""
    first, at = peak(z), of_class(z, y)
    e = np.subtract(z, entry(z, first), out=out)
    flat = e.ravel()
    flat[first] = 0.0  # also where the largest is infinite
    d = flat.take(at)
    np.exp(e, out=e)
    flat[first] = 0.0
    t = summed(e)
    rest = (t - flat.take(at)) + (at != first)
    flat[first] = 1.0
    total = 1.0 + t
    e /= column(total)
    flat[at] = rest / -total
    return np.add.reduce(np.log1p(t) - d, None), e


def softmax_ce(z: Array, y: Array, out: Array | None = None) -> tuple[Any, Array]:
    """C = -ln p_y - Σ_{k≠y} ln q_k;  with r = p/q, but r_y = 0: δ_j = p_j (2 - Σ_{k≠j} r_k), but
    δ_y = -q_y - p_y Σr."""
    first, d, e, rest = exponentials(z)
    total, at = e + rest, of_class(z, y)
    odds = e / rest
    odds.ravel()[at] = 0.0
    t = rest.take(first)
    log_t, log_total = np.log(t), np.log1p(t)
    pulled: Any = 0.0
    if t.size and not t.item(t.argmin()) > np.finfo(t.dtype).eps:
        w, log_t = without_largest(z, first)
        pulled = column((at != first) / (1.0 + t)) * w
        odds.ravel()[first] = 0.0
    pull = others(odds)
    factor = 2.0 - pull
    factor.ravel()[at] = -pull.take(at)
    delta = e * factor
    delta.ravel()[at] -= rest.take(at)
    log_q = np.log1p(-e / total)
    log_q.ravel()[first] = log_t - log_total
    log_q.ravel()[at] = 0.0
    cost = np.add.reduce(log_total - d.take(at), None) - np.add.reduce(log_q, None)
    return cost, np.subtract(delta / total, pulled, out=out)
