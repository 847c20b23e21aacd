"""The closed forms of the mixes in plain NumPy, for loops: row by row, without a step in place.

As in `mixes/stable.py`, with the largest entries of a row known by a mask instead of an index, and
Σ_{j≠k} as a sum without them and one of them: a difference is taken only where it does not cancel.
Where a logit is infinite the cost comes out as NaN or infinity, and the interpreted form is asked.
Each takes logits z and labels y, both (K,) or (n, K), and returns the cost, summed over the
examples, and δ of each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.mixes import stable

Value = Any


def softmax_ll(z: Value, y: Value) -> tuple[Value, Value]:
    """`stable.softmax_ll`."""
    d, top, e, rest, t = _exponentials(z)
    delta = (e * _others(y, top) - y * rest) / (1.0 + t)
    return (_sum(y) * np.log1p(t)).sum() - (y * d).sum(), delta


def softmax_quadratic(z: Value, y: Value) -> tuple[Value, Value]:
    """`stable.softmax_quadratic`."""
    _, top, e, rest, t = _exponentials(z)
    p, q = e / (1.0 + t), rest / (1.0 + t)
    error = (1.0 - y) * p - y * q
    return 0.5 * (error * error).sum(), p * (q * error - _others(p * error, top))


def softmax_ce(z: Value, y: Value) -> tuple[Value, Value]:
    """`stable.softmax_ce`; an entry that is alone the largest is `first`, and w is the softmax
    without it."""
    if z.shape[-1] == 1:
        return stable.softmax_ce(z, y)
    d, top, e, rest, t = _exponentials(z)
    first = np.logical_and(top, _sum(top.astype(z.dtype)) == 1.0)
    lowest = float(np.finfo(z.dtype).min)
    second = np.where(first, lowest, z).max(axis=-1, keepdims=True)
    w = np.where(first, 0.0, np.exp(z - second))
    w_total, total, wrong = _sum(w), 1.0 + t, 1.0 - y
    pulled = _sum(np.where(first, wrong, 0.0)) / (total * w_total) * w
    odds = np.where(first, 0.0, wrong * e / rest)
    delta = (e * (_others(y, top) + wrong - (_sum(odds) - odds)) - y * rest) / total - pulled
    log_q_first = second - z.max(axis=-1, keepdims=True) + np.log(w_total) - np.log1p(t)
    log_q = np.where(first, log_q_first, np.log1p(-e / total))
    return (_sum(y) * np.log1p(t)).sum() - (y * d).sum() - (wrong * log_q).sum(), delta


def _exponentials(z: Value) -> tuple[Value, Value, Value, Value, Value]:
    """d = z minus the largest of its row, where d is 0, e^d, its Σ_{j≠k}, and that of a largest."""
    d = z - z.max(axis=-1, keepdims=True)
    top, e = d == 0.0, np.exp(d)
    t = _sum(np.where(top, 0.0, e)) + (_sum(top.astype(z.dtype)) - 1.0)
    return d, top, e, _others(e, top), t


def _others(x: Value, top: Value) -> Value:
    """Σ_{j≠k} x_j; what it loses where k is not on top is little beside what softmax leaves k."""
    small, large = _sum(np.where(top, 0.0, x)), _sum(np.where(top, x, 0.0))
    return np.where(top, small + (large - x), (small - x) + large)


def _sum(x: Value) -> Value:
    return x.sum(axis=-1, keepdims=True)


LOOPED: dict[Any, Callable[..., tuple[Value, Value]]] = {
    stable.sigmoid_ce: stable.sigmoid_ce,
    stable.sigmoid_ll: stable.sigmoid_ll,
    stable.sigmoid_quadratic: stable.sigmoid_quadratic,
    stable.softmax_ll: softmax_ll,
    stable.softmax_ce: softmax_ce,
    stable.softmax_quadratic: softmax_quadratic,
}
