"""One of K by sigmoids: a = σ(z - τ), τ(z) such that Σa = 1, every output right in its tail.

With cross-entropy, eq. (63), its δ is a - y, as softmax's is with log-likelihood. Amos, Koltun,
Kolter, The Limited Multi-Label Projection Layer, 2019.

>>> lml(np.array([1000.0, 0.0, 0.0]))
array([1.00000000e+000, 5.03783629e-218, 5.03783629e-218])
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.rules import HALF
from tinygrad_lossmix.engine.table import Array, dispatched, row
from tinygrad_lossmix.mixes import closed_forms, hessians
from tinygrad_lossmix.mixes.labels import one_hot
from tinygrad_lossmix.mixes.outputs import over_axes, wide

STEPS = 6  # of Newton's: seen to settle in at most 5, for up to 100,000 classes


@dispatched
@np.errstate(all="ignore")
def lml_parts(z: Array) -> Array:
    """x = z - τ over the last axis, a = σ(x), 1 - a and w = ∂τ/∂z = s/Σs, s = a(1 - a): (4, …, K).

    With d = z - the second largest, h half of what the largest has more, c/2 ≥ 0 what τ is above
    the middle of these two, and Σ over all but the largest:

        e^c = (1 + t) Σ e^d/(1 + s·e^d),    s = e^(-h - c/2),  t = e^(-h + c/2),

    solved by Newton's method on the logarithms. Of τ itself many floats make Σa 1, and most lose
    the tails. What the differences d and 2h lose to rounding goes back into their exponentials.
    """
    if z.dtype is HALF:
        return lml_parts(z.astype(np.float32)).astype(HALF)  # type: ignore[no-any-return]
    first = np.equal(np.argmax(z, axis=-1)[..., None], np.arange(z.shape[-1]))
    rest, alone = np.where(first, -np.inf, z), z.shape[-1] == 1
    second = rest.max(axis=-1, keepdims=True)
    d, d_lost = _difference(rest, second)
    more, more_lost = _difference(z.max(axis=-1, keepdims=True), second)
    more = more + np.inf if alone else more
    e = np.where(first, float(alone), np.exp(d) * (1.0 + d_lost))
    r = np.exp(-0.5 * more) * (1.0 - 0.5 * more_lost)
    c = np.log(_sum(e))
    for _ in range(STEPS):
        p = np.exp(0.5 * c)
        t, b = r * p, 1.0 / (1.0 + e * (r / p))
        total = _sum(e * b)
        slope = _sum(e * b * b) / total + 1.0 / (1.0 + t)
        step = 2.0 * (np.log(total) + np.log1p(t) - c) / slope
        c = c + step
        if not np.any(np.abs(step) > 8.0 * np.finfo(z.dtype).eps * np.maximum(c, 1.0)):
            break
    p = np.exp(0.5 * c)
    x = np.where(first, 0.5 * (more - c), d - 0.5 * (more + c))
    on, off = np.where(first, 1.0, e * (r / p)), np.where(first, r * p, 1.0)  # in parts of a + b
    w = np.where(first, p * p, e) / (on + off) ** 2  # s may underflow
    return np.stack([x, on / (on + off), off / (on + off), w / _sum(w)])


def _difference(x: Array, y: Array) -> tuple[Array, Array]:
    """x - y and what it lost to rounding; 0 of equal infinities."""
    found = np.where(np.equal(x, y), 0.0, x - y)
    back = found - x
    lost = (x - (found - back)) - (y + back)
    return found, np.where(np.isfinite(lost), lost, 0.0)


def _sum(x: Array) -> Array:
    return x.sum(axis=-1, keepdims=True)


@over_axes
def lml(z: Array, axis: int = -1) -> Array:
    """σ(z_k - τ) over an axis, τ such that they sum to 1; a Tensor for a Tensor.

    >>> lml(np.array([2.0, 1.0, 0.0]))
    array([0.54910758, 0.30939818, 0.14149424])
    """
    return np.moveaxis(lml_parts(np.moveaxis(z, axis, -1))[1], -1, axis)


@wide
def _lml_rule(g: Array, a: Array, z: Array, axis: int = -1) -> Array:
    """s * (g - sum(w * g, axis=axis, keepdims=True)), s = a * (1 - a), w = s / sum(s)."""
    _, a, b, w = lml_parts(np.moveaxis(z, axis, -1))
    g = np.moveaxis(g, axis, -1)
    return np.moveaxis(a * b * (g - _sum(w * g)), -1, axis)  # no w is above 1/2: nothing cancels


def _parts_rule(g: Array, parts: Array, z: Array) -> Array:
    """u - w * sum(u), u the gradient with respect to x, of which all parts are functions."""
    (_, a, b, w), (of_x, of_a, of_b, of_w) = parts, g
    u = of_x + a * b * (of_a - of_b) + (b - a) * w * (of_w - _sum(w * of_w))
    return u - w * _sum(u)


row(lml, _lml_rule)
row(lml_parts, _parts_rule, forward=lml_parts)  # one call, whoever asks


def _pair(cost: str) -> tuple[Callable[..., Any], Callable[..., Array]]:
    """lml with a cost, from sigmoids of x with it and their δ, r: its closed form, δ = r - wΣr, and
    its Hessian, (I - w1ᵀ) diag(∂r/∂x) (I - 1wᵀ) - Σr·∂w/∂z, times v.
    """
    sigmoids, slope = [getattr(m, f"sigmoid_{cost}") for m in (closed_forms, hessians)]

    def pull(a: Array, b: Array, y: Array) -> tuple[Array, Array]:
        """r and Σr; of cross-entropy 1 - Σy, where a sum of r would round the tails of δ off."""
        y = y if y.ndim == len(a.shape) else one_hot(y, a.shape, a.dtype)
        if cost == "ce":
            return (1.0 - y) * a - y * b, 1.0 - _sum(y)
        r = -y * b if cost == "ll" else ((1.0 - y) * a - y * b) * (a * b)
        return r, _sum(r)

    def evaluate(z: Array, y: Array, dot: closed_forms.Dot = np.vdot) -> tuple[Array, Array]:
        x, a, b, w = lml_parts(z)
        r, total = pull(a, b, y)
        return sigmoids(x, y, dot)[0], r - w * total

    def turned(z: Array, y: Array, v: Array) -> Array:
        x, a, b, w = lml_parts(z)
        u = v - _sum(w * v)
        through, bent = slope(x, y, u), (b - a) * w * u
        return through - w * _sum(through) - pull(a, b, y)[1] * (bent - w * _sum(bent))

    evaluate.__name__ = f"lml_{cost}"  # by which texts import it
    return evaluate, turned


PAIRS = {cost: _pair(cost) for cost in ("ce", "ll", "quadratic")}
lml_ce, lml_ll, lml_quadratic = [evaluate for evaluate, _ in PAIRS.values()]
