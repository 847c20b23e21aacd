"""A network on the digits: mixes by learning rates, and pairings that frameworks let pass.

>>> [mix.words for mix in WRONG][:2]
['softmax torch_ce', 'sigmoid torch_ce']
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from tinygrad_lossmix import files
from tinygrad_lossmix.answers.diagnosis.diagnose import diagnose
from tinygrad_lossmix.answers.plateau.constants import sigmoid_floor, softmax_floor
from tinygrad_lossmix.answers.plateau.plateau import plateau
from tinygrad_lossmix.compiler.stabilize import WrongPairing
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.lab.data import Data, digits
from tinygrad_lossmix.lab.report import ranking
from tinygrad_lossmix.lab.studies import Result, compare
from tinygrad_lossmix.lab.study import Statement, Study, Table, below, description, plotted
from tinygrad_lossmix.lab.training import Settings, begun, descend, in_slices
from tinygrad_lossmix.mixes.costs import cross_entropy, log_likelihood
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.mixes.outputs import sigmoid, softmax
from tinygrad_lossmix.printing import amount
from tinygrad_lossmix.views.plotting import SERIES, arranged, heat, inline, lines, rendered

SLOW, ONES, LEVEL = "sigmoid quadratic", "sigmoid ll", ("sigmoid ce", "softmax ll", "softmax ce")
HEAD = ("mix", "accuracy", "never predicted", "cost", "ECE", "to 90 %", "to 95 %", "right", "wrong")


def torch_ce(a: Any, y: Any) -> Any:
    """PyTorch's CrossEntropyLoss, of outputs where it wants logits."""
    return log_likelihood(softmax(a), y)


def torch_bce(a: Any, y: Any) -> Any:
    """PyTorch's BCEWithLogitsLoss, of outputs where it wants logits; a mean over the classes."""
    return cross_entropy(sigmoid(a), y) / a.shape[-1]


def keras_ce(a: Any, y: Any) -> Any:
    """Keras' categorical_crossentropy, which divides the outputs by their sum."""
    return log_likelihood(a / np.sum(a, axis=-1, keepdims=True), y)


OF_BCE: Callable[[int], float] = lambda k: float(sigmoid_floor(k) / k)
WRONG: dict[Mix, tuple[str, Callable[[int], float]]] = {  # what it is, and its floor
    Mix("softmax", torch_ce): ("softmax twice + log-likelihood", softmax_floor),
    Mix("sigmoid", torch_ce): ("softmax of sigmoid + log-likelihood", softmax_floor),
    Mix("softmax", torch_bce): ("sigmoid of softmax + cross-entropy", OF_BCE),
    Mix("sigmoid", keras_ce): ("sigmoid + log-likelihood", lambda k: 0.0),
}


def mixed(
    quick: bool = True, mixes: Iterable[Mix] = (), data: Data | None = None, **where: Any
) -> Study:
    """A network with 30 hidden sigmoids, mini-batches of ten, at three learning rates. On digits
    sigmoid with cross-entropy and softmax with either cost differ by less than seeds do: no winner
    is declared. The quadratic cost is slower; sigmoid with log-likelihood drives every output to 1,
    at a cost near 0. Bands go from the least seed to the largest.

    Args:
        quick: 3 seeds and 20 epochs, not 5 and 60.
        mixes: of your own, beside ours.
        data: of your own, in place of the digits and without what is stated of these.
        where: executor and journal of the runs, as for `compare`.
    """
    ours, data, shape = data is None, data or digits(), (3, 20) if quick else (5, 60)
    plans = {eta: Settings(*shape, eta=eta) for eta in (0.1, 0.5, 1.0)}
    found = {eta: compare((*MIXES, *mixes), data, plan, **where) for eta, plan in plans.items()}
    ties = [ranking([r for r in results if r.mix.words in LEVEL]) for results in found.values()]
    of = {result.mix.words: result for result in found[0.5]}
    wrong = fmean(run.wrong for run in of[ONES].runs)
    slower = of[SLOW].epochs_to_goal / of[LEVEL[0]].epochs_to_goal
    level = all("cannot" in tie and "worse" not in tie for tie in ties)
    statements = (
        Statement(
            ", ".join(LEVEL),
            "cannot be told apart at any rate",
            " ".join(dict.fromkeys(ties)),
            level,
        ),
        below(f"{ONES}: accuracy", 0.5, of[ONES].accuracy.mean),
        below("at a cost of", 0.1, of[ONES].cost),
        Statement("and a mean output of wrong classes", "above .5", amount(wrong), wrong > 0.5),
        Statement(f"{SLOW}: epochs to 95 %", "twice as many", amount(slower), slower >= 2.0),
    )
    rows = [(f"{eta:g}", *row(result)) for eta, results in found.items() for result in results]
    plots = [panels(results, f"eta {eta:g}")[0] for eta, results in found.items()]
    plots += panels(found[0.5], "eta 0.5")[1:]
    maps = [outputs_seen(mix, *trained(mix, data, plans[0.5])[:2]) for mix in MIXES[:3]]
    said = ", ".join(f"{name} {result.accuracy.mean:.1%}" for name, result in of.items())
    figures = (
        plotted("Learning curves", f"Accuracy at the end, eta .5: {said}", *plots),
        plotted("Mean outputs", f"Of wrong classes, {ONES}: {wrong:.4f}", *maps, across=3),
    )
    table, about = Table("At the end", ("eta", *HEAD), tuple(rows)), description(mixed)
    values = {f"{eta:g}": curves(results, "accuracy") for eta, results in found.items()}
    title = f"Networks on {data.name}"
    return Study("digits", title, about, statements * ours, (table,), figures, values, quick)


def paired(
    quick: bool = True, mixes: Iterable[Mix] = (), data: Data | None = None, **where: Any
) -> Study:
    """Pairings that PyTorch and Keras accept: a softmax or a sigmoid before a loss that applies
    one itself, and Keras' categorical cross-entropy on sigmoids. Three of them stay above a floor,
    and the loss looks like slow learning; outputs, labels and loss of one batch tell which it is.

    Args:
        quick: 3 seeds and 30 epochs, not 5 and 60.
        mixes: pairings of your own, beside these.
        data: of your own, in place of the digits and without what is stated of these.
        where: executor and journal of the runs, as for `compare`.
    """
    ours, data = data is None, data or digits()
    plan = Settings(3 if quick else 5, 30 if quick else 60, eta=0.5)
    k, rows, maps, names, over = data.classes, [], [], {}, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WrongPairing)
        results = compare((Mix("softmax", "ll"), *WRONG, *mixes), data, plan, **where)
        ends = {result.mix: trained(result.mix, data, plan) for result in results}
    for result in results:
        (a, y, loss), mix = ends[result.mix], result.mix
        known = np.isfinite(loss)
        matches = diagnose(a, y, loss).matches if known else ()
        names[mix] = ", ".join(match.pair for match in matches)
        accuracy = float((a.argmax(axis=-1) == y).mean())
        stuck = [x.name for x in plateau(f"{loss:.4f}", k, accuracy).matches] if known else []
        floor = WRONG[mix][1](k) if mix in WRONG else 0.0
        over[mix] = min(epoch.cost for run in result.runs for epoch in run.curve) - floor
        rows.append((*row(result)[:4], amount(floor), names[mix], ", ".join(stuck[:1]) or "-"))
        maps.append(outputs_seen(mix, a, y))
    called, said = [name for name, _ in WRONG.values()], [names[mix] for mix in WRONG]
    never = fmean(len(run.never_predicted) for run in results[1].runs)
    least = min(over[mix] for mix in WRONG)
    statements = (
        Statement("what they are diagnosed as", ", ".join(called), ", ".join(said), called == said),
        Statement("least cost, over its floor", "above 0", amount(least), least > 0.0),
        Statement("softmax twice: digits never predicted", "some", amount(never), never > 0.0),
    )
    accuracies, costs = panels(results)
    head = (*HEAD[:4], "floor", "diagnosed as", "plateau")
    seen = "Classes never predicted: " + ", ".join(f"{row[0]} {row[2]}" for row in rows)
    figures = (
        plotted(
            "Learning curves, and the floors", seen, accuracies, partial(with_floors, costs, k)
        ),
        plotted("Mean outputs", seen, *maps, across=3),
    )
    table, about = Table("At the end", head, tuple(rows)), description(paired)
    values = {of: curves(results, of) for of in ("accuracy", "cost")}
    title = f"Wrong pairings on {data.name}"
    return Study("pairings", title, about, statements * ours, (table,), figures, values, quick)


def with_floors(panel: Callable[[Any], None], k: int, axes: Any) -> None:
    """What a panel draws, over the floors for k classes."""
    panel(axes)
    for _, floor in WRONG.values():
        axes.axhline(floor(k), color=SERIES[4], linewidth=0.6)


def trained(mix: Mix, data: Data, plan: Settings) -> tuple[Array, Array, float]:
    """The outputs for the training examples, their classes, and the cost, as seed 0 leaves them."""
    parts, p, rng = begun(data, plan)
    *_, p = descend(mix, parts, p, rng, plan)
    z = in_slices(parts.x, p)
    return mix.activate(z), parts.y, float(mix.cost(z, parts.y))


def outputs_seen(mix: Mix, a: Array, y: Array) -> Callable[[Any], None]:
    """Draws the mean output of each class (n, K) for the examples of each class (n,)."""
    means = np.stack([a[y == k].mean(axis=0) for k in range(a.shape[1])])
    return partial(heat, values=means, title=mix.words, xlabel="output", ylabel="class")


def row(result: Result) -> tuple[str, ...]:
    """What `HEAD` names."""
    runs, accuracy = result.runs, result.accuracy
    never = fmean(len(run.never_predicted) for run in runs)
    to = [median(run.epochs_to(goal) for run in runs) for goal in (0.9, 0.95)]
    ends = [fmean(run.right for run in runs), fmean(run.wrong for run in runs)]
    said = f"{100 * accuracy.mean:.2f} ± {100 * accuracy.std:.2f} %"
    return (result.mix.words, said, *map(amount, [never, result.cost, result.ece.mean, *to, *ends]))


def curves(results: Sequence[Result], of: str) -> dict[str, Array]:
    """By mix, its cost, accuracy or ece: a row for each run, NaN from where one diverged."""
    found = {}
    longest = max(len(run.curve) for result in results for run in result.runs)
    for result in results:
        rows = found[result.mix.words] = np.full((len(result.runs), longest), np.nan)
        for row, run in zip(rows, result.runs, strict=True):
            row[: len(run.curve)] = [getattr(epoch, of) for epoch in run.curve]
    return found


def panels(results: Sequence[Result], about: str = "") -> list[Callable[[Any], None]]:
    """What draws their accuracy, and what draws their cost."""
    show = partial(lines, xlabel="epoch", title=about)
    return [
        partial(show, curves=curves(results, "accuracy"), ylabel="test accuracy"),
        partial(show, curves=curves(results, "cost"), ylabel="training cost", yscale="log"),
    ]


def save_curves(results: Sequence[Result], path: Path) -> None:
    """Write them as .svg or .png; raises OSError, and ImportError where there is no matplotlib."""
    figure = arranged(*panels(results))
    svg = path.suffix.lower() == ".svg"
    files.write(path, inline(figure).encode() if svg else rendered(figure, "png"))
