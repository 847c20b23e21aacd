"""An array as text: a grid of aligned numbers, its rows and columns numbered.

No line is wider than asked for. Of a large array the corners are shown,
and in words its extremes, its norm and its share of zeros.

>>> print(grid(np.array([[1.0, -0.5, 0.0], [2.25, 1 / 3, 1e-9]])))
      0        1      2
0  1     -0.5         0
1  2.25   0.3333  1e-09
>>> print(grid(np.eye(1000), 40, 6))
     0  1  2  3  ...  996  997  998  999
  0  1  0  0  0  ...    0    0    0    0
  1  0  1  0  0  ...    0    0    0    0
...
998  0  0  0  0  ...    0    0    1    0
999  0  0  0  0  ...    0    0    0    1
0 at [0, 1] to 1 at [0, 0], norm 31.62,
99.9 % zeros
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.printing import IN_FULL, number, paragraph, short

LEFT_OUT = "..."
ROWS = (20, 10, 5, 2)  # entries of a vector on each line


def grid(x: Any, width: int = 80, height: int = 20) -> str:
    """An array with any number of axes as lines.

    A vector stands on one line where that fits, else in rows numbered by their first entries. Of
    three axes and more, each matrix stands below its index.

    Args:
        x: an array or a number.
        width: letters of a line, 20 or more.
        height: lines to be filled before entries are left out; words below come on top of them.
    """
    x = readable(x)
    if not x.size:
        return f"no entries, shape {x.shape}"
    text = (_vector if x.ndim < 2 else _matrices)(x, width, height)
    return f"{text}\n{paragraph(summary(x), wide=width)}" if LEFT_OUT in text else text


def on_one_line(x: Any, width: int, most: int) -> str:
    """An array on a line that wide: at most so many entries of a vector, else shape and extremes.

    >>> on_one_line(np.arange(9.0), 20, 6), on_one_line(np.eye(3), 20, 6)
    ('[0, 1, 2, ..., 7, 8]', '(3, 3) 0 to 1')
    """
    x = readable(x)
    texts = [short(x, most)] if x.ndim < 2 else [short(x, x.size)] if x.size < width else []
    for fewer in range(7, 2, -1) if x.ndim == 1 else ():
        cells = (LEFT_OUT if i is None else number(x[i]) for i in picked(x.size, fewer))
        texts.append(f"[{', '.join(cells)}]")
    ends = " to ".join(dict.fromkeys(number(x[at]) for at in _extremes(x)))
    texts += [f"{x.shape} {ends}".rstrip(), ends]
    return next((text for text in texts if 0 < len(text) <= width), f"{x.shape}")


def summary(x: Any) -> str:
    """The extremes of an array and their places, its norm, its zeros, and what is no number.

    >>> summary([[0.0, 3.0], [np.nan, -4.0]])
    '-4 at [1, 1] to 3 at [0, 1], norm 5, 25 % zeros, 1 NaN'
    """
    x = readable(x)
    words = []
    if places := _extremes(x):
        ends = dict.fromkeys(f"{number(x[at])} at [{', '.join(map(str, at))}]" for at in places)
        scale = max(abs(x[at]) for at in places) or 1  # squares may be beyond the dtype
        with np.errstate(all="ignore"):
            squares = np.square(x / scale, dtype=float)
            norm = np.longdouble(scale) * np.sqrt(np.sum(squares, where=np.isfinite(x)))
        zeros = 100 * (1 - np.count_nonzero(x) / x.size)
        words += [" to ".join(ends), f"norm {number(norm)}", f"{number(zeros)} % zeros"]
    for kind, those in ("NaN", np.isnan(x)), ("infinite", np.isinf(x)):
        words += [f"{np.count_nonzero(those):,} {kind}"] * bool(those.any())
    return ", ".join(words)


def readable(x: Any) -> Array:
    """An array; integers of more than nine digits as floats, which are shown with four."""
    x = np.asarray(x)
    long = x.dtype.kind in "iu" and x.size and max(-int(x.min()), int(x.max())) >= 10**9
    return x.astype(float) if long else x


def _extremes(x: Array) -> list[tuple[Any, ...]]:
    """Where the lowest and the highest number is; nothing where there is none."""
    finite = np.isfinite(x)
    if not finite.any():
        return []
    low, high = (x if finite.all() else np.where(finite, x, end) for end in (np.inf, -np.inf))
    return [np.unravel_index(at, x.shape) for at in (low.argmin(), high.argmax())]


def picked(n: int, most: int) -> list[int | None]:
    """The numbers below n, None in place of those in the middle that are too many."""
    if n <= most:
        return [*range(n)]
    head, tail = max(most // 2, 1), max((most - 1) // 2, int(most > 1))
    return [*range(head), None, *range(n - tail, n)]


def _vector(x: Array, width: int, height: int) -> str:
    text = short(x, IN_FULL)
    if len(text) <= width and LEFT_OUT not in text:
        return text
    for length in ROWS:
        text = _matrix(x, length, width, min(height, 1 - -x.size // length), length)
        if LEFT_OUT not in text.partition("\n")[0]:
            break
    return text


def _matrices(x: Array, width: int, height: int) -> str:
    *outer, n, m = x.shape
    blocks = picked(int(np.prod(outer)), height // (min(n, 4) + 2) or 1)
    lines = []
    for i in blocks:
        if i is None:
            lines.append(LEFT_OUT)
            continue
        at = np.unravel_index(i, outer)
        lines += [f"[{', '.join(map(str, at))}]"] * bool(outer)
        lines.append(_matrix(x[at].ravel(), m, width, height // len(blocks) - bool(outer)))
    return "\n".join(lines)


def _matrix(x: Array, m: int, width: int, height: int, step: int = 1) -> str:
    """Rows of m entries, in bands of columns where there is height; else the corners."""
    rows = picked(-(-x.size // m), height - 1)
    names = column_of("", [LEFT_OUT if i is None else str(i * step) for i in rows])
    room = width - len(names[0])

    def cell(i: int | None, j: int | None) -> str:
        if i is None or j is None:
            return "" if i is None else LEFT_OUT
        return number(x[i * m + j]) if i * m + j < x.size else ""

    @cache
    def column(j: int | None) -> list[str]:
        name = LEFT_OUT if j is None else str(j)
        return [f"  {line}" for line in column_of(name, [cell(i, j) for i in rows])]

    def taken(columns: Sequence[int | None]) -> int:
        return sum(len(column(j)[0]) for j in columns)

    bands: list[list[int | None]] = [[]]
    most = max(height // len(names), 1)
    for j in range(m):
        if bands[-1] and taken([*bands[-1], j]) > room:
            bands.append([])
        bands[-1].append(j)
        if len(bands) > most:
            corners = (picked(m, most) for most in range(room // 3, 2, -1))
            bands = [next((some for some in corners if taken(some) <= room), [0, None, m - 1])]
            break
    lines = [line for band in bands for line in zip(names, *map(column, band), strict=True)]
    return "\n".join("".join(line).rstrip() for line in lines)


def column_of(name: str, cells: Sequence[str]) -> list[str]:
    """A column with its name above: points below each other, numbers such as 1e-09 flush right."""
    plain = {cell for cell in cells if cell.strip("-0123456789") in ("", ".")}
    tails = {cell: len(cell) - cell.index(".") if "." in cell else 0 for cell in plain}
    longest = max(tails.values(), default=0)
    lines = [name, *(cell + " " * (longest - tails.get(cell, longest)) for cell in cells)]
    widest = max(map(len, lines))
    return [line.rjust(widest) for line in lines]
