"""Everything that a verdict on a mix rests on, measured; and the answers that follow from it.

>>> from tinygrad_lossmix.mixes.mix import Mix
>>> found = gather(Mix("softmax", "ce"), 3)
>>> found.proper, found.convex, found.a_minus_y
(True, False, False)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.expected import Minimum, Pair, Truth, minimise, one_of, together
from tinygrad_lossmix.mixes.witnesses import (
    ROUNDING,
    Curvature,
    Identity,
    Mistake,
    Push,
    curvature,
    disagreement,
    identity,
    mistake,
    push,
    sample,
)


@dataclass(frozen=True)
class Evidence:
    """What was found about a mix with K outputs.

    One answer is right out of K; a single output (K = 1) answers yes or no, its labels 1 and 0.
    """

    classes: int
    minima: tuple[Minimum, ...]  # of the expected cost, one right answer
    separate: tuple[Minimum, ...]  # of the expected cost, labels that may hold together
    curvature: Curvature
    identity: Identity
    push: Push
    mistake: Mistake
    constant: bool  # the outputs do not depend on z
    sum_to_one: bool  # the outputs always do
    disagreement: float  # of the closed forms with the engine

    @property
    def proper(self) -> bool:
        """A strictly proper score: every search ended where the outputs are the truth."""
        return all(minimum.right for minimum in self.minima)

    @property
    def several(self) -> bool:
        """Where labels may hold together, the outputs find the probability of each."""
        return all(minimum.right for minimum in self.separate)

    @property
    def convex(self) -> bool:
        """Convex in z: no Hessian with a negative eigenvalue was found."""
        return self.curvature.eigenvalue > -ROUNDING

    @property
    def a_minus_y(self) -> bool:
        """δ = a - y wherever one answer is right."""
        return self.identity.error < ROUNDING


def gather(mix: Pair, k: int) -> Evidence:
    """Search and measure, with K = k outputs."""
    with np.errstate(all="ignore"):
        samples = sample(mix, k)
        return Evidence(
            classes=k,
            minima=tuple(minimise(mix, t, z) for t in _truths(k) for z in _starts(k)),
            separate=tuple(minimise(mix, together(q), np.zeros(k)) for q in _chances(k)),
            curvature=curvature(mix, k),
            identity=identity(samples),
            push=push(samples),
            mistake=mistake(mix, k),
            constant=bool(np.ptp(samples.a, axis=0).max() == 0),
            sum_to_one=bool(np.abs(samples.a.sum(axis=1) - 1).max() < ROUNDING),
            disagreement=disagreement(mix, k),
        )


def _truths(k: int) -> list[Truth]:
    """Even and uneven distributions of one right answer."""
    if k == 1:
        return [together(np.array([q])) for q in (0.5, 0.03, 0.2, 0.9)]
    n = np.arange(1.0, k + 1)
    sure = np.where(n == 1, 0.9, 0.1 / (k - 1))
    return [one_of(weights / weights.sum()) for weights in (np.ones(k), n, n**-2, sure)]


def _chances(k: int) -> list[Array]:
    """Probabilities of labels that may hold together."""
    return [np.linspace(0.9, 0.1, k), 0.8 / np.arange(1.0, k + 1)]


def _starts(k: int) -> list[Array]:
    return [np.zeros(k), np.linspace(3.0, -3.0, k)]
