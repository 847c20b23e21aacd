"""Costs of outputs a, with 0·log 0 = 0 in value and gradient.

Of outputs, not of logits: what an output has rounded to 0 or 1 no cost can bring back; `Mix.cost`
works on the logits. Summed over the last axis, averaged over the others.

>>> quadratic(np.array([1.0, 0.0]), np.array([1, 0])), log_likelihood(np.array([0.5, 0.0]), 0)
(np.float64(0.0), np.float64(0.6931471805599453))
"""

from typing import Any

import numpy as np

from tinygrad_lossmix.engine.graph import group
from tinygrad_lossmix.engine.rules import ratio
from tinygrad_lossmix.engine.table import SCIPYS, Array, dispatched, row
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.labels import dense, numbers, require_finite


@dispatched
def xlogy(x: Array, y: Array) -> Array:
    """x·ln y, and 0 where x is 0, whatever number y is; NaN where y is NaN.

    >>> xlogy(np.array([0.0, 2.0]), np.array([0.0, 1.0]))
    array([0., 0.])
    """
    return x * np.log(np.where(np.equal(x, 0) & np.equal(y, y), 1.0, y))


row(
    xlogy,
    lambda g, z, x, y: g * np.log(y),
    lambda g, z, x, y: g * ratio(x, y),
)
SCIPYS["xlogy"] = xlogy


@group("cross_entropy")
def cross_entropy(a: Any, y: Any) -> Any:
    """-Σ_k y ln a + (1-y) ln(1-a), eq. (63) of the book: K independent Bernoullis.

    Args:
        a: outputs (…, K), a Tensor or an array.
        y: labels of a's shape, or integer classes (…).

    Returns:
        a scalar: the mean over the examples.

    Raises:
        ValueError: labels that do not belong to a.

    >>> cross_entropy(np.array([0.55, 0.25, 0.2]), 0)
    np.float64(1.1086626245216111)
    """
    a, y = _checked(a, y)
    return _mean(-(xlogy(y, a) + xlogy(1.0 - y, 1.0 - a)).sum(axis=-1))


@group("log_likelihood")
def log_likelihood(a: Any, y: Any) -> Any:
    """-Σ_k y ln a, eq. (80) of the book: one choice out of K.

    Args, Returns and Raises as for `cross_entropy`.

    >>> log_likelihood(np.array([0.55, 0.25, 0.2]), 0)
    np.float64(0.5978370007556204)
    """
    a, y = _checked(a, y)
    return _mean(-xlogy(y, a).sum(axis=-1))


@group("quadratic")
def quadratic(a: Any, y: Any) -> Any:
    """½ Σ_k (a-y)², eq. (6) of the book: half the Brier score.

    Args, Returns and Raises as for `cross_entropy`.

    >>> quadratic(np.array([0.5, 0.5]), 0)
    np.float64(0.25)
    """
    a, y = _checked(a, y)
    return _mean(0.5 * np.square(a - y).sum(axis=-1))


def _checked(a: Any, y: Any) -> tuple[Any, Array]:
    a = a if isinstance(a, Tensor) else numbers("outputs", a)
    return a, require_finite(dense(y, a))


def _mean(costs: Any) -> Any:
    """Over the examples; one example is its own mean, none have NaN."""
    if not costs.size:
        return costs.sum() * np.nan
    return costs.mean() if costs.ndim else costs
