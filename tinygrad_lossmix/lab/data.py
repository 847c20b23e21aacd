"""Labelled data: what all have to satisfy; the digits that come with the package; files.

What you can do here: `digits()` for the 8x8 handwritten digits, `Data(...)` for arrays of your own,
`read(path)` for a CSV with the class in the last column, or an .npz with arrays X and y;
`split(data, rng)` to hold back a quarter of every class.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from tinygrad_lossmix.engine.table import REAL, Array
from tinygrad_lossmix.files import arrays
from tinygrad_lossmix.printing import clean


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
        DataError: x or y has another shape, is masked, not numeric or not finite; a label is
            negative or not a whole number; there are fewer than two classes, or a class 0 … K-1
            with fewer than two examples (one to train on, one to test on).

    >>> Data("four points", [[0.0], [0.1], [0.9], [1.0]], [0, 0, 1, 1]).classes
    2
    """

    name: str
    x: Array
    y: Array
    pixels: int | None = None
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for what, given in (("features", self.x), ("labels", self.y)):
            if np.ma.isMaskedArray(given):
                raise DataError(f"the {what} cannot be masked: leave such rows out")
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


def read(path: str | Path) -> Data:
    """The data in a .csv or .npz file; their features are standardised before training.

    Raises:
        DataError: it cannot be read, or holds no `Data`; the message starts with the path.
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".csv":
            x, y = read_csv(path)
        elif path.suffix.lower() == ".npz":
            x, y = arrays(path, "X", "y").values()
        else:
            raise DataError("expected a name ending in .csv or .npz")
        by_name = np.ndim(y) == 1 and y.dtype.kind == "U"
        y, names = named(y) if by_name else (y, ())
        return Data(path.name, x, y, names=names)
    except OSError as error:
        raise DataError(clean(f"{path}: cannot be read: {error.strerror or error}")) from error
    except ValueError as error:
        raise DataError(clean(f"{path}: {error}")) from error


def read_csv(path: Path) -> tuple[Array, Array]:
    """Features (n, d) and labels (n,), numbers or names, of comma-separated lines.

    The class is in the last column, as a whole number or by name. A first line of names is skipped,
    also where the names are the numbers of the columns, or numbers beside a class without examples.
    """
    found: list[tuple[int, Array, str]] = []  # number of the line, features, class
    header: tuple[int, list[str]] | None = None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for i, (line, cells) in enumerate(rows(csv.reader(file))):
                if i == 0 and all(any(map(is_word, part)) for part in (cells[:-1], cells[-1:])):
                    header = line, cells
                    continue
                found.append((line, numbers(line, cells[:-1]), cells[-1].strip()))
    except UnicodeDecodeError:
        raise DataError("not a text file: expected comma-separated numbers in UTF-8") from None
    except csv.Error as error:
        raise DataError(f"not a CSV file: {error}") from None
    labels = [label for *_, label in found]
    if header:
        if header[1][-1].strip() in labels:  # it has a class: an example with a mistake
            numbers(header[0], header[1][:-1])
    elif labels and is_header(found[0][1].tolist(), labels):
        del found[0], labels[0]
    if not found:
        raise DataError("no rows: expected numbers separated by commas, the class last")
    numbered = any(map(is_number, labels))
    for line, x, label in found:
        if not label or (numbered and not is_number(label)):
            raise DataError(f"line {line}, column {len(x) + 1} is {label[:20]!r}: no class")
    y = np.array([*map(float, labels)] if numbered else labels)
    return np.stack([x for _, x, _ in found]), y


def rows(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """The number and the cells of each line that is not empty, as many as the first one has."""
    width = 0
    for line, cells in enumerate(reader, start=1):
        if not cells:
            continue
        width = width or len(cells)
        if width < 2:
            raise DataError("only one column: features and then the class have commas between them")
        if len(cells) != width:
            raise DataError(f"line {line} has {len(cells)} columns, the lines before it {width}")
        yield line, cells


def numbers(line: int, cells: list[str]) -> Array:
    """The features of a line."""
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        column, cell = next((i, c) for i, c in enumerate(cells, 1) if not is_number(c))
        raise DataError(f"line {line}, column {column} is {cell[:20]!r}, not a number") from None


def is_header(first: list[float], labels: list[str]) -> bool:
    """Whether a first line of numbers names the columns: its class has no example, or it counts."""
    if not is_number(labels[0]):
        return bool(labels[0]) and labels[0] not in labels[1:]
    counted, n = [*first, float(labels[0])], len(first) + 1
    return n > 2 and counted in ([*range(n)], [*range(1, n + 1)])


def named(labels: Array) -> tuple[Array, tuple[str, ...]]:
    """Classes 0 … K-1 by the order of their names, and the names."""
    names, y, counts = np.unique(labels, return_inverse=True, return_counts=True)
    for name, count in zip(names, counts, strict=True):
        if len(names) < 2 or count < 2:
            have = "no other class" if len(names) < 2 else "one row"
            raise DataError(
                f"class {str(name)[:20]!r} has {have}: give two classes, two rows of each, or more"
            )
    return y, tuple(map(str, names))


def is_word(cell: str) -> bool:
    """Whether there is something that is no number."""
    return bool(cell.strip()) and not is_number(cell)


def is_number(cell: str) -> bool:
    """Whether the text reads as a float."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
