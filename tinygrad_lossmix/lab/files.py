"""Data files: CSV with the class in the last column, or .npz with arrays X and y.

What you can do here: `read(path)` gives the `Data` in a file, or one error that says what is wrong.
"""

from __future__ import annotations

import csv
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tinygrad_lossmix.lab.data import Array, Data, DataError


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
        x, y = readers[path.suffix.lower()](path)
        return Data(path.name, x, y)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def read_csv(path: Path) -> tuple[Array, Array]:
    """Features (n, d) and labels (n,) of comma-separated lines; a line of names is skipped."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(numbers(csv.reader(file)))
    except UnicodeDecodeError:
        raise DataError("not a text file: expected comma-separated numbers in UTF-8") from None
    except csv.Error as error:
        raise DataError(f"not a CSV file: {error}") from None
    if not rows:
        raise DataError("no rows: expected numbers separated by commas, the class last")
    table = np.stack(rows)
    return table[:, :-1], table[:, -1]


def numbers(reader: Iterator[list[str]]) -> Iterator[Array]:
    """The rows as arrays of one length; an empty line is skipped, so is a first line of names."""
    width = 0
    for line, cells in enumerate(reader, start=1):
        if not cells:
            continue
        if not width:
            width = len(cells)
            if width < 2:
                raise DataError(
                    "only one column: expected features and, in the last column, the class"
                )
            if cells[-1].strip() and not is_number(cells[-1]):
                continue
        if len(cells) != width:
            raise DataError(f"line {line} has {len(cells)} columns, the lines before it {width}")
        try:
            yield np.array(cells, dtype=np.float64)
        except ValueError:
            column, cell = next((i, c) for i, c in enumerate(cells, 1) if not is_number(c))
            raise DataError(
                f"line {line}, column {column} is {cell[:20]!r}, not a number"
            ) from None


def is_number(cell: str) -> bool:
    """Whether the text reads as a float."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read_npz(path: Path) -> tuple[Array, Array]:
    """The arrays X (n, d) and y (n,) of an .npz file; pickled objects are refused."""
    if path.stat().st_size == 0:
        raise DataError("the file is empty")
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as arrays:
            missing = {"X", "y"}.difference(arrays.files)
            if missing:
                found = ", ".join(arrays.files) or "nothing"
                raise DataError(f"it holds {found}: expected arrays named X and y")
            return arrays["X"], arrays["y"]
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
