"""Every transform x cost that a loss may apply to what it is handed, and frameworks' quirks.

What you can do here: `PAIRINGS` lists them, the plainest first. A pairing's total is summed over
outputs and examples; it takes arrays and Tensors, so that the engine differentiates it.

>>> logits, labels = np.array([[2.0, 1.0, 0.0]]), np.array([[1.0, 0.0, 0.0]])
>>> PAIRINGS[0].name, PAIRINGS[0].total(logits, labels).round(4)
('softmax + log-likelihood', np.float64(0.4076))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.plateau.clamps import KERAS_EPSILON, TORCH_LOWEST
from tinygrad_lossmix.answers.plateau.constants import SMOOTHING
from tinygrad_lossmix.mixes import costs, outputs
from tinygrad_lossmix.mixes.mix import COSTS, Mix

Array = Any
PER_EXAMPLE, EVERYTHING, TOTAL = "mean over the examples", "mean over everything", "sum"
EXAMPLES = "softmax over the examples"
STEPS: dict[str, tuple[str, ...]] = {  # what is applied, the first first
    "none": (),
    "softmax": ("softmax",),
    "sigmoid": ("sigmoid",),
    "softmax twice": ("softmax", "softmax"),
    "sigmoid twice": ("sigmoid", "sigmoid"),
    "softmax of sigmoid": ("sigmoid", "softmax"),
    "sigmoid of softmax": ("softmax", "sigmoid"),
    EXAMPLES: (EXAMPLES,),
}
NAMES = COSTS | {"squared error": "squared error", "nll": "NLLLoss (no logarithm)"}
NATURAL = (("softmax", "ll"), ("sigmoid", "ce"))
CALLED = {  # by frameworks, when it is applied to what they are handed
    ("softmax", "ll"): "PyTorch CrossEntropyLoss, Keras categorical_crossentropy(from_logits=True)",
    ("sigmoid", "ce"): "PyTorch BCEWithLogitsLoss, Keras binary_crossentropy(from_logits=True)",
    ("none", "ll"): "PyTorch NLLLoss of the logarithm, Keras categorical_crossentropy",
    ("none", "ce"): "PyTorch BCELoss, Keras binary_crossentropy",
    ("none", "nll"): "PyTorch NLLLoss",
    ("none", "squared error"): "PyTorch MSELoss, Keras mean_squared_error",
}


@dataclass(frozen=True)
class Pairing:
    """A transform of what a loss is handed, and the cost of the result."""

    transform: str
    cost: str  # ce, ll, quadratic, squared error, nll (NLLLoss: no logarithm)
    total: Callable[[Any, Array], Any]  # outputs and labels (n, K) -> a scalar
    takes: Callable[[Array], bool]  # whether it is defined for these outputs
    quirk: str | None = None  # what a framework does besides

    @property
    def name(self) -> str:
        """In words."""
        before = "" if self.transform == "none" else f"{self.transform} + "
        return f"{before}{NAMES[self.cost]}" + (f", {self.quirk}" if self.quirk else "")

    @property
    def called(self) -> str:
        """What frameworks call it."""
        return "" if self.quirk else CALLED.get((self.transform, self.cost), "")

    @property
    def usual(self) -> str:
        """The reduction that frameworks do unless told otherwise."""
        return EVERYTHING if self.cost in ("ce", "squared error") else PER_EXAMPLE


def anything(x: Array) -> bool:
    return True


def fractions(x: Array) -> bool:
    return bool(x.min() >= 0.0 and x.max() <= 1.0)


def several(x: Array) -> bool:
    return len(x) > 1


def applied(steps: tuple[str, ...], x: Any) -> Any:
    """Output layers, one after the other."""
    for step in steps:
        x = outputs.softmax(x, axis=0) if step == EXAMPLES else getattr(outputs, step)(x)
    return x


def plain(transform: str, cost: str) -> Pairing:
    """Without quirks; from logits, so that it is stable. A `Mix` refuses softmax of one output."""
    *inner, last = STEPS[transform] or ("none",)
    squared = cost == "squared error"
    short = "quadratic" if squared else cost

    def total(x: Any, y: Array) -> Any:
        times = len(y) * (2.0 if squared else 1.0)
        if last == "sigmoid" or (last == "softmax" and x.shape[-1] > 1):
            return Mix(last, short).cost(applied(tuple(inner), x), y) * times
        on_outputs = getattr(costs, COSTS[short].replace("-", "_"))
        return on_outputs(applied(STEPS[transform], x), y) * times

    if transform == EXAMPLES:
        return Pairing(transform, cost, total, several)
    takes = fractions if transform == "none" and short != "quadratic" else anything
    return Pairing(transform, cost, total, takes)


def no_logarithm() -> Pairing:
    """NLLLoss, which takes log-probabilities and does not look whether it got some."""
    return Pairing("none", "nll", lambda x, y: -(x * y).sum(), anything)


def renormalised(transform: str) -> Pairing:
    """Keras' categorical cross-entropy: outputs are divided by their sum, then clipped."""

    def total(x: Any, y: Array) -> Any:
        a = applied(STEPS[transform], x)
        return -(np.log(clipped(a / a.sum(axis=-1, keepdims=True))) * y).sum()

    return Pairing(transform, "ll", total, anything, "renormalised, clamped at 1e-7 (Keras)")


def clipped(a: Any) -> Any:
    """As Keras does, in the dtype of the outputs."""
    return np.clip(a, a.dtype.type(KERAS_EPSILON), a.dtype.type(1.0 - KERAS_EPSILON))


def clipping(transform: str) -> Pairing:
    """Keras' binary cross-entropy: outputs clipped to [1e-7, 1 - 1e-7]."""

    def total(x: Any, y: Array) -> Any:
        a = clipped(applied(STEPS[transform], x))
        return -(np.log(a) * y + np.log(1.0 - a) * (1.0 - y)).sum()

    return Pairing(transform, "ce", total, anything, "clamped at 1e-7 (Keras)")


def clamping(transform: str) -> Pairing:
    """PyTorch's BCELoss: logarithms not below -100."""

    def total(x: Any, y: Array) -> Any:
        a = applied(STEPS[transform], x)
        on = np.maximum(np.log(a), a.dtype.type(TORCH_LOWEST))
        off = np.maximum(np.log(1.0 - a), a.dtype.type(TORCH_LOWEST))
        return -(on * y + off * (1.0 - y)).sum()

    takes = fractions if transform == "none" else anything
    return Pairing(transform, "ce", total, takes, "clamped at -100 (PyTorch)")


def smoothing() -> Pairing:
    """PyTorch's CrossEntropyLoss(label_smoothing=0.1)."""
    stable = plain("softmax", "ll").total

    def total(x: Any, y: Array) -> Any:
        return stable(x, (1.0 - SMOOTHING) * y + SMOOTHING / y.shape[-1])

    return Pairing("softmax", "ll", total, anything, f"labels smoothed by {SMOOTHING}")


def catalogue() -> Iterator[Pairing]:
    """All of them, in the order in which they are listed when several reproduce a loss."""
    yield from (plain(*pair) for pair in NATURAL)
    yield from (plain("none", cost) for cost in ("ll", "ce"))
    yield no_logarithm()
    known = (*NATURAL, ("none", "ll"), ("none", "ce"))
    rest = [(transform, cost) for transform in STEPS for cost in (*COSTS, "squared error")]
    yield from (plain(*pair) for pair in rest if pair not in known)
    for transform in ("none", "softmax", "sigmoid"):
        yield from (renormalised(transform), clipping(transform), clamping(transform))
    yield smoothing()


PAIRINGS = tuple(catalogue())
