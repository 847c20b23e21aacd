"""What outputs look like (logits, probabilities, log-probabilities), and how many are right.

>>> kind = kind_of(np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]]))
>>> kind.name, kind.activation
('probabilities', 'softmax')
>>> right = accuracies(np.array([[0.7, 0.2, 0.1], [0.4, 0.3, 0.3]]), np.eye(3)[:2], threshold=0.5)
>>> right.examples, round(right.outputs, 4)
(0.5, 0.8333)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.figures import figure, half_unit

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


@dataclass(frozen=True)
class Accuracies:
    """Fractions that are right."""

    examples: float | None  # whose largest output is their class; None: not one class each
    outputs: float  # on the right side of the threshold
    missing: tuple[int, ...]  # classes that occur and are never the largest output

    def about(self, reported: Any) -> str:
        """Which of the two was reported, in words."""
        text = f"Accuracy: {self.outputs:.4f} of the outputs are on the right side of one half"
        if self.examples is not None:
            text = (
                f"Accuracy: in {self.examples:.4f} of the examples the largest output is the "
                f"right class; counted one by one, {self.outputs:.4f} of the outputs are right"
            )
        if reported is None:
            return f"{text}."
        slack = half_unit(reported)
        by_example = self.examples is not None and abs(self.examples - float(reported)) <= slack
        if by_example:
            return f"{text}. The reported {reported} is the first."
        if abs(self.outputs - float(reported)) <= slack:
            advice = (
                ": that is what Keras' accuracy means beside binary_crossentropy. For one class "
                "out of K ask for categorical_accuracy"
            )
            return f"{text}. The reported {reported} counts outputs one by one" + (
                f"{advice}." if self.examples is not None else "."
            )
        return (
            f"{text}. The reported {reported} is neither: it belongs to other data, or to another "
            "moment of the training."
        )


def accuracies(x: Array, y: Array, threshold: float) -> Accuracies:
    """Of outputs and labels (n, K); an output counts as yes above the threshold."""
    outputs = float(((x > threshold) == (y > 0.5)).mean())
    if x.shape[1] == 1 or not np.allclose(y.sum(axis=-1), 1.0):
        return Accuracies(None, outputs, ())
    predicted, true = x.argmax(axis=-1), y.argmax(axis=-1)
    missing = np.setdiff1d(true, predicted)
    return Accuracies(float((predicted == true).mean()), outputs, tuple(map(int, missing)))
