"""Three Gaussians whose right answer is known: how far are the outputs from it?

>>> true_posterior(np.array([[0.0, 0.0]])).round(3)
array([[0.6  , 0.161, 0.24 ]])
"""

import inspect
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.lab.linear_model import descent, outputs, right
from tinygrad_lossmix.lab.study import Statement, Study, Table, below, near, plotted
from tinygrad_lossmix.lab.training import calibration_error
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.printing import amount
from tinygrad_lossmix.views.plotting import SERIES, lines

MEANS, PRIORS = np.array([[-1.0, 0.0], [0.0, 1.2], [1.0, 0.0]]), np.array([0.5, 0.3, 0.2])
PAIRS, MIDDLES = ("softmax ll", "sigmoid ce", "sigmoid ll"), np.arange(0.05, 1.0, 0.1)


def true_posterior(x: Array) -> Array:
    """The probabilities of the classes at points x (n, 2): (n, 3)."""
    p = PRIORS * np.exp(-0.5 * ((x[:, None] - MEANS) ** 2).sum(axis=-1))
    return p / p.sum(axis=-1, keepdims=True)


def study(quick: bool = True, mixes: Iterable[Mix] = ()) -> Study:
    """Points from three Gaussians of unit covariance, linear logits. The posterior is a softmax of
    such logits, so softmax outputs can get there, and the error that is left is that of a sample;
    one sigmoid per class cannot. The accuracy asks only which output is the largest: it hardly
    tells the mixes apart, not even one whose outputs are all 1.

    The lines ask whether of the outputs about .3 some 30 % are of the right class; sigmoids pass
    that too, for the errors of single points, the crosses, cancel.

    Mixes of your own stand beside ours.
    """
    rng = np.random.default_rng(0)
    classes = [rng.choice(3, n, p=PRIORS) for n in (10_000 if quick else 100_000, 20_000)]
    x, x_test = (MEANS[of] + rng.normal(size=(len(of), 2)) for of in classes)
    y, y_test = (np.eye(3)[of] for of in classes)
    truth = true_posterior(x_test)
    found = {"the posterior": truth}
    for mix in (*MIXES, Mix("lml", "ce"), *mixes):
        *_, (_, _, w) = descent(mix, x, y, steps=200)
        found[str(mix)] = outputs(mix, w, x_test)
    part = {name: right(a, y_test) for name, a in found.items()}
    rmse = {name: float(np.sqrt(((a - truth) ** 2).mean())) for name, a in found.items()}
    ece = {name: calibration_error(a, classes[1]) for name, a in found.items()}
    softmax, sigmoid, ones = (str(Mix(*words.split())) for words in PAIRS)
    statements = (
        below(f"RMSE of {softmax}", 0.01, rmse[softmax]),
        near(f"RMSE of {sigmoid}", 0.06, rmse[sigmoid], 0.01),
        Statement(f"RMSE of {ones}", "above .5", amount(rmse[ones]), rmse[ones] > 0.5),
        below("yet all accuracies within", 0.01, max(part.values()) - min(part.values())),
    )
    rows = ((name, f"{part[name]:.4f}", *map(amount, (rmse[name], ece[name]))) for name in found)
    table = Table("Outputs for 20,000 points", ("mix", "accuracy", "RMSE", "ECE"), tuple(rows))
    panels = [
        partial(
            draw, a=a, y=y_test, truth=truth,
            title=f"{name}\naccuracy {part[name]:.3f}, RMSE {rmse[name]:.4f}",
        )
        for name, a in found.items()
    ]  # fmt: skip
    said = ", ".join(f"{name} {amount(error)}" for name, error in rmse.items())
    plot = plotted(
        "Crosses: the posterior by the output. Dashed: the part that is right",
        f"RMSE: {said}.",
        *panels,
        across=3,
    )
    about, values = inspect.getdoc(study) or "", {"accuracy": part, "rmse": rmse, "ece": ece}
    return Study(
        "posterior", "Known posterior", about, statements, (table,), (plot,), values, quick
    )


def draw(axes: Any, a: Array, y: Array, truth: Array, title: str) -> None:
    """A reliability diagram over the posterior of some points, by the output."""
    axes.plot(a[:40].ravel(), truth[:40].ravel(), "x", color=SERIES[4], markersize=3)
    curves = {"right": MIDDLES, "measured": reliability(a, y)}
    lines(axes, curves, MIDDLES, named=False, title=title, xlabel="output", ylabel="probability")
    axes.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))


def reliability(a: Array, y: Array) -> Array:
    """In ten bins of the outputs (n, K), the part that belongs to the right class; few: NaN."""
    counts, hits = (np.histogram(a, 10, (0.0, 1.0), weights=of)[0] for of in (None, y))
    return np.where(counts > 99, hits / np.maximum(counts, 1), np.nan)
