"""Proofs for layers of a user's own: formulas in z and e^z, or what stands in the way of them."""

import numpy as np
import pytest
from sympy import Rational

import tinygrad_lossmix as lm
from tinygrad_lossmix.proof.proof import prove


def sharp_softmax(z):
    e = np.exp(2 * z)
    return e / e.sum()


def swish(z):
    return z / (1 + np.exp(-z))


def over(z):
    a = 1 / (1 + np.exp(-z))
    return a / a.sum()


def with_a_constant(z):
    return np.where(np.arange(2) == 1, np.exp(z), 2.0) / 3


def poisson(a, y):
    return (a - y * np.log(a)).sum()


@pytest.mark.parametrize(
    ("layer", "cost", "k", "condition", "multiple"),
    [
        (np.exp, poisson, 3, "any y", None),
        (np.positive, "quadratic", 3, "any y", None),
        (sharp_softmax, "ll", 2, "no y", 2),
        (np.tanh, "quadratic", 2, "no y", None),
        (swish, "quadratic", 1, "no y", None),
        (over, "ll", 2, "no y", None),
        (with_a_constant, "quadratic", 2, "no y", None),
    ],
)
def test_the_formula_is_the_slope_of_the_cost(layer, cost, k, condition, multiple):
    proof = prove(layer, cost, k)
    assert (proof.condition, proof.holds, proof.multiple) == (
        condition,
        condition != "no y",
        multiple,
    )
    mix = lm.Mix(layer, cost)
    z, y = np.random.default_rng(k).normal(size=(2, k))
    point = dict(zip((*proof.a, *proof.y), (*z, *y), strict=True))
    h = 1e-6 * np.eye(k)
    slope = [(mix.composed(z + e, y) - mix.composed(z - e, y)) / 2e-6 for e in h]
    np.testing.assert_allclose([float(d.subs(point)) for d in proof.delta], slope, atol=1e-8)
    assert "z logits, y labels; derived for all logits" in str(proof)
    if proof.counterexample:
        z, y, delta, a_minus_y = (np.array(x, float) for x in proof.counterexample)
        np.testing.assert_allclose(mix.delta(z, y), delta, atol=1e-14)
        np.testing.assert_allclose(layer(z) - y, a_minus_y, atol=1e-14)


def test_a_counterexample_is_where_the_layer_has_a_value():
    def spherical(z):
        return z**2 / (z**2).sum()  # 0/0 at z = 0

    z, y, delta, a_minus_y = (
        np.array(x, float) for x in prove(spherical, "quadratic", 2).counterexample
    )
    assert z.any()
    mix = lm.Mix(spherical, "quadratic")
    np.testing.assert_allclose(mix.delta(z, y), delta, atol=1e-14)
    np.testing.assert_allclose(spherical(z) - y, a_minus_y, atol=1e-14)


def test_of_outputs_that_add_up_to_one_so_do_the_labels_they_match():
    proof = prove(lambda z: np.exp(z) / np.exp(z).sum(), "ll", 3)
    assert proof.holds
    assert proof.condition == "y0 + y1 + y2 = 1"


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (lambda z: np.maximum(z, 0.0), r"np\.maximum stands in the way of a proof: formulas know"),
        (lambda z: lm.sigmoid(2 * z), r"^sigmoid stands in the way .* write lm\.book's"),
        (lambda z: lm.softmax(z / 3), r"^softmax stands in the way .* write lm\.book's"),
        (lambda z: lm.book.softmax(z / 3), "^a root, of z or of e.z, stands in the way"),
        (lambda z: z / np.sqrt(1 + z * z), "^a root, of z or of e.z, stands in the way"),
        (np.arctan, "atan stands in the way of a proof"),
        (lambda z: np.where(z > 0, z, 0.1 * z), "^a comparison, .* in the output layer stands in"),
        (lambda z: z * (z > 0), "^a comparison in the output layer stands in the way of a proof"),
        (lambda z: z if z[0] > 0 else -z, "branch .* in the output layer stands in the way"),
        (lambda z: float(z[0]) * z, r"float\(\) in the output layer stands in the way"),
    ],
)
def test_the_operation_in_the_way_is_named(layer, said):
    with pytest.raises(TypeError, match=said):
        prove(layer, "quadratic", 3)


def test_an_operation_of_a_cost_is_named_as_well():
    with pytest.raises(TypeError, match=r"^np\.maximum stands in the way of a proof"):
        prove("softmax", lambda a, y: np.maximum(0, 1 - a * y).sum(), 2)
    with pytest.raises(TypeError, match=r"^a comparison, branch or float\(\) in the cost stands"):
        prove("softmax", lambda a, y: np.where(a > 0.5, a, -a).sum(), 2)


def test_a_decimal_number_is_its_fraction():
    def smoothed(a, y):
        return -((0.9 * y + 0.1 / 3) * np.log(a)).sum()

    proof = prove("softmax", smoothed, 3)
    assert proof.condition == "y0 = 1/3, y1 = 1/3, y2 = 1/3"
    assert proof.counterexample.delta == (Rational(-3, 5), Rational(3, 10), Rational(3, 10))
