"""Everything that a verdict on a mix rests on, measured; and the answers that follow from it.

Searches over fixed logits: small whole numbers with confident and wrong ones among them, and random
ones from a fixed seed. A single output (K = 1) answers yes or no: its labels are 0 and 1.

>>> from tinygrad_lossmix.mixes.mix import Mix
>>> found = gather(Mix("softmax", "ce"), 3)
>>> found.proper, found.convex, found.a_minus_y
(True, False, False)
"""

from dataclasses import dataclass

import numpy as np

from tinygrad_lossmix.answers.kinks import Fall, fall
from tinygrad_lossmix.answers.match.layer import reached
from tinygrad_lossmix.answers.verdict.expected import (
    Minimum,
    MixLike,
    Truth,
    deltas,
    lowest,
    minimise,
    one_of,
    together,
)
from tinygrad_lossmix.compiler.many_points import for_many
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array

SAMPLES = 200
ROUNDING = 1e-9
STALLED = 1e-3  # of a - y


@dataclass(frozen=True)
class Curvature:
    """The smallest eigenvalue of all Hessians looked at, and where it is."""

    eigenvalue: float
    z: Array
    y: Array
    count: int


def labels_of(k: int) -> Array:
    """The labels of a question with one right answer: one-hot, or 0 and 1 for one output."""
    return np.eye(k) if k > 1 else np.array([[0.0], [1.0]])


def curvature(mix: MixLike, k: int, labels: Array) -> Curvature:
    """The most negative curvature found, for the first and the last of some labels (n, K)."""
    up = np.eye(k)[-1]
    sizes = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, -1.0, -2.0])[:, None]
    random = np.random.default_rng(0).integers(-6, 7, (240 // k, k)).astype(float)
    points = np.concatenate([sizes * up, sizes * (up - 1.0), sizes * (2 * up - 1), random])
    found = [
        (float(np.linalg.eigvalsh(h)[0]), z, y)
        for z in points
        for y in labels[[0, -1]]
        if np.isfinite(h := mix.hessian(z, y)).all()
    ]
    none = np.nan, points[0], labels[0]
    return Curvature(*min(found, key=lambda each: each[0], default=none), len(found))


def falling(mix: MixLike, k: int, labels: Array) -> tuple[Fall, Array]:
    """Where the slope of the cost falls most, for the first or the last of some labels (n, K)."""
    tried = [
        (fall(lambda z, y=y: deltas(mix, z, np.tile(y, (len(z), 1))), k), y)  # type: ignore[misc]
        for y in labels[[0, -1]]
    ]
    return max(tried, key=lambda each: each[0].drop)


@dataclass(frozen=True)
class Samples:
    """Logits, labels, outputs and deltas (n, K)."""

    z: Array
    y: Array
    a: Array
    delta: Array
    single: Array  # (n,): exactly one answer is right


def sample(mix: MixLike, k: int, rows: Array) -> Samples:
    """Labels from these rows, soft, scaled and multi-hot ones at random logits."""
    rng = np.random.default_rng(0)
    n = SAMPLES
    single = rows[np.arange(n) % len(rows)]
    soft = rng.random((n, k)) + 0.01
    soft /= soft.sum(axis=1, keepdims=True)
    y = np.concatenate([single, soft, 0.5 * soft, 2.0 * soft, rng.integers(0, 2, (n, k))])
    z = rng.normal(0.0, 3.0, y.shape)
    return Samples(z, y, mix.activate(z), deltas(mix, z, y), np.arange(len(y)) < n)


@dataclass(frozen=True)
class Identity:
    """δ beside a - y, and beside its relatives."""

    error: float  # the largest |δ - (a - y)| where one answer is right
    everywhere: float  # the same for every label tried
    summing: float  # the same where the labels sum to 1
    scaled: float  # the largest |δ - (S a - y)| for every label tried, S the sum of the labels
    factor: float  # c of the best δ = c (a - y) where one answer is right …
    rest: float  # … and the largest difference that it leaves
    smallest: float  # the least and the most that max |δ| / max |a - y| is, one answer being right
    largest: float
    mean: float  # how long δ is beside a - y, all of them together


def identity(s: Samples) -> Identity:
    """How δ = a - y fares."""
    off = s.a - s.y
    scaled = s.y.sum(axis=1, keepdims=True) * s.a - s.y
    near, delta = off[s.single], s.delta[s.single]
    factor = float((near * delta).sum()) / float((near * near).sum())
    sizes = np.abs(near).max(axis=1)
    ratio = np.abs(delta).max(axis=1)[sizes > 0] / sizes[sizes > 0]
    return Identity(
        error=largest(delta - near),
        everywhere=largest(s.delta - off),
        summing=largest((s.delta - off)[np.isclose(s.y.sum(axis=1), 1.0)]),
        scaled=largest(s.delta - scaled),
        factor=factor,
        rest=largest(delta - factor * near),
        smallest=float(ratio.min()),
        largest=float(ratio.max()),
        mean=float(np.linalg.norm(delta, axis=1).sum() / np.linalg.norm(near, axis=1).sum()),
    )


def largest(x: Array) -> float:
    """The largest absolute value; NaN if one is."""
    return float(np.abs(x).max())


@dataclass(frozen=True)
class Push:
    """δ of the wrong classes: above 0 the logit is pushed down, below 0 up."""

    lowest: float
    highest: float
    index: int  # of the wrong class with the lowest, at these logits, outputs and labels
    z: Array
    a: Array
    y: Array


def push(s: Samples) -> Push:
    """What happens to the wrong classes, where one answer is right."""
    wrong = s.single[:, None] & (s.y == 0)
    low = np.where(wrong, s.delta, np.inf)
    row, index = divmod(int(low.argmin()), low.shape[1])
    highest = float(np.where(wrong, s.delta, -np.inf).max())
    return Push(float(low.min()), highest, index, s.z[row], s.a[row], s.y[row])


@dataclass(frozen=True)
class Mistake:
    """A confident mistake, and the largest component of its δ beside that of a - y."""

    z: Array
    y: Array
    delta: float
    off: float


def mistake(mix: MixLike, k: int) -> Mistake:
    """The first label is right, but the last output says yes and the others no."""
    z, y = 20.0 * (2 * np.eye(k)[-1] - 1), labels_of(k)[0]
    return Mistake(z, y, largest(mix.delta(z, y)), largest(mix.activate(z) - y))


def disagreement(mix: MixLike, k: int) -> float:
    """The largest difference between the closed forms and the engine, on the book's graph.

    Cost, δ and the Hessian in one direction, at a few random logits, where the graph has a number;
    of what is above 1, relative.
    """
    rng = np.random.default_rng(1)
    direction = rng.normal(size=k)
    gaps: list[float] = []
    for z, y in zip(rng.normal(size=(4, k)), labels_of(k)[[0, -1, 0, -1]], strict=True):
        t = Tensor(z)
        cost = mix.composed(t, y)
        delta = grad(cost, t, create_graph=True)
        bent = grad(delta, t, seed=direction)
        engine = np.array([cost.item(), *delta.data, *bent])
        forms = np.array([mix.cost(z, y), *mix.delta(z, y), *(mix.hessian(z, y) @ direction)])
        gaps += (np.abs(engine - forms) / np.maximum(1.0, np.abs(engine))).tolist()
    return max(filter(np.isfinite, gaps), default=0.0)


@dataclass(frozen=True)
class Grounds:
    """What was found about a mix with K outputs.

    One answer is right out of K; a single output (K = 1) answers yes or no, its labels 1 and 0.
    """

    classes: int
    labels: str  # the set they are from: simplex (one right answer), cube or reals
    minima: tuple[Minimum, ...]  # of the expected cost: one right answer, or real labels
    separate: tuple[Minimum, ...]  # of the expected cost, labels that may hold together
    curvature: Curvature
    fall: tuple[Fall, Array]  # and the label
    identity: Identity
    push: Push | None  # with real labels no class is wrong
    mistake: Mistake | None
    constant: bool  # the outputs do not depend on z
    disagreement: float  # of the closed forms with the engine

    @property
    def proper(self) -> bool:
        """A strictly proper score: the lowest searches ended where the outputs are the truth."""
        return all(minimum.right for minimum in lowest(self.minima))

    @property
    def several(self) -> bool:
        """Where labels may hold together, the outputs find the probability of each."""
        return all(minimum.right for minimum in lowest(self.separate))

    @property
    def convex(self) -> bool:
        """Convex in z: no Hessian has a negative eigenvalue, along no line a slope falls."""
        straight = self.curvature.eigenvalue > -ROUNDING and self.fall[0].drop < ROUNDING
        return straight and not self.cut_off

    @property
    def a_minus_y(self) -> bool:
        """δ = a - y wherever one answer is right."""
        return self.identity.error < ROUNDING and not self.cut_off

    @property
    def cut_off(self) -> bool:
        """δ = a - y, but far out, where the cost is not least, it is 0."""
        far = self.mistake
        return self.identity.error < ROUNDING and bool(far and far.delta < STALLED * far.off)


def gather(mix: MixLike, k: int, labels: str | None = None) -> Grounds:
    """Search and measure, with K = k outputs; truths are even and uneven distributions.

    Labels are from a set, simplex, cube or reals; None: as for `verdict`.
    """
    with np.errstate(all="ignore"):
        mix = for_many(mix, k)
        labels = labels or ("reals" if reached(mix.activate, k) == "reals" else "simplex")
        rows, truths = drawn(mix, k, labels)
        starts = [np.zeros(k), np.linspace(3.0, -3.0, k)]
        samples = sample(mix, k, rows)
        zero_or_one = labels != "reals"
        return Grounds(
            classes=k,
            labels=labels,
            minima=tuple(minimise(mix, truth, z) for truth in truths for z in starts),
            separate=tuple(
                minimise(mix, together(q), np.zeros(k)) for q in chances(k) if zero_or_one
            ),
            curvature=curvature(mix, k, rows),
            fall=falling(mix, k, rows),
            identity=identity(samples),
            push=push(samples) if zero_or_one else None,
            mistake=mistake(mix, k) if zero_or_one else None,
            constant=bool(np.ptp(samples.a, axis=0).max() == 0),
            disagreement=disagreement(mix, k),
        )


def drawn(mix: MixLike, k: int, labels: str) -> tuple[Array, list[Truth]]:
    """Labels (n, K) from a set, and distributions of such."""
    n = np.arange(1.0, k + 1)
    if labels == "reals":  # that the outputs can be
        rows = np.array([mix.activate(z) for z in np.random.default_rng(2).normal(size=(4, k))])
        return rows, [Truth(rows, np.full(4, 0.25)), Truth(rows, np.array([0.7, 0.1, 0.1, 0.1]))]
    if k == 1:
        return labels_of(k), [together(np.array([q])) for q in (0.5, 0.03, 0.2, 0.9)]
    if labels == "cube":
        return np.tri(k), [together(q) for q in (*chances(k), np.full(k, 0.5), 0.03 * n / k)]
    weights = [np.ones(k), n, n**-2, np.where(n == 1, 0.9, 0.1 / max(k - 1, 1))]
    return labels_of(k), [one_of(each / each.sum()) for each in weights]


def chances(k: int) -> list[Array]:
    """Of each of K labels that may hold together."""
    return [np.linspace(0.9, 0.1, k), 0.8 / np.arange(1.0, k + 1)]
