"""The book's neuron with one weight and one bias, and the gradient in the book's own figure.

>>> outputs = curve(Mix("sigmoid", "quadratic").delta, (2.0, 2.0), 0.15)
>>> round(float(outputs[300]), 4), below_half(outputs)
(0.2028, 232)
"""

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.lab.study import Statement, Study, Table, description, near, plotted
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.mixes.outputs import sigmoid
from tinygrad_lossmix.printing import amount
from tinygrad_lossmix.testing.checking import gradcheck
from tinygrad_lossmix.views.plotting import lines

Push = Callable[[Array, Array], Any]  # δ of a logit for a label, each of shape (1,)
ZERO, LACKS = np.zeros(1), "the factor sigma'(z) = a(1 - a) is missing"
STARTS, EPOCHS = [(0.6, 0.9), (2.0, 2.0)], np.arange(301)


def study(quick: bool = True, mixes: Iterable[Mix] = ()) -> Study:
    """One weight, one bias, input 1, label 0 (Nielsen, chapter 3). From weight and bias 2 the
    neuron is sure and wrong: under the quadratic cost it hardly learns at first, since delta has
    the slope a(1 - a) of the sigmoid as a factor. The cross-entropy cancels it.

    The figure on the book's site (as of 2019) steps by dC/da = 1/(1 - a) where dC/dz = a belongs,
    at a smaller rate. With the true gradient and one rate the difference is clearer than there.

    Args:
        quick: the same either way.
        mixes: of your own, on one logit, beside the book's.
    """
    entropy = Mix("sigmoid", "ce")
    pushes: dict[str, tuple[Push, float]] = {
        "quadratic": (Mix("sigmoid", "quadratic").delta, 0.15),
        "cross-entropy": (entropy.delta, 0.15),
        "cross-entropy, slower": (entropy.delta, 0.005),
        "the figure's update": (figures_update, 0.005),
        **{str(mix): (mix.delta, 0.15) for mix in mixes},
    }
    curves = {name: [curve(push, at, eta) for at in STARTS] for name, (push, eta) in pushes.items()}
    slow, fast, slower, *_ = curves.values()
    cost, sure = lambda z: entropy.cost(z, ZERO), np.array([4.0])
    right = gradcheck((cost, lambda z: entropy.delta(z, ZERO)), sure)
    wrong = gradcheck((cost, lambda z: figures_update(z, ZERO)), sure)
    said = f"{'passed' if right else 'failed'}; {' '.join(wrong.causes)}"
    statements = (
        near("outputs before training", [0.8176, 0.9820], [a[0] for a in slow], 5e-5),
        near("quadratic, after 300 epochs", [0.0940, 0.2028], [a[-1] for a in slow], 5e-5),
        near("quadratic, first below 1/2", [36, 232], [*map(below_half, slow)]),
        near("cross-entropy at the same rate, from (2, 2)", 17, below_half(fast[1])),
        near("at the figure's rate it gets to", 0.7796, slower[1][-1], 5e-5),
        Statement("a gradient check of both", f"passed; {LACKS}", said, f"passed; {LACKS}" in said),
    )
    rows = [
        (name, f"{pushes[name][1]:g}", str(start), amount(a[-1]), amount(below_half(a)))
        for name, both in curves.items()
        for start, a in zip(STARTS, both, strict=True)
    ]
    panels = (
        partial(
            lines, curves={name: both[i] for name, both in curves.items()}, x=EPOCHS, named=i > 0,
            title=f"from {start}", xlabel="epoch", ylabel="output a", ylim=(0.0, 1.0),
        )
        for i, start in enumerate(STARTS)
    )  # fmt: skip
    ends = ", ".join(f"{name} {amount(both[1][-1])}" for name, both in curves.items())
    plot = plotted("Output by epoch", f"From (2, 2), at the end: {ends}.", *panels)
    table = Table("Training", ("step", "eta", "from", "output", "below 1/2"), tuple(rows))
    about, values = description(study), {"curves": curves}
    return Study("neuron", "The book's neuron", about, statements, (table,), (plot,), values, quick)


def figures_update(z: Array, y: Array) -> Array:
    """∂C/∂a of the cross-entropy for label 0, which the figure takes for ∂C/∂z."""
    return 1.0 / (1.0 - sigmoid(z))


def curve(push: Push, start: tuple[float, float], eta: float) -> Array:
    """The output before training and after each of 300 epochs."""
    z = [sum(start)]
    for _ in EPOCHS[1:]:  # weight and bias move alike
        z.append(z[-1] - 2.0 * eta * float(push(np.array(z[-1:]), ZERO)[0]))
    return sigmoid(np.array(z))


def below_half(outputs: Array) -> float:
    """The first epoch with an output below ½; infinity if there is none."""
    return next((epoch for epoch, a in enumerate(outputs) if a < 0.5), math.inf)
