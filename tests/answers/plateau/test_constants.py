"""Every plateau, by formula, against the cost of the outputs that it speaks of."""

import math

import numpy as np
import pytest

from tests.helpers.formulas import evaluated
from tests.helpers.quick import in_one
from tinygrad_lossmix.answers.plateau.constants import constants

CLASSES = [2, 3, 4, 7, 10, 100]


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def log_likelihood(a):
    """Of class 0."""
    return -math.log(a[0])


def cross_entropy(a):
    return -math.log(a[0]) - np.log(1 - a[1:]).sum()


def quadratic(a):
    return ((a - np.eye(len(a))[0]) ** 2).sum() / 2


def named(name, cost="", accuracy=None):
    found = [c for c in constants(accuracy) if c.name == name and c.cost.startswith(cost)]
    assert len(found) == 1
    return found[0]


def one_hot(k, i=0):
    return np.eye(k)[i]


@in_one("k", CLASSES)
@in_one(
    ("name", "cost", "expected"),
    [
        ("uniform predictions", "", lambda k: log_likelihood(softmax(np.zeros(k)))),
        ("softmax twice, on its floor", "", lambda k: log_likelihood(softmax(one_hot(k)))),
        (
            "sigmoid outputs all at one half",
            "sigmoid + cross",
            lambda k: cross_entropy(sigmoid(np.zeros(k))),
        ),
        ("the prior 1/K on every output", "", lambda k: cross_entropy(np.full(k, 1 / k))),
        ("sigmoid twice, on its floor", "", lambda k: cross_entropy(sigmoid(one_hot(k)))),
        (
            "sigmoid of uniform softmax outputs",
            "",
            lambda k: cross_entropy(sigmoid(softmax(np.zeros(k)))),
        ),
        ("uniform or prior predictions", "", lambda k: quadratic(np.full(k, 1 / k))),
        ("sigmoid outputs all at one half", "sigmoid + quad", lambda k: quadratic(np.full(k, 0.5))),
        ("all sigmoid outputs at 0", "", lambda k: quadratic(np.zeros(k))),
        ("uniform predictions, in bits", "", lambda k: -math.log2(1 / k)),
        ("uniform softmax outputs without a logarithm", "", lambda k: -softmax(np.zeros(k))[0]),
    ],
)
def test_a_formula_is_the_cost_of_its_outputs(k, name, cost, expected):
    assert float(named(name, cost).value(float(k))) == pytest.approx(expected(k), rel=1e-12)


@pytest.mark.parametrize("k", CLASSES)
def test_no_prediction_costs_less_than_the_floor_of_smoothed_labels(k):
    y = 0.9 * one_hot(k) + 0.1 / k
    floor = float(named("label smoothing of 0.1, on its floor").value(float(k)))
    assert floor == pytest.approx(-(y * np.log(y)).sum())
    for other in np.random.default_rng(k).dirichlet(np.ones(k) * 3, 20):
        assert -(y * np.log(other)).sum() >= floor


@in_one("k", CLASSES)
@in_one("wrong", [0, 1, 3])
def test_saturated_outputs_of_which_some_are_wrong(k, wrong):
    predicted = [one_hot(k, int(i < wrong)) for i in range(20)]
    accuracy = 1 - wrong / 20
    softmax_twice = np.mean([log_likelihood(softmax(a)) for a in predicted])
    found = named("softmax twice, outputs saturated", accuracy=accuracy)
    assert float(found.value(float(k))) == pytest.approx(softmax_twice)
    sigmoid_twice = np.mean([cross_entropy(sigmoid(a)) for a in predicted])
    found = named("sigmoid twice, outputs saturated", accuracy=accuracy)
    assert float(found.value(float(k))) == pytest.approx(sigmoid_twice)
    found = named("outputs saturated", accuracy=accuracy)
    assert float(found.value(float(k)) + 0) == pytest.approx(np.mean([*map(quadratic, predicted)]))


@pytest.mark.parametrize(("left_out", "words"), [(1, "one class"), (2, "two classes")])
def test_classes_that_softmax_twice_never_predicts(left_out, words):
    k = 10
    predicted = [one_hot(k, 0 if i >= left_out else 1) for i in range(k)]
    expected = np.mean([log_likelihood(softmax(a)) for a in predicted])
    found = named(f"softmax twice, outputs saturated, {words} never predicted")
    assert float(found.value(float(k))) == pytest.approx(expected)


def keras(a):
    return np.clip(np.float32(a), np.float32(1e-7), np.float32(1 - 1e-7))


@in_one(
    ("formula", "expected"),
    [
        ("-ln 1e-7", -np.log(keras(0))),
        ("-ln 2^-23", -np.log(np.float32(1) - keras(1))),
        ("-ln 2e-7", -np.log(keras(0) + np.float32(1e-7))),
        ("-ln(2^-23 + 1e-7)", -np.log(np.float32(1) - keras(1) + np.float32(1e-7))),
        ("-ln 1e-12", -np.log(1e-12)),
        ("-ln 1e-15", -np.log(1e-15)),
        ("-ln 2^-52", -np.log(np.finfo(float).eps)),
        ("-ln 1e-8", -np.log(1e-8)),
        ("100", 100),
    ],
)
def test_a_clamp_is_what_arithmetic_makes_of_it(formula, expected):
    found = [c for c in constants() if c.name == "clamp, every example wrong"]
    [clamp] = [c for c in found if c.formula == formula]
    assert float(clamp.value(1.0)) == pytest.approx(float(expected), rel=1e-6)


def test_one_class_for_all_saturates_two_outputs_of_a_wrong_example():
    k = 10
    each = [-np.log(keras(0)) - np.log(np.float32(1) - keras(1)) if i else 0.0 for i in range(k)]
    found = named("clamp, the same class predicted for all, K outputs", "cross-entropy: Keras")
    assert float(found.value(float(k))) == pytest.approx(np.mean(each), rel=1e-6)


@pytest.mark.parametrize("k", CLASSES)
def test_the_floors_of_the_second_layer_are_below_all_that_it_can_output(k):
    rng = np.random.default_rng(k)
    softmax_floor = float(named("softmax twice, on its floor").value(float(k)))
    sigmoid_floor = float(named("sigmoid twice, on its floor").value(float(k)))
    for z in rng.normal(0, 10, (200, k)):
        assert log_likelihood(softmax(softmax(z))) >= softmax_floor - 1e-12
        assert log_likelihood(softmax(sigmoid(z))) >= softmax_floor - 1e-12
        assert cross_entropy(sigmoid(sigmoid(z))) >= sigmoid_floor - 1e-12
        assert cross_entropy(sigmoid(softmax(z))) >= sigmoid_floor - 1e-12


@in_one("accuracy", [None, 0.75])
@in_one("k", [1, 2, 3, 10, 1000])
def test_a_printed_formula_is_the_value_beside_it_in_every_convention(k, accuracy):
    for constant in constants(accuracy):
        if k < constant.fewest or (constant.single and k > 1):
            continue
        for convention in constant.conventions:
            formula = convention.written.format(constant.formula)
            value = float(constant.value(float(k)) * convention.factor(float(k)))
            assert evaluated(formula, k, accuracy) == pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("accuracy", [None, 0.75])
def test_every_value_lies_within_what_its_pair_can_cost(accuracy):
    for constant in constants(accuracy):
        for k in [1.0] if constant.single else [3.0, 10.0, 100.0]:
            lowest, highest = float(constant.lowest(k)), float(constant.highest(k))
            assert lowest - 1e-12 <= float(constant.value(k)) <= highest + 1e-12
