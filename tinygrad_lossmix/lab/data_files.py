"""Data files: CSV with the class in the last column, or .npz with arrays X and y.

What you can do here: `read(path)` gives the `Data` in a file, or one error that says what is wrong.
"""

import csv
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.lab.data import Data, DataError
from tinygrad_lossmix.printing import clean, shorten

Contents: TypeAlias = tuple[Array, Array, tuple[str, ...]]  # features, labels, names of classes


def read(path: str | Path) -> Data:
    """The data in a .csv or .npz file; their features are standardised before training.

    Raises:
        DataError: there is no such file, it cannot be read, or what it holds is not as `Data` wants
            it; the message starts with the path.
    """
    path = Path(path)
    readers = {".csv": read_csv, ".npz": read_npz}
    try:
        if path.is_dir():
            raise DataError("this is a folder, not a file")
        if path.suffix.lower() not in readers:
            raise DataError("expected a name ending in .csv or .npz")
        x, y, names = readers[path.suffix.lower()](path)
        return Data(path.name, x, y, names=names)
    except FileNotFoundError:
        raise DataError(clean(f"{path}: there is no such file")) from None
    except OSError as error:
        raise DataError(clean(f"{path}: cannot be read: {error.strerror or error}")) from error
    except DataError as error:
        raise DataError(clean(f"{path}: {error}")) from error


def read_csv(path: Path) -> Contents:
    """Features (n, d), labels (n,) and the names of classes of comma-separated lines.

    The class is in the last column, as a whole number or by name. A first line of names is skipped,
    also where the names are the numbers of the columns, or numbers beside a class without examples.
    """
    features: list[Array] = []
    labels: list[str] = []
    lines: list[int] = []
    header: tuple[int, list[str]] | None = None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for i, (line, cells) in enumerate(rows(csv.reader(file))):
                if i == 0 and all(any(map(is_word, part)) for part in (cells[:-1], cells[-1:])):
                    header = line, cells
                    continue
                features.append(numbers(line, cells[:-1]))
                labels.append(cells[-1].strip())
                lines.append(line)
    except UnicodeDecodeError:
        raise DataError("not a text file: expected comma-separated numbers in UTF-8") from None
    except csv.Error as error:
        raise DataError(f"not a CSV file: {error}") from None
    if header:
        if header[1][-1].strip() in labels:  # it has a class: an example with a mistake
            numbers(header[0], header[1][:-1])
    elif labels and is_header(features[0].tolist(), labels):
        del features[0], labels[0], lines[0]
    if not lines:
        raise DataError("no rows: expected numbers separated by commas, the class last")
    numbered = any(map(is_number, labels))
    for line, label in zip(lines, labels, strict=True):
        if not label or (numbered and not is_number(label)):
            raise DataError(
                f"line {line}, column {len(features[0]) + 1} is {label[:20]!r}: no class"
            )
    y, names = (np.array([*map(float, labels)]), ()) if numbered else named(labels)
    return np.stack(features), y, names


def rows(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """The number and the cells of each line that is not empty, as many as the first one has."""
    width = 0
    for line, cells in enumerate(reader, start=1):
        if not cells:
            continue
        width = width or len(cells)
        if width < 2:
            raise DataError("only one column: expected features and, in the last column, the class")
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
    counted = [*first, float(labels[0])]
    return len(counted) > 2 and counted in (
        list(range(len(counted))),
        list(range(1, len(counted) + 1)),
    )


def named(labels: Sequence[str]) -> tuple[Array, tuple[str, ...]]:
    """Classes 0 … K-1 by the order of their names, and the names."""
    names, y, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
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


def read_npz(path: Path) -> Contents:
    """The arrays X (n, d) and y (n,), numbers or names; pickled objects are refused."""
    if path.stat().st_size == 0:
        raise DataError("the file is empty")
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as arrays:
            missing = {"X", "y"}.difference(arrays.files)
            if missing:
                found = ", ".join(arrays.files) or "nothing"
                raise DataError(f"it holds {shorten(found, 200)}: expected arrays named X and y")
            x, y = arrays["X"], arrays["y"]
            return (x, *named(y)) if np.ndim(y) == 1 and y.dtype.kind == "U" else (x, y, ())
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, MemoryError, struct.error):
        raise DataError(
            "damaged, truncated or not an .npz file: save it again by np.savez"
        ) from None
    except (ValueError, KeyError) as error:
        if isinstance(error, DataError):
            raise
        if "pickle" in str(error):
            raise DataError(
                "it holds pickled objects, which are never loaded: save numbers"
            ) from None
        raise DataError(f"not an .npz file of plain arrays: {error}") from None
