"""A wrong pairing in somebody else's framework: which one reported this number?

What you can do here: `print(diagnose(outputs, labels, loss))` with the arrays that were handed to a
loss of any framework and the number that it reported; or without the number. What to write instead
goes by all output layers that the logits go through, those of the network and those of the loss,
and by the cost; what is wrong with a pair of ours is measured.

>>> probabilities = [[0.9, 0.05, 0.05], [0.1, 0.8, 0.1]]
>>> found = diagnose(probabilities, [0, 1], loss=0.6538)
>>> found.outputs.name, [match.in_all for match in found.matches]
('probabilities', ['softmax twice'])
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.diagnosis import pairings
from tinygrad_lossmix.answers.diagnosis.pairings import Candidate
from tinygrad_lossmix.answers.diagnosis.predictions import (
    OutputKind,
    accuracies,
    handed,
    kind_of,
    kind_of_labels,
    number,
)
from tinygrad_lossmix.answers.plateau.candidates import Constant
from tinygrad_lossmix.answers.plateau.constants import SIGMOID_FLOORS, SOFTMAX_FLOOR
from tinygrad_lossmix.answers.verdict.grounds import gather
from tinygrad_lossmix.answers.verdict.verdict import advice, condition, faults
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.layers import LAYERS, explained
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import AsPrinted, columns, numbered, paragraph
from tinygrad_lossmix.records import attributes, plain

HARMLESS = "A softmax of log-probabilities gives them back: done twice, it is harmless."
THRESHOLD = {"logits": 0.0, "probabilities": 0.5, "log-probabilities": math.log(0.5)}  # of a yes
ELSEWHERE = (
    "What is not tried: class weights, a penalty on the weights, an average over an epoch, dropout "
    "that was on, outputs of another batch. Hand over one batch and the loss of that very batch."
)


@dataclass(frozen=True)
class Remedy:
    """What is wrong with a pairing, if anything, its delta, and what to write instead."""

    verdict: str
    delta: str  # dC/dz, z the logits
    pytorch: str
    keras: str
    floor: Constant | None = None  # that the loss cannot cross
    fine: bool = False


# What to write in PyTorch and in Keras.
CLASSES = (
    "loss = nn.CrossEntropyLoss()(logits, classes)  # no softmax before it",
    'Dense(K, activation="softmax"), loss="categorical_crossentropy"  # from_logits=False',
)
EACH = (
    "loss = nn.BCEWithLogitsLoss()(logits, labels)  # no sigmoid before it",
    'Dense(K, activation="sigmoid"), loss="binary_crossentropy"  # from_logits=False',
)
EITHER = (
    "one class out of K: nn.CrossEntropyLoss()(logits, classes); multi-label: "
    "nn.BCEWithLogitsLoss()(logits, labels)",
    'one class out of K: "categorical_crossentropy" on a softmax; multi-label: '
    '"binary_crossentropy" on sigmoids',
)
ONE = (
    "loss = nn.BCEWithLogitsLoss()(logit, label)  # no softmax, no sigmoid before it",
    'Dense(1, activation="sigmoid"), loss="binary_crossentropy"  # from_logits=False',
)
LOGARITHM = ("loss = nn.NLLLoss()(torch.log_softmax(logits, dim=-1), classes)", CLASSES[1])
NOTHING = "nothing to change", "nothing to change"
# fmt: off
GIVEN_TO_NLL = {  # which takes log-probabilities: what it does to others, and delta
    ("softmax",): (
        "was given probabilities: this is minus the output of the class, between -1 and 0, and a "
        "confident mistake has almost no gradient", "a_y (a - y), a_y the output of the class",
    ),
    (): ("was given logits: it raises the logit of the class without bound and does nothing else",
         "-y"),
}
RENORMALISED = Remedy(
    "categorical_crossentropy divides the sigmoid outputs by their sum: only ratios count, and "
    "delta vanishes where all outputs are near 1.",
    "(1 - a) (a/sum(a) - y)", *CLASSES,
)
OVER_EXAMPLES = Remedy(
    "the softmax runs over axis 0: the examples of a batch compete for a class, the classes of an "
    "example do not.",
    "J dC/da, J of the whole batch",
    "torch.softmax(logits, dim=-1), or better the logits to nn.CrossEntropyLoss",
    "tf.nn.softmax(logits, axis=-1)",
)
SEVERAL = Remedy(
    "it is for one class out of K, and these labels do not sum to 1.",
    "S a - y, S the sum of the labels", *EACH,
)
SMOOTHED = Remedy(
    "the matched pair, on smoothed labels: delta is a minus those.", "a - y", *NOTHING, fine=True
)
AS_OUTPUTS = Remedy(
    "the cost was given logits as if they were probabilities.", "dC/da at a = z", EITHER[0],
    "from_logits=True in the loss, or an activation on the last layer",
)
SOFTMAX_OF_ONE = Remedy(
    "a softmax over one output is 1 at every logit: the cost is constant, nothing is learnt.",
    "0", *ONE,
)
UNCOMMON = Remedy("not a pair that a framework has by one name.", "not a - y", *EITHER)
# fmt: on
CLAMP = " Outputs that are clamped pass no gradient on; computed from logits nothing is clamped."


def remedy(
    layers: tuple[str, ...],
    cost: str,
    quirk: str | None = None,
    one_choice: bool = True,
    classes: int = 3,
) -> Remedy:
    """Of output layers, those of the network before those of the loss, with a cost."""
    quirk = quirk or ""
    if layers[-1:] == ("softmax over the examples",):
        return OVER_EXAMPLES
    if cost == "nll":
        words, delta = GIVEN_TO_NLL.get(layers, ("was given other outputs", "not a - y"))
        return Remedy(f"NLLLoss takes log-probabilities and {words}.", delta, *LOGARITHM)
    if not layers:
        return AS_OUTPUTS
    if not LAYERS.keys() >= set(layers):
        return UNCOMMON
    cost = "quadratic" if cost == "squared error" else cost
    if layers == ("sigmoid",) and "renormalised" in quirk:
        return RENORMALISED
    if layers == ("softmax",) and cost == "ll" and ("smoothed" in quirk or not one_choice):
        return SMOOTHED if "smoothed" in quirk else SEVERAL
    lines = EITHER if cost == "quadratic" else CLASSES if "softmax" in layers else EACH
    if len(layers) > 1:
        return again(layers, cost, lines)
    words, delta, fine = measured_pair(layers[0], cost, min(classes, 3))
    clamped = "clamped" in quirk
    lines = NOTHING if fine and not clamped else lines
    return Remedy(words + CLAMP * (fine and clamped), delta, *lines, fine=fine)


@functools.cache
def measured_pair(layer: str, cost: str, classes: int) -> tuple[str, str, bool]:
    """What is good or bad about a pair of ours, its delta, and whether it is a - y."""
    mix = Mix(layer, cost)
    found = gather(mix, classes)
    if found.a_minus_y:
        return f"the matched pair {advice(found, '').removeprefix('use it ')}.", "a - y", True
    bad = "; ".join(fault.name for fault in faults(found))
    multiple = f"sound, but {condition(found).removeprefix('never: ')}"
    return f"{bad or multiple}.", explained(mix.formula), False


def again(layers: tuple[str, ...], cost: str, lines: tuple[str, str]) -> Remedy:
    """Of outputs that go through another output layer."""
    inner, outer = layers[-2:]
    pair = Mix(outer, cost)
    beyond = f"{outer}(a) - y" if measured_pair(outer, cost, 3)[2] else f"delta of {pair} at a"
    floors = {"softmax ll": SOFTMAX_FLOOR, "sigmoid ce": SIGMOID_FLOORS[0]}
    return Remedy(
        f"outputs of a {inner} go through a {outer} again: none is near 0 or 1, and delta fades "
        f"where the {inner} saturates, even on wrong ones.",
        f"J ({beyond}), J = {LAYERS[inner].jacobian}",
        *lines,
        floors.get(pair.words),
    )


def remedy_of_one(layers: tuple[str, ...], cost: str, quirk: str | None = None) -> Remedy:
    """Of one output, for which a softmax is the fault and never the repair."""
    if "softmax" in layers:
        return SOFTMAX_OF_ONE
    found = remedy(layers, cost, quirk, classes=1)
    return found if found.fine else replace(found, pytorch=ONE[0], keras=ONE[1])


class Finding:
    """A candidate that is the loss, and what it means for these outputs and labels, (n, K)."""

    def __init__(self, candidate: Candidate, kind: OutputKind, x: Array, y: Array) -> None:
        pairing = candidate.pairing
        self.candidate = candidate
        self.layers, self.cost = pairing.in_all(kind.activation)  # that the logits go through
        asked = self.layers, self.cost, pairing.quirk
        one_choice, k = bool(np.allclose(y.sum(axis=-1), 1.0)), y.shape[1]
        self.remedy = remedy_of_one(*asked) if k == 1 else remedy(*asked, one_choice, k)
        self.delta = pairings.measured(pairing, kind.activation, x, y)
        again = pairing.steps[:1] == ("softmax",)
        self.harmless = again and kind.activation == "log-softmax"  # which it gives back
        self.in_all = pairings.TRANSFORMS.get(self.layers, " of ".join(reversed(self.layers)))
        layers = self.in_all if self.layers else "no output layer"
        self.pair = f"{layers} + {pairings.NAMES[self.cost]}"
        least = self.remedy.floor  # of the cost of an example, summed over the outputs
        self.floor = least and float(least.value(float(k)))
        called = f" ({candidate.called})" if candidate.called else ""
        self.named = f"{candidate.name} = {candidate.value:.10g}{called}"

    def __repr__(self) -> str:
        return f"{self.named}; in all, {self.pair}"

    def __str__(self) -> str:
        r = self.remedy
        meaning = f"In all, {self.pair}: {r.verdict}" + (f" {HARMLESS}" if self.harmless else "")
        if r.floor:
            least = f"{r.floor.formula} = {self.floor:.4f}"
            meaning += f" The cost of an example cannot fall below {least}."
        delta = f"delta = {r.delta}; {self.delta}."
        return "\n".join([self.named, meaning, delta, f"PyTorch: {r.pytorch}", f"Keras: {r.keras}"])

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON; δ of the example in which it differs most from a - y."""
        candidate, i = self.candidate, self.delta.shows
        pairing = candidate.pairing
        record = {
            "name": candidate.name,
            **attributes(pairing, "transform", "cost"),
            "reduction": candidate.reduction,
            "quirk": pairing.quirk,
            **attributes(candidate, "called", "value"),
            **attributes(self, "in_all", "floor"),
            **attributes(self.remedy, "fine", "verdict"),
            "delta": {
                "formula": self.remedy.delta,
                "is_a_minus_y": self.delta.equal,
                "ratio": self.delta.ratio,
                "example": i,
                "delta": self.delta.delta[i],
                "a_minus_y": self.delta.a_minus_y[i],
            },
            **attributes(self.remedy, "pytorch", "keras"),
        }
        return dict(plain(record))


class Diagnosis(AsPrinted):
    """What was handed to a loss, (n, K), and what reproduces the number it reported."""

    def __init__(self, x: Array, y: Array, loss: Any, accuracy: Any) -> None:
        self.examples, self.classes = x.shape
        self.outputs = kind_of(x)
        self.labels = kind_of_labels(y)
        self.loss = None if loss is None else float(loss)
        self.accuracy = accuracy  # as reported, with its digits
        self.right = accuracies(x, y, THRESHOLD[self.outputs.name])  # as measured
        self.candidates = tuple(pairings.candidates(x, y))
        same = [] if loss is None else pairings.reproducing(self.candidates, loss, x.dtype)
        self.matches = tuple(Finding(candidate, self.outputs, x, y) for candidate in same)

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON."""
        record = {
            **attributes(self, "examples", "classes"),
            "outputs": asdict(self.outputs),
            **attributes(self, "labels", "loss"),
            "accuracy": {
                "reported": None if self.accuracy is None else float(self.accuracy),
                **asdict(self.right),
            },
            "matches": [match.to_dict() for match in self.matches],
            "candidates": [
                attributes(each, "name", "reduction", "value") for each in self.candidates
            ],
        }
        return dict(plain(record))

    def __str__(self) -> str:
        shape, kind = f"{self.examples} x {self.classes}", self.outputs
        parts = [f"Outputs, {shape}: {kind.name}; {kind.why}.", f"Labels: {self.labels}."]
        parts += [self.right.about(self.accuracy)]
        if self.right.missing:
            parts += [f"Never the largest output: {', '.join(map(str, self.right.missing))}."]
        return "\n".join([*map(paragraph, parts), "", self.answer()])

    def answer(self) -> str:
        """What reproduces the loss; without a loss, what each pairing would report."""
        if self.loss is None:
            return f"What each pairing would report, as the mean over\n{table(self.candidates)}"
        if not self.matches:
            near = pairings.nearest(self.candidates, self.loss)
            close = [f"{candidate.value:12.6g}  {candidate.name}" for candidate in near]
            head = f"Nothing reproduces the loss {self.loss:.10g}. The nearest:"
            return "\n".join([head, *close, paragraph(ELSEWHERE)])
        first = {match.remedy: match for match in reversed(self.matches)}  # a remedy is said once
        items = [str(m) if first[m.remedy] is m else m.named for m in self.matches]
        return "\n\n".join([f"The loss {self.loss:.10g} is", *numbered(items)])


def diagnose(outputs: Any, labels: Any, loss: Any = None, accuracy: Any = None) -> Diagnosis:
    """Which transform x cost x reduction produced this loss, and what to change.

    Args:
        outputs: what was handed to the loss, real numbers (n, K), or (K,) for one example.
        labels: of the same shape, or integer classes (n,).
        loss: the number that came out, as exact as its digits; text keeps them all, "2.30".
        accuracy: the fraction that was reported with it; likewise.

    Returns:
        a report to print, or to read: `.outputs`, `.matches`, `.to_dict()`.

    Raises:
        TypeError: a tensor that does not become an array by itself; the message says how it does.
        ValueError: shapes, labels or numbers that do not fit.

    >>> print(diagnose([[2.0, 1.0, 0.0]], [0], loss=0.4076).matches[0].candidate.name)
    softmax + log-likelihood, mean over the examples or sum
    """
    x, y = handed(outputs, labels)
    loss = number(loss, "the loss")
    accuracy = number(accuracy, "the accuracy")
    if accuracy is not None and not 0.0 <= float(accuracy) <= 1.0:
        raise ValueError(f"an accuracy is a fraction between 0 and 1, not {accuracy}")
    return Diagnosis(x, y, loss, accuracy)


def table(found: Sequence[Candidate]) -> str:
    """A line per pairing, a column per reduction."""
    heads = list(dict.fromkeys(each.reduction.removeprefix("mean over ") for each in found))
    rows: dict[str, list[str]] = {}
    for each in found:
        rows.setdefault(each.pairing.name, []).append(f"{each.value:.6g}")
    numbers = columns([heads, *rows.values()]).splitlines()
    return "\n".join(f"{line}  {name}" for line, name in zip(numbers, ("", *rows), strict=True))
