"""How many outputs are right, counted by example and output by output, and which of them a
framework reported.

>>> right = accuracies(np.array([[0.7, 0.2, 0.1], [0.4, 0.3, 0.3]]), np.eye(3)[:2], threshold=0.5)
>>> right.examples, round(right.outputs, 4)
(0.5, 0.8333)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.digits import half_unit

Array = Any


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
