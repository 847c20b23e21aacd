"""The closed forms of the mixes as plain NumPy calls without steps in place, for finite logits.

The same formulas as `mixes/stable.py`, to be traced; where a logit is infinite the cost comes out
as NaN or infinity, and the interpreted form is asked. Each takes logits z and labels y, both (K,)
or (n, K), and returns the cost, summed over the examples, and δ of each, tails exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.mixes import stable
from tinygrad_lossmix.rewrite.inference import Kind
from tinygrad_lossmix.rewrite.program import Program

Value = Any


def sigmoid_ce(z: Value, y: Value) -> tuple[Value, Value]:
    """σ(z) = e^min(z,0)/(1+u) and σ(-z) = e^-max(z,0)/(1+u), with u = e^-|z| their product."""
    above = _named("above", np.maximum(z, 0.0))
    below = _named("below", z - above)
    right, left = _named("right", np.exp(below)), _named("left", np.exp(-above))
    u = _named("u", right * left)
    off = 1.0 - y
    cost = np.log1p(u).sum() + (off * above).sum() - (y * below).sum()
    return cost, _named("delta", (off * right - y * left) / (1.0 + u))


def sigmoid_ll(z: Value, y: Value) -> tuple[Value, Value]:
    """softplus(-z) = ln(1 + F) and σ(-z) = F/(1+F), with F = e^-z."""
    f = _named("f", np.exp(-z))
    return (y * np.log1p(f)).sum(), _named("delta", -(y * f) / (1.0 + f))


def sigmoid_quadratic(z: Value, y: Value) -> tuple[Value, Value]:
    """a - y = (1-y)σ(z) - yσ(-z)."""
    above = np.maximum(z, 0.0)
    right, left = np.exp(z - above), np.exp(-above)
    total = 1.0 + right * left
    a, b = _named("a", right / total), _named("b", left / total)
    error = _named("error", (1.0 - y) * a - y * b)
    return 0.5 * (error * error).sum(), _named("delta", error * a * b)


def softmax_ll(z: Value, y: Value) -> tuple[Value, Value]:
    """As in `stable`, with Σ_{j≠k} as a product with the matrix that is 1 off its diagonal."""
    k = z.shape[-1]
    if k > 32:
        return _whole(stable.softmax_ll)(z, y)
    rest_of = stable.all_but_one(k, z.dtype)
    d, at = _below_the_largest(z)
    e = _named("e", np.exp(d))
    rest = _named("rest", e @ rest_of)
    t = _named("tail", _entry(rest, at))
    delta = _named("delta", (e * (y @ rest_of) - y * rest) / _column(1.0 + t))
    return (y.sum(axis=-1) * np.log1p(t)).sum() - (y * d).sum(), delta


def softmax_quadratic(z: Value, y: Value) -> tuple[Value, Value]:
    """As in `stable`."""
    k = z.shape[-1]
    if k > 32:
        return _whole(stable.softmax_quadratic)(z, y)
    rest_of = stable.all_but_one(k, z.dtype)
    d, at = _below_the_largest(z)
    e = _named("e", np.exp(d))
    rest = _named("rest", e @ rest_of)
    total = _column(1.0 + _named("tail", _entry(rest, at)))
    p, q = _named("p", e / total), _named("q", rest / total)
    error = _named("error", (1.0 - y) * p - y * q)
    delta = _named("delta", p * (q * error - (p * error) @ rest_of))
    return 0.5 * (error * error).sum(), delta


def _below_the_largest(z: Value) -> tuple[Value, Value]:
    """z minus the largest of its row, and where that is, counted through all rows."""
    at = np.argmax(z, axis=-1)
    if z.ndim > 1:
        at = at + np.arange(0, z.size, z.shape[-1])
    return _named("d", z - _column(_entry(z, at))), _named("at", at)


def _named(name: str, value: Value) -> Value:
    """A value with the name that it has in the text, unless the user gave it one."""
    value.name = value.name or name
    return value


def _entry(x: Value, at: Value) -> Value:
    return np.take(x, at)


def _column(x: Value) -> Value:
    return x.reshape(-1, 1) if x.ndim else x


def _whole(evaluate: Callable[..., Any]) -> Callable[..., tuple[Value, Value]]:
    """Call the form as it is: in place where that pays."""

    def lowered(z: Value, y: Value) -> tuple[Value, Value]:
        program: Program = z.program
        kinds = Kind((), z.dtype), Kind(z.shape, z.dtype)
        if z.ndim == 2 and z.size > 2 * stable.BLOCK:
            return program.pair(stable.in_blocks, *kinds, evaluate, z, y)
        return program.pair(evaluate, *kinds, z, y)

    return lowered


LOWERED: dict[Any, Callable[..., tuple[Value, Value]]] = {
    stable.sigmoid_ce: sigmoid_ce,
    stable.sigmoid_ll: sigmoid_ll,
    stable.sigmoid_quadratic: sigmoid_quadratic,
    stable.softmax_ll: softmax_ll,
    stable.softmax_ce: _whole(stable.softmax_ce),
    stable.softmax_quadratic: softmax_quadratic,
}
