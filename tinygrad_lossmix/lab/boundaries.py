"""Linear logits: one sigmoid beside two softmax outputs, and all mixes on published points.

>>> x, y = points()
>>> x.shape, y.sum(axis=0)
((1000, 2), array([334., 333., 333.]))
"""

import hashlib
import inspect
from collections.abc import Iterable
from functools import partial

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.lab.data import Data
from tinygrad_lossmix.lab.linear_model import descent, draw_regions, outputs, right
from tinygrad_lossmix.lab.study import Statement, Study, Table, below, near, plotted
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.printing import amount
from tinygrad_lossmix.views.plotting import lines

SEVEN = (*MIXES, Mix("lml", "ce"))
ONE, TWO, IMPROPER = Mix("sigmoid", "ce"), Mix("softmax", "ll"), Mix("sigmoid", "ll")
HASH = "8e1709325addcb6cacf5d12fd7eb74fd"


def points() -> tuple[Array, Array]:
    """Those of scikit-learn's example on one-vs-rest: x (1000, 2) and labels (1000, 3)."""
    rng = np.random.RandomState(40)  # the generator of the publication
    sizes, centres = (334, 333, 333), ((-5.0, 0.0), (0.0, 1.5), (5.0, -1.0))
    drawn = [rng.normal(c, 1.0, (n, 2)) for c, n in zip(centres, sizes, strict=True)]
    rng.shuffle(order := np.arange(1000))
    stretched = np.concatenate(drawn)[order] @ np.array([[0.4, 0.2], [-0.4, 1.2]])
    return stretched, np.eye(3)[np.repeat(np.arange(3), sizes)[order]]


def boundaries(quick: bool = True, mixes: Iterable[Mix] = (), data: Data | None = None) -> Study:
    """For two classes, one sigmoid is two softmax outputs with w = w1 - w2: the same model. In
    training w1 and w2 both move, so the softmax with rate eta is the sigmoid with 2 eta.

    For three classes the mixes differ. One sigmoid per class asks three separate questions, and no
    straight line cuts off a class that lies between two others.

    Mixes of your own stand beside ours, data of your own, of two features, in place of the points.
    """
    x, y = (data.x, np.eye(data.classes)[data.y]) if data else points()
    rest = np.column_stack([y[:, 0], 1.0 - y[:, 0]])  # the first class and all others
    runs = {
        "softmax, eta": descent(TWO, x, rest, rate=0.5, steps=100),
        "sigmoid, 2 eta": descent(ONE, x, rest[:, :1], rate=1.0, steps=100),
        "sigmoid, eta": descent(ONE, x, rest[:, :1], rate=0.5, steps=100),
    }
    parts = [[*zip(*run, strict=True)] for run in runs.values()]
    costs = {name: part[0] for name, part in zip(runs, parts, strict=True)}
    pairs, twice, once = (np.array(part[2]) for part in parts)
    single = pairs[..., :1] - pairs[..., 1:]
    off = [float(np.abs(single - w).max()) for w in (twice, once)]
    w = np.random.default_rng(0).normal(size=pairs[0].shape)
    a = outputs(TWO, w, x)[:, :1] - outputs(ONE, w[:, :1] - w[:, 1:], x)
    statements = (
        below("outputs of both with random w1, w2 differ by", 3e-16, float(np.abs(a).max())),
        below("trained, softmax at eta, sigmoid at 2 eta: weights by", 1e-12, off[0]),
        Statement("trained, both at eta", "by more than .01", amount(off[1]), off[1] > 0.01),
    )
    fits = {mix: [*descent(mix, x, y, 1 / len(x), 400)][-1][-1] for mix in (*SEVEN, *mixes)}
    part = {str(mix): right(outputs(mix, w, x), y) for mix, w in fits.items()}
    said = ", ".join(f"{mix} {found:.3f}" for mix, found in part.items())
    ends = ", ".join(f"{name}: {amount(cost[-1])}" for name, cost in costs.items())
    path = partial(lines, curves=costs, xlabel="step", ylabel="cost", yscale="log")
    panels = [partial(draw_regions, mix=mix, w=w, x=x, y=y) for mix, w in fits.items()]
    figures = (
        plotted("Two classes: the cost by step", f"At the end {ends}.", path),
        plotted("Three classes: the largest output", f"Right: {said}.", *panels, across=3),
    )
    about, values = inspect.getdoc(boundaries) or "", {"costs": costs, "accuracy": part}
    return Study("boundaries", "Decision boundaries", about, statements, (), figures, values, quick)


def published(quick: bool = True, mixes: Iterable[Mix] = ()) -> Study:
    """1000 points of three classes, linear logits, a penalty of 1/n on the weights, fitted until
    the slope is rounding. One sigmoid per class (one-vs-rest) is sigmoid with cross-entropy,
    multinomial is softmax with log-likelihood: what scikit-learn's example gives for both comes
    out. With sigmoids the log-likelihood has no minimum: it falls while the answers get worse.

    Mixes of your own stand beside ours.
    """
    x, y = points()
    whole = np.column_stack([np.rint(x * 1e6), y.argmax(axis=-1)]).astype("<i8")
    found = hashlib.sha256(whole.tobytes()).hexdigest()[:32]
    steps = {mix: [*descent(mix, x, y, 1 / len(x))] for mix in (*SEVEN, *mixes)}
    part = {mix: right(outputs(mix, taken[-1][-1], x), y) for mix, taken in steps.items()}
    costs = [cost for cost, _, _ in steps[IMPROPER]]
    curve = [right(outputs(IMPROPER, w, x), y) for _, _, w in steps[IMPROPER]]
    best = int(np.argmax(curve))
    worst = best + int(np.argmin(curve[best:]))
    fall = "; ".join(
        f"step {i + 1}: cost {amount(costs[i])}, accuracy {curve[i]:.3f}" for i in (best, worst)
    )
    fell = costs[worst] < costs[best] / 10 and curve[worst] < curve[best] - 0.05
    statements = (
        Statement("SHA-256 of the points, in millionths", HASH, found, found == HASH),
        near("accuracy of softmax with log-likelihood", 0.995, part[TWO], 5e-4),
        near("accuracy of sigmoid with cross-entropy", 0.976, part[ONE], 5e-4),
        Statement(f"{IMPROPER}: from its best accuracy on", "both fall", fall, fell),
    )
    rows = ((str(m), f"{part[m]:.3f}", *map(amount, t[-1][:2])) for m, t in steps.items())
    table = Table("Fitted", ("mix", "accuracy", "cost", "largest slope"), tuple(rows))
    show = partial(lines, named=False, xlabel="step")
    panels = (
        partial(show, curves={"cost": costs}, ylabel="cost", yscale="log"),
        partial(show, curves={"accuracy": curve}, ylabel="accuracy"),
    )
    plot = plotted(str(IMPROPER), fall, *panels)
    values = {"accuracy": {str(m): a for m, a in part.items()}, "costs": costs, "curve": curve}
    about, title = inspect.getdoc(published) or "", "A published table"
    return Study("published", title, about, statements, (table,), (plot,), values, quick)
