"""The words follow from the measurements, whatever the mix is called."""

import math
from collections.abc import Callable

import pytest

from tinygrad_lossmix.lab.diagnosis import diagnosis
from tinygrad_lossmix.lab.studies import Result
from tinygrad_lossmix.mixes.mix import MIXES, Mix

Make = Callable[..., Result]


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


def test_divergence_is_all_that_is_said_of_a_diverged_mix(make_result: Make) -> None:
    result = make_result([0.9, 0.9], cost=math.nan)
    assert diagnosis(result, [result]).startswith("diverged in 1 of 1 runs, first in epoch 2")
