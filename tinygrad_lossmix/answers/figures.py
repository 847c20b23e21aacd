"""Numbers as text: four significant digits, an ASCII minus, columns under one another; and how far
a number may be off, from the digits it was given with.

>>> half_unit("2.30"), half_unit("1.5e-3"), half_unit(0.25)
(0.005, 5e-05, 0.005)
>>> figure(1 / 3), figure(-4.248354e-18), figure(1000), vector([1, -0.0])
('0.3333', '-4.248e-18', '1000', '[1.000, 0.000]')
"""

from __future__ import annotations

import math
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

NOT_FINITE = (
    "an infinite loss comes of ln 0, an output that is exactly 0 or 1",
    "NaN comes of 0 log 0, inf - inf or the log of a negative number",
)


def figure(x: Any) -> str:
    """A number with four significant digits; NaN and infinity as nan and inf, no negative zero."""
    return f"{float(x) + 0.0:#.4g}".rstrip(".")


def vector(x: Any, most: int = 10) -> str:
    """A one-dimensional array in brackets, its middle left out beyond `most` entries."""
    cells = [*map(figure, np.asarray(x))]
    if len(cells) > most:
        cells[most - 2 : -1] = ["..."]
    return f"[{', '.join(cells)}]"


def columns(rows: Sequence[Sequence[str]], gap: int = 2) -> str:
    """Rows of cells as lines, each column flush right and as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        (" " * gap).join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def width() -> int:
    """Of the terminal, at most 100 columns."""
    return min(shutil.get_terminal_size((100, 24)).columns, 100)


def paragraph(text: str, indent: str = "", first: str | None = None) -> str:
    """Text wrapped to the terminal; `first` stands before its first line, `indent` the others."""
    lines = textwrap.TextWrapper(width(), indent if first is None else first, indent)
    lines.break_on_hyphens = False
    return lines.fill(text)


def numbered(texts: Iterable[Any]) -> list[str]:
    """Each as a numbered item: its first line beside the number, the others below, wrapped."""
    items = []
    for i, text in enumerate(texts, start=1):
        first, *rest = str(text).splitlines()
        lines = [paragraph(first, "   ", f"{i}. "), *(paragraph(line, "   ") for line in rest)]
        items.append("\n".join(lines))
    return items


def half_unit(number: Any) -> float:
    """Half a unit of the last digit of a number, as text or as it prints; a 0 has two decimals.

    Raises:
        ValueError: not a finite number.
    """
    text = str(number).strip()
    try:
        given = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    exponent = given.as_tuple().exponent
    if not isinstance(exponent, int) or not math.isfinite(float(given)):
        why = NOT_FINITE[given.is_nan()]
        raise ValueError(
            f"a finite number is needed, not {text}; {why}: compute the cost from the logits "
            "(lm.stabilize)"
        )
    return float(Decimal(5).scaleb((exponent if given else min(exponent, -2)) - 1))
