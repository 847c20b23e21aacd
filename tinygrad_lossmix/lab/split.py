"""Examples to train on and to test on.

What you can do here: `split(data, rng, dtype)` holds back a quarter of every class and scales the
features by what the training examples show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygrad_lossmix.lab.data import Array, Data, DataError


@dataclass(frozen=True)
class Split:
    """Scaled features (n, d) and labels (n,): the training examples and the test examples."""

    x: Array
    y: Array
    x_test: Array
    y_test: Array
    classes: int


def split(data: Data, rng: np.random.Generator, dtype: str = "float64") -> Split:
    """A quarter of every class, at least one example, for the test; the rest for training.

    Pixels are divided by their largest value; any other feature is standardised by the mean and
    standard deviation of the training examples, and one that is constant there becomes 0.

    Raises:
        DataError: the features are too large to be scaled in this dtype.
    """
    train: list[int] = []
    test: list[int] = []
    for label in range(data.classes):
        rows = rng.permutation(np.flatnonzero(data.y == label))
        held_back = max(1, len(rows) // 4)
        test.extend(rows[:held_back])
        train.extend(rows[held_back:])
    shift, scale = scaling(data, train)
    with np.errstate(over="ignore", invalid="ignore"):
        x = ((data.x - shift) / scale).astype(dtype)
    if not (np.isfinite(x).all() and np.isfinite(scale).all()):
        raise DataError(f"{data.name}: some features are too large for {dtype}: rescale them")
    return Split(x[train], data.y[train], x[test], data.y[test], data.classes)


def scaling(data: Data, train: list[int]) -> tuple[Array, Array]:
    """What to subtract and divide by: a number per feature."""
    if data.pixels is not None:
        return np.array(0.0), np.array(float(data.pixels))
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread = data.x[train].mean(axis=0), data.x[train].std(axis=0)
    # the spread of a constant feature may be a rounding error instead of 0
    return mean, np.where(spread <= 1e-12 * np.abs(mean), 1.0, spread)
