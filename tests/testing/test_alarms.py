"""`gradcheck` of what is right: steep, kinked, noisy and ill-conditioned functions pass."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.correct_gradients import KINDS, correct, plain
from tests.helpers.quick import in_one
from tinygrad_lossmix.testing import gradcheck

POINT = np.array([0.7, -0.3, 1.1])


def passes(seed):
    _, f, x = correct(seed)
    with np.errstate(all="ignore"):
        return bool(gradcheck(f, x))


@in_one("seed", range(0, 100 * len(KINDS), 49))
def test_no_false_alarm_on_a_correct_gradient(seed):
    assert passes(seed)


@pytest.mark.slow
def test_at_most_one_false_alarm_in_a_thousand():
    """What is left: 1 - tanh(w·x) by hand, which rounds to 0 where w times an ulp of 1 is right."""
    seeds = range(1000 + len(KINDS))
    alarms = [seed for seed in seeds if not passes(seed)]
    assert len(alarms) <= len(seeds) // 1000, alarms


@pytest.mark.parametrize("hide", [plain, lambda f: lambda t: f(np.asarray(t))])
@pytest.mark.parametrize("w", [1e3, 1e4])
def test_a_fast_sine_that_cannot_be_recorded(w, hide):
    x = np.random.default_rng(0).normal(size=6)
    right = (hide(lambda t: np.sin(w * t).sum()), lambda t: w * np.cos(w * t))
    gradcheck(right, x).raise_if_failed()
    assert not gradcheck((right[0], lambda t: w * np.cos(w * t) * 1.001), x)


def layer_norm(x):
    centred = x - np.mean(x)
    return (centred / np.sqrt(np.mean(centred**2) + 1e-12) * np.array([1.0, 2.0, 3.0])).sum()


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda t: np.tanh(1e4 * t), np.zeros(2)),
        (lambda t: np.sin(1e5 * t), POINT),
        (layer_norm, np.full(3, 0.3)),
        (lambda z: -0.25 * lm.Mix("sigmoid", "ce").cost(z, np.array([0.0, 1.0])), [-409.0, 300.0]),
    ],
)
def test_steep_and_extreme_functions_of_tensors(f, x):
    report = gradcheck(f, x)
    assert report
    assert report.method == "mp"


@pytest.mark.parametrize(
    ("f", "x", "kinks"),
    [
        (lambda t: np.maximum(np.min(t), 0.0), [0.0, 0.0, 1.0], {(0,): 0.25, (1,): 0.25}),
        (lambda t: np.maximum(0.2 * t - 0.5, 0.0).sum(), [2.5, 1.0], {(0,): 0.1}),
        (lambda t: np.maximum(np.maximum(t, 0.0), 0.0).sum(), [0.0, 1.0], {(0,): 0.25}),
        (lambda t: np.max(np.abs(t)), [-1.0, 1.0], {(0,): -0.5, (1,): 0.5}),
    ],
)
def test_at_a_kink_whatever_lies_between_the_slopes_is_right(f, x, kinks):
    report = gradcheck(f, x)
    assert report
    assert {kink.index: kink.analytic for kink in report.kinks} == kinks


@pytest.mark.parametrize("slope", [-0.1, 1.1, 7.0])
@pytest.mark.parametrize("hide", [lambda f: f, plain])
def test_and_what_does_not_is_wrong(slope, hide):
    pair = hide(lambda x: np.maximum(x, 0.0).sum()), lambda x: np.where(x == 0, slope, x > 0)
    report = gradcheck(pair, np.array([0.0, 2.0]))
    assert not report
    (wrong,) = report.mismatches
    assert (wrong.index, wrong.numeric) == ((0,), pytest.approx(min(max(slope, 0), 1)))


def test_kinks_that_cancel_leave_a_slope_that_the_rules_do_not_see():
    def softplus(x):
        return (np.where(x > 0, x, 0.0) + np.log1p(np.exp(-np.abs(x)))).sum()

    report = gradcheck(softplus, [0.0, 1.0])
    assert not report
    assert not report.kinks
    (wrong,) = report.mismatches
    assert (wrong.index, wrong.analytic, wrong.numeric) == ((0,), 0.0, pytest.approx(0.5))
    assert "slope 0.5 on both sides" in report.causes[0]
    assert "cut" not in str(report)


def test_where_no_difference_can_be_trusted_nothing_is_decided():
    pair = plain(lambda t: np.sin(1e10 * t).sum()), lambda t: 1e10 * np.cos(1e10 * t)
    report = gradcheck(pair, POINT)
    assert report
    assert "not decided at 3 entries" in report.notes[0]


@pytest.mark.parametrize("kind", ["f2", "f4"])
def test_a_function_that_computes_in_fewer_digits_inside(kind):
    pair = plain(lambda x: np.tanh(x.astype(kind)).sum()), lambda x: 1 - np.tanh(x) ** 2
    assert gradcheck(pair, POINT)
    assert kind == "f2" or not gradcheck((pair[0], lambda x: 1.01 * pair[1](x)), POINT)
