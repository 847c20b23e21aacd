"""Results as records, and as files.

What you can do here: `record(...)` gives everything a comparison found as one object of plain
values, `write(record, folder)` puts it into results.json and the learning curves into results.csv.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tinygrad_lossmix import atomic
from tinygrad_lossmix.lab.data import Data
from tinygrad_lossmix.lab.diagnosis import diagnosis
from tinygrad_lossmix.lab.ranking import ranking, words
from tinygrad_lossmix.lab.studies import Result, Spread
from tinygrad_lossmix.lab.training import Run, Settings
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.mixes.verdict import MOST
from tinygrad_lossmix.records import plain, to_json

COLUMNS = ("output", "cost", "seed", "epoch", "training_cost", "test_accuracy", "test_ece")


def record(
    results: Sequence[Result], mixes: Sequence[Mix], data: Data, settings: Settings
) -> dict[str, Any]:
    """One object ready for JSON: numbers that are not finite are None.

    Args:
        results: one per mix that has a finished run.
        mixes: those that were to be compared.
        data, settings: what they were compared on, and how.
    """
    return {
        "mixes": [mix_record(result, results, data.classes) for result in results],
        "ranking": ranking(results),
        "settings": {
            "mixes": [words(mix) for mix in mixes],
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


def mix_record(result: Result, results: Sequence[Result], classes: int) -> dict[str, Any]:
    """One mix: the row of the table, its diagnosis and its learning curves."""
    verdict = result.mix.verdict(classes) if classes <= MOST else None
    return {
        "output": result.mix.output,
        "cost": result.mix.cost_name,
        "delta": result.mix.formula,
        "delta_is_a_minus_y": result.delta.is_a_minus_y,
        "delta_error": plain(result.delta.error),
        "proper": verdict and verdict.proper,
        "convex": verdict and verdict.convex,
        "accuracy": spread_record(result.accuracy),
        "ece": spread_record(result.ece),
        "epochs_to_95": plain(result.epochs_to_goal),
        "final_cost": plain(result.cost),
        "diagnosis": diagnosis(result, results),
        "curves": [curve_record(run) for run in result.runs],
    }


def spread_record(spread: Spread) -> dict[str, float | None]:
    """Mean and standard deviation over the seeds."""
    return {"mean": plain(spread.mean), "std": plain(spread.std)}


def curve_record(run: Run) -> dict[str, Any]:
    """The learning curve of one run, a value per epoch."""
    return {
        "seed": run.seed,
        "training_cost": [plain(epoch.cost) for epoch in run.curve],
        "test_accuracy": [plain(epoch.accuracy) for epoch in run.curve],
        "test_ece": [plain(epoch.ece) for epoch in run.curve],
    }


def to_csv(value: dict[str, Any]) -> str:
    """The learning curves of a record: a line per mix, seed and epoch; no number, an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for mix in value["mixes"]:
        for curve in mix["curves"]:
            columns = [curve[name] for name in COLUMNS[4:]]
            for epoch, numbers in enumerate(zip(*columns, strict=True), start=1):
                writer.writerow([mix["output"], mix["cost"], curve["seed"], epoch, *numbers])
    return text.getvalue()


def prepare(folder: Path) -> None:
    """Make sure that results can be written there, before anything is computed.

    Raises:
        OSError: it is not a folder, or not one that can be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def write(value: dict[str, Any], folder: Path) -> None:
    """results.json and results.csv in this folder, each replaced as a whole.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    atomic.write(folder / "results.json", to_json(value).encode())
    atomic.write(folder / "results.csv", to_csv(value).encode())
