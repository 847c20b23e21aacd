"""Results as words, as one JSON object and as two files."""

import csv
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers.once import grounds_on
from tinygrad_lossmix.lab.data import Data
from tinygrad_lossmix.lab.report import (
    diagnosis,
    mix_record,
    prepare,
    ranking,
    record,
    to_json,
    write,
)
from tinygrad_lossmix.lab.studies import Result, runs, summarise
from tinygrad_lossmix.lab.training import Settings
from tinygrad_lossmix.mixes.mix import MIXES, Mix

FAST = Settings(seeds=2, epochs=3, hidden=4)


@pytest.fixture(autouse=True)
def grounds_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinygrad_lossmix.lab.report.gather", grounds_on)


def test_the_files_hold_every_mix_seed_and_epoch(blobs: Data, tmp_path: Path) -> None:
    results = summarise(list(runs(MIXES, blobs, FAST)), blobs, FAST)
    found = record(results, MIXES, blobs, FAST)
    write(found, str(tmp_path))
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


def test_a_mix_with_very_many_classes_has_no_verdict(
    make_result: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinygrad_lossmix.lab.report.MOST", 3)
    result = make_result([0.5])
    few, many = (mix_record(result, [result], classes) for classes in (3, 4))
    assert (few["proper"], few["convex"]) == (True, True)
    assert many["proper"] is many["convex"] is None


def test_a_layer_that_computes_in_float32_is_not_judged(make_result: Callable[..., Result]) -> None:
    def soft(z: Any) -> Any:
        return lm.softmax(z.astype(np.float32))

    result = make_result([0.5], mix=Mix(soft, "ll"))
    result = replace(result, delta=replace(result.delta, error=2e-7, is_a_minus_y=False))
    found = mix_record(result, [result], 3)
    assert found["delta_is_a_minus_y"] is found["proper"] is found["convex"] is None
    assert found["diagnosis"].startswith("not judged: soft computes in float32, too few digits")


@pytest.mark.parametrize(
    ("mix", "k", "said"),
    [
        (Mix("softmax", "ce"), 2, "Sa - y + (1 - y)r - a Σ(1 - y)r = 2 (a - y)"),
        (Mix("softmax", "ce"), 3, "Sa - y + (1 - y)r - a Σ(1 - y)r"),
        (Mix("softmax", "ll"), 3, "Sa - y"),
    ],
)
def test_a_delta_that_is_a_multiple_of_a_minus_y_says_so(
    make_result: Callable[..., Result], mix: Mix, k: int, said: str
) -> None:
    assert mix_record(make_result([0.9], mix=mix), [make_result([0.9])], k)["delta"] == said


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


Make = Callable[..., Result]
LEVEL = [[0.96], [0.97], [0.98]]


def test_mixes_within_the_spread_are_not_told_apart(make_result: Make) -> None:
    results = [make_result(*LEVEL, mix=MIXES[0]), make_result([0.95], [0.97], [0.96], mix=MIXES[1])]
    assert ranking(results).endswith("cannot be told apart: sigmoid ce, sigmoid ll.")


def test_a_mix_beyond_the_spread_is_worse(make_result: Make) -> None:
    results = [
        make_result(*LEVEL, mix=MIXES[0]),
        make_result([0.2], [0.3], [0.1], mix=MIXES[1]),
        make_result(*LEVEL, mix=MIXES[2]),
    ]
    assert "apart: sigmoid ce, sigmoid quadratic. Clearly worse: sigmoid ll." in ranking(results)


def test_a_mix_beyond_the_spread_of_all_others_is_named(make_result: Make) -> None:
    results = [make_result(*LEVEL), make_result([0.2], [0.3], [0.1], mix=MIXES[1])]
    assert ranking(results) == "Clearly less accurate than sigmoid ce (mean ± 2 std): sigmoid ll."


def test_two_seeds_rank_nothing(make_result: Make) -> None:
    results = [make_result([0.9], [0.9]), make_result([0.1], [0.1], mix=MIXES[1])]
    assert "not ranked" in ranking(results)


def test_diverged_mixes_are_left_out(make_result: Make) -> None:
    diverged = make_result(*[[math.nan]] * 3, mix=MIXES[1])
    assert "nothing to rank" in ranking([make_result(*LEVEL), diverged])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=2, max_size=6))
def test_mixes_whose_spreads_overlap_the_best_are_never_called_worse(
    make_result: Make, accuracies: list[list[float]]
) -> None:
    results = [
        make_result(*([a] for a in three), mix=mix)
        for three, mix in zip(accuracies, MIXES, strict=False)
    ]
    best = max(results, key=lambda r: r.accuracy.mean).accuracy
    worse = ranking(results).rpartition(":")[2] if "Clearly" in ranking(results) else ""
    for r in results:
        if r.accuracy.mean + r.accuracy.std >= best.mean - best.std:
            assert f"{r.mix.output} {r.mix.cost_name}" not in worse


def test_good_measurements_are_called_good(make_result: Make) -> None:
    result = make_result([0.9, 0.97])
    assert diagnosis(result, [result]) == "none"


@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_high_outputs_of_wrong_classes_are_named_for_any_mix(make_result: Make, mix: Mix) -> None:
    result = make_result([0.9], mix=mix, wrong=0.9871, right=0.9902, cost=1.25e-4, lowers=False)
    words = diagnosis(result, [result])
    assert words.startswith("drives every output to 1 (no component of delta is positive): ")
    assert words.endswith(
        "mean output 0.9871 of wrong classes, 0.9902 of the right one; "
        "cost 0.000125 after one epoch, 0.000125 at the end"
    )


def test_the_reason_is_left_out_where_it_was_not_measured(make_result: Make) -> None:
    result = make_result([0.9], wrong=0.9, lowers=True)
    assert diagnosis(result, [result]).startswith("drives every output to 1: mean output")


def test_classes_never_predicted_are_named(make_result: Make) -> None:
    result = make_result([0.9], never_predicted=(3, 8))
    assert diagnosis(result, [result]) == (
        "2.0 classes are never predicted, on average (seed 0: 3, 8)"
    )


def test_falling_accuracy_is_named(make_result: Make) -> None:
    result = make_result([0.5, 0.8, 0.6], [0.5, 0.8, 0.6])
    assert "fell from 80.00% in epoch 2 to 60.00%" in diagnosis(result, [result])


def test_bad_calibration_is_named(make_result: Make) -> None:
    result = make_result([0.9], ece=0.25)
    assert diagnosis(result, [result]) == "poorly calibrated: ECE 0.2500"


def test_slow_learning_is_named_with_the_factor_and_the_size_of_delta(make_result: Make) -> None:
    fast, slow = (
        make_result([0, 0.95, 0.95, 0.95, 0.95, 0.95]),
        make_result([0, 0, 0, 0, 0, 0.95], size=0.125),
    )
    words = diagnosis(slow, [fast, slow])
    assert words == (
        "slow: 95% after 6 epochs, the fastest mix needs 2; "
        "‖delta‖ / ‖a - y‖ = 0.125 before training"
    )
    assert diagnosis(fast, [fast, slow]) == "none"


def test_never_reaching_the_goal_is_named_only_where_another_mix_does(make_result: Make) -> None:
    fast, stuck = make_result([0.95, 0.95]), make_result([0.9, 0.9])
    said = "below 95% after 2 epochs, the fastest mix needs 1"
    assert diagnosis(stuck, [fast, stuck]) == said
    assert diagnosis(stuck, [stuck]) == "none"


def test_a_training_that_ends_early_shows_no_mix_to_be_slow(make_result: Make) -> None:
    fast, unknown = make_result([0.9, 0.9, 0.95]), make_result([0.9, 0.9, 0.94])
    assert diagnosis(unknown, [fast, unknown]) == "none"


def test_divergence_is_all_that_is_said_of_a_diverged_mix(make_result: Make) -> None:
    result = make_result([0.9, 0.9], cost=math.nan)
    assert diagnosis(result, [result]).startswith("diverged in 1 of 1 runs, first in epoch 2")


def test_where_delta_has_no_value_from_the_start_no_smaller_step_is_advised(
    make_result: Make,
) -> None:
    result = make_result([0.9], cost=math.nan, size=math.nan)
    said = diagnosis(result, [result])
    assert said.endswith("delta has no value before training, `lossmix delta` says why")
    assert "eta" not in said
