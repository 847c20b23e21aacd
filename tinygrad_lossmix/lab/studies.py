"""All mixes on the same data: the runs, and what they add up to.

What you can do here: `compare()` trains every mix on the digits and gives a `Result` for each;
`runs` yields single runs as they finish, here or elsewhere; `summarise` makes results of them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.lab.data import Data, digits
from tinygrad_lossmix.lab.tasks import completed
from tinygrad_lossmix.lab.training import Epoch, OnEpoch, Run, Settings, begun, logits, train
from tinygrad_lossmix.mixes.mix import MIXES, Mix

GOAL = 0.95


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over the seeds; one seed has no deviation: NaN."""

    mean: float
    std: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value per seed; NaN as soon as one of them is."""
        finite = all(map(math.isfinite, values))
        return cls(
            statistics.fmean(values) if finite else math.nan,
            statistics.stdev(values) if finite and len(values) > 1 else math.nan,
        )


@dataclass(frozen=True)
class MeasuredDelta:
    """The engine's delta beside a - y."""

    error: float  # the largest |delta - (a - y)|
    is_a_minus_y: bool  # the error is no more than rounding
    size: float  # ‖delta‖ / ‖a - y‖, sums of absolute values
    lowers: bool  # some output is pushed down: a component of delta is positive


@dataclass(frozen=True)
class Result:
    """What the runs of one mix add up to; the numbers are those at the end of training."""

    mix: Mix
    runs: tuple[Run, ...]
    delta: MeasuredDelta

    @property
    def accuracy(self) -> Spread:
        """The part of the test examples that is right."""
        return Spread.of([run.last.accuracy for run in self.runs])

    @property
    def ece(self) -> Spread:
        """The expected calibration error on the test examples."""
        return Spread.of([run.last.ece for run in self.runs])

    @property
    def cost(self) -> float:
        """The mean cost of the training examples; NaN if a run diverged."""
        return statistics.fmean(run.last.cost for run in self.runs)

    @property
    def epochs_to_goal(self) -> float:
        """The median of the epochs to 95 % accuracy; infinity if half of the runs never do."""
        return statistics.median(run.epochs_to(GOAL) for run in self.runs)


def compare(
    mixes: Iterable[Mix] = MIXES,
    data: Data | None = None,
    settings: Settings | None = None,
    executor: Executor | None = None,
    journal: str | Path | None = None,
    on_epoch: OnEpoch = lambda mix, seed, epoch: None,
) -> list[Result]:
    """Train every mix from the same initial weights on the same mini-batches, for each seed.

    Args:
        mixes: what is compared, each once; all six unless given.
        data: the examples; the handwritten digits unless given.
        settings: how every mix is trained.
        executor, journal: what makes the runs and what keeps them, as for `completed`.
        on_epoch: is told of each epoch of a run that is made here.

    Raises:
        TypeError: what is no mix, Data or Settings.
        DataError: the features cannot be scaled in this dtype.
        TaskError, OSError: as `completed`.

    Warns:
        NotCompiledWarning: a mix of your own depends on numbers in its arrays, and is trained by
            `value_and_grad`, with the same gradient.

    >>> [result] = compare(MIXES[:1], settings=Settings(seeds=1, epochs=1))
    >>> 0.0 <= result.accuracy.mean <= 1.0
    True
    """
    data, settings = digits() if data is None else data, settings or Settings()
    mixes = tuple(mixes)
    finished = list(runs(mixes, data, settings, on_epoch, executor, journal))
    return summarise(in_order(finished, mixes), data, settings)


def runs(
    mixes: Iterable[Mix],
    data: Data,
    settings: Settings,
    on_epoch: OnEpoch = lambda mix, seed, epoch: None,
    executor: Executor | None = None,
    journal: str | Path | None = None,
) -> Iterator[Run]:
    """Every mix with seed 0, then with seed 1 …: whatever is finished compares all of them.

    With an executor as they end, and on_epoch is not told. Raises what `compare` does.
    """
    mixes = tuple(dict.fromkeys(mixes))
    for given, kind in (*((mix, Mix) for mix in mixes), (data, Data), (settings, Settings)):
        if not isinstance(given, kind):
            wrong = f"{type(given).__name__} is no {kind.__name__}"
            raise TypeError(f"a comparison takes mixes, Data and Settings: {wrong}")
    plan = [(mix, seed) for seed in range(settings.seeds) for mix in mixes]
    alone = replace(settings, seeds=1)  # a run is the same one among more of them
    calls = [partial(train, mix, data, alone, seed) for mix, seed in plan]
    for i, found in completed(calls, executor, journal, (on_epoch,)):
        yield run_of(plan[i][0], found)


def run_of(mix: Mix, found: dict[str, Any]) -> Run:
    """What `completed` gives for a training, as a `Run` again."""
    curve = tuple(Epoch(**epoch) for epoch in found["curve"])
    never = tuple(found["never_predicted"])
    return Run(**{**found, "mix": mix, "curve": curve, "never_predicted": never})


def in_order(finished: Iterable[Run], mixes: Sequence[Mix]) -> list[Run]:
    """As if they had ended in the order in which they began."""
    return sorted(finished, key=lambda run: (run.seed, mixes.index(run.mix)))


def summarise(finished: Sequence[Run], data: Data, settings: Settings) -> list[Result]:
    """One result per mix that has a finished run, in the order of the first runs."""
    found: dict[Mix, list[Run]] = {}
    for run in finished:
        found.setdefault(run.mix, []).append(run)
    deltas = (measure_delta(mix, data, settings) for mix in found)
    return [Result(mix, tuple(found[mix]), delta) for mix, delta in zip(found, deltas, strict=True)]


@np.errstate(all="ignore")
def measure_delta(mix: Mix, data: Data, settings: Settings) -> MeasuredDelta:
    """The delta of `mix.composed`, by the engine, for the initial weights of seed 0."""
    parts, p, rng = begun(data, settings)
    rows = rng.permutation(len(parts.x))[: settings.batch]
    z, y = logits(parts.x[rows], *p), parts.y[rows]
    variable = Tensor(z)
    delta = grad(mix.composed(variable, y), variable) * len(rows)
    difference = mix.activate(z) - (np.arange(parts.classes) == y[:, None])
    error = float(np.abs(delta - difference).max())
    return MeasuredDelta(
        error,
        is_a_minus_y=error <= 100 * float(np.finfo(settings.dtype).eps),
        size=float(np.abs(delta).sum() / np.abs(difference).sum()),
        lowers=bool((delta > 0).any()),
    )
