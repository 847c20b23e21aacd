"""Linear logits: decision boundaries, a published comparison, and a known posterior.

>>> x, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.eye(2)[[0, 0, 1, 1]]
>>> [*_, (cost, slope, w)] = descent(Mix("softmax", "ll"), x, y, penalty=0.1)
>>> slope < 1e-9, right(outputs(Mix("softmax", "ll"), w, x), y)
(True, 1.0)
"""

import hashlib
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.lab.data import Data, DataError, scaled
from tinygrad_lossmix.lab.study import Statement, Study, Table, below, description, near, plotted
from tinygrad_lossmix.lab.training import calibration_error, compiled_or_recorded
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.printing import amount
from tinygrad_lossmix.views.plotting import SERIES, lines

SEVEN = (*MIXES, Mix("lml", "ce"))
ONE, TWO, IMPROPER = Mix("sigmoid", "ce"), Mix("softmax", "ll"), Mix("sigmoid", "ll")
HASH = "8e1709325addcb6cacf5d12fd7eb74fd"
MEANS, PRIORS = np.array([[-1.0, 0.0], [0.0, 1.2], [1.0, 0.0]]), np.array([0.5, 0.3, 0.2])
MIDDLES = np.arange(0.05, 1.0, 0.1)


def boundaries(quick: bool = True, mixes: Iterable[Mix] = (), data: Data | None = None) -> Study:
    """For two classes, one sigmoid is two softmax outputs with w = w1 - w2: the same model. In
    training w1 and w2 both move, so the softmax with rate eta is the sigmoid with 2 eta.

    For three classes the mixes differ. One sigmoid per class asks three separate questions, and no
    straight line cuts off a class that lies between two others.

    Args:
        quick: the same either way.
        mixes: of your own, beside ours.
        data: of your own, of two features, which are standardised, in place of the points.

    Raises:
        DataError: the data have another number of features.
    """
    x, y = (scaled(data, slice(None)), np.eye(data.classes)[data.y]) if data else points()
    if x.shape[1] != 2:
        words = "choose two of them, or other studies"
        raise DataError(f"boundaries are drawn over 2 features, not {x.shape[1]}: {words}")
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
    apart = np.abs(outputs(TWO, w, x)[:, :1] - outputs(ONE, w[:, :1] - w[:, 1:], x)).max()
    bound = 1e-15 if data else 3e-16
    statements = (
        below("outputs of both with random w1, w2 differ by", bound, float(apart)),
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
        plotted("All classes: the largest output", f"Right: {said}.", *panels, across=3),
    )
    about, values = description(boundaries), {"costs": costs, "accuracy": part}
    title = f"Decision boundaries{f' on {data.name}' if data else ''}"
    sure = statements[:2] if data else statements
    return Study("boundaries", title, about, sure, (), figures, values, quick)


def published(quick: bool = True, mixes: Iterable[Mix] = ()) -> Study:
    """1000 points of three classes, linear logits, a penalty of 1/n on the weights, fitted until
    the slope is rounding. One sigmoid per class (one-vs-rest) is sigmoid with cross-entropy,
    multinomial is softmax with log-likelihood: what scikit-learn's example gives for both comes
    out. With sigmoids the log-likelihood has no minimum: it falls while the answers get worse.

    Args:
        quick: the same either way.
        mixes: of your own, beside ours.
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
    about, title = description(published), "A published table"
    return Study("published", title, about, statements, (table,), (plot,), values, quick)


def posterior(quick: bool = True, mixes: Iterable[Mix] = ()) -> Study:
    """Points from three Gaussians of unit covariance, linear logits. The posterior is a softmax of
    such logits, so softmax outputs can get there, and the error that is left is that of a sample;
    one sigmoid per class cannot. The accuracy asks only which output is the largest: it hardly
    tells the mixes apart, not even one whose outputs are all 1.

    The lines ask whether of the outputs about .3 some 30 % are of the right class; sigmoids pass
    that too, for the errors of single points, the crosses, cancel.

    Args:
        quick: 10,000 points, not 100,000.
        mixes: of your own, beside ours.
    """
    rng = np.random.default_rng(0)
    classes = [rng.choice(3, n, p=PRIORS) for n in (10_000 if quick else 100_000, 20_000)]
    x, x_test = (MEANS[of] + rng.normal(size=(len(of), 2)) for of in classes)
    y, y_test = (np.eye(3)[of] for of in classes)
    truth = true_posterior(x_test)
    found = {"the posterior": truth}
    for mix in (*SEVEN, *mixes):
        *_, (_, _, w) = descent(mix, x, y, steps=200)
        found[str(mix)] = outputs(mix, w, x_test)
    part = {name: right(a, y_test) for name, a in found.items()}
    rmse = {name: float(np.sqrt(((a - truth) ** 2).mean())) for name, a in found.items()}
    ece = {name: calibration_error(a, classes[1]) for name, a in found.items()}
    softmax, sigmoid, ones = map(str, (TWO, ONE, IMPROPER))
    ours = [part[str(name)] for name in ("the posterior", *SEVEN)]
    statements = (
        below(f"RMSE of {softmax}", 0.01, rmse[softmax]),
        near(f"RMSE of {sigmoid}", 0.06, rmse[sigmoid], 0.01),
        Statement(f"RMSE of {ones}", "above .5", amount(rmse[ones]), rmse[ones] > 0.5),
        below("yet all accuracies within", 0.01, max(ours) - min(ours)),
    )
    rows = ((name, f"{part[name]:.4f}", *map(amount, (rmse[name], ece[name]))) for name in found)
    table = Table("Outputs for 20,000 points", ("mix", "accuracy", "RMSE", "ECE"), tuple(rows))
    panels = [
        partial(
            draw_reliability, a=a, y=y_test, truth=truth,
            title=f"{name}\naccuracy {part[name]:.3f}, RMSE {rmse[name]:.4f}",
        )
        for name, a in found.items()
    ]  # fmt: skip
    said = ", ".join(f"{name} {amount(error)}" for name, error in rmse.items())
    plot = plotted(
        "Reliability: dashed by bins, crosses by points", f"RMSE: {said}.", *panels, across=3
    )
    values = {"accuracy": part, "rmse": rmse, "ece": ece}
    about, title = description(posterior), "Known posterior"
    return Study("posterior", title, about, statements, (table,), (plot,), values, quick)


def points() -> tuple[Array, Array]:
    """Those of scikit-learn's example on one-vs-rest: x (1000, 2) and labels (1000, 3)."""
    rng = np.random.RandomState(40)  # the generator of the publication
    sizes, centres = (334, 333, 333), ((-5.0, 0.0), (0.0, 1.5), (5.0, -1.0))
    drawn = [rng.normal(c, 1.0, (n, 2)) for c, n in zip(centres, sizes, strict=True)]
    rng.shuffle(order := np.arange(1000))
    stretched = np.concatenate(drawn)[order] @ np.array([[0.4, 0.2], [-0.4, 1.2]])
    return stretched, np.eye(3)[np.repeat(np.arange(3), sizes)[order]]


def true_posterior(x: Array) -> Array:
    """The probabilities of the classes at points x (n, 2): (n, 3)."""
    p = PRIORS * np.exp(-0.5 * ((x[:, None] - MEANS) ** 2).sum(axis=-1))
    return p / p.sum(axis=-1, keepdims=True)


def with_ones(x: Array) -> Array:
    """Examples (n, d) with a feature that is always 1, for the biases."""
    return np.column_stack([x, np.ones(len(x))])


def descent(
    mix: Mix, x: Array, y: Array, penalty: float = 0.0, steps: int = 1000, rate: float = 1.0
) -> Iterator[tuple[float, float, Array]]:
    """The cost, the largest slope and the weights (d + 1, K), step by step from zero weights.

    Nesterov's accelerated descent, restarted where it goes uphill (O'Donoghue and Candes 2015), for
    labels y (n, K). The penalty is that of ½ · the sum of squares of the weights, not the biases.
    """
    x = with_ones(x)

    def penalised(w: Any) -> Any:
        return mix.cost(x @ w, y) + 0.5 * penalty * np.sum(w[:-1] ** 2)

    f = compiled_or_recorded(penalised, 0, str(mix))
    eta, speed, slope = rate * len(x) / np.linalg.norm(x, 2) ** 2, 0, np.inf
    w = ahead = np.zeros((x.shape[1], y.shape[1]))
    while steps and slope > 1e-10:
        cost, gradient = f(ahead)
        slope, steps = float(np.abs(gradient).max()), steps - 1
        yield float(cost), slope, ahead
        before, w = w, ahead - eta * gradient
        speed = 0 if np.vdot(gradient, w - before) > 0.0 else speed + 1
        ahead = w + speed / (speed + 3) * (w - before)


def outputs(mix: Mix, w: Array, x: Array) -> Array:
    """Of a mix with these weights, for examples x (n, d): (n, K)."""
    return mix.activate(with_ones(x) @ w)


def right(a: Array, y: Array) -> float:
    """The part of the outputs (n, K) whose largest one is that of the label (n, K)."""
    return float((a.argmax(axis=-1) == y.argmax(axis=-1)).mean())


def draw_regions(axes: Any, mix: Mix, w: Array, x: Array, y: Array) -> None:
    """Where which output is the largest over two features, with some examples of each class."""
    low, high = x.min(axis=0) - 0.3, x.max(axis=0) + 0.3
    grid = np.stack(np.meshgrid(*np.linspace(low, high, 60).T), axis=-1)
    a = outputs(mix, w, grid.reshape(-1, 2))
    for k, colour in zip(range(a.shape[1]), cycle(SERIES)):
        lead = (a[:, k] - np.delete(a, k, axis=1).max(axis=1)).reshape(grid.shape[:2])
        axes.contourf(*grid.transpose(2, 0, 1), lead, [0.0, np.inf], colors=[colour], alpha=0.25)
        axes.plot(*x[y[:, k] == 1.0][:30].T, "os^Dvp*"[k % 7], color=colour, markersize=2.5)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="x[0]", ylabel="x[1]")
    axes.set_title(f"{mix}\n{right(outputs(mix, w, x), y):.1%} right", parse_math=False)


def draw_reliability(axes: Any, a: Array, y: Array, truth: Array, title: str) -> None:
    """A reliability diagram over the posterior of some points, by the output."""
    axes.plot(a[:40].ravel(), truth[:40].ravel(), "x", color=SERIES[4], markersize=3)
    curves = {"right": MIDDLES, "measured": reliability(a, y)}
    lines(axes, curves, MIDDLES, named=False, title=title, xlabel="output", ylabel="probability")
    axes.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))


def reliability(a: Array, y: Array) -> Array:
    """In ten bins of the outputs (n, K), the part that belongs to the right class; few: NaN."""
    counts, hits = (np.histogram(a, 10, (0.0, 1.0), weights=of)[0] for of in (None, y))
    return np.where(counts > 99, hits / np.maximum(counts, 1), np.nan)
