"""Small data to train on, and results with measurements chosen by the test."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tinygrad_lossmix.lab.data import Data
from tinygrad_lossmix.lab.studies import MeasuredDelta, Result
from tinygrad_lossmix.lab.training import Epoch, Run
from tinygrad_lossmix.mixes.mix import MIXES, Mix


@pytest.fixture(scope="session")
def blobs() -> Data:
    """Three well separated groups of points in the plane."""
    y = np.arange(60) % 3
    centres = np.array([[0.0, 3.0], [3.0, -3.0], [-3.0, -3.0]])
    return Data("blobs", centres[y] + np.random.default_rng(0).normal(size=(60, 2)), y)


@pytest.fixture
def make_result() -> Callable[..., Result]:
    """A result with one run per curve of accuracies; its other measurements are unsuspicious."""

    def make(
        *curves: Sequence[float],
        mix: Mix = MIXES[0],
        cost: float = 0.1,
        ece: float = 0.01,
        right: float = 0.9,
        wrong: float = 0.01,
        never_predicted: tuple[int, ...] = (),
        size: float = 1.0,
        lowers: bool = True,
    ) -> Result:
        runs = tuple(
            Run(mix, seed, tuple(Epoch(cost, a, ece) for a in curve), right, wrong, never_predicted)
            for seed, curve in enumerate(curves)
        )
        return Result(mix, runs, MeasuredDelta(0.0, True, size, lowers))

    return make
