"""Three Gaussians whose right answer is known: how far are the outputs from it?

>>> true_posterior(np.array([[0.0, 0.0]])).round(3)
array([[0.6  , 0.161, 0.24 ]])
"""

import inspect
from collections.abc import Iterable
from functools import partial

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.lab.linear_model import descent, with_ones
from tinygrad_lossmix.lab.study import Statement, Study, Table, below, near, plotted
from tinygrad_lossmix.lab.training import calibration_error
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.printing import amount
from tinygrad_lossmix.views.plotting import bars, lines

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

    Reliability: of the outputs about .3, 30 % should belong to the right class.

    Mixes of your own stand beside ours.
    """
    rng = np.random.default_rng(0)
    y, y_test = (rng.choice(3, n, p=PRIORS) for n in (10_000 if quick else 100_000, 20_000))
    x, x_test = (MEANS[of] + rng.normal(size=(len(of), 2)) for of in (y, y_test))
    truth = true_posterior(x_test)
    outputs = {"the posterior": truth}
    for mix in (*MIXES, Mix("lml", "ce"), *mixes):
        *_, (_, _, w) = descent(mix, x, y, steps=200)
        outputs[str(mix)] = mix.activate(with_ones(x_test) @ w)
    right = {m: float((a.argmax(axis=-1) == y_test).mean()) for m, a in outputs.items()}
    rmse = {m: float(np.sqrt(((a - truth) ** 2).mean())) for m, a in outputs.items()}
    ece = {m: calibration_error(a, y_test) for m, a in outputs.items()}
    softmax, sigmoid, ones = (str(Mix(*words.split())) for words in PAIRS)
    spread = max(right.values()) - min(right.values())
    statements = (
        below(f"RMSE of {softmax}", 0.01, rmse[softmax]),
        near(f"RMSE of {sigmoid}", 0.06, rmse[sigmoid], 0.01),
        Statement(f"RMSE of {ones}", "above .5", amount(rmse[ones]), rmse[ones] > 0.5),
        below("accuracies, from one another", 0.01, spread),
    )
    rows = ((m, f"{right[m]:.4f}", *map(amount, (rmse[m], ece[m]))) for m in outputs)
    table = Table("Outputs for 20,000 points", ("mix", "accuracy", "RMSE", "ECE"), tuple(rows))
    curves = {m: reliability(a, y_test) for m, a in outputs.items()}
    said = ", ".join(f"{m} {amount(error)}" for m, error in rmse.items())
    plots = (
        plotted(
            "Accuracy and error",
            f"Accuracies from {min(right.values()):.4f} on, {spread:.4f} apart. RMSE: {said}.",
            partial(bars, values=right, xlabel="accuracy"),
            partial(bars, values=rmse, xlabel="RMSE of the outputs", yticks=[]),
        ),
        plotted(
            "Reliability",
            f"ECE: {', '.join(f'{m} {amount(error)}' for m, error in ece.items())}.",
            partial(lines, curves=curves, x=MIDDLES, xlabel="output", ylabel="part that is right"),
            across=1,
        ),
    )
    about, values = inspect.getdoc(study) or "", {"accuracy": right, "rmse": rmse, "ece": ece}
    return Study("posterior", "Known posterior", about, statements, (table,), plots, values, quick)


def reliability(a: Array, y: Array) -> Array:
    """In ten bins of the outputs (n, K), the part that belongs to the right class; few: NaN."""
    own = np.eye(a.shape[1])[y]
    counts, hits = (np.histogram(a, 10, (0.0, 1.0), weights=of)[0] for of in (None, own))
    return np.where(counts > 99, hits / np.maximum(counts, 1), np.nan)
