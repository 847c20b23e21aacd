"""A wrong pairing in somebody else's framework: which one reported this number?

What you can do here: `print(diagnose(outputs, labels, loss))` with the arrays that were handed to a
loss of any framework and the number that it reported; or without the number.

>>> probabilities = [[0.9, 0.05, 0.05], [0.1, 0.8, 0.1]]
>>> found = diagnose(probabilities, [0, 1], loss=0.6538)
>>> found.outputs.name, [match.in_all for match in found.matches]
('probabilities', ['softmax twice'])
"""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.diagnosis import pairings
from tinygrad_lossmix.answers.diagnosis.pairings import Candidate, Pairing
from tinygrad_lossmix.answers.diagnosis.predictions import OutputKind, accuracies, handed, kind_of
from tinygrad_lossmix.answers.diagnosis.remedies import remedy, remedy_of_one
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.printing import AsPrinted, columns, figure, numbered, paragraph, vector
from tinygrad_lossmix.records import attributes, plain

HARMLESS = "A softmax of log-probabilities gives them back: done twice, it is harmless."
FEW = 5  # classes of which all are printed
THRESHOLD = {"logits": 0.0, "probabilities": 0.5, "log-probabilities": math.log(0.5)}  # of a yes
ELSEWHERE = (
    "What is not tried: class weights, a penalty on the weights, an average over an epoch, dropout "
    "that was on, outputs of another batch. Hand over one batch and the loss of that very batch."
)


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


class Finding:
    """A candidate that is the loss, and what it means for these outputs and labels, (n, K)."""

    def __init__(self, candidate: Candidate, kind: OutputKind, x: Array, y: Array) -> None:
        pairing = candidate.pairing
        self.candidate = candidate
        self.layers, self.cost = pairing.in_all(kind.activation)  # that the logits go through
        asked = self.layers, self.cost, pairing.quirk
        one_choice, k = bool(np.allclose(y.sum(axis=-1), 1.0)), y.shape[1]
        self.remedy = remedy_of_one(*asked) if k == 1 else remedy(*asked, one_choice, k)
        self.delta = measured(pairing, kind, x.astype(np.float64), y.astype(np.float64))
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
        self.labels = about(y)
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


@np.errstate(all="ignore")
def measured(pairing: Pairing, kind: OutputKind, x: Array, y: Array) -> OutputDelta:
    """δ by the engine, back through the output layer that outputs have been through already."""
    outputs = Tensor(x)
    g = grad(pairing.total(outputs, y), outputs)
    if kind.activation == "softmax":
        return OutputDelta(x * (g - (x * g).sum(axis=-1, keepdims=True)), x - y)
    if kind.activation == "sigmoid":
        return OutputDelta(x * (1.0 - x) * g, x - y)
    if kind.activation == "log-softmax":
        a = np.exp(x)
        return OutputDelta(g - a * g.sum(axis=-1, keepdims=True), a - y)
    meant = pairing.steps[:1] or ("softmax",)
    return OutputDelta(g, pairings.applied(meant, x) - y)


def number(value: Any, name: str) -> Any:
    """A finite number with the digits it was given with, as text or as what prints them."""
    given = value if isinstance(value, str | int | np.floating | None) else float(value)
    if given is not None and not math.isfinite(float(given)):
        raise ValueError(f"{name} is {given}: expected a finite number, or none to see them all")
    return given


def about(y: Array) -> str:
    """What labels (n, K) look like."""
    total = y.sum(axis=-1)
    whole = bool(np.isin(y, (0.0, 1.0)).all())
    if y.shape[1] == 1:
        return f"one output, {y.mean():.4f} of them 1" if whole else "one output, between 0 and 1"
    if np.allclose(total, 1.0):
        return "one class per example" if whole else "soft labels, every row sums to 1"
    kind = "multi-label" if whole else "soft, multi-label"
    return f"{kind}, rows sum to {figure(total.min())} to {figure(total.max())}"


def table(found: Sequence[Candidate]) -> str:
    """A line per pairing, a column per reduction."""
    heads = list(dict.fromkeys(each.reduction.removeprefix("mean over ") for each in found))
    rows: dict[str, list[str]] = {}
    for each in found:
        rows.setdefault(each.pairing.name, []).append(f"{each.value:.6g}")
    numbers = columns([heads, *rows.values()]).splitlines()
    return "\n".join(f"{line}  {name}" for line, name in zip(numbers, ("", *rows), strict=True))
