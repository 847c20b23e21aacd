"""Every transform x cost that a loss may apply to what it is handed, frameworks' quirks, and which
of them by which reduction reproduces the number that the loss reported.

What you can do here: `PAIRINGS` lists them, the plainest first. A pairing's total is summed over
outputs and examples; it takes arrays and Tensors, so that the engine differentiates it: `measured`.

>>> logits, labels = np.array([[2.0, 1.0, 0.0]]), np.array([[1.0, 0.0, 0.0]])
>>> PAIRINGS[0].name, PAIRINGS[0].total(logits, labels).round(4)
('softmax + log-likelihood', np.float64(0.4076))
>>> [found.name for found in reproducing(candidates(logits, labels), 0.4076, logits.dtype)]
['softmax + log-likelihood, mean over the examples or sum']
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.plateau.candidates import half_unit
from tinygrad_lossmix.answers.plateau.constants import KERAS_EPSILON, SMOOTHING, TORCH_LOWEST
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.layers import COSTS, LAYERS
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.mixes.outputs import softmax
from tinygrad_lossmix.printing import figure, vector

FEW = 5  # classes of which all are printed
COMPUTED = 1e-5  # what a framework's float32 may be off by, relative to the loss
PER_EXAMPLE, EVERYTHING, TOTAL = "mean over the examples", "mean over everything", "sum"
BLOCK = 2**16  # numbers: arrays of that size do not leave the cache
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
TRANSFORMS = {steps: name for name, steps in STEPS.items()}
NAMES = {name: cost.long for name, cost in COSTS.items()}
NAMES |= {"squared error": "squared error", "nll": "NLLLoss (no logarithm)"}
CALLED = {  # by frameworks, when it is applied to what they are handed
    ("softmax", "ll"): "PyTorch CrossEntropyLoss, Keras categorical_crossentropy(from_logits=True)",
    ("sigmoid", "ce"): "PyTorch BCEWithLogitsLoss, Keras binary_crossentropy(from_logits=True)",
    ("none", "ll"): "PyTorch NLLLoss of the logarithm, Keras categorical_crossentropy",
    ("none", "ce"): "PyTorch BCELoss, Keras binary_crossentropy",
    ("none", "nll"): "PyTorch NLLLoss",
    ("none", "squared error"): "PyTorch MSELoss, Keras mean_squared_error",
}


def applied(steps: Sequence[str], x: Any) -> Any:
    """Output layers, one after the other."""
    for step in steps:
        x = softmax(x, axis=0) if step == EXAMPLES else LAYERS[step].stable(x)
    return x


def clipped(a: Any) -> Any:
    """As Keras does, in the dtype of the outputs."""
    return np.clip(a, a.dtype.type(KERAS_EPSILON), a.dtype.type(1.0 - KERAS_EPSILON))


def keras_categorical(a: Any, y: Array) -> Any:
    """Outputs are divided by their sum, then clipped."""
    return -(np.log(clipped(a / a.sum(axis=-1, keepdims=True))) * y).sum()


def keras_binary(a: Any, y: Array) -> Any:
    """Outputs are clipped to [1e-7, 1 - 1e-7]."""
    a = clipped(a)
    return -(np.log(a) * y + np.log(1.0 - a) * (1.0 - y)).sum()


def torch_binary(a: Any, y: Array) -> Any:
    """BCELoss: logarithms not below -100."""
    on, off = (np.maximum(np.log(p), a.dtype.type(TORCH_LOWEST)) for p in (a, 1.0 - a))
    return -(on * y + off * (1.0 - y)).sum()


QUIRKS = {  # of a framework, with the cost that has it
    "renormalised, clamped at 1e-7 (Keras)": ("ll", keras_categorical),
    "clamped at 1e-7 (Keras)": ("ce", keras_binary),
    "clamped at -100 (PyTorch)": ("ce", torch_binary),
}
SMOOTHED = f"labels smoothed by {SMOOTHING}"  # CrossEntropyLoss(label_smoothing=0.1)


@dataclass(frozen=True)
class Pairing:
    """A transform of what a loss is handed, and the cost of the result."""

    transform: str
    cost: str  # ce, ll, quadratic, squared error, nll (NLLLoss: no logarithm)
    quirk: str | None = None  # what a framework does besides

    @property
    def name(self) -> str:
        before = "" if self.transform == "none" else f"{self.transform} + "
        return f"{before}{NAMES[self.cost]}" + (f", {self.quirk}" if self.quirk else "")

    @property
    def usual(self) -> str:
        """The reduction that frameworks do unless told otherwise."""
        return EVERYTHING if self.cost in ("ce", "squared error") else PER_EXAMPLE

    @property
    def steps(self) -> tuple[str, ...]:
        """The output layers that the transform is made of."""
        return STEPS[self.transform]

    def in_all(self, activation: str | None) -> tuple[tuple[str, ...], str]:
        """The output layers of network and loss, and the cost; a softmax undoes a log-softmax."""
        undone = activation == "log-softmax" and self.steps[:1] == ("softmax",)
        if activation is None or undone:
            return self.steps, self.cost
        if (activation, self.steps, self.cost) == ("log-softmax", (), "nll"):
            return ("softmax",), "ll"
        return (activation, *self.steps), self.cost

    def takes(self, x: Array) -> bool:
        """Whether it is defined for these outputs (n, K); Keras makes probabilities of any."""
        if self.transform != "none" or self.cost not in ("ce", "ll") or "Keras" in str(self.quirk):
            return self.transform != EXAMPLES or len(x) > 1
        return bool(x.min() >= 0.0 and x.max() <= 1.0)

    def total(self, x: Any, y: Array) -> Any:
        """Outputs and labels (n, K) -> a scalar; from logits where it can be, so that it is stable.

        A `Mix` refuses softmax of one output.
        """
        *inner, last = self.steps or ("none",)
        if self.cost == "nll":  # does not look whether it got log-probabilities
            return -(x * y).sum()
        if self.quirk in QUIRKS:
            return QUIRKS[self.quirk][1](applied(self.steps, x), y)
        if self.quirk == SMOOTHED:
            y = (1.0 - SMOOTHING) * y + SMOOTHING / y.shape[-1]
        cost, times = ("quadratic", 2.0) if self.cost == "squared error" else (self.cost, 1.0)
        if last == "sigmoid" or (last == "softmax" and x.shape[-1] > 1):
            return Mix(last, cost).cost(applied(inner, x), y) * (len(y) * times)
        return COSTS[cost].on_outputs(applied(self.steps, x), y) * (len(y) * times)


PLAIN = (  # the most likely first; so they are listed when several reproduce a loss
    *(("softmax", "ll"), ("sigmoid", "ce"), ("none", "ll"), ("none", "ce"), ("none", "nll")),
    *itertools.product(STEPS, (*COSTS, "squared error")),
)
PAIRINGS = (
    *(Pairing(*pair) for pair in dict.fromkeys(PLAIN)),
    *(
        Pairing(transform, cost, quirk)
        for transform in ("none", "softmax", "sigmoid")
        for quirk, (cost, _) in QUIRKS.items()
    ),
    Pairing("softmax", "ll", SMOOTHED),
)


@dataclass(frozen=True)
class Candidate:
    """What a pairing would report."""

    pairing: Pairing
    reductions: tuple[str, ...]  # all that give this value for the shape at hand
    value: float

    @property
    def reduction(self) -> str:
        if PER_EXAMPLE in self.reductions and EVERYTHING in self.reductions:
            return "mean" if TOTAL not in self.reductions else "one output"
        return " or ".join(self.reductions)

    @property
    def name(self) -> str:
        return f"{self.pairing.name}, {self.reduction}"

    @property
    def called(self) -> str:
        """What frameworks call this pairing with this reduction."""
        pairing = self.pairing
        called = "" if pairing.quirk else CALLED.get((pairing.transform, pairing.cost), "")
        if not called or pairing.usual in self.reductions:
            return called
        return f'{called}, reduction="sum"' if TOTAL in self.reductions else ""


@np.errstate(all="ignore")
def candidates(x: Array, y: Array) -> list[Candidate]:
    """Every pairing that takes these outputs, by every reduction that makes a difference.

    A quirk is left out where it does not change the number. Quirks are computed in the dtype of the
    outputs, as frameworks do: there an output rounds to 0 or 1 that does not in another one.
    """
    exact, wide = x.astype(np.float64), y.astype(np.float64)
    computed = computing(x.dtype)
    n, k = x.shape
    found: list[Candidate] = []
    plain: dict[tuple[str, str], float] = {}
    for pairing in PAIRINGS:
        if not pairing.takes(x):
            continue
        numbers = (x, y) if pairing.quirk else (exact, wide)
        if pairing.cost == "squared error":
            total = 2.0 * plain[pairing.transform, "quadratic"]
        else:
            total = in_blocks(pairing, *numbers)
        if pairing.quirk is None:
            plain[pairing.transform, pairing.cost] = total
        elif np.isclose(total, plain.get((pairing.transform, pairing.cost), np.nan), computed, 0):
            continue
        found += [Candidate(pairing, names, total / by) for by, names in reductions(n, k).items()]
    return found


def in_blocks(pairing: Pairing, x: Array, y: Array) -> float:
    """The total of a pairing, some examples at a time."""
    if pairing.transform == EXAMPLES:  # where they depend on each other
        pairing, x = replace(pairing, transform="none"), applied(pairing.steps, x)
    rows = max(1, BLOCK // x.shape[1])
    parts = (slice(i, i + rows) for i in range(0, len(x), rows))
    return float(sum(pairing.total(x[part], y[part]) for part in parts))


def reductions(n: int, k: int) -> dict[int, tuple[str, ...]]:
    """Divisors, and the names of each; for one example or one output some are the same."""
    found: dict[int, tuple[str, ...]] = {}
    for name, divisor in ((PER_EXAMPLE, n), (EVERYTHING, n * k), (TOTAL, 1)):
        found[divisor] = (*found.get(divisor, ()), name)
    return found


def computing(dtype: Any) -> float:
    """How far the same number may be off, relatively, computed in another way."""
    return max(COMPUTED, 4.0 * float(np.finfo(dtype).eps))


def reproducing(found: Sequence[Candidate], loss: Any, dtype: Any) -> list[Candidate]:
    """Those that are the loss, to its digits or to what computing it costs.

    Those that are as close as computing allows come first, however few digits there are.
    """
    value = float(loss)
    rounding = max(computing(dtype) * abs(value), 2e-7)
    close = [c for c in found if abs(c.value - value) <= max(half_unit(loss), rounding)]
    return sorted(close, key=lambda c: abs(c.value - value) > rounding)


def nearest(found: Sequence[Candidate], loss: Any, most: int = 3) -> list[Candidate]:
    """Those that come closest."""
    finite = [c for c in found if np.isfinite(c.value)]
    return sorted(finite, key=lambda c: abs(c.value - float(loss)))[:most]


class OutputDelta:
    """δ = dC/dz of each example, beside a - y of the output layer that was meant, both (n, K)."""

    @np.errstate(all="ignore")
    def __init__(self, delta: Array, a_minus_y: Array) -> None:
        self.delta, self.a_minus_y = delta, a_minus_y
        self.equal = bool(np.allclose(delta, a_minus_y, rtol=1e-5, atol=1e-6))  # to rounding
        self.ratio = float(np.abs(delta).sum() / np.abs(a_minus_y).sum())  # NaN, inf where it is 0
        # shown is where they differ most; if they do not, the one that is most wrong
        gap = a_minus_y if self.equal else delta - a_minus_y
        self.shows = int(np.argmax(np.nan_to_num(np.abs(gap).sum(axis=-1), nan=np.inf)))

    def __str__(self) -> str:
        i = self.shows
        delta, a_minus_y = self.delta[i], self.a_minus_y[i]
        if self.equal:
            return f"measured so, in example {i} {vector(delta, FEW)}"
        size = f"as measured, {figure(self.ratio)} times the size of a - y; in example {i}"
        if len(delta) <= FEW:
            return f"{size} it is {vector(delta)} where a - y is {vector(a_minus_y)}"
        pushed, pulled = int(np.argmin(a_minus_y)), int(np.argmax(a_minus_y))
        return (
            f"{size} it is {figure(delta[pushed])} for class {pushed} where a - y is "
            f"{figure(a_minus_y[pushed])}, and {figure(delta[pulled])} for class {pulled} where "
            f"a - y is {figure(a_minus_y[pulled])}"
        )


@np.errstate(all="ignore")
def measured(pairing: Pairing, activation: str | None, x: Array, y: Array) -> OutputDelta:
    """δ by the engine, back through the output layer that outputs have been through already."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    outputs = Tensor(x)
    g = grad(pairing.total(outputs, y), outputs)
    if activation == "softmax":
        return OutputDelta(x * (g - (x * g).sum(axis=-1, keepdims=True)), x - y)
    if activation == "sigmoid":
        return OutputDelta(x * (1.0 - x) * g, x - y)
    if activation == "log-softmax":
        a = np.exp(x)
        return OutputDelta(g - a * g.sum(axis=-1, keepdims=True), a - y)
    meant = pairing.steps[:1] or ("softmax",)
    return OutputDelta(g, applied(meant, x) - y)
