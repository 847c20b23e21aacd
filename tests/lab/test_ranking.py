"""No winner where spreads overlap."""

import math
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygrad_lossmix.lab.ranking import ranking
from tinygrad_lossmix.lab.studies import Result
from tinygrad_lossmix.mixes.mix import MIXES

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
