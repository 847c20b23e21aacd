"""What each function of the table is, on object arrays of mpmath numbers.

A second definition of the values, written down without regard to rounding: the numbers have as many
digits as it takes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.rules import scatter
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import astype, getitem
from tinygrad_lossmix.mixes import outputs
from tinygrad_lossmix.mixes.costs import xlogy
from tinygrad_lossmix.mixes.mix import ROWS
from tinygrad_lossmix.rewrite.matching.structure import raw


@functools.cache
def oracles() -> dict[Any, Callable[..., Array]]:
    """By function: the same on object arrays.

    Raises:
        ImportError: mpmath is not installed.
    """
    import mpmath as mp

    def real(function: Callable[..., Any]) -> Any:
        """A function of one number; NaN where it leaves the real line."""

        def value(x: Any) -> Any:
            try:
                found = function(x)
            except (ValueError, ZeroDivisionError, OverflowError):
                return -mp.inf if x == 0 and function is mp.log else mp.nan
            return found if isinstance(found, mp.mpf) else mp.nan

        return np.frompyfunc(value, 1, 1)

    exp, log, log1p = map(real, (mp.exp, mp.log, mp.log1p))

    def power(x: Any, y: Any) -> Any:
        try:
            found = mp.mpf(x) ** mp.mpf(y)
        except ZeroDivisionError:
            return mp.inf
        return found if isinstance(found, mp.mpf) else mp.nan

    def divide(x: Any, y: Any) -> Any:
        return x / y if y else (mp.nan if x == 0 else mp.sign(x) * mp.inf)

    times = np.frompyfunc(lambda x, y: mp.mpf(0) if x == 0 else x * y, 2, 1)

    def logsumexp(z: Array, axis: int = -1, keepdims: bool = False) -> Array:
        top = np.max(z, axis=axis, keepdims=True)
        total = top + log(np.sum(exp(z - top), axis=axis, keepdims=True))
        return total if keepdims else np.squeeze(total, axis)

    def log_softmax(z: Array, axis: int = -1) -> Array:
        return z - logsumexp(z, axis, keepdims=True)

    def log1m_softmax(z: Array, axis: int = -1) -> Array:
        e = np.moveaxis(exp(z - np.max(z, axis=axis, keepdims=True)), axis, -1)
        others = np.moveaxis(np.matmul(e, 1 - np.eye(e.shape[-1], dtype=int)), -1, axis)
        return log(others) - log(np.sum(np.moveaxis(e, -1, axis), axis=axis, keepdims=True))

    def scattered(g: Array, key: Any, shape: tuple[int, ...]) -> Array:
        full = np.full(shape, mp.mpf(0), dtype=object)
        np.add.at(full, key, g)
        return full

    same = (
        np.negative, np.absolute, np.add, np.subtract, np.multiply, np.maximum, np.minimum,
        np.matmul, np.where, np.sum, np.mean, np.var, np.prod, np.max, np.min, np.reshape,
        np.broadcast_to, np.transpose,
    )  # fmt: skip
    names = ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh")
    table: dict[Any, Callable[..., Array]] = {
        **{function: function for function in same},
        **{getattr(np, name): real(getattr(mp, name)) for name in names},
        np.positive: lambda x: x,
        np.square: lambda x: x * x,
        np.divide: np.frompyfunc(divide, 2, 1),
        np.logaddexp: lambda x, y: np.maximum(x, y) + log1p(exp(-abs(x - y))),
        np.power: np.frompyfunc(power, 2, 1),
        np.concatenate: lambda *xs, axis, ends: np.concatenate(xs, axis),
        np.einsum: lambda x, y, subscripts: np.einsum(subscripts, x, y),
        getitem: lambda x, key: x[key],
        astype: lambda x, dtype: x,
        scatter: scattered,
        raw(constant): lambda x: x,
        raw(xlogy): lambda x, y: times(x, log(y)),
        raw(outputs.sigmoid): lambda z: 1 / (1 + exp(-z)),
        raw(outputs.softplus): lambda z: log1p(exp(z)),
        raw(outputs.log_sigmoid): lambda z: -log1p(exp(-z)),
        raw(outputs.softmax): lambda z, axis=-1: exp(log_softmax(z, axis)),
        raw(outputs.log_softmax): log_softmax,
        raw(outputs.logsumexp): logsumexp,
        raw(outputs.log1m_softmax): log1m_softmax,
    }
    logs: dict[str, Callable[[Array], tuple[Array, Array]]] = {
        "sigmoid": lambda z: (-log1p(exp(-z)), -log1p(exp(z))),
        "softmax": lambda z: (log_softmax(z), log1m_softmax(z)),
    }
    for (output, cost), (value, delta) in ROWS.items():
        table[value] = functools.partial(_cost, logs[output], cost, exp, times)
        table[raw(delta)] = functools.partial(_delta, logs[output], output, cost, exp)
    return table


def _cost(logs: Any, cost: str, exp: Any, times: Any, z: Array, y: Array) -> Array:
    """The mean cost of a batch, from ln a and ln(1 - a)."""
    log_a, log_rest = logs(z)
    terms = {
        "ll": lambda: -y * log_a,
        "ce": lambda: -times(y, log_a) - times(1 - y, log_rest),
        "quadratic": lambda: ((1 - y) * exp(log_a) - y * exp(log_rest)) ** 2 / 2,
    }[cost]()
    return np.sum(terms) / (math.prod(np.shape(z)[:-1]) or 1)


def _delta(logs: Any, output: str, cost: str, exp: Any, z: Array, y: Array) -> Array:
    """∂C/∂z of each example: ∂C/∂a through the Jacobian of the output layer."""
    a, rest = map(exp, logs(z))
    slope = {
        "ll": lambda: -y / a,
        "ce": lambda: (1 - y) / rest - y / a,
        "quadratic": lambda: (1 - y) * a - y * rest,
    }[cost]()
    if output == "sigmoid":
        return slope * a * rest
    return a * (slope * rest - (np.sum(slope * a, axis=-1, keepdims=True) - slope * a))
