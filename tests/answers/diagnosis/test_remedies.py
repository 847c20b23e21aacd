"""What is wrong with a pair that may have made a loss, whatever the pair."""

import itertools

import pytest

from tinygrad_lossmix.answers.diagnosis.diagnose import remedy

COSTS = ("ce", "ll", "quadratic", "squared error", "nll")
QUIRKS = (None, "renormalised", "clamped", "smoothed")


@pytest.mark.parametrize("cost", COSTS)
def test_layers_that_no_framework_has_together_are_told_so(cost):
    for layers in [("log-softmax",), ("log-softmax", "sigmoid"), ("softmax", "log-softmax")]:
        found = remedy(layers, cost)
        assert not found.fine
        assert found.delta == "not a - y"


@pytest.mark.slow
@pytest.mark.parametrize("cost", COSTS)
def test_every_pair_has_one(cost):
    known = ("softmax", "sigmoid", "log-softmax", "softmax over the examples")
    for layers in (it for n in range(4) for it in itertools.product(known, repeat=n)):
        for quirk, one_choice, classes in itertools.product(QUIRKS, (True, False), (1, 3)):
            found = remedy(layers, cost, quirk, one_choice, classes)
            assert all((found.verdict, found.delta, found.pytorch, found.keras))
