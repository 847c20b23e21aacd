"""Labelled data: the digits that come with the package, and what every data set must satisfy.

What you can do here: `digits()` for the 8x8 handwritten digits, `Data(...)` for arrays of your own,
`split(data, rng)` to hold back a quarter of every class.
"""

from dataclasses import dataclass
from importlib import resources

import numpy as np

from tinygrad_lossmix.engine.table import REAL, Array


class DataError(ValueError):
    """Data that nothing can be trained on, or a file that does not hold any."""


@dataclass(frozen=True)
class Data:
    """n examples of classes 0 … K-1.

    Args:
        name: where they come from.
        x: (n, features), finite real numbers.
        y: (n,), the class of each example as a whole number.
        pixels: the largest value of a pixel if x holds pixels from 0 on, which are scaled by it;
            None: every feature is standardised by the training examples.
        names: what the classes are called, if they have names.

    Raises:
        DataError: x or y has another shape, is not numeric or not finite; a label is negative or
            not a whole number; there are fewer than two classes, or a class 0 … K-1 with fewer
            than two examples (one to train on, one to test on).

    >>> Data("four points", [[0.0], [0.1], [0.9], [1.0]], [0, 0, 1, 1]).classes
    2
    """

    name: str
    x: Array
    y: Array
    pixels: int | None = None
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", checked_features(np.asarray(self.x)))
        object.__setattr__(self, "y", checked_labels(np.asarray(self.y), len(self.x)))

    @property
    def classes(self) -> int:
        """K, the number of classes."""
        return int(self.y.max()) + 1

    @property
    def scaling(self) -> str:
        """What is done to the features before training, in words."""
        if self.pixels is None:
            return "features standardised by the training examples"
        return f"pixels divided by {self.pixels}"


def digits() -> Data:
    """The UCI test set of handwritten digits as in scikit-learn: (1797, 64), pixels 0 … 16.

    E. Alpaydin and C. Kaynak, 1998, CC BY 4.0; see DIGITS-LICENSE.txt beside this file.

    >>> digits().x.shape, digits().classes
    ((1797, 64), 10)
    """
    source = resources.files("tinygrad_lossmix.lab") / "digits.npz"
    with source.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return Data("digits", arrays["X"], arrays["y"], pixels=16)


def checked_features(x: Array) -> Array:
    """x as float64 (n, features), or DataError."""
    if x.dtype.kind not in REAL:
        raise DataError(f"the features must be real numbers, not {x.dtype}")
    if x.ndim != 2 or 0 in x.shape:
        raise DataError(f"the features must have shape (rows, features), not {x.shape}")
    x = x.astype(np.float64)
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise DataError(
            f"row {row + 1}, feature {column + 1} is {x[row, column]}: remove or fill such values"
        )
    return x


def checked_labels(y: Array, rows: int) -> Array:
    """y as integers of shape (rows,) with every class 0 … K-1 at least twice, or DataError."""
    if y.shape != (rows,):
        raise DataError(f"{rows} rows need labels of shape ({rows},), not {y.shape}")
    if y.dtype.kind not in REAL:
        raise DataError(f"the labels must be whole numbers 0, 1, 2 …, not {y.dtype}")
    for row in np.flatnonzero(~np.isfinite(y) | (y != np.floor(y)) | (y < 0))[:1]:
        raise DataError(f"row {row + 1} has label {y[row]}: labels are whole numbers 0, 1, 2 …")
    if y.max() >= rows:
        raise DataError(
            f"label {y.max():g} is out of range: {rows} rows, at least two of each class, "
            "leave room for fewer classes; number them from 0 without a gap"
        )
    y = y.astype(np.int64)
    counts = np.bincount(y)
    if len(counts) < 2:
        raise DataError("all rows are of class 0: at least two classes are needed")
    for label in np.flatnonzero(counts < 2)[:1]:
        raise DataError(
            f"the largest label is {len(counts) - 1} and class {label} has {counts[label]} rows: "
            "number the classes from 0 without a gap and give at least two rows of each"
        )
    return y


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
    x = scaled(data, train, dtype)
    return Split(x[train], data.y[train], x[test], data.y[test], data.classes)


def scaled(data: Data, train: list[int] | slice, dtype: str = "float64") -> Array:
    """All features (n, d): pixels divided by their largest value; any other feature standardised by
    the mean and standard deviation of these rows, and one that is constant there becomes 0.

    Raises:
        DataError: they are too large for it.
    """
    mean, scale = np.array(0.0), np.array(data.pixels)
    with np.errstate(over="ignore", invalid="ignore"):
        if data.pixels is None:
            mean, spread = data.x[train].mean(axis=0), data.x[train].std(axis=0)
            # the spread of a constant feature may be a rounding error instead of 0
            scale = np.where(spread <= 1e-12 * np.abs(mean), 1.0, spread)
        x = ((data.x - mean) / scale).astype(dtype)
    if not (np.isfinite(x).all() and np.isfinite(scale).all()):
        raise DataError(f"{data.name}: some features are too large for {dtype}: rescale them")
    return x
