"""The engine's delta on real data: a - y for the matched corners, not for the others."""

import numpy as np
import pytest

from tinygrad_lossmix.lab.data import digits
from tinygrad_lossmix.lab.delta import measure_delta
from tinygrad_lossmix.lab.training import Settings
from tinygrad_lossmix.mixes.mix import MIXES, Mix

MATCHED = {("sigmoid", "ce"), ("softmax", "ll")}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mix", MIXES, ids=str)
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
