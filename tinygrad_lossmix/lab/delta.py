"""Whether a mix's delta is a - y, measured on real data.

What you can do here: `measure_delta(mix, data, settings)` differentiates the book's graph of a mix
on the first mini-batch of the first run, before anything is learnt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.lab.data import Data
from tinygrad_lossmix.lab.network import initial, logits
from tinygrad_lossmix.lab.split import split
from tinygrad_lossmix.lab.training import Settings
from tinygrad_lossmix.mixes.mix import Mix


@dataclass(frozen=True)
class MeasuredDelta:
    """The engine's delta beside a - y."""

    error: float  # the largest |delta - (a - y)|
    is_a_minus_y: bool  # the error is no more than rounding
    size: float  # ‖delta‖ / ‖a - y‖, sums of absolute values
    lowers: bool  # some output is pushed down: a component of delta is positive


def measure_delta(mix: Mix, data: Data, settings: Settings) -> MeasuredDelta:
    """The delta of `mix.composed`, by the engine, for the initial weights of seed 0.

    Raises:
        DataError: the features cannot be scaled in this dtype.
    """
    rng = np.random.default_rng(0)
    parts = split(data, rng, settings.dtype)
    p = initial((parts.x.shape[1], settings.hidden, parts.classes), rng, settings.dtype)
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
