"""Answers laid out for the terminal as it is now: columns, and grids beside each other.

>>> print(aligned([("z", "2"), ("cost", "3")], ("name", "flow")))
  z     2
  cost  3
>>> print(shown([("value", "n1", np.eye(2), ""), ("", "z", np.ones(2), "")]))
value n1 (2, 2)
   0  1
0  1  0
1  0  1
z  [1, 1]
"""

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from rich.text import Text
from rich.theme import Theme

from tinygrad_lossmix.debugger.chain_rule import Local
from tinygrad_lossmix.printing import IN_FULL, shorten
from tinygrad_lossmix.views.grids import grid, on_one_line

STYLES = Theme({"name": "cyan", "flow": "yellow", "book": "green", "quiet": "bright_black"})
MOST = 10  # entries of a vector that are shown without leaving some out
ROOM = 40  # letters that an array leaves to others last, and in which words at the end are wrapped
LEAST = 12  # letters that an array has
WHOLE = 1000  # letters in which each array is on one line that can be
GAP = "   "  # between grids

Row = tuple[str, str, Any, str]  # a part of an answer, its name, an array or text, about it


def screen() -> tuple[int, int]:
    """The letters of a line and the lines below two of heading, between two of the prompt, now."""
    size = shutil.get_terminal_size()
    return max(size.columns, 40), max(size.lines - 4, 10)


def lined(*parts: Text) -> Text:
    """One below the other."""
    return Text("\n").join(parts)


def fitted(text: Text) -> Text:
    """Lines no longer than the screen is wide, broken at spaces; the rest begins where they do."""
    columns, lines = screen()[0], list[Text]()
    for line in text.split("\n", allow_blank=True):
        while len(line) > columns:
            indent = len(line.plain) - len(line.plain.lstrip())
            space = line.plain.replace("→ ", "→_").rfind(" ", indent, columns + 1)  # not behind it
            space = space if space > 0 else line.plain.find(" ", columns)
            if space < 0:
                break
            first, line = line.divide([space])
            lines.append(first)
            line = Text(" " * indent) + line[1:]
        lines.append(line)
    return lined(*lines)


def wrapped(text: str, width: int) -> list[str]:
    """Text as lines that wide, broken between words."""
    lines = textwrap.TextWrapper(max(width, 1), break_long_words=False, break_on_hyphens=False)
    return lines.wrap(text) or [""]


def aligned(rows: Sequence[tuple[Any, ...]], styles: tuple[str, ...], indent: str = "  ") -> Text:
    """Rows of text and arrays, each column flush left and in a style of its own.

    Arrays share what the width leaves them. Text at the end of a row is wrapped; where arrays need
    its room, the widest of the others is shortened.
    """
    columns, n = screen()[0], len(styles)
    widths = [max(len(one_line(row[i], columns)) for row in rows) for i in range(n)]
    texts = [i for i in range(n) if all(isinstance(row[i], str) for row in rows)]
    arrays = sorted(set(range(n)) - set(texts), key=widths.__getitem__)
    ends = n - 1 in texts  # with text
    taken = [min(width, LEAST) if ends and i == n - 1 else width for i, width in enumerate(widths)]
    taken = [min(width, ROOM) if i in arrays else width for i, width in enumerate(taken)]
    room = columns - len(indent) - sum(taken) - 2 * (n - 1)
    if arrays and room < 0 and len(texts) > ends:
        widest = max(texts[: len(texts) - ends], key=widths.__getitem__)
        given = min(-room, max(widths[widest] - LEAST - 4, 0))
        widths[widest] -= given
        room += given
    room += sum(taken[i] for i in arrays)
    for k, i in enumerate(arrays):
        widths[i] = min(widths[i], max(room // (len(arrays) - k), LEAST))
        room -= widths[i]
    lines = []
    for row in rows:
        line = Text(indent)
        for x, width, style in zip(row[: n - ends], widths, styles, strict=False):
            cell = shorten(x, width) if isinstance(x, str) else one_line(x, width)
            line.append(cell.ljust(width) + "  ", style)
        below, back = [""], len(line)
        if ends and row[-1]:
            if columns - back < min(ROOM, len(row[-1])):
                back = len(indent) + widths[0] + 2
            below = wrapped(row[-1], columns - back)
            below = below if back == len(line) else ["", *below]
        line.append(below[0], styles[-1]).rstrip()
        lines.append(line)
        lines += [Text(" " * back).append(each, styles[-1]) for each in below[1:]]
    return lined(*lines)


def shown(rows: Sequence[Row], indent: str = "", above: int = 0) -> Text:
    """Arrays with their names: in columns, else each with a heading; if too high, on one line."""
    (columns, height), first = screen(), not any(part for part, *_ in rows)
    styles = ("quiet", "" if not first else "name", "flow", "book")[first:]
    on_lines = aligned([row[first:] for row in rows], styles, indent)
    if _flat(x for _, _, x, _ in rows):
        names = sum(2 + max(len(row[i]) for row in rows) for i in range(first, 2))
        values = max(len(one_line(x, WHOLE)) for _, _, x, _ in rows)
        if len(indent) + names + values <= columns:
            return on_lines
    for lines in (height, height // 2, max(height // 3 - 1, 5), 4):
        grids = beside([_block(row, columns, lines) for row in rows])
        if above + grids.plain.count("\n") < height:
            return grids
    return on_lines


def compared(rows: Sequence[tuple[str, Any, Any]]) -> Text:
    """Two of everything in two columns behind the names of what they are, arrays on one line."""
    name, lines = max(len(part) for part, *_ in rows), list[Text]()
    room = (screen()[0] - name - 2 * len(GAP)) // 2
    for part, *pair in rows:
        texts = [wrapped(one_line(x, room), room) for x in pair]
        cells = [[Text(line.ljust(room), "flow") for line in text] for text in texts]
        lines += _side_by_side([[Text(part.ljust(name), "quiet")], *cells])
    return lined(*lines)


def beside(blocks: Sequence[list[Text]]) -> Text:
    """Blocks of lines beside each other as far as they fit, the next ones below."""
    columns, bands = screen()[0], list[list[list[Text]]]()
    for block in blocks:
        band = [*bands[-1], block] if bands else [block]
        fits = sum(max(map(len, each)) + len(GAP) for each in band) <= columns + len(GAP)
        if fits and len(band) > 1 and min(map(len, band)) > 1:
            bands[-1] = band
        else:
            bands.append([block])
    return lined(*(line for band in bands for line in _side_by_side(band)))


def by_itself(name: str, x: Any, about: str = "") -> Text:
    """An array by itself: `name = [1, 2]`, or a grid below; in full up to a hundred entries."""
    columns, height = screen()
    text = grid(x, columns, height if np.size(x) > IN_FULL else IN_FULL + 1)
    grids = "\n" in text
    heading = Text().append(name, "name").append(f" {np.shape(x)}" if grids else f" = {text}")
    if about:
        lines = wrapped(f"{heading}  {about}", columns)
        heading.append("  " if len(lines) == 1 else "\n").append(about, "book")
    return lined(heading, *_coloured(text)) if grids else heading


def one_line(x: Any, width: int) -> str:
    """Text as it is; an array or a local Jacobian on a line that wide."""
    if isinstance(x, Local):
        text = one_line(x.values, width - 4 * x.diagonal)
        return f"diag({text[1:-1]})" if x.diagonal and text[0] == "[" else text
    return x if isinstance(x, str) else on_one_line(x, width, MOST)


def _flat(values: Iterable[Any]) -> bool:
    return all(isinstance(x, str | Local) or np.ndim(x) < 2 for x in values)


def _block(row: Row, width: int, height: int) -> list[Text]:
    """A heading, and a grid below; what is short stands behind the heading."""
    part, name, x, about = row
    values = x.values if isinstance(x, Local) else x
    heading, below = Text().append(part, "quiet").append(f" {name}" if part else name), list[Text]()
    if _flat([x]) and len(heading) + 2 + len(text := one_line(x, WHOLE)) <= width:
        heading.append(f"  {text}", "flow")
    elif _flat([values]):
        below = [Text(line, "flow") for line in wrapped(text, width)]
    else:
        heading.append(f" {values.shape}")
        below = _coloured(grid(values, width, height - 1))
    heading.append(f"  {about}" if about else "", "book")
    return [heading, *below]


def _coloured(text: str) -> list[Text]:
    """The lines of a grid, the numbers of its rows and columns fainter than the entries."""
    first, *rows = text.splitlines()
    lines = [Text(first, "quiet"), *(Text(row, "flow") for row in rows)]
    for line in lines[1:]:
        line.highlight_regex(r"^ *\d+(?=  )", "quiet")
    return lines


def _side_by_side(blocks: list[list[Text]]) -> list[Text]:
    widths, lines = [max(map(len, block)) for block in blocks], []
    for i in range(max(map(len, blocks))):
        line = Text()
        for block, width in zip(blocks, widths, strict=True):
            cell = block[i] if i < len(block) else Text()
            line.append(cell).append(" " * (width - len(cell)) + GAP)
        line.rstrip()
        lines.append(line)
    return lines
