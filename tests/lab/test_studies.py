"""All mixes beside each other: the runs, delta on real data, the summary, known outcomes."""

import math
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.helpers.quick import in_one
from tinygrad_lossmix.lab.data import Data, digits
from tinygrad_lossmix.lab.report import diagnosis, ranking
from tinygrad_lossmix.lab.studies import Result, Spread, compare, measure_delta, runs, summarise
from tinygrad_lossmix.lab.training import Settings
from tinygrad_lossmix.mixes.mix import MIXES, Mix

FAST = Settings(seeds=2, epochs=2, hidden=4)


def test_every_mix_has_had_a_seed_before_any_has_the_next(blobs: Data) -> None:
    order = [(run.seed, run.mix) for run in runs(MIXES, blobs, FAST)]
    assert order == [(seed, mix) for seed in range(2) for mix in MIXES]


def test_the_summary_has_the_runs_of_each_mix(blobs: Data) -> None:
    finished = list(runs(MIXES, blobs, FAST))
    results = summarise(finished[:7], blobs, FAST)
    assert [r.mix for r in results] == list(MIXES)
    assert [len(r.runs) for r in results] == [2, 1, 1, 1, 1, 1]
    assert results[0].accuracy.mean == statistics.fmean(
        [finished[0].last.accuracy, finished[6].last.accuracy]
    )


def test_a_mix_that_is_given_twice_is_trained_once(blobs: Data) -> None:
    settings = Settings(seeds=2, epochs=1)
    [result] = compare(MIXES[:1] * 2, blobs, settings)
    assert [run.seed for run in result.runs] == [0, 1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mixes": "softmax"}, "str is no Mix"),
        ({"data": np.ones((4, 2))}, "ndarray is no Data"),
        ({"settings": {"seeds": 1}}, "dict is no Settings"),
    ],
)
def test_what_cannot_be_compared_is_named(given: dict[str, Any], words: str, blobs: Data) -> None:
    with pytest.raises(TypeError, match=f"takes mixes, Data and Settings: {words}"):
        compare(**{"data": blobs, "settings": Settings(seeds=1, epochs=1)} | given)


def test_spread_is_the_sample_standard_deviation() -> None:
    assert Spread.of([1.0, 2.0, 3.0]) == Spread(2.0, 1.0)


def test_one_seed_has_no_spread_and_a_diverged_one_no_mean() -> None:
    assert math.isnan(Spread.of([1.0]).std)
    assert math.isnan(Spread.of([1.0, math.nan]).mean)


def test_epochs_to_the_goal_are_the_median_and_infinite_if_half_never_get_there(
    make_result: Callable[..., Result],
) -> None:
    assert make_result([0.95, 1], [0, 0.96], [0, 0]).epochs_to_goal == 2
    assert make_result([0.95, 1], [0, 0]).epochs_to_goal == math.inf


@pytest.fixture(scope="module")
def learnt() -> dict[tuple[str, str], Result]:
    """The real comparison on digits, somewhat shorter than by default."""
    settings = Settings(seeds=3, epochs=20)
    results = summarise(list(runs(MIXES, digits(), settings)), digits(), settings)
    return {(r.mix.output, r.mix.cost_name): r for r in results}


TRAP = ("sigmoid", "ll")


@pytest.mark.slow
def test_all_but_sigmoid_with_log_likelihood_learn_digits(
    learnt: dict[tuple[str, str], Result],
) -> None:
    accuracies = {pair: result.accuracy.mean for pair, result in learnt.items()}
    assert accuracies.pop(TRAP) < 0.4
    assert min(accuracies.values()) > 0.93


@pytest.mark.slow
def test_sigmoid_with_log_likelihood_drives_every_output_up_and_the_cost_to_zero(
    learnt: dict[tuple[str, str], Result],
) -> None:
    assert learnt[TRAP].cost < 1e-3
    assert min(run.wrong for run in learnt[TRAP].runs) > 0.99
    assert "drives every output to 1" in diagnosis(learnt[TRAP], list(learnt.values()))


@pytest.mark.slow
def test_the_quadratic_cost_is_slow(learnt: dict[tuple[str, str], Result]) -> None:
    for output in ("sigmoid", "softmax"):
        slow, fast = learnt[output, "quadratic"], learnt[output, "ce"]
        assert slow.epochs_to_goal >= 2 * fast.epochs_to_goal
        assert "slow" in diagnosis(slow, list(learnt.values()))


@pytest.mark.slow
def test_no_winner_is_declared_among_the_mixes_that_learn(
    learnt: dict[tuple[str, str], Result],
) -> None:
    told = ranking(list(learnt.values()))
    level, worse = told.split("Clearly worse: ")
    assert worse == "sigmoid ll."
    assert all(f"{output} {cost}" in level for output, cost in learnt if (output, cost) != TRAP)


MATCHED = {("sigmoid", "ce"), ("softmax", "ll")}


@in_one("dtype", ["float32", "float64"])
@in_one("mix", MIXES, ids=str)
def test_only_the_matched_corners_give_a_minus_y(mix: Mix, dtype: str) -> None:
    delta = measure_delta(mix, digits(), Settings(dtype=dtype))
    assert delta.is_a_minus_y == ((mix.output, mix.cost_name) in MATCHED)
    assert delta.error < 10 * np.finfo(dtype).eps if delta.is_a_minus_y else delta.error > 0.1


@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_only_sigmoid_with_log_likelihood_pushes_nothing_down(mix: Mix) -> None:
    lowers = measure_delta(mix, digits(), Settings()).lowers
    assert lowers == ((mix.output, mix.cost_name) != ("sigmoid", "ll"))


@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_its_size_is_small_for_the_quadratic_cost(mix: Mix) -> None:
    size = measure_delta(mix, digits(), Settings()).size
    assert (size <= 0.5) == (
        mix.cost_name == "quadratic" or (mix.output, mix.cost_name) == ("sigmoid", "ll")
    )
