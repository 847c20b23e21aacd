"""What outputs look like: logits, probabilities or log-probabilities.

>>> kind = kind_of(np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]]))
>>> kind.name, kind.activation
('probabilities', 'softmax')
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.figures import figure

Array = Any
ROUNDED = 0.005  # how far from 1 a sum of probabilities may be that were printed with few digits


@dataclass(frozen=True)
class Kind:
    """What outputs look like, and why."""

    name: str  # logits, probabilities, log-probabilities
    activation: str | None  # that must have been applied already: softmax, sigmoid, log-softmax
    why: str


def kind_of(x: Array) -> Kind:
    """The kind of outputs (n, K), from their range and the sums of their rows."""
    x = x.astype(np.float64)
    low, high, k = x.min(), x.max(), x.shape[1]
    between = f"all lie between {figure(low)} and {figure(high)}"
    if low >= 0.0 and high <= 1.0:
        return probabilities(x, between)
    if high <= 0.0 and k > 1:
        total = np.exp(x).sum(axis=-1)
        if (abs(total - 1.0) <= ROUNDED).all():
            why = f"none is above 0, and their exponentials sum to 1 in every row{worst(total)}"
            return Kind("log-probabilities", "log-softmax", why)
    outside = int(((x < 0.0) | (x > 1.0)).sum())
    why = (
        f"{outside} of {x.size} lie outside 0 to 1; they range from {figure(low)} to {figure(high)}"
    )
    zeros = (x == 0.0).mean()
    if low == 0.0 and zeros > 0.05:
        why += (
            f". None is negative and {zeros:.0%} are exactly 0: a ReLU on the last layer? Remove it"
        )
    return Kind("logits", None, why)


def probabilities(x: Array, between: str) -> Kind:
    """Of one choice or of K, by the sums of the rows."""
    if x.shape[1] == 1:
        if (x == 1.0).all():
            why = "every output is exactly 1: a softmax of one output is constant, use a sigmoid"
            return Kind("probabilities", "softmax", why)
        return Kind("probabilities", "sigmoid", f"one output, {between}")
    total = x.sum(axis=-1)
    if (abs(total - 1.0) <= ROUNDED).all():
        why = f"{between}, and every row sums to 1{worst(total)}"
        return Kind("probabilities", "softmax", why)
    why = (
        f"{between}, but rows sum to {figure(total.min())} to {figure(total.max())}, not 1 (logits "
        "can lie there by chance)"
    )
    return Kind("probabilities", "sigmoid", why)


def worst(total: Array) -> str:
    """How far from 1 the sums are."""
    return f" (within {figure(abs(total - 1.0).max())})"
