"""What a closed form of the mixes is in a program: its NumPy calls, or one call of the whole.

The forms of `mixes/stable.py` are traced as they are where they take no steps in place; those of
softmax are spelled out here, for finite logits. Where a logit is infinite the cost comes out as NaN
or infinity, and the interpreted form is asked. Each takes logits z and labels y, both (K,) or
(n, K), and returns the cost, summed over the examples, and δ of each, tails exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.mixes import stable
from tinygrad_lossmix.rewrite.program.inference import Kind
from tinygrad_lossmix.rewrite.program.naming import named
from tinygrad_lossmix.rewrite.program.program import Program

Value = Any
Form = Callable[..., tuple[Value, Value]]


def softmax_ll(z: Value, y: Value) -> tuple[Value, Value]:
    """As in `stable`; Σ_{j≠k} is a product with the matrix that is 1 off its diagonal."""
    off_diagonal = stable.all_but_one(z.shape[-1], z.dtype)
    at, d = _below_the_largest(z)
    e = np.exp(d)
    rest = e @ off_diagonal
    tail = np.take(rest, at)
    delta = (e * (y @ off_diagonal) - y * rest) / _column(1.0 + tail)
    return (y.sum(axis=-1) * np.log1p(tail)).sum() - (y * d).sum(), delta


def softmax_quadratic(z: Value, y: Value) -> tuple[Value, Value]:
    """As in `stable`."""
    off_diagonal = stable.all_but_one(z.shape[-1], z.dtype)
    at, d = _below_the_largest(z)
    e = np.exp(d)
    rest = e @ off_diagonal
    total = _column(1.0 + np.take(rest, at))
    p, q = e / total, rest / total
    error = (1.0 - y) * p - y * q
    return 0.5 * (error * error).sum(), p * (q * error - (p * error) @ off_diagonal)


def _below_the_largest(z: Value) -> tuple[Value, Value]:
    """Where each row is largest, counted through all rows, and z minus that."""
    at = np.argmax(z, axis=-1)
    if z.ndim > 1:
        at = at + np.arange(0, z.size, z.shape[-1])
    return at, z - _column(np.take(z, at))


def _column(x: Value) -> Value:
    return x.reshape(-1, 1) if x.ndim else x


def _form(evaluate: Form, spelled_out: Form | None, classes: float) -> Form:
    """A form as its calls, for arrays of moderate size and up to so many classes; else whole."""

    def lowered(z: Value, y: Value) -> tuple[Value, Value]:
        program: Program = z.program
        kinds = Kind((), z.dtype), Kind(z.shape, z.dtype)
        if z.ndim == 2 and z.size > 2 * stable.BLOCK:
            return program.pair(stable.in_blocks, *kinds, evaluate, z, y)
        if spelled_out is None or z.shape[-1] > classes:
            return program.pair(evaluate, *kinds, z, y)
        cost, delta = named(spelled_out, z, y)
        return cost, delta

    return lowered


LOWERED: dict[Any, Form] = {
    stable.sigmoid_ce: _form(stable.sigmoid_ce, stable.sigmoid_ce, np.inf),
    stable.sigmoid_ll: _form(stable.sigmoid_ll, stable.sigmoid_ll, np.inf),
    stable.sigmoid_quadratic: _form(stable.sigmoid_quadratic, stable.sigmoid_quadratic, np.inf),
    stable.softmax_ll: _form(stable.softmax_ll, softmax_ll, 32),
    stable.softmax_quadratic: _form(stable.softmax_quadratic, softmax_quadratic, 32),
    stable.softmax_ce: _form(stable.softmax_ce, None, 0),
}
