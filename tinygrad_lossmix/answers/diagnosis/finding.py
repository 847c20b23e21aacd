"""A pairing that reproduces a loss: which output layers that makes in all, and its delta.

Outputs may be logits, or have been through an output layer already; δ is always that of the logits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lossmix.answers.diagnosis.pairings import NAMES, STEPS, Candidate, Pairing, applied
from tinygrad_lossmix.answers.diagnosis.predictions import Kind
from tinygrad_lossmix.answers.diagnosis.remedies import remedy
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.printing import figure, vector
from tinygrad_lossmix.records import plain

Array = Any
HARMLESS = "A softmax of log-probabilities gives them back: done twice, it is harmless."
FEW = 5  # classes of which all are printed


class Delta:
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

    def __init__(self, candidate: Candidate, kind: Kind, x: Array, y: Array) -> None:
        pairing, single = candidate.pairing, bool(np.allclose(y.sum(axis=-1), 1.0))
        self.candidate = candidate
        self.layers, self.cost = in_all(pairing, kind)  # that the logits go through in all
        self.remedy = remedy(self.layers, self.cost, pairing.quirk, single, y.shape[1] == 1)
        self.delta = measured(pairing, kind, x.astype(np.float64), y.astype(np.float64))
        again = STEPS[pairing.transform][:1] == ("softmax",)
        self.harmless = again and kind.activation == "log-softmax"  # which it gives back
        known = {steps: name for name, steps in STEPS.items()}
        self.in_all = known.get(self.layers, " of ".join(reversed(self.layers)))
        self.pair = f"{self.in_all if self.layers else 'no output layer'} + {NAMES[self.cost]}"
        least = self.remedy.floor  # of the cost of an example, summed over the outputs
        self.floor = None if least is None else float(least.value(float(y.shape[1])))
        called = f" ({candidate.called})" if candidate.called else ""
        self.named = f"{candidate.name} = {candidate.value:.10g}{called}"

    def __repr__(self) -> str:
        return f"{self.named}; in all, {self.pair}"

    def __str__(self) -> str:
        lines = [
            self.named,
            f"In all, {self.pair}: {self.remedy.verdict}",
            f"delta = {self.remedy.delta}; {self.delta}.",
            f"PyTorch: {self.remedy.pytorch}",
            f"Keras: {self.remedy.keras}",
        ]
        if self.harmless:
            lines[1] += f" {HARMLESS}"
        if self.floor is not None and self.remedy.floor:
            least = f"{self.remedy.floor.formula} = {self.floor:.4f}"
            lines[1] += f" The cost of an example cannot fall below {least}."
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON; δ of the example in which it differs most from a - y."""
        pairing, i = self.candidate.pairing, self.delta.shows
        record = {
            "name": self.candidate.name,
            "transform": pairing.transform,
            "cost": pairing.cost,
            "reduction": self.candidate.reduction,
            "quirk": pairing.quirk,
            "called": self.candidate.called,
            "value": self.candidate.value,
            "in_all": self.in_all,
            "floor": self.floor,
            "fine": self.remedy.fine,
            "verdict": self.remedy.verdict,
            "delta": {
                "formula": self.remedy.delta,
                "is_a_minus_y": self.delta.equal,
                "ratio": self.delta.ratio,
                "example": i,
                "delta": self.delta.delta[i],
                "a_minus_y": self.delta.a_minus_y[i],
            },
            "pytorch": self.remedy.pytorch,
            "keras": self.remedy.keras,
        }
        return dict(plain(record))


def in_all(pairing: Pairing, kind: Kind) -> tuple[tuple[str, ...], str]:
    """The output layers of network and loss, and the cost; a log-softmax is undone by a softmax."""
    steps = STEPS[pairing.transform]
    if kind.activation is None:
        return steps, pairing.cost
    if kind.activation == "log-softmax":
        if pairing.transform == "none" and pairing.cost == "nll":
            return ("softmax",), "ll"
        return (steps if steps[:1] == ("softmax",) else ("log-softmax", *steps)), pairing.cost
    return (kind.activation, *steps), pairing.cost


@np.errstate(all="ignore")
def measured(pairing: Pairing, kind: Kind, x: Array, y: Array) -> Delta:
    """δ by the engine, back through the output layer that outputs have been through already."""
    outputs = Tensor(x)
    g = grad(pairing.total(outputs, y), outputs)
    if kind.activation == "softmax":
        return Delta(x * (g - (x * g).sum(axis=-1, keepdims=True)), x - y)
    if kind.activation == "sigmoid":
        return Delta(x * (1.0 - x) * g, x - y)
    if kind.activation == "log-softmax":
        a = np.exp(x)
        return Delta(g - a * g.sum(axis=-1, keepdims=True), a - y)
    meant = STEPS[pairing.transform][:1] or ("softmax",)
    return Delta(g, applied(meant, x) - y)
