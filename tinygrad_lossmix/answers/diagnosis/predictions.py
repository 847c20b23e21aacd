"""Outputs and labels as they were handed to a loss: checked and brought to one shape, or of a file;
what they look like (logits, probabilities, log-probabilities), and how many are right.

>>> outputs, labels = handed([[0.7, 0.2, 0.1], [0.4, 0.3, 0.3]], [0, 1])
>>> kind = kind_of(outputs)
>>> kind.name, kind.activation
('probabilities', 'softmax')
>>> right = accuracies(outputs, labels, threshold=0.5)
>>> right.examples, round(right.outputs, 4)
(0.5, 0.8333)
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.plateau.candidates import half_unit
from tinygrad_lossmix.engine.table import INTEGER, Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.files import arrays
from tinygrad_lossmix.mixes.labels import dense, require_finite
from tinygrad_lossmix.printing import figure

OPTIONAL = "loss", "accuracy"
KERAS = (
    ": that is what Keras' accuracy means beside binary_crossentropy. For one class out of K ask "
    "for categorical_accuracy"
)
ROUNDED = 0.005  # how far from 1 a sum of probabilities may be that were printed with few digits


def handed(outputs: Any, labels: Any) -> tuple[Array, Array]:
    """Outputs (…, K) and labels, both as (n, K): one example is a batch of one.

    Labels are of that shape, between 0 and 1, or integer classes (…) or (…, 1); for one output,
    (…, 1), also labels (…). Raises what `array` does, ValueError for what does not fit.
    """
    x, y = array(outputs, "outputs"), array(labels, "labels")
    if x.dtype.kind not in "fiu":
        raise ValueError(f"outputs are real numbers, not {x.dtype}")
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    if not x.ndim or not x.size:
        raise ValueError(f"outputs have the shape (n, K) with at least one of each, not {x.shape}")
    if not np.isfinite(x).all():
        bad = int((~np.isfinite(x)).sum())
        raise ValueError(f"outputs are finite numbers, but {bad} of {x.size} are NaN or infinite")
    if x.shape[-1] == 1 and y.shape == x.shape[:-1]:
        y = y[..., None]
    if x.shape[-1] > 1 and y.shape == (*x.shape[:-1], 1) and y.dtype.kind in INTEGER:
        y = y[..., 0]
    if x.ndim > 2 and y.shape == x.shape[:1] + x.shape[2:] != x.shape[:-1]:
        raise ValueError(
            f"outputs of shape {x.shape} seem to have their classes on axis 1: expected on the "
            "last, np.moveaxis(outputs, 1, -1)"
        )
    y = require_finite(dense(y, x))
    if y.min() < 0 or y.max() > 1:
        raise ValueError(
            f"labels are between 0 and 1, but hold {y.min():.4g} to {y.max():.4g}; labels of -1 "
            "and 1 become (labels + 1) / 2"
        )
    return x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1])


def array(value: Any, name: str) -> Array:
    """What a framework calls an array, as NumPy's; TypeError says what turns it into one."""
    if isinstance(value, Tensor):
        raise TypeError(f"{name} is a Tensor of this package: pass {name}.data")
    if np.ma.isMaskedArray(value):
        raise TypeError(f"{name} cannot be masked: leave such examples out")
    if hasattr(value, "detach"):
        on_cpu = str(getattr(value, "device", "cpu")).startswith("cpu")
        if getattr(value, "requires_grad", False) or not on_cpu:
            raise TypeError(
                f"{name} is a tensor with a gradient or on a device: pass "
                f"{name}.detach().cpu().numpy()"
            )
        if "bfloat16" in str(getattr(value, "dtype", "")):
            raise TypeError(f"{name} is bfloat16, which NumPy lacks: pass {name}.float().numpy()")
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} cannot be read as an array of numbers: {error}") from error


def number(value: Any, name: str) -> Any:
    """A finite number with the digits it was given with, as text or as what prints them."""
    given = value if isinstance(value, str | int | np.floating | None) else float(value)
    if given is not None and not math.isfinite(float(given)):
        raise ValueError(f"{name} is {given}: expected a finite number, or none to see them all")
    return given


def read_outputs(path: str | Path) -> dict[str, Array]:
    """The arrays `outputs` and `labels` of an .npz file, OSError or ValueError where it has none;
    `loss` and `accuracy` if it holds them.
    """
    found = arrays(path, "outputs", "labels", optional=OPTIONAL)
    for name in (each for each in OPTIONAL if each in found):
        if found[name].size != 1:
            raise ValueError(f"{name} is one number, not an array of shape {found[name].shape}")
        found[name] = found[name].reshape(())[()]
    return found


@dataclass(frozen=True)
class OutputKind:
    """What outputs look like, and why."""

    name: str  # logits, probabilities, log-probabilities
    activation: str | None  # that must have been applied already: softmax, sigmoid, log-softmax
    why: str


def kind_of(x: Array) -> OutputKind:
    """The kind of outputs (n, K), from their range and the sums of their rows."""
    x = x.astype(np.float64)
    low, high, k = x.min(), x.max(), x.shape[1]
    if low >= 0.0 and high <= 1.0:
        return OutputKind("probabilities", *probabilities(x))
    if high <= 0.0 and k > 1 and (off := worst(np.exp(x))) <= ROUNDED:
        sums = f"their exponentials sum to 1 in every row (within {figure(off)})"
        return OutputKind("log-probabilities", "log-softmax", f"none is above 0, and {sums}")
    outside = f"{((x < 0.0) | (x > 1.0)).sum()} of {x.size} lie outside 0 to 1"
    why = f"{outside}; they range from {figure(low)} to {figure(high)}"
    zeros = (x == 0.0).mean()
    if low == 0.0 and zeros > 0.05:
        ask = f"{zeros:.0%} are exactly 0: a ReLU on the last layer? Remove it"
        why += f". None is negative and {ask}"
    return OutputKind("logits", None, why)


def kind_of_labels(y: Array) -> str:
    """What labels (n, K) look like."""
    total = y.sum(axis=-1)
    whole = bool(np.isin(y, (0.0, 1.0)).all())
    if y.shape[1] == 1:
        return f"one output, {y.mean():.4f} of them 1" if whole else "one output, between 0 and 1"
    if np.allclose(total, 1.0):
        return "one class per example" if whole else "soft labels, every row sums to 1"
    kind = "multi-label" if whole else "soft, multi-label"
    return f"{kind}, rows sum to {figure(total.min())} to {figure(total.max())}"


def probabilities(x: Array) -> tuple[str, str]:
    """Of one choice or of K, by the sums of the rows: the activation, and why."""
    between = f"all lie between {figure(x.min())} and {figure(x.max())}"
    if x.shape[1] == 1 and (x == 1.0).all():
        why = "every output is exactly 1: a softmax of one output is constant, use a sigmoid"
        return "softmax", why
    if x.shape[1] == 1:
        return "sigmoid", f"one output, {between}"
    if (off := worst(x)) <= ROUNDED:
        return "softmax", f"{between}, and every row sums to 1 (within {figure(off)})"
    total = x.sum(axis=-1)
    sums = f"rows sum to {figure(total.min())} to {figure(total.max())}"
    return "sigmoid", f"{between}, but {sums}, not 1 (logits can lie there by chance)"


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
