"""Linear logits: one sigmoid beside two softmax outputs, and all mixes on published points.

>>> x, y = points()
>>> x.shape, np.bincount(y)
((1000, 2), array([334, 333, 333]))
"""

import hashlib
import inspect
from collections.abc import Iterable
from functools import partial

import numpy as np

from tinygrad_lossmix.compiler.compile import compile
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.lab.data import Data
from tinygrad_lossmix.lab.linear_model import accuracy, descent, draw_regions, with_ones
from tinygrad_lossmix.lab.study import Statement, Study, Table, below, near, plotted
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.printing import amount
from tinygrad_lossmix.views.plotting import lines

SEVEN = (*MIXES, Mix("lml", "ce"))
ONE, TWO, IMPROPER = Mix("sigmoid", "ce"), Mix("softmax", "ll"), Mix("sigmoid", "ll")
HASH = "2717919c4e2a1873ccd5b0fae8b87cbf"


def points() -> tuple[Array, Array]:
    """Those of scikit-learn's example on one-vs-rest: x (1000, 2), classes (1000,)."""
    rng = np.random.RandomState(40)  # the generator of the publication
    sizes, centres = (334, 333, 333), ((-5.0, 0.0), (0.0, 1.5), (5.0, -1.0))
    drawn = [rng.normal(c, 1.0, (n, 2)) for c, n in zip(centres, sizes, strict=True)]
    order = np.arange(1000)
    rng.shuffle(order)
    stretched = np.concatenate(drawn)[order] @ np.array([[0.4, 0.2], [-0.4, 1.2]])
    return stretched, np.repeat(np.arange(3), sizes)[order]


def train(mix: Mix, x: Array, y: Array, w: Array, eta: float) -> tuple[Array, Array]:
    """300 steps of plain descent: the costs (300,) and the weights (300, d, K)."""
    f, taken = compile(lambda w: mix.cost(x @ w, y)), []
    for _ in range(300):
        cost, slope = f(w)
        taken.append((cost, w))
        w = w - eta * slope
    costs, weights = zip(*taken, strict=True)
    return np.array(costs), np.array(weights)


def boundaries(quick: bool = True, mixes: Iterable[Mix] = (), data: Data | None = None) -> Study:
    """For two classes, one sigmoid is two softmax outputs with w = w1 - w2: the same model. In
    training w1 and w2 both move, so the softmax with rate eta is the sigmoid with 2 eta.

    For three classes the mixes differ. One sigmoid per class asks three separate questions, and no
    straight line cuts off a class that lies between two others.

    Mixes of your own stand beside ours, data of your own, of two features, in place of the points.
    """
    x, y = (data.x, data.y) if data else points()
    inputs, labels = with_ones(x), np.eye(2)[np.minimum(y, 1)]  # the first class and the rest
    w = np.random.default_rng(0).normal(size=(inputs.shape[1], 2))
    single, eta = w[:, :1] - w[:, 1:], 0.1 * len(x) / float(np.linalg.norm(inputs, 2)) ** 2
    a = TWO.activate(inputs @ w)[:, :1] - ONE.activate(inputs @ single)
    two, pairs = train(TWO, inputs, labels, w, eta)
    half, slow = train(ONE, inputs, labels[:, :1], single, eta)
    full, fast = train(ONE, inputs, labels[:, :1], single, 2.0 * eta)
    off, apart = (float(np.abs(pairs[..., :1] - pairs[..., 1:] - v).max()) for v in (fast, slow))
    statements = (
        below("outputs of the two models differ by", 3e-16, float(np.abs(a).max())),
        below("weights in training, softmax at eta, sigmoid at 2 eta, differ by", 1e-12, off),
        Statement("and both at eta, by", "more than .01", amount(apart), apart > 0.01),
    )
    costs = {"softmax, eta": two, "sigmoid, 2 eta": full, "sigmoid, eta": half}
    ends = ", ".join(f"{name}: {amount(cost[-1])}" for name, cost in costs.items())
    fits = {mix: [*descent(mix, x, y, 1 / len(x), 400)][-1][-1] for mix in (*SEVEN, *mixes)}
    right = {str(mix): accuracy(mix, w, x, y) for mix, w in fits.items()}
    path = partial(lines, curves=costs, xlabel="step", ylabel="cost", yscale="log")
    panels = [partial(draw_regions, mix=mix, w=w, x=x, y=y) for mix, w in fits.items()]
    figures = (
        plotted("Two classes: the cost by step", f"At the end {ends}.", path),
        plotted("Three classes: the largest output", f"Right: {right}.", *panels, across=3),
    )
    about, values = inspect.getdoc(boundaries) or "", {"costs": costs, "accuracy": right}
    return Study("boundaries", "Decision boundaries", about, statements, (), figures, values, quick)


def published(quick: bool = True, mixes: Iterable[Mix] = ()) -> Study:
    """1000 points of three classes, linear logits, a penalty of 1/n on the weights, fitted until
    the slope is rounding. One sigmoid per class (one-vs-rest) is sigmoid with cross-entropy,
    multinomial is softmax with log-likelihood: what scikit-learn's example gives for both comes
    out. With sigmoids the log-likelihood has no minimum: it falls while the answers get worse.

    Mixes of your own stand beside ours.
    """
    x, y = points()
    whole = [each.astype("<i8").tobytes() for each in (np.rint(x * 1e6), y)]
    found = hashlib.sha256(b"".join(whole)).hexdigest()[:32]
    steps = {mix: [*descent(mix, x, y, 1 / len(x))] for mix in (*SEVEN, *mixes)}
    right = {mix: accuracy(mix, taken[-1][-1], x, y) for mix, taken in steps.items()}
    costs = [cost for cost, _, _ in steps[IMPROPER]]
    curve = [accuracy(IMPROPER, w, x, y) for _, _, w in steps[IMPROPER]]
    best = int(np.argmax(curve))
    worst = best + int(np.argmin(curve[best:]))
    fall = "; ".join(
        f"step {i}: cost {amount(costs[i])}, accuracy {curve[i]:.3f}" for i in (best, worst)
    )
    fell = costs[worst] < costs[best] / 10 and curve[worst] < curve[best] - 0.05
    statements = (
        Statement("SHA-256 of the points, in millionths", HASH, found, found == HASH),
        near("accuracy of softmax with log-likelihood", 0.995, right[TWO], 5e-4),
        near("accuracy of sigmoid with cross-entropy", 0.976, right[ONE], 5e-4),
        Statement(f"{IMPROPER}: from its best accuracy on", "both fall", fall, fell),
    )
    rows = ((str(m), f"{right[m]:.3f}", *map(amount, t[-1][:2])) for m, t in steps.items())
    table = Table("Fitted", ("mix", "accuracy", "cost", "largest slope"), tuple(rows))
    name = str(IMPROPER)
    cost = partial(lines, curves={name: costs}, named=False, xlabel="step", ylabel="cost")
    answers = partial(lines, curves={name: curve}, named=False, xlabel="step", ylabel="accuracy")
    plot = plotted(name, fall, partial(cost, yscale="log"), answers)
    values = {"accuracy": {str(m): a for m, a in right.items()}, "costs": costs, "curve": curve}
    about = inspect.getdoc(published) or ""
    return Study(
        "published", "A published table", about, statements, (table,), (plot,), values, quick
    )
