"""The figures of a run in docs/speed.md and README.md, and the chart: `run.py --docs`."""

from itertools import takewhile
from pathlib import Path

import chart
from table import column, distinct, in_short

from tinygrad_lossmix.files import write

ROOT = Path(__file__).resolve().parents[1]
ROWS = ("NumPy by hand", "lossmix, one node", "lossmix, compiled NumPy", "lossmix, compiled numba")
LEFT_OUT = ("64-30-10 b128", "784-100-10 b10", "z (4096, 1000)")  # of the README's columns


def renew(rows):
    """Write the figures of a complete run where a reader sees them."""
    rows = [row for row in rows if not (row["workload"] == "W4" and "float32" in row["size"])]
    headings = {column(row): heading(row) for row in rows}
    figures = {
        engine: {headings[name]: figure for name, figure in each.items()}
        for engine, each in in_short(rows, distinct(map(column, rows))).items()
    }
    fewer = [name for name in headings.values() if name not in LEFT_OUT]
    in_table(ROOT / "docs" / "speed.md", list(figures), [*headings.values()], figures)
    in_table(ROOT / "README.md", [*ROWS, [*figures][-1]], fewer, figures)
    write(ROOT / "benchmarks" / "chart.svg", chart.svg(rows).encode())


def heading(row):
    """A column by what is computed; in the picture and the long tables its workload is said."""
    size = row["size"].removesuffix(" float32")
    return f"{size} classes" if row["workload"] == "classes" else size


def in_table(path, names, columns, figures):
    """Put figures in place of the table of a page whose first heading is empty."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if line.startswith("|  |"))
    length = sum(1 for _ in takewhile(lambda line: line.startswith("|"), lines[start:]))
    table = [["", *columns], *[[name, *[figures[name][c] for c in columns]] for name in names]]
    made = ["| " + " | ".join(row) + " |\n" for row in table]
    made.insert(1, "|---|" + "---:|" * len(columns) + "\n")
    lines[start : start + length] = made
    write(path, "".join(lines).encode())
