"""The general rule as a picture for the docs: a layer that is a gradient, and two that are none.

python -m tests.helpers.rule_picture docs/rule.svg
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

import tinygrad_lossmix as lm
from tinygrad_lossmix.answers.match.general_rule import work
from tinygrad_lossmix.answers.match.layer import Layer
from tinygrad_lossmix.views import field
from tinygrad_lossmix.views.field import MATCH
from tinygrad_lossmix.views.plotting import FRAME, INK, LEVEL, PAPER, glow


def of_sigmoids(z):
    a = lm.sigmoid(z)
    return a / a.sum(axis=-1, keepdims=True)


def gate(z):
    return np.where(z[..., ::-1] > 0, z, 0.0)


LAYERS = {
    "softmax": ("softmax", lm.softmax),
    "sigmoids over their sum": ("σ/Σσ", of_sigmoids),
    "gate": ("z where the other is above 0", gate),
}
PATH = np.array([[-1.0, -2.5], [2.5, -1.0], [-0.5, 2.5]])
REACH = 3.0


def along(layer, start, end):
    """The work from one corner to another."""
    t = (np.arange(20_000)[:, None] + 0.5) / 20_000
    return float((layer(start + t * (end - start)) @ (end - start)).mean())


class Rule(field.Field):
    """Drawn and kept as a field is."""

    def __init__(self):
        self.text = "the rule"

    def _figure(self):
        from matplotlib.figure import Figure

        figure = Figure((9.2, 3.6), facecolor=PAPER, layout="constrained")
        for i, (title, function) in enumerate(LAYERS.values(), 1):
            heat = draw(figure.add_subplot(1, 3, i), title, Layer(function, 2))
        bar = figure.colorbar(heat, ax=figure.axes, shrink=0.75, aspect=30)
        bar.set_label("|∂a[1]/∂z[0] - ∂a[0]/∂z[1]|")
        figure.supxlabel(
            "Arrows: the outputs a(z). At the path: the work of each side, ∫ a·dz. Lines: Ψ, whose "
            "gradient is the layer.\nThe Jacobian of the right-hand layer is symmetric wherever "
            "there is one; only the work shows that it jumps.",
            fontsize=8,
        )
        return figure


def draw(axes, title, layer):
    """One layer over two logits."""
    match = lm.matching_cost(layer.function, 2)
    colour, weight = (MATCH, "bold") if match else (INK, "normal")
    total = round(work(layer, PATH).work, 3) + 0.0
    end = "a cost with δ = a - y exists" if match else "no cost gives a - y"
    text = f"{title}\nwork round the path: {total:.3f}\n{end}"
    axes.set_title(text, fontsize=9, color=colour, weight=weight)
    axes.spines[:].set(color=colour if match else FRAME, linewidth=2.0 if match else 0.8)
    fine, coarse = field.plane(41, REACH), field.plane(11, REACH - 0.25)
    slope = layer.jacobian(fine)
    turn = np.abs(slope[..., 1, 0] - slope[..., 0, 1])
    box = (-REACH, REACH, -REACH, REACH)
    heat = axes.imshow(turn, glow(), vmin=0.0, vmax=0.16, origin="lower", extent=box)
    if match:
        style = {"colors": LEVEL, "linewidths": 0.8, "linestyles": "solid"}
        axes.contour(*fine.T, match.potential(fine).T, 9, **style)
    a = layer(coarse)
    longest = np.linalg.norm(a, axis=-1).max()
    axes.quiver(
        *coarse.T, *a.T, scale=longest / 0.75, scale_units="xy", angles="xy", color=INK,
        width=0.006, alpha=0.75,
    )  # fmt: skip
    corners = [*PATH, PATH[0]]
    axes.plot(*np.array(corners).T, color=colour, linewidth=1.8)
    for start, end in pairwise(corners):
        middle = (start + end) / 2
        axes.annotate("", middle + 0.05 * (end - start), middle, arrowprops={
            "arrowstyle": "-|>", "color": colour, "mutation_scale": 14,
        })  # fmt: skip
        away = middle - PATH.mean(axis=0)
        out = middle + 0.65 * away / np.linalg.norm(away)
        axes.text(
            *out, f"{along(layer, start, end):+.3f}", ha="center", va="center", color=colour,
            fontsize=9, weight="bold", bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
    axes.set(xticks=(-3, 0, 3), yticks=(-3, 0, 3), xlabel="z[0]", ylabel="z[1]")
    return heat


if __name__ == "__main__":
    Rule().save(Path(sys.argv[1]))
