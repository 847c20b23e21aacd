"""Results as one JSON object and as two files."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tinygrad_lossmix.lab.data import Data
from tinygrad_lossmix.lab.results import mix_record, prepare, record, to_json, write
from tinygrad_lossmix.lab.studies import Result, runs, summarise
from tinygrad_lossmix.lab.training import Settings
from tinygrad_lossmix.mixes.mix import MIXES
from tinygrad_lossmix.mixes.verdict import MOST

FAST = Settings(seeds=2, epochs=3, hidden=4)


def test_the_files_hold_every_mix_seed_and_epoch(blobs: Data, tmp_path: Path) -> None:
    results = summarise(list(runs(MIXES, blobs, FAST)), blobs, FAST)
    found = record(results, MIXES, blobs, FAST)
    write(found, tmp_path)
    assert json.loads((tmp_path / "results.json").read_text()) == found
    rows = list(csv.DictReader((tmp_path / "results.csv").read_text().splitlines()))
    assert len(rows) == 6 * 2 * 3
    epochs = [e for r in results for run in r.runs for e in run.curve]
    assert [float(row["training_cost"]) for row in rows] == [e.cost for e in epochs]
    assert [float(row["test_accuracy"]) for row in rows] == [e.accuracy for e in epochs]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.csv", "results.json"]


def test_numbers_that_are_not_finite_are_null(
    make_result: Callable[..., Result], blobs: Data
) -> None:
    results = [make_result([math.nan], cost=math.inf, ece=math.nan)]
    (mix,) = json.loads(to_json(record(results, MIXES[:1], blobs, FAST)))["mixes"]
    assert mix["accuracy"] == mix["ece"] == {"mean": None, "std": None}
    assert mix["final_cost"] is mix["epochs_to_95"] is None
    assert mix["curves"][0]["training_cost"] == [None]


def test_a_mix_with_very_many_classes_has_no_verdict(make_result: Callable[..., Result]) -> None:
    result = make_result([0.5])
    few, many = (mix_record(result, [result], classes) for classes in (MOST, MOST + 1))
    assert (few["proper"], few["convex"]) == (True, True)
    assert many["proper"] is many["convex"] is None


def test_a_comparison_that_lacks_runs_says_so(
    make_result: Callable[..., Result], blobs: Data
) -> None:
    results = [make_result([0.5], [0.5])]
    assert record(results, MIXES[:1], blobs, FAST)["complete"]
    assert not record(results, MIXES, blobs, FAST)["complete"]


def test_a_folder_that_cannot_be_made_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="file"):
            prepare(folder)
