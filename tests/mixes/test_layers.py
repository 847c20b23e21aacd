"""What is known of output layers, costs and pairs, held against the functions themselves."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix.mixes.layers import COSTS, LAYERS, PAIR_OF, PAIRS, cost_named

Z, Y = np.array([2.0, 0.5, -1.0]), np.array([0.0, 1.0, 0.0])
WITH_RELATIVES = {name: layer for name, layer in LAYERS.items() if layer.potential}
each_with_relatives = pytest.mark.parametrize("layer", WITH_RELATIVES.values(), ids=WITH_RELATIVES)
each_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)


@each_layer
def test_the_book_and_the_stable_layer_are_one_function(layer):
    np.testing.assert_allclose(layer.stable(Z), layer.book(Z), rtol=1e-14)


@each_with_relatives
def test_the_gradient_of_the_potential_is_the_layer(layer):
    z = lm.Tensor(Z)
    np.testing.assert_allclose(lm.grad(layer.potential(z).sum(), z), layer.stable(Z), rtol=1e-14)


@each_with_relatives
def test_the_logarithms_are_those_of_the_layer(layer):
    a = layer.stable(Z)
    np.testing.assert_allclose(layer.log(Z), np.log(a), rtol=1e-14)
    rest = layer.log_rest(Z) if layer.log_rest else layer.log(-Z)
    np.testing.assert_allclose(rest, np.log(1.0 - a), rtol=1e-13)


@each_layer
def test_a_distribution_adds_up_to_one(layer):
    assert np.isclose(layer.stable(Z).sum(), 1.0) == layer.distribution


@pytest.mark.parametrize(("name", "matched"), [("sigmoid", "ce"), ("softmax", "ll")])
def test_with_one_cost_and_no_other_delta_is_a_minus_y(name, matched):
    a_minus_y = LAYERS[name].stable(Z) - Y
    close = {cost: np.allclose(PAIRS[name, cost].delta(Z, Y), a_minus_y) for cost in COSTS}
    assert [cost for cost in COSTS if close[cost]] == [matched]


def test_every_layer_goes_with_every_cost():
    assert list(PAIRS) == [(output, cost) for output in LAYERS for cost in COSTS]
    assert {form.cost.__name__ for form in PAIRS.values()} == set(map("_".join, PAIRS))
    for pair, form in PAIRS.items():
        node = lm.Mix(*pair).cost(lm.Tensor(Z), Y)
        assert node.function is form.cost
        assert PAIR_OF[node.function] == pair


@pytest.mark.parametrize(("name", "cost"), COSTS.items())
def test_the_costs_of_the_book_and_of_outputs_are_one_function(name, cost):
    a = np.array([0.6, 0.3, 0.1])
    np.testing.assert_allclose(cost.on_outputs(a, Y), cost.book(a, Y), rtol=1e-14)
    assert cost.book.__name__ == cost.on_outputs.__name__ == cost.long.replace("-", "_")
    assert {cost_named(each) for each in (name, cost.long, *cost.elsewhere)} == {name}


@in_one("pair", PAIRS, ids=" ".join)
def test_the_formula_of_delta_gives_its_numbers(pair):
    a, y = LAYERS[pair[0]].stable(Z), Y
    known = {"a": a, "y": y, "S": y.sum(), "e": a - y, "r": a / (1.0 - a), "s": a * (1.0 - a)}
    known["w"] = known["s"] / known["s"].sum()
    spelled = {
        "a - y": "a - y",
        "-y(1 - a)": "-y * (1 - a)",
        "(a - y) a(1 - a)": "(a - y) * a * (1 - a)",
        "Sa - y + (1 - y)r - a Σ(1 - y)r": "S*a - y + (1 - y)*r - a * ((1 - y)*r).sum()",
        "Sa - y": "S*a - y",
        "a(e - a·e)": "a * (e - a @ e)",
        "a - y + (S - 1)w": "a - y + (S - 1) * w",
        "wΣy(1 - a) - y(1 - a)": "w * (y * (1 - a)).sum() - y * (1 - a)",
        "es - wΣes": "e * s - w * (e * s).sum()",
    }
    found = eval(spelled[PAIRS[pair].formula], known)
    np.testing.assert_allclose(PAIRS[pair].delta(Z, Y), found, rtol=1e-12)


def test_the_equations_are_those_of_the_book():
    assert [layer.equation for layer in LAYERS.values()] == [
        *("eq. (3)", "eq. (78)"),
        "σ(z - τ), Σa = 1",
    ]
    assert [cost.equation for cost in COSTS.values()] == ["eq. (63)", "eq. (80)", "eq. (6)"]
    assert {pair: form.equation for pair, form in PAIRS.items() if form.equation != "eq. (29)"} == {
        ("sigmoid", "ce"): "eq. (66)",
        ("softmax", "ll"): "eq. (84)",
    }


@in_one("pair", PAIRS)
def test_the_sweep_takes_the_delta_that_the_forward_pass_kept(pair):
    """Not a second one, which would cost as much as the first."""
    z = lm.Tensor(np.stack([Z, Z]))
    cost = lm.Mix(*pair).cost(z, np.stack([Y, Y]))
    kept = np.arange(6.0).reshape(2, 3)
    cost.values[-1]["delta"] = kept.copy()
    np.testing.assert_array_equal(lm.grad(cost, z), kept / 2)


@in_one("y", [[1, 2], np.stack([Y, Y])])
@in_one("pair", PAIRS)
def test_a_gradient_asked_for_again_is_the_same_and_another_array(pair, y):
    z = lm.Tensor(np.stack([Z, Z]))
    cost = lm.Mix(*pair).cost(z, y)
    once = lm.grad(cost, z)
    kept = once.copy()
    once[:] = 0
    for again in (lm.grad(cost, z), lm.grad(cost, z, seed=2.0) / 2):
        assert again.tobytes() == kept.tobytes()
