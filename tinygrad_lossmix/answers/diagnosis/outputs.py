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
KERAS = (
    ": that is what Keras' accuracy means beside binary_crossentropy. For one class out of K ask "
    "for categorical_accuracy"
)
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
    if low >= 0.0 and high <= 1.0:
        return Kind("probabilities", *probabilities(x, f"between {figure(low)} and {figure(high)}"))
    if high <= 0.0 and k > 1 and (off := worst(np.exp(x))) <= ROUNDED:
        sums = f"their exponentials sum to 1 in every row (within {figure(off)})"
        return Kind("log-probabilities", "log-softmax", f"none is above 0, and {sums}")
    outside = f"{((x < 0.0) | (x > 1.0)).sum()} of {x.size} lie outside 0 to 1"
    why = f"{outside}; they range from {figure(low)} to {figure(high)}"
    zeros = (x == 0.0).mean()
    if low == 0.0 and zeros > 0.05:
        ask = f"{zeros:.0%} are exactly 0: a ReLU on the last layer? Remove it"
        why += f". None is negative and {ask}"
    return Kind("logits", None, why)


def probabilities(x: Array, between: str) -> tuple[str, str]:
    """Of one choice or of K, by the sums of the rows: the activation, and why."""
    if x.shape[1] == 1:
        if (x == 1.0).all():
            why = "every output is exactly 1: a softmax of one output is constant, use a sigmoid"
            return "softmax", why
        return "sigmoid", f"one output, all lie {between}"
    if (off := worst(x)) <= ROUNDED:
        return "softmax", f"all lie {between}, and every row sums to 1 (within {figure(off)})"
    total = x.sum(axis=-1)
    sums = f"rows sum to {figure(total.min())} to {figure(total.max())}"
    return "sigmoid", f"all lie {between}, but {sums}, not 1 (logits can lie there by chance)"


def worst(x: Array) -> float:
    """How far from 1 the sum of a row is, at most."""
    return float(abs(x.sum(axis=-1) - 1.0).max())


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
        text, slack = f"{text}. The reported {reported}", half_unit(reported)
        if self.examples is not None and abs(self.examples - float(reported)) <= slack:
            return f"{text} is the first."
        if abs(self.outputs - float(reported)) <= slack:
            return f"{text} counts outputs one by one{KERAS if self.examples is not None else ''}."
        moment = "it belongs to other data, or to another moment of the training"
        return f"{text} is neither: {moment}."


def accuracies(x: Array, y: Array, threshold: float) -> Accuracies:
    """Of outputs and labels (n, K); an output counts as yes above the threshold."""
    outputs = float(((x > threshold) == (y > 0.5)).mean())
    if x.shape[1] == 1 or not np.allclose(y.sum(axis=-1), 1.0):
        return Accuracies(None, outputs, ())
    predicted, true = x.argmax(axis=-1), y.argmax(axis=-1)
    missing = np.setdiff1d(true, predicted)
    return Accuracies(float((predicted == true).mean()), outputs, tuple(map(int, missing)))
