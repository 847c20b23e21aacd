"""δ for every number of classes: against the engine with some of them, and in words."""

import re

import numpy as np
import pytest
import sympy

import tinygrad_lossmix as lm
from tests.helpers.once import proof_of
from tests.helpers.quick import thinned
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.proof.every_class import COUNT, A, T, Y, summed
from tinygrad_lossmix.proof.proof import prove

LML = tuple(Mix("lml", cost) for cost in ("ce", "ll", "quadratic"))
each_mix = pytest.mark.parametrize("mix", [*MIXES, *LML], ids=lambda mix: mix.words)


def focal(a, y):
    return -(y * (1 - a) ** 2 * np.log(a)).sum(axis=-1).mean()


def value(formula, a, y):
    """A formula of class k, for all classes: its sums are added up."""
    known = {COUNT: len(a)}
    letters = {"a": sympy.Symbol("a"), "y": sympy.Symbol("y")}
    for symbol in formula.free_symbols:
        if inner := re.fullmatch(r"sum\((.*)\)", symbol.name):
            term = sympy.lambdify(list(letters.values()), sympy.sympify(inner[1], letters))
            known[symbol] = float(np.sum(term(a, y) * np.ones(len(a))))
    return sympy.lambdify([A, Y], formula.subs(known))(a, y)


@each_mix
@pytest.mark.parametrize("k", [2, 3, 17])
def test_the_formula_is_the_delta_of_the_engine_at_any_k(mix, k):
    rng = np.random.default_rng(k)
    z, y = rng.normal(size=k), rng.random(k)
    found = value(proof_of(mix.output, mix.cost_name, "all").delta, mix.activate(z), y)
    np.testing.assert_allclose(found, mix.delta(z, y), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("mix", thinned(MIXES, 2), ids=lambda mix: mix.words)
def test_it_holds_where_it_does_for_three_classes(mix):
    everywhere, three = (proof_of(mix.output, mix.cost_name, k) for k in ("all", 3))
    assert bool(everywhere) == bool(three)
    assert everywhere.ignores_wrong_classes == three.ignores_wrong_classes


def test_the_condition_is_found():
    conditions = [
        proof_of(*pair, "all").condition for pair in (("softmax", "ll"), ("sigmoid", "ce"))
    ]
    assert conditions == ["sum(y) = 1", "any y"]
    assert proof_of("softmax", "ce", "all").condition == "no y"
    assert proof_of("lml", "ce", "all").condition == "sum(y) = 1"
    assert [bool(proof_of("lml", cost, "all")) for cost in ("ll", "quadratic")] == [False, False]


def tsallis(a, y):
    return (y * (1 - np.sqrt(a)) / 0.5).sum(axis=-1).mean()


def truncated(a, y):
    return (y * (1 - a**0.7) / 0.7).sum(axis=-1).mean()


def hellinger(a, y):
    return ((np.sqrt(a) - np.sqrt(y)) ** 2).sum(axis=-1).mean()


def chi_squared(a, y):
    return ((a - y) ** 2 / (a + y)).sum(axis=-1).mean()


def flattened(a, y):
    return ((np.ravel(a) - y.reshape(-1)) ** 2).sum()


def of_sums(a, y):
    """Of softmax it never changes."""
    return (a - y).sum() ** 2


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
@pytest.mark.parametrize(
    "cost", [focal, tsallis, truncated, hellinger, chi_squared, flattened, of_sums]
)
def test_a_cost_of_ones_own_is_derived(output, cost):
    proof = prove(output, cost, "all")
    rng = np.random.default_rng(5)
    z, y = rng.normal(size=5), rng.random(5)
    mix = lm.Mix(output, cost)
    found = value(proof.delta, mix.activate(z), y)
    np.testing.assert_allclose(found, mix.delta(z, y), rtol=1e-11, atol=1e-15)
    assert not proof


def test_squares_of_ones_own_are_the_quadratic_cost_twice():
    proof = prove("sigmoid", lambda a, y: ((a - y) ** 2).sum(), "all")
    ours = proof_of("sigmoid", "quadratic", "all")
    assert sympy.simplify(proof.delta - 2 * ours.delta) == 0


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (lambda a, y: np.abs(a - y).sum(), "np.absolute stands in the way of a proof"),
        (lambda a, y: ((a - y) ** 2).mean(), "a mean over the classes stands in the way"),
        (lambda a, y: np.max(a * y), "stands in the way of a proof"),
        (lambda a, y: ((a - y) ** 2).sum() / a.size, "the number of classes stands in the way"),
        (lambda a, y: ((a - y) ** 2).sum() / a.shape[-1], "the number of classes stands"),
        (lambda a, y: (np.arange(7.0) * (a - y) ** 2).sum(), "a number for each class stands"),
        (lambda a, y: (a - y)[0] ** 2, "the index 0 stands in the way"),
    ],
)
def test_what_is_no_formula_of_any_number_of_classes_is_named(cost, said):
    with pytest.raises(TypeError, match=said):
        prove("softmax", cost, "all")


@pytest.mark.parametrize("k", [2, "all"])
@pytest.mark.parametrize(
    ("cost", "error", "said"),
    [
        (lambda a, y: None, TypeError, "the cost gives None, not a number"),
        (lambda a, y: 3.0, TypeError, "the cost gives float for a Tensor"),
        (lambda a, y: a - y, ValueError, r"the cost gives shape \(.*,\), not \(\)"),
    ],
)
def test_what_is_no_cost_gets_one_sentence(cost, error, said, k):
    with pytest.raises(error, match=said):
        prove("softmax", cost, k)


def test_a_layer_of_ones_own_is_proved_for_a_number_of_classes():
    with pytest.raises(ValueError, match="not at tanh: give a number of classes, K=3"):
        prove(np.tanh, "ll", "all")


@pytest.mark.parametrize("cost", [tsallis, truncated, hellinger, focal])
def test_roots_and_logarithms_are_for_all_classes_only(cost):
    with pytest.raises(TypeError, match=r'holds roots or logarithms .*: for "all" of them it is'):
        prove("softmax", cost, 2)


def test_sums_are_linear_and_what_has_no_class_is_taken_out():
    assert str(summed(3 * A + T * Y, True)) == "T*sum(y) + 3"
    assert str(summed(A / (1 - A), False)) == "-K + sum(1/(1 - a))"
    assert str(summed(sympy.S.One, False)) == "K"


def test_words_and_record():
    proof = proof_of("softmax", "ll", "all")
    assert repr(proof).splitlines()[:2] == [
        "softmax + log-likelihood, any number of classes",
        "delta = a - y exactly where sum(y) = 1.",
    ]
    assert proof.to_dict()["classes"] == "all"
    assert proof.to_dict()["delta"] == "a_k*sum(y) - y_k"
    assert proof.latex.startswith("\\delta_k = ")
    assert "0 for every wrong class" in str(proof_of("sigmoid", "ll", "all"))
    assert proof.mix == Mix("softmax", "ll")
