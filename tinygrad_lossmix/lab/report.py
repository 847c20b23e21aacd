"""Results as words, as records, and as files.

What you can do here: `diagnosis(result, results)` names the problems of one mix by what was
measured, `ranking(results)` says which accuracies differ by more than the spread over seeds,
`record(...)` gives everything as one object of plain values, `write(record, folder)` puts it into
results.json and the learning curves into results.csv.
"""

import csv
import io
import math
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tinygrad_lossmix import files
from tinygrad_lossmix.answers.match.layer import MOST, check_mix
from tinygrad_lossmix.answers.verdict.grounds import ROUNDING, gather
from tinygrad_lossmix.lab.data import Data
from tinygrad_lossmix.lab.studies import GOAL, Result
from tinygrad_lossmix.lab.training import Settings
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import number
from tinygrad_lossmix.records import plain, to_json

CURVES = {"training_cost": "cost", "test_accuracy": "accuracy", "test_ece": "ece"}  # of an Epoch
ENOUGH_SEEDS = 3
WIDTH = 2  # standard deviations on either side of the mean
SLOW = 2.0  # times the epochs of the fastest mix
FALL = 0.05  # of accuracy, from the best epoch to the last
CONFUSED = 0.5  # a mean output of the wrong classes above it
UNCALIBRATED = 0.1  # expected calibration error


def record(
    results: Sequence[Result], mixes: Sequence[Mix], data: Data, settings: Settings
) -> dict[str, Any]:
    """One object ready for JSON: numbers that are not finite are None.

    Args:
        results: one per mix that has a finished run.
        mixes: those that were to be compared.
        data, settings: what they were compared on, and how.
    """
    found = {
        "mixes": [mix_record(result, results, data.classes) for result in results],
        "ranking": ranking(results),
        "settings": {
            "mixes": [mix.words for mix in mixes],
            **asdict(settings),
            "data": data.name,
            "rows": len(data.x),
            "features": data.x.shape[1],
            "classes": data.classes,
            "class_names": list(data.names),
            "scaling": data.scaling,
        },
        "complete": sum(len(result.runs) for result in results) == settings.seeds * len(mixes),
    }
    return dict(plain(found))


def mix_record(result: Result, results: Sequence[Result], classes: int) -> dict[str, Any]:
    """One mix: the row of the table, its diagnosis and its learning curves."""
    judged, why = None, list[str]()
    try:  # of the verdict only this: who else matches takes twice as long
        check_mix(result.mix, classes)
        judged = gather(result.mix, classes) if classes <= MOST else None
    except ValueError as error:
        why = [f"not judged: {error}"]
    i = judged and judged.identity
    times = f" = {i.factor:.4g} (a - y)" if i and i.rest < ROUNDING <= i.error else ""
    return {
        "output": result.mix.output,
        "cost": result.mix.cost_name,
        "delta": result.mix.formula + times,
        "delta_is_a_minus_y": result.delta.is_a_minus_y or (None if why else False),
        "delta_error": result.delta.error,
        "proper": judged and judged.proper,
        "convex": judged and judged.convex,
        "accuracy": asdict(result.accuracy),
        "ece": asdict(result.ece),
        "epochs_to_95": result.epochs_to_goal,
        "final_cost": result.cost,
        "diagnosis": diagnosis(result, results, why),
        "curves": [
            {"seed": run.seed}
            | {name: [getattr(epoch, of) for epoch in run.curve] for name, of in CURVES.items()}
            for run in result.runs
        ],
    }


def to_csv(value: dict[str, Any]) -> str:
    """The learning curves of a record: a line per mix, seed and epoch; no number, an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["output", "cost", "seed", "epoch", *CURVES])
    for mix in value["mixes"]:
        for curve in mix["curves"]:
            columns = [curve[name] for name in CURVES]
            for epoch, numbers in enumerate(zip(*columns, strict=True), start=1):
                writer.writerow([mix["output"], mix["cost"], curve["seed"], epoch, *numbers])
    return text.getvalue()


def prepare(folder: Path) -> None:
    """Make sure that results can be written there, before anything is computed; else OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def write(value: dict[str, Any], folder: str | Path) -> None:
    """results.json and results.csv in this folder, each replaced as a whole.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files.write(folder / "results.json", to_json(value).encode())
    files.write(folder / "results.csv", to_csv(value).encode())


def ranking(results: Sequence[Result]) -> str:
    """Mixes whose mean ± 2 std reaches that of the best mean, and mixes that are clearly worse."""
    if min((len(result.runs) for result in results), default=0) < ENOUGH_SEEDS:
        return f"Fewer than {ENOUGH_SEEDS} seeds show no spread: the accuracies are not ranked."
    ranked = [result for result in results if math.isfinite(result.accuracy.mean)]
    if len(ranked) < 2:
        return "Fewer than two mixes were trained to the end: there is nothing to rank."
    best = max(ranked, key=lambda result: result.accuracy.mean)
    floor = best.accuracy.mean - WIDTH * best.accuracy.std
    level = [r for r in ranked if r.accuracy.mean + WIDTH * r.accuracy.std >= floor]
    worse = ", ".join(r.mix.words for r in ranked if r not in level)
    if len(level) == 1:
        return f"Clearly less accurate than {best.mix.words} (mean ± {WIDTH} std): {worse}."
    ties = ", ".join(r.mix.words for r in level)
    tail = f" Clearly worse: {worse}." if worse else ""
    return f"By accuracy (mean ± {WIDTH} std) these cannot be told apart: {ties}.{tail}"


def diagnosis(result: Result, results: Sequence[Result], why: Sequence[str] = ()) -> str:
    """Every problem of one mix, behind why it was not judged; `none`."""
    fastest = min(each.epochs_to_goal for each in results)
    return "; ".join([*why, *problems(result, fastest)]) or "none"


def problems(result: Result, fastest: float) -> Iterator[str]:
    """What was measured and should not be; the fastest mix needs so many epochs to 95 %."""
    mean, runs = statistics.fmean, result.runs
    if ends := [len(run.curve) for run in runs if run.diverged]:
        advice = "a smaller eta may help"
        if not math.isfinite(result.delta.size):
            advice = "delta has no value before training, `lossmix delta` says why"
        yield (
            f"diverged in {len(ends)} of {len(runs)} runs, first in epoch {min(ends)}: "
            f"no finite cost; {advice}"
        )
        return
    wrong = mean(run.wrong for run in runs)
    if saturated := wrong > CONFUSED:
        right, first = mean(run.right for run in runs), mean(run.curve[0].cost for run in runs)
        reason = "" if result.delta.lowers else " (no component of delta is positive)"
        yield (
            f"drives every output to 1{reason}: mean output {wrong:.4f} of wrong classes, "
            f"{right:.4f} of the right one; cost {number(first)} after one epoch, "
            f"{number(result.cost)} at the end"
        )
    missing = [run.never_predicted for run in runs]
    if any(missing):
        worst = max(runs, key=lambda run: len(run.never_predicted))
        yield (
            f"{mean(map(len, missing)):.1f} classes are never predicted, on average (seed "
            f"{worst.seed}: {', '.join(map(str, worst.never_predicted))})"
        )
    epochs = zip(*(run.curve for run in runs), strict=True)
    means = [mean(epoch.accuracy for epoch in each) for each in epochs]
    best, last = max(means), means[-1]
    if best - last >= FALL:
        yield f"test accuracy fell from {best:.2%} in epoch {means.index(best) + 1} to {last:.2%}"
    if saturated:  # the rest would only repeat it
        return
    if result.ece.mean > UNCALIBRATED:
        yield f"poorly calibrated: ECE {result.ece.mean:.4f}"
    seen = min(result.epochs_to_goal, len(means))  # beyond its end nothing is known of a run
    if seen >= SLOW * fastest:
        yield slow(result, fastest)


def slow(result: Result, fastest: float) -> str:
    """Many more epochs to 95 % than the fastest mix needs, or too few to get there."""
    others, size = f"the fastest mix needs {fastest:g}", result.delta.size
    if size < 1 / SLOW:
        others += f"; ‖delta‖ / ‖a - y‖ = {size:.3f} before training"
    if math.isinf(result.epochs_to_goal):
        return f"below {GOAL:.0%} after {len(result.runs[0].curve)} epochs, {others}"
    return f"slow: {GOAL:.0%} after {result.epochs_to_goal:g} epochs, {others}"
