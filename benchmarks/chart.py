"""The ratios as a picture: a panel for each workload, a row for each engine, a logarithmic axis.

A dot is the slowest corner's median, with its figure; the line goes from the lowest to the highest
quartile of all corners. The picture has its own paper, light or dark as the reader asks.
"""

import math
from html import escape

from table import column, distinct, short, slowest

from tinygrad_lossmix.views.theme import DARK, LIGHT

ACROSS = 4  # panels in a row
NAMES, WIDTH, GAP = 185, 165, 38
TOP, LINE, BETWEEN = 62, 21, 58
CAPTION = "Less is better. Dot: the slowest corner's median. Line: all corners' quartiles."
OURS, HAND, PEER = "group", "cost", "input"  # kinds of boxes, for their colours


def svg(rows):
    """The picture of the float64 workloads and W5."""
    rows = [row for row in rows if not (row["workload"] == "W4" and "float32" in row["size"])]
    engines = distinct(row["engine"] for row in rows if row["state"] == "timed")
    columns = distinct(map(column, rows))
    if not engines:
        raise ValueError("nothing was timed, so there is nothing to draw")
    timed = [row for row in rows if row["state"] == "timed"]
    left = min(0.3, *[row["quartiles"][0] for row in timed]) / 5  # with room for the labels
    right = max(3.0, *[row["quartiles"][1] for row in timed]) * 3
    height = TOP + LINE * len(engines) + BETWEEN
    down = math.ceil(len(columns) / ACROSS)
    size = (NAMES + max(3, min(len(columns), ACROSS)) * (WIDTH + GAP), down * height + 40)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" role="img"'
        ' font-family="Helvetica, Arial, sans-serif" font-size="13">',
        "<title>Time for a cost and its gradient, in units of NumPy by hand</title>",
        style(),
        f'<rect class="paper" width="{size[0]}" height="{size[1]}"/>',
    ]
    for k, name in enumerate(columns):
        x, y = NAMES + k % ACROSS * (WIDTH + GAP), k // ACROSS * height + 10
        if k % ACROSS == 0:
            parts += names(engines, y)
        axis = Axis(x, left, right)
        parts += frame(axis, name, y, len(engines))
        for i, engine in enumerate(engines):
            parts += mark(axis, rows, engine, name, y + TOP + LINE * (i + 0.5))
    parts.append(text(NAMES, size[1] - 16, CAPTION, "start", ' font-size="12"'))
    return "\n".join([*parts, "</svg>\n"])


class Axis:
    """Where a ratio lies from left to right in a panel."""

    def __init__(self, x, left, right):
        self.x, self.left, self.right = x, left, right

    def __call__(self, ratio):
        part = math.log(ratio / self.left) / math.log(self.right / self.left)
        return round(self.x + part * WIDTH, 1)

    def decades(self):
        first, last = math.ceil(math.log10(self.left)), math.floor(math.log10(self.right))
        return [10.0**k for k in range(first, last + 1)]


def style():
    """Colours for light paper, and for dark where the reader prefers it."""
    dark = "\n".join(rules(DARK))
    light = "\n".join(rules(LIGHT))
    return f"<style>\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n</style>"


def rules(colours):
    yield f".paper {{ fill: {colours.paper} }}"
    yield f"text {{ fill: {colours.ink} }}"
    yield f".grid {{ stroke: {colours.frame}; stroke-opacity: 0.35 }}"
    yield f".one {{ stroke: {colours.boxes[HAND][1]}; stroke-dasharray: 4 3 }}"
    for kind in (OURS, HAND, PEER):
        line = colours.boxes[kind][1]
        yield f".{kind} {{ fill: {line}; stroke: {line} }}"
    yield ".spread { stroke-width: 3; stroke-opacity: 0.55 }"
    yield f".halo {{ paint-order: stroke; stroke: {colours.paper}; stroke-width: 3 }}"


def kind(engine):
    return HAND if "by hand" in engine else OURS if "lossmix" in engine else PEER


def text(x, y, content, anchor="middle", extra=""):
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{extra}>{escape(content)}</text>'


def names(engines, y):
    for i, engine in enumerate(engines):
        weight = ' font-weight="bold"' if kind(engine) == OURS else ""
        yield text(NAMES - 12, y + TOP + LINE * (i + 0.5) + 4.5, engine, "end", weight)


def frame(axis, name, y, count):
    """Title, grid, the line at 1 and the labels of the axis."""
    bottom = y + TOP + LINE * count
    workload, _, rest = name.partition(" ")
    middle = axis.x + WIDTH / 2
    yield text(middle, y + 22, workload, extra=' font-weight="bold"')
    yield text(middle, y + 40, rest)
    for value in axis.decades():
        x = axis(value)
        look = "one" if value == 1 else "grid"
        yield f'<line class="{look}" x1="{x}" x2="{x}" y1="{y + TOP - 8}" y2="{bottom + 4}"/>'
        yield text(x, bottom + 19, f"{value:g}", extra=' font-size="11"')
    yield text(middle, bottom + 36, "× NumPy by hand", extra=' font-size="11"')


def mark(axis, rows, engine, name, y):
    """One engine on one workload; words where it could not be timed."""
    there = [row for row in rows if row["engine"] == engine and column(row) == name]
    worst = slowest(there, engine, name)
    if not there:
        return
    if worst is None:
        yield text(axis(1), y + 4.5, "not timed", extra=' font-size="11" class="halo"')
        return
    low = axis(min(row["quartiles"][0] for row in there))
    high = axis(max(row["quartiles"][1] for row in there))
    x, look = axis(worst["median"]), kind(engine)
    yield f'<line class="{look} spread" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>'
    yield f'<circle class="{look}" cx="{x}" cy="{y}" r="4.5"/>'
    left = x < axis(1) < high + 36  # the figure would hide the line at 1
    where, anchor = (min(low, x - 4) - 5, "end") if left else (max(high, x + 4) + 5, "start")
    yield text(where, y + 4, short(worst["median"]), anchor, ' font-size="11" class="halo"')
