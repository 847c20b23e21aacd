"""Numbers and arrays as text: four digits, long arrays shortened, the shape behind.

>>> short(np.array([1 / 3, -0.0, 2e-9]))
'[0.3333, 0, 2e-09]'
>>> short(np.arange(100.0))
'[0, 1, ..., 98, 99]'
>>> shaped(np.eye(3))
'[[1, 0, 0], [0, 1, 0], [0, 0, 1]] (3, 3)'
>>> exact(np.float32(1 / 3))
'0.33333334'
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array

MOST = 6  # entries that are shown without leaving some out
FITS = 36  # letters that are, whatever the number of entries
IN_FULL = 100  # the first where one is looked at by itself


def number(x: Any) -> str:
    """Four digits; integers and truth values in full; no negative zero."""
    return f"{x + 0.0:.4g}" if isinstance(x, float | np.floating) else str(int(x))


def short(x: Array, most: int = MOST) -> str:
    """An array or number on one line; its middle left out when it is long."""
    x = np.asarray(x)
    if x.size <= max(most, FITS):
        text = _one_line(x, x.size, 1)
        if x.size <= most or len(text) <= FITS:
            return text
    if x.ndim > 1:
        return f"[{short(x[0], most // 2)}, ...]"
    return _one_line(x, most, max(most // 3, 1))


def shaped(x: Array, most: int = MOST) -> str:
    """`short`, with the shape behind it where that cannot be seen."""
    text = short(x, most)
    return f"{text} {np.shape(x)}" if "..." in text or np.ndim(x) > 1 else text


def exact(x: Array, most: int = IN_FULL) -> str:
    """An array or number on one line with all its digits; its middle left out beyond `most`."""
    return _one_line(np.asarray(x), most, max(most // 3, 1), _digits)


def _digits(x: Any) -> str:
    return str(x + 0.0) if isinstance(x, float | np.floating) else str(int(x))


def _one_line(x: Array, threshold: int, ends: int, write: Callable[[Any], str] = number) -> str:
    text = np.array2string(
        x,
        max_line_width=10**9,
        separator=", ",
        threshold=threshold,
        edgeitems=ends,
        formatter={"all": write},
    )
    return re.sub(r"\s+", " ", text)
