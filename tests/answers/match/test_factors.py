"""A cost with a name has δ = c (a - y): wherever it is named the factor is said."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import tinygrad_lossmix as lm
from tests.helpers import finite
from tinygrad_lossmix.answers.match.partners import partners, table
from tinygrad_lossmix.cli import main

Z, Y = np.array([0.7, -0.4, 1.1]), np.array([0.2, 0.5, 0.3])


def warm(z):
    return lm.softmax(z / 2)


def poisson(z):
    return np.exp(4 * z).sum() - 4 * z @ Y


LAYERS = [  # its name, c, what δ is c (a - y) of, in NumPy
    (warm, "log-likelihood", 0.5, lambda z: -Y @ np.log(np.exp(z / 2) / np.exp(z / 2).sum())),
    (
        lambda z: lm.sigmoid(3 * z),
        "cross-entropy",
        3.0,
        lambda z: (np.log1p(np.exp(3 * z)) - 3 * Y * z).sum(),
    ),
    (lambda z: z * 0.8, "quadratic", 0.8, lambda z: 0.5 * ((0.8 * z - Y) ** 2).sum()),
    (
        lambda z: np.tanh(z / 5),
        "log-cosh",
        0.2,
        lambda z: np.log(np.cosh(z / 5)).sum() - Y @ z / 5,
    ),
    (lambda z: np.exp(4 * z), "Poisson", 4.0, poisson),
    (
        lambda z: lm.lml(2 * z),
        "cross-entropy",
        2.0,
        lambda z: -(Y @ np.log(lm.lml(2 * z)) + (1 - Y) @ np.log(1 - lm.lml(2 * z))),
    ),
]


@pytest.mark.parametrize(("layer", "cost", "c", "value"), LAYERS)
def test_the_matching_cost_is_the_named_one_over_its_factor(layer, cost, c, value):
    found = lm.matching_cost(layer)
    assert found.name == found.to_dict()["name"] == f"{1 / c:.4g} × {cost}"
    off = layer(Z) - Y
    named = finite.jacobian(value, (Z,), 0, analytic=False)
    np.testing.assert_allclose(named, c * off, atol=1e-6)
    matching = finite.jacobian(lambda z: found.cost(z, Y), (Z,), 0, analytic=False)
    np.testing.assert_allclose(matching, off, atol=1e-6)
    said = " ".join(str(found).split())
    assert f"{1 / c:.4g} × {cost} goes with it, delta = a - y. It is " in said
    assert f"{cost} by itself has delta = {c:.4g} (a - y)." in said


def test_a_layer_without_a_factor_has_none_in_words():
    said = str(lm.matching_cost("softmax")).splitlines()[0]
    assert said == "softmax, 3 classes: log-likelihood goes with it, delta = a - y."


def test_of_two_costs_that_a_layer_goes_with_the_one_without_a_factor_is_named():
    """With two classes lml(z) is softmax(z/2), and both costs are its own."""
    assert lm.matching_cost("lml", 2).name == "cross-entropy"
    assert lm.matching_cost("softmax", 2).name == "log-likelihood"
    assert lm.matching_cost(lambda z: lm.softmax(z / 4), 2).name == "4 × log-likelihood"


def test_the_table_and_the_record_say_it():
    (row,) = table(["softmax(z/2)"])
    assert row.found.name == "2 × log-likelihood"
    records = json.loads(CliRunner().invoke(main, ["match", "--json"]).stdout)["matches"]
    names = {each["output"]: each["name"] for each in records if each["exists"]}
    assert (names["softmax(z/2)"], names["softmax"]) == ("2 × log-likelihood", "log-likelihood")


def test_a_verdict_says_it_of_the_layer_and_why_delta_is_a_multiple():
    found = lm.verdict(lm.Mix(warm, "ll"), 3)
    assert found.condition == "never: delta = 0.5 (a - y) for one-hot labels"
    assert found.of_layer == "with warm goes 2 × log-likelihood"
    assert found.why == (
        "for 3 classes warm is softmax(0.5 z), with softmax goes log-likelihood, and 0.5 comes out "
        "in front of a - y"
    )
    said = "use it with the learning rate divided by 0.5, or softmax with log-likelihood: "
    assert found.advice.startswith(said)


def test_advice_names_the_factor():
    found = lm.verdict(lm.Mix(warm, "quadratic"), 3)
    assert found.advice.startswith("warm with 2 × log-likelihood")


def mean_cross_entropy(a, y):
    return -(y * np.log(a) + (1 - y) * np.log(1 - a)).mean()


def threefold(a, y):
    return -3 * (y * np.log(a)).sum(axis=-1).mean()


@pytest.mark.parametrize(
    ("layer", "cost", "c", "goes"),
    [
        ("sigmoid", mean_cross_entropy, 1 / 3, "sigmoid, with delta = 0.3333 (a - y) and lml"),
        ("softmax", threefold, 3.0, "softmax (one class of K), with delta = 3 (a - y)"),
    ],
)
def test_a_cost_of_ones_own_goes_with_a_layer_but_for_its_factor(layer, cost, c, goes):
    mix = lm.Mix(layer, cost)
    y = np.array([0.0, 1.0, 0.0])
    delta = finite.jacobian(lambda z: cost(mix.activate(z), y), (Z,), 0, analytic=False)
    np.testing.assert_allclose(delta, c * (mix.activate(Z) - y), atol=1e-8)
    assert partners(mix, 3).of_cost.startswith(f"with {cost.__name__} goes {goes}")


def test_a_cost_of_ones_own_without_a_factor_hides_those_with_one():
    """With two classes the mean of both cross-entropies is the log-likelihood of softmax."""
    found = partners(lm.Mix("softmax", mean_cross_entropy), 2)
    assert found.of_cost == "with mean_cross_entropy goes softmax (one class of K)"
