"""Names, numbers, arrays and columns as text for a terminal.

Nothing in a name steers the terminal, and no letter is one that the terminal lacks:

>>> clean("cost\\n\\x07"), "a → b".encode("ascii", SPELLED)
('cost\\\\n\\\\x07', b'a -> b')

Numbers have four digits or more, an ASCII minus and no negative zero. Beside a formula they are as
short as they can be; as results they keep the zeros at their end, in a sentence those of whole
numbers go:

>>> number(0.25), figure(0.25), figure(1), amount(0.25), amount(1)
('0.25', '0.2500', '1.000', '0.2500', '1')
>>> short(np.array([1 / 3, -0.0, 2e-9])), vector([1, -0.0]), point([1 / 3, -0.0])
('[0.3333, 0, 2e-09]', '[1.000, 0.000]', '(0.3333, 0)')
"""

import codecs
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

LONGEST = 40  # letters of a name that are shown
FEW = 6  # entries of an array that are shown without leaving some out
FITS = 36  # letters that are, whatever the number of entries
IN_FULL = 100  # entries of an array that is looked at by itself
SPELLED = "lossmix.spelled"  # an error handler of codecs
PLAIN = "lossmix_ascii"  # ASCII under a name for which click does not write UTF-8
LETTERS = {  # how one is spelled where the terminal lacks it
    "…": "...", "·": "*", "∘": "*", "±": "+-", "‖": "||", "≤": "<=", "≥": ">=", "≠": "!=",
    "√": "sqrt", "½": "1/2", "²": "^2", "ᵀ": "^T", "∞": "inf", "∂": "d", "∮": "integral of",
    "Σ": "sum", "Π": "prod", "δ": "delta", "σ": "sigmoid", "ε": "eps", "η": "eta", "τ": "tau",
    "Ψ": "Psi", "→": "->", "↗": "/^", "↑": "^|", "↖": "^\\", "←": "<-", "↙": "v/", "↓": "v|",
    "↘": "\\v", "├": "|", "└": "`", "│": "|", "┃": "|", "┆": "|", "─": "-", "━": "-", "×": "*",
}  # fmt: skip


def clean(text: str) -> str:
    """Text with what is invisible or steers a terminal (control, bidi, surrogates) spelled out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shorten(text: str, longest: int = LONGEST) -> str:
    """Text with its middle left out beyond `longest` letters."""
    if len(text) <= longest:
        return text
    head = longest // 2
    return f"{text[:head]}…{text[head + 1 - longest :]}"


def brief(text: str, longest: int = LONGEST) -> str:
    """Text that anybody may have written, clean and short."""
    return shorten(clean(text), longest)


class AsPrinted:
    """A report: a prompt shows it as it prints."""

    def __repr__(self) -> str:
        return str(self)


def line_of_code(file: str, number: int) -> str:
    """Where something stands: `net.py:12`, in a notebook `In[3]:12`."""
    name, notebook = Path(file).name, sys.modules.get("IPython")
    shell = notebook.get_ipython() if notebook else None
    if shell and (cell := shell.compile.format_code_name(file)):
        name = cell[1]
    return clean(f"{name}:{number}")


def number(x: Any, form: str = ".4g") -> str:
    """A number in this format; integers in full, truth values as Python writes them."""
    if isinstance(x, bool | np.bool_):
        return str(x)
    return format(x + 0.0, form) if isinstance(x, float | np.floating) else str(int(x))


def figure(x: Any) -> str:
    """A result with four significant digits, as it stands in a column."""
    return number(float(x), "#.4g").rstrip(".")


def amount(x: Any) -> str:
    """A result as it stands in a sentence: four significant digits, whole numbers as such."""
    return number(int(x)) if float(x).is_integer() and abs(x) < 1e6 else figure(x)


def count(n: int, noun: str) -> str:
    """`1 node`, `2,000 entries`."""
    many = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{n:,} {noun if n == 1 else many}"


def how_many(classes: int, one: str = "output") -> str:
    """`3 classes`, `one output`."""
    return f"one {one}" if classes == 1 else f"{classes} classes"


def yes(answer: bool | None) -> str:
    """Yes or no; a dash where it is not known."""
    return "-" if answer is None else "yes" if answer else "no"


def short(x: Any, most: int = FEW) -> str:
    """An array or number on one line; its middle left out when it is long.

    >>> short(np.arange(100.0))
    '[0, 1, ..., 98, 99]'
    """
    x = np.asarray(x)
    if x.size <= max(most, FITS):
        text = _one_line(x, x.size, 1)
        if x.size <= most or len(text) <= FITS:
            return text
    if x.ndim > 1:
        return f"[{short(x[0], most // 2)}, ...]"
    return _one_line(x, most, max(most // 3, 1))


def shaped(x: Any, most: int = FEW) -> str:
    """`short`, with the shape behind it where that cannot be seen.

    >>> shaped(np.eye(3))
    '[[1, 0, 0], [0, 1, 0], [0, 0, 1]] (3, 3)'
    """
    text = short(x, most)
    return f"{text} {np.shape(x)}" if "..." in text or np.ndim(x) > 1 else text


def exact(x: Any) -> str:
    """An array or number on one line with all its digits; its middle left out beyond 100.

    >>> exact(np.float32(1 / 3))
    '0.33333334'
    """
    digits = lambda x: str(x + 0.0) if isinstance(x, float | np.floating) else number(x)
    return _one_line(np.asarray(x), IN_FULL, IN_FULL // 3, digits)


def _one_line(x: Any, most: int, ends: int, write: Callable[[Any], str] = number) -> str:
    text = np.array2string(
        x,
        max_line_width=10**9,
        separator=", ",
        threshold=most,
        edgeitems=ends,
        formatter={"all": write},
    )
    return re.sub(r"\s+", " ", text)


def vector(x: Any, most: int = 10) -> str:
    """A row of results in brackets; all but the first ones and the last left out beyond `most`."""
    return f"[{_row(map(figure, x), most, 1)}]"


def point(x: Any) -> str:
    """Coordinates in parentheses, as in a sentence; the middle left out beyond six."""
    return f"({_row(map(amount, x), FEW, 2)})"


def _row(texts: Iterable[str], most: int, last: int) -> str:
    cells = [*texts]
    if len(cells) > most:
        cells[most - 1 - last : -last] = ["..."]
    return ", ".join(cells)


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


def paragraph(text: str, indent: str = "", first: str | None = None, wide: int = 0) -> str:
    """Text wrapped to the terminal, or to lines that wide; `first` stands before its first line,
    `indent` before the others.
    """
    lines = textwrap.TextWrapper(wide or width(), indent if first is None else first, indent)
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


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_ascii, error.object[error.start : error.end])), error.end


def _ascii(letter: str) -> str:
    bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return LETTERS.get(letter) or bare or "?"


def _plain(name: str) -> codecs.CodecInfo | None:
    if name != PLAIN:
        return None
    known = codecs.lookup("ascii")
    parts = known.incrementalencoder, known.incrementaldecoder
    return codecs.CodecInfo(*known, *parts, name=PLAIN)


codecs.register_error(SPELLED, _spelled)
codecs.register(_plain)
