"""A wrong pairing in somebody else's framework: which one reported this number?

What you can do here: `print(diagnose(outputs, labels, loss))` with the arrays that were handed to a
loss of any framework and the number that it reported; or without the number.

>>> probabilities = [[0.9, 0.05, 0.05], [0.1, 0.8, 0.1]]
>>> found = diagnose(probabilities, [0, 1], loss=0.6538)
>>> found.outputs.name, [match.in_all for match in found.matches]
('probabilities', ['softmax twice'])
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.diagnosis.finding import Finding
from tinygrad_lossmix.answers.diagnosis.pairings import Candidate, candidates, nearest, reproducing
from tinygrad_lossmix.answers.diagnosis.predictions import accuracies, handed, kind_of
from tinygrad_lossmix.printing import columns, figure, numbered, paragraph
from tinygrad_lossmix.records import plain

Array = Any
THRESHOLD = {"logits": 0.0, "probabilities": 0.5, "log-probabilities": math.log(0.5)}  # of a yes
ELSEWHERE = (
    "What is not tried: class weights, a penalty on the weights, an average over an epoch, dropout "
    "that was on, outputs of another batch. Hand over one batch and the loss of that very batch."
)


class Diagnosis:
    """What was handed to a loss, (n, K), and what reproduces the number it reported."""

    def __init__(self, x: Array, y: Array, loss: Any, accuracy: Any) -> None:
        self.examples, self.classes = x.shape
        self.outputs = kind_of(x)
        self.labels = about(y)
        self.loss = None if loss is None else float(loss)
        self.accuracy = accuracy  # as reported, with its digits
        self.right = accuracies(x, y, THRESHOLD[self.outputs.name])  # as measured
        self.candidates = tuple(candidates(x, y))
        same = [] if loss is None else reproducing(self.candidates, loss, x.dtype)
        self.matches = tuple(Finding(candidate, self.outputs, x, y) for candidate in same)

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON."""
        record = {
            "examples": self.examples,
            "classes": self.classes,
            "outputs": asdict(self.outputs),
            "labels": self.labels,
            "loss": self.loss,
            "accuracy": {
                "reported": None if self.accuracy is None else float(self.accuracy),
                **asdict(self.right),
            },
            "matches": [match.to_dict() for match in self.matches],
            "candidates": [
                {"name": each.name, "reduction": each.reduction, "value": each.value}
                for each in self.candidates
            ],
        }
        return dict(plain(record))

    def __str__(self) -> str:
        missing, shape = (
            ", ".join(map(str, self.right.missing)),
            f"{self.examples} x {self.classes}",
        )
        parts = [
            f"Outputs, {shape}: {self.outputs.name}; {self.outputs.why}.",
            f"Labels: {self.labels}.",
            self.right.about(self.accuracy),
            *([f"Never the largest output: {missing}."] if missing else []),
        ]
        return "\n".join([*map(paragraph, parts), "", self.answer()])

    __repr__ = __str__

    def answer(self) -> str:
        """What reproduces the loss; without a loss, what each pairing would report."""
        if self.loss is None:
            return f"What each pairing would report, as the mean over\n{table(self.candidates)}"
        if not self.matches:
            near = nearest(self.candidates, self.loss)
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
    return (
        f"{'multi-label' if whole else 'soft, multi-label'}, rows sum to {figure(total.min())} to "
        f"{figure(total.max())}"
    )


def table(found: Sequence[Candidate]) -> str:
    """A line per pairing, a column per reduction."""
    reductions = list(dict.fromkeys(candidate.reduction for candidate in found))
    rows: dict[str, list[str]] = {}
    for candidate in found:
        rows.setdefault(candidate.pairing.name, []).append(f"{candidate.value:.6g}")
    heads = [reduction.removeprefix("mean over ") for reduction in reductions]
    numbers = columns([heads, *rows.values()]).splitlines()
    return "\n".join(f"{line}  {name}" for line, name in zip(numbers, ("", *rows), strict=True))
