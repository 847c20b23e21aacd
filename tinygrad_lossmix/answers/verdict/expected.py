"""The expected cost of a mix when the truth is known, and where it is least.

A cost is a strictly proper score if, with labels drawn from a distribution, the expected cost is
least where the outputs are that distribution, and nowhere else.

>>> from tinygrad_lossmix.mixes.mix import Mix
>>> least = minimise(Mix("softmax", "ll"), one_of(np.array([0.7, 0.2, 0.1])), np.zeros(3))
>>> least.found, least.outputs.round(6)
(True, array([0.7, 0.2, 0.1]))
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tinygrad_lossmix.engine.table import Array

STEPS = 40
SETTLED = 1e-8  # a last step below it, in z and in the outputs
SAME = 1e-12  # two least costs that far apart, beside their size
CLOSE = 1e-6  # outputs that far from the truth are at it
RAY = (1.0, 10.0, 100.0)


class MixLike(Protocol):
    """What is asked about an output layer with a cost; a Mix is one."""

    def activate(self, z: Any) -> Any: ...
    def cost(self, z: Any, y: Any) -> Any: ...
    def composed(self, z: Any, y: Any) -> Any: ...
    def delta(self, z: Any, y: Any) -> Any: ...
    def hessian(self, z: Any, y: Any) -> Array: ...


@dataclass(frozen=True)
class Truth:
    """A distribution of labels: the labels (m, K) that occur, and how often (m,)."""

    labels: Array
    weights: Array

    @property
    def mean(self) -> Array:
        """How often each label is 1 (K,): what the outputs ought to be."""
        return self.weights @ self.labels


def one_of(q: Array) -> Truth:
    """Exactly one of the K labels is 1, label k with probability q_k."""
    return Truth(np.eye(len(q)), q)


def together(q: Array) -> Truth:
    """Label k is 1 with probability q_k, any number of them at once.

    All are decided by one number u drawn from 0 … 1, label k being 1 if u < q_k: K + 1 cases are
    enough for any K.

    >>> together(np.array([0.75, 0.5])).labels
    array([[1., 1.],
           [1., 0.],
           [0., 0.]])
    """
    edges = np.concatenate([[0.0], np.sort(q), [1.0]])
    middles = (edges[1:] + edges[:-1]) / 2
    return Truth((middles[:, None] < q).astype(float), np.diff(edges))


@dataclass(frozen=True)
class Minimum:
    """Where the search for the least expected cost ended."""

    truth: Truth
    z: Array
    outputs: Array
    cost: float
    found: bool  # the search settled, at a minimum
    direction: Array  # of z, its largest component 1
    ray: tuple[float, ...]  # the expected cost 1, 10 and 100 times as far in that direction

    @property
    def error(self) -> float:
        """The largest difference between the outputs and the truth."""
        return float(np.abs(self.outputs - self.truth.mean).max())

    @property
    def right(self) -> bool:
        """The expected cost is least where the outputs are the truth."""
        return self.found and self.error < CLOSE

    @property
    def endless(self) -> bool:
        """There is no minimum: further out the cost is lower still."""
        return not self.found and self.ray[0] > self.ray[1] > self.ray[2]


def minimise(mix: MixLike, truth: Truth, z: Array) -> Minimum:
    """The least expected cost, searched from logits z (K,) on by Newton's method.

    The gradient is the mean over the labels; the Hessian at the mean label only shapes the steps,
    each of which has to lower the cost.
    """
    cost, found = expected_cost(mix, truth, z), False
    for _ in range(STEPS):
        step, rising = newton_step(mix, truth, z)
        if not np.isfinite(cost):
            break
        moved = mix.activate(z + step) - mix.activate(z)  # far, where a layer is steep
        if max(np.abs(step).max(), np.abs(moved).max()) < SETTLED:
            found = rising
            break
        lower = shortened(mix, truth, z, step, cost)
        if lower is None:
            break
        z, cost = lower
    direction = z / (np.abs(z).max() or 1.0)
    ray = tuple(expected_cost(mix, truth, t * direction) for t in RAY)
    return Minimum(truth, z, mix.activate(z), cost, found, direction, ray)


def lowest(minima: Sequence[Minimum]) -> list[Minimum]:
    """Without those that another search of the same truth ended below: not least, only flat there;
    nor those that came to the truth and settled nowhere, where another settled no higher.

    One whose cost is not finite stays: it tells that the layer gives outputs without a cost.
    """

    def beaten(x: Minimum) -> bool:
        same = [each for each in minima if each.truth is x.truth]
        least = np.fmin.reduce([each.cost for each in same])  # one of them may be NaN
        settled = np.fmin.reduce([each.cost for each in same if each.found], initial=np.inf)
        slack = SAME * max(1.0, abs(least))
        stopped = x.error < CLOSE and not x.found
        return bool(x.cost > least + slack or (stopped and x.cost + slack >= settled))

    return [x for x in minima if not (x.cost < np.inf and beaten(x))]


def expected_cost(mix: MixLike, truth: Truth, z: Array) -> float:
    """The mean cost over the labels, each as often as it occurs."""
    costs = [float(mix.cost(z, y)) for y in truth.labels]
    return float(sum(w * c for w, c in zip(truth.weights, costs, strict=True) if w))


def deltas(mix: MixLike, z: Array, y: Array) -> Array:
    """δ of each example; one by one where there is one class, a batch of which a `Mix` refuses."""
    if z.shape[-1] > 1:
        return mix.delta(z, y)
    return np.array([mix.delta(*each) for each in zip(z, y, strict=True)])


def newton_step(mix: MixLike, truth: Truth, z: Array) -> tuple[Array, bool]:
    """A step downhill, and whether no direction is curved downwards; flat directions are left.

    No component is above 1: a larger step ends where a sigmoid no longer has a slope.
    """
    slopes = deltas(mix, np.tile(z, (len(truth.labels), 1)), truth.labels)
    hessian = mix.hessian(z, truth.mean)
    if not np.isfinite(hessian).all():
        return z * np.nan, False  # which ends the search
    curvature, axes = np.linalg.eigh(hessian)
    size = np.abs(curvature)
    curved = size > 1e-10 * size.max()
    along = axes.T @ (truth.weights @ slopes)
    step = axes @ np.where(curved, -along / np.where(curved, size, 1.0), 0.0)
    return step / max(1.0, np.abs(step).max()), bool((curvature[curved] > 0).all())


def shortened(
    mix: MixLike, truth: Truth, z: Array, step: Array, cost: float
) -> tuple[Array, float] | None:
    """The first of the whole step, a half, a quarter … that does not raise the cost."""
    for halvings in range(30):
        there = z + step * 0.5**halvings
        value = expected_cost(mix, truth, there)
        if value <= cost + 1e-15 * abs(cost):
            return there, value
    return None
