"""Figures of matplotlib's as pictures: the same file for the same input, light and dark.

>>> from matplotlib.figure import Figure
>>> svg = inline(lambda: Figure(facecolor=PAPER))
>>> svg[:4], "prefers-color-scheme: dark" in svg
('<svg', True)
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.installation import needing
from tinygrad_lossmix.views.drawing import SCOPE, scalable
from tinygrad_lossmix.views.theme import PAINT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

LINES = {  # told apart by the colour-blind too, with a contrast of 4.5 to the paper
    "blue": ("#0072b2", "#56b4e9"), "orange": ("#b34c00", "#f0932b"),
    "green": ("#00735a", "#35c79e"), "purple": ("#9b3d7f", "#e294c8"),
    "grey": ("#5c5c5c", "#b0b0b0"), "olive": ("#7a6400", "#dcc02f"), "red": ("#a3182e", "#ff8a94"),
}  # fmt: skip
COLOURS = {name: PAINT[name] for name in ("paper", "ink", "frame", "arrow")} | LINES
PAPER, INK, FRAME, LEVEL, *SERIES = (light for light, _ in COLOURS.values())
RULES = [  # a page may set --lossmix-ink and the others itself
    f'.{SCOPE} [style*="{part}: {light}"] {{ {part}: var(--lossmix-{name}, {light}) !important }}'
    for name, (light, _) in COLOURS.items()
    for part in ("fill", "stroke")
]
DARK = "; ".join(f"--lossmix-{name}: {dark}" for name, (_, dark) in COLOURS.items())
SHEET = "<style>{}\n@media (prefers-color-scheme: dark) {{ .{} {{ {} }} }}</style>".format(
    "\n".join(RULES), SCOPE, DARK
)
STYLE = {  # of a picture that is the same file for the same input, its text as text
    "svg.hashsalt": "lossmix", "svg.fonttype": "none", "font.size": 8, "axes.facecolor": "none",
    "axes.edgecolor": FRAME, "image.interpolation": "bilinear", "axes.unicode_minus": False,
    "axes.titlesize": 9, "legend.frameon": False, "font.sans-serif": ["DejaVu Sans"],
    "figure.facecolor": PAPER,
    **dict.fromkeys(["text.color", "axes.labelcolor", "xtick.color", "ytick.color"], INK),
}  # fmt: skip
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))  # beside a colour
APART = 0.075  # lines of text, of the height of the axes
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def rendered(draw: Callable[[], Figure], form: str) -> bytes:
    """The figure that `draw` makes as svg, png or pdf, whatever the style of the user's own."""
    with needing("plot", "plots are drawn by matplotlib"):
        from matplotlib import style
    file = io.BytesIO()
    with style.context(["default", STYLE]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what has no place on a scale, log 0, is left out
        draw().savefig(file, format=form, dpi=150, metadata=UNDATED.get(form))
    return file.getvalue()


def inline(draw: Callable[[], Figure]) -> str:
    """The figure as an `<svg>` element that takes the size it is given, dark where the reader asks
    for it; its ids are its own on a page of several.
    """
    svg = re.sub(r"<metadata>.*?</metadata>", "", rendered(draw, "svg").decode(), flags=re.DOTALL)
    svg = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d)\d+|\n", r"\1", path[0]), svg)
    svg = svg.replace("*{", f".{SCOPE} *{{")
    # a copy takes its colour from where it is used: no rule of the page finds it in <defs>
    svg = re.sub(r'(<path id="\w+" d="[^"]*") style="[^"]*"', r"\1", svg)
    own = f"p{hashlib.sha256(svg.encode()).hexdigest()[:8]}-"
    return scalable(re.sub(r'( id="|url\(#|href="#)', rf"\1{own}", svg), SHEET)


def arranged(*panels: Callable[[Axes], None], across: int = 2) -> Callable[[], Figure]:
    """Draws what each function draws on axes of its own, so many of them beside each other."""

    def draw() -> Figure:
        from matplotlib.figure import Figure

        down = -(-len(panels) // across)
        made = Figure((7.2, (1.2 + 4.0 / across) * down), layout="constrained")
        for place, panel in enumerate(panels, start=1):
            panel(made.add_subplot(down, across, place))
        return made

    return draw


def lines(
    axes: Axes, curves: Mapping[str, Any], x: Any = None, named: bool = True, **settings: Any
) -> None:
    """A line over x (1, 2, …) for each name, which is written at its end; of several rows (runs,
    points) their mean, in a band from the least to the largest. Settings are those of `axes.set`.
    """
    axes.set(**settings)
    ends = []
    for (name, y), look in zip(curves.items(), cycle(zip(SERIES, DASHES, strict=True))):
        rows = np.atleast_2d(np.asarray(y, dtype=np.float64))
        mean, at = rows.mean(axis=0), np.arange(1, rows.shape[1] + 1) if x is None else x
        few = "." if len(at) < 15 else ""  # of them one may stand alone
        axes.plot(at, mean, color=look[0], linestyle=look[1], marker=few)
        if len(rows) > 1:
            edges = rows.min(axis=0), rows.max(axis=0)
            axes.fill_between(at, *edges, color=look[0], alpha=0.2, linewidth=0)
        ends += [(y, name, look[0]) for y in mean[np.isfinite(mean)][-1:]]
    axes.margins(x=0.03 if few else 0.0)
    axes.set_ylim(axes.get_ylim())
    scale, ends = axes.transScale + axes.transLimits, sorted(ends) if named else []
    heights = separated([scale.transform((at[-1], y))[1] for y, *_ in ends])
    for (_, name, colour), height in zip(ends, heights, strict=True):
        axes.annotate(
            name, (1.0, height), (4.0, 0.0), "axes fraction", textcoords="offset points",
            va="center", color=colour, parse_math=False,
        )  # fmt: skip


def separated(levels: Sequence[float]) -> Array:
    """Sorted heights as near to these as can be (least squares), none over another."""
    n, steps = len(levels), APART * np.arange(len(levels))
    own = levels - steps  # of which none may be below one before it
    rising = [
        max(min(own[i:j].mean() for j in range(k + 1, n + 1)) for i in range(k + 1))
        for k in range(n)
    ]
    return steps + np.clip(rising, 0.0, 1.0 - steps[-1:].sum())


def heat(axes: Axes, values: Array, **settings: Any) -> None:
    """A matrix of numbers from 0 to 1 as cells, the denser the larger."""
    axes.imshow(values, glow(), vmin=0.0, vmax=1.0, interpolation="nearest")
    axes.locator_params(integer=True)  # a cell has a whole number
    axes.set(**settings)


def glow() -> Colormap:
    """From nothing to a colour over the paper, which light and dark paper bear; grey for NaN."""
    from matplotlib.colors import ListedColormap, to_rgba

    shades = ListedColormap([to_rgba("#e08a1e", alpha) for alpha in np.linspace(0.0, 0.75, 256)])
    return shades.with_extremes(bad=to_rgba("#808080", 0.4))
