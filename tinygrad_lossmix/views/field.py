"""The output delta as a field: over two logits the arrows of -δ, where a step of learning goes.

Mixes stand side by side on one scale, each with the level lines of its cost: it can be seen where
a - y pushes and a crossed pair does not.

>>> field(Mix("sigmoid", "ll")).text.splitlines()[3:5]
['sigmoid + log-likelihood, δ = -y(1 - a)', '→ → → → → → → · ·']
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil, isclose
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_lossmix.compiler.many_points import for_many
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.labels import dense, require_finite
from tinygrad_lossmix.mixes.layers import LETTERS
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.printing import number
from tinygrad_lossmix.views.plotting import FRAME, INK, LEVEL, PAPER, SERIES, glow, inline, rendered
from tinygrad_lossmix.views.shown import Drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

REACH = 6.0  # logits go from -6 to 6
LEVELS = (0.01, 0.1, 0.5, 1.0, 2.0, 4.0, 8.0)  # of the cost
ACROSS = 3  # panels beside each other
LONGEST = 1.7  # of the arrows, in logits
POLE = 3.0  # times as long as nine tenths of all: a scale for it would leave them no arrows
MATCH = SERIES[0]
COMPASS = np.array([*"→↗↑↖←↙↓↘"])


@dataclass
class Panel:
    """A mix over the plane of two logits, with one label."""

    mix: Mix
    y: Array

    @cached_property
    def many(self) -> Any:
        """What gives both at many logits."""
        return for_many(self.mix, 2)

    @np.errstate(all="ignore")
    def delta(self, z: Array) -> Array:
        """δ at logits of shape (…, 2), of that shape."""
        found: Array = self.many.delta(z, np.broadcast_to(self.y, z.shape))
        return found

    @np.errstate(all="ignore")
    def cost(self, z: Array) -> Array:
        """The cost at each of them."""
        return np.reshape([self.many.cost(each, self.y) for each in z.reshape(-1, 2)], z.shape[:-1])

    @cached_property
    def lengths(self) -> Array:
        """Of δ all over the plane."""
        return np.linalg.norm(self.delta(FINE), axis=-1)

    @cached_property
    @np.errstate(all="ignore")
    def factor(self) -> float | None:
        """c with δ = c(a - y) all over the plane, if there is one."""
        delta, off = self.delta(z := plane(25)), self.mix.activate(z) - self.y
        c = float((delta * off).sum() / (off * off).sum())
        return (1.0 if isclose(c, 1.0) else c) if np.allclose(delta, c * off) else None

    @property
    def matched(self) -> bool:
        """Whether δ is a - y all over the plane."""
        return self.factor == 1

    @property
    def formula(self) -> str:
        """δ for this label."""
        known = f"{number(self.factor)}(a - y)" if self.factor else self.mix.formula
        known = "a - y" if self.matched else known
        return f"δ = {known.replace('Sa', 'a') if self.y.sum() == 1.0 else known}"

    def draw(self, axes: Axes, longest: float) -> AxesImage:
        """Paint -δ, its length and the level lines; colours and arrows for a `longest` δ."""
        colour, weight, width = (MATCH, "bold", 2.0) if self.matched else (INK, "normal", 0.8)
        title = f"{self.mix}\n{self.formula}"
        axes.set_title(title, fontsize=9, color=colour, weight=weight, parse_math=False)
        axes.spines[:].set(color=colour if self.matched else FRAME, linewidth=width)
        box = (-REACH, REACH, -REACH, REACH)
        heat = axes.imshow(self.lengths, glow(), vmin=0.0, vmax=longest, origin="lower", extent=box)
        cost = self.cost(FINE)
        low, high = (end.reduce(cost, axis=None) for end in (np.fmin, np.fmax))  # without NaN
        if levels := [level for level in LEVELS if low < level < high]:
            axes.contour(*FINE.T, cost.T, levels, colors=LEVEL, linewidths=0.8)
        axes.plot(box[:2], box[:2], "--", color=MATCH, linewidth=0.9)
        pushes = -self.delta(COARSE)
        pushes *= longest / np.maximum(np.linalg.norm(pushes, axis=-1, keepdims=True), longest)
        axes.quiver(
            *COARSE.T, *pushes.T, scale=longest / LONGEST, scale_units="xy",
            angles="xy", color=INK, width=0.0065, minlength=0.4, zorder=3,
        )  # fmt: skip
        axes.set(xticks=TICKS, yticks=TICKS, xlabel="z[0]", ylabel="z[1]")
        return heat

    @property
    def text(self) -> str:
        """The directions of -δ."""
        pushes = -self.delta(plane(9, 5.0)[::-1])
        way = np.nan_to_num(np.arctan2(pushes[..., 1], pushes[..., 0]))
        arrows = COMPASS[np.rint(way * 4.0 / np.pi).astype(int)]
        signs = np.where(np.linalg.norm(pushes, axis=-1) < 0.05, "·", arrows)
        signs[~np.isfinite(pushes).all(axis=-1)] = "?"
        return "\n".join([f"{self.mix}, {self.formula}", *map(" ".join, signs)])


def plane(points: int, reach: float = REACH) -> Array:
    """A square grid of logits: (points, points, 2), z[1] grows from row to row."""
    along = np.linspace(-reach, reach, points)
    return np.stack(np.meshgrid(along, along), axis=-1)


FINE, COARSE = plane(61), plane(10, REACH - 0.6)
TICKS = (-6, -3, 0, 3, 6)


def field(*mixes: Mix, y: Any = 0) -> Field:
    """Draw what mixes do to two logits: arrows of -δ, and level lines of the cost.

    Args:
        mixes: which; the six where none is given.
        y: the label: class 0 or 1, or a label for each of the two logits.

    Returns:
        a Field: `.svg()`, `.png()`, `.save(path)`, `.show()`, `.text`; notebooks show it. Pictures
        take matplotlib, extra `plot`; the text does not.

    Raises:
        TypeError: what is not a mix.
        ValueError: labels that are not those of two logits.
    """
    for mix in mixes:
        if not isinstance(mix, Mix):
            raise TypeError(f'a field is of mixes, Mix("softmax", "ll"), not {type(mix).__name__}')
    label = require_finite(dense(y, np.zeros(2)))
    return Field([Panel(mix, label) for mix in mixes or MIXES])


class Field(Drawn):
    """What `field` returns; notebooks show it.

    Attributes:
        text: the directions alone.
    """

    renderer = "matplotlib"

    def __init__(self, panels: list[Panel]) -> None:
        self._panels = panels
        self._label = f"y = ({', '.join(f'{label:g}' for label in panels[0].y)})"
        texts = [panel.text for panel in panels]
        none = "; ? where it has no value" if any("?" in text for text in texts) else ""
        head = (
            f"Arrows: -δ for {self._label}; · where it is shorter than 0.05{none}.\n"
            "z[0] grows to the right, z[1] upwards, from -5 to 5."
        )
        self.text = "\n\n".join([head, *texts])

    def svg(self) -> str:
        """An `<svg>` element that takes the size it is given, dark where the reader asks for it.

        Raises:
            ImportError: matplotlib is not installed.
        """
        return inline(self._figure)

    def _render(self, form: str) -> bytes:
        return rendered(self._figure, form)

    def __repr__(self) -> str:
        return 'Field: .show(), .save("field.svg"), .svg(), .png(), .text'

    def _figure(self) -> Figure:
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        across = min(len(self._panels), ACROSS)
        down = ceil(len(self._panels) / across)
        size = 2.75 * across + 0.9, 2.95 * down + 0.6
        figure = Figure(size, facecolor=PAPER, layout="constrained")
        lengths = np.array([panel.lengths for panel in self._panels])
        some = lengths[np.isfinite(lengths) & (lengths > 0.0)]
        longest = min(some.max(), POLE * np.quantile(some, 0.9)) if some.size else 1.0
        for i, panel in enumerate(self._panels, 1):
            heat = panel.draw(figure.add_subplot(down, across, i), longest)
        bar = figure.colorbar(heat, ax=figure.axes, shrink=0.6, aspect=30, ticks=MaxNLocator(6))
        bar.set_label("‖δ‖")
        formulas = " ".join(panel.formula for panel in self._panels)
        lines = [
            f"Arrows: -δ for {self._label}. Dashed: equal outputs.",
            f"Lines: a cost of {', '.join(f'{level:g}' for level in LEVELS)}.",
            "" if np.isfinite(lengths).all() else "Grey: δ has no value.",
            ", ".join([LETTERS[letter] for letter in LETTERS if letter in formulas]),
        ]
        figure.supxlabel("\n".join(filter(None, lines)), fontsize=8)
        return figure
