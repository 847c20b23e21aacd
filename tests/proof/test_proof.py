"""Proofs: they say what the closed forms say, and fail when the engine's table is wrong."""

import subprocess
import sys

import numpy as np
import pytest
import sympy

import tinygrad_lossmix as lm
from tests.helpers.once import proof_of
from tests.helpers.quick import in_one, thinned
from tinygrad_lossmix.engine.sweep import accumulated, sweep
from tinygrad_lossmix.engine.table import TABLE, Row
from tinygrad_lossmix.mixes import book
from tinygrad_lossmix.proof.derivation import (
    FUNCTIONS,
    derive,
    expressions,
    formulas,
    variable,
)
from tinygrad_lossmix.proof.proof import MOST, prove, readable

CASES = [
    (mix.output, mix.cost_name, k)
    for mix in lm.MIXES
    for k in (1, 2, 3)
    if (mix.output, mix.cost_name, k) != ("softmax", "ce", 1)
]


def numbers(expressions, point):
    return np.array([float(each.subs(point)) for each in expressions])


def point_of(proof, z, y):
    outputs = lm.Mix(proof.mix.output, proof.mix.cost_name).activate(z)
    return dict(zip((*proof.a, *proof.y), (*outputs, *y), strict=True))


@pytest.mark.parametrize(("output", "cost", "k"), thinned(CASES, 4))
def test_the_formula_is_the_closed_form_at_any_logits_and_labels(output, cost, k):
    proof = proof_of(output, cost, k)
    rng = np.random.default_rng(k)
    for _ in range(3):
        z, y = rng.normal(size=(2, k))
        expected = lm.Mix(output, cost).delta(z, y)
        np.testing.assert_allclose(numbers(proof.delta, point_of(proof, z, y)), expected, atol=1e-9)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_softmax_with_log_likelihood_needs_labels_that_add_up_to_one(k):
    proof = proof_of("softmax", "ll", k)
    assert proof
    assert proof.holds
    assert proof.counterexample is None
    assert proof.equations == (sum(proof.y) - 1,)
    assert proof.condition == f"{' + '.join(map(str, proof.y))} = 1"


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_sigmoid_with_cross_entropy_takes_any_labels(k):
    proof = proof_of("sigmoid", "ce", k)
    assert proof.holds
    assert proof.condition == "any y"
    assert proof.delta == tuple(a - y for a, y in zip(proof.a, proof.y, strict=True))


def test_softmax_with_cross_entropy_is_twice_a_minus_y_for_two_classes_and_no_multiple_for_more():
    two, three = proof_of("softmax", "ce", 2), proof_of("softmax", "ce", 3)
    assert (two.holds, two.multiple, two.condition) == (False, 2, "no y")
    assert (three.holds, three.multiple, three.condition) == (False, None, "no y")


def test_sigmoid_with_log_likelihood_ignores_every_wrong_class():
    proof = proof_of("sigmoid", "ll", 3)
    assert proof.ignores_wrong_classes
    assert proof.condition == "y0 = 1, y1 = 1, y2 = 1"
    assert proof.delta == tuple(-y * (1 - a) for a, y in zip(proof.a, proof.y, strict=True))
    others = [mix for mix in lm.MIXES if mix != proof.mix]
    assert not any(proof_of(m.output, m.cost_name, 2).ignores_wrong_classes for m in others)


@pytest.mark.parametrize(("output", "cost", "k"), thinned(CASES, 4))
def test_a_counterexample_is_one_and_is_there_exactly_when_it_does_not_hold(output, cost, k):
    proof = proof_of(output, cost, k)
    point = proof.counterexample
    assert (point is None) == proof.holds
    if point is not None:
        z, y, delta, a_minus_y = (np.array(values, float) for values in point)
        mix = lm.Mix(output, cost)
        np.testing.assert_allclose(delta, mix.delta(z, y), atol=1e-12)
        np.testing.assert_allclose(a_minus_y, mix.activate(z) - y, atol=1e-12)
        assert abs(delta - a_minus_y).max() > 0.1


def test_where_delta_is_a_minus_y_no_point_is_a_counterexample():
    assert derive("sigmoid", book.cross_entropy, 1).counterexample() is None
    assert derive("softmax", book.log_likelihood, 2).counterexample() is None


@pytest.mark.parametrize(
    ("output", "cost", "function", "rules"),
    [
        ("softmax", "ll", np.log, [lambda g, z, x: -g / x]),
        ("softmax", "ll", np.exp, [lambda g, z, x: g]),
        ("softmax", "ll", np.divide, [lambda g, z, x, y: g / y, lambda g, z, x, y: 0 * g]),
        ("softmax", "ll", np.sum, [lambda g, z, x, axis=None, keepdims=False: 2 * g + 0 * x]),
        ("sigmoid", "ce", np.log, [lambda g, z, x: g / (x * x)]),
        ("sigmoid", "ce", np.subtract, [lambda g, z, x, y: g, lambda g, z, x, y: g]),
        ("softmax", "ll", np.negative, [lambda g, z, x: g]),
    ],
)
def test_a_wrong_rule_in_the_table_breaks_the_proof(monkeypatch, output, cost, function, rules):
    assert proof_of(output, cost, 2)
    monkeypatch.setitem(TABLE, function, Row(rules, TABLE[function].forward))
    proof = prove(output, cost, 2)
    assert not proof
    z, y = np.array([0.3, -1.2]), np.array([0.25, 0.75])
    t = lm.Tensor(z)
    wrong = lm.grad(lm.Mix(output, cost).composed(t, y), t)
    point = point_of(proof, z, y) | {sympy.Symbol("T", positive=True): np.exp(z).sum()}
    np.testing.assert_allclose(numbers(proof.delta, point), wrong, atol=1e-9)


def test_what_the_outputs_do_not_determine_is_explained(monkeypatch):
    assert "T is" not in str(proof_of("softmax", "ll", 2))
    monkeypatch.setitem(TABLE, np.exp, Row([lambda g, z, x: g], TABLE[np.exp].forward))
    assert "\nT is the sum of e^z.\n" in str(prove("softmax", "ll", 2))


def test_a_rule_twice_too_large_is_named_by_its_multiple(monkeypatch):
    row = Row([lambda g, z, x: 2.0 * g * z], TABLE[np.exp].forward)
    monkeypatch.setitem(TABLE, np.exp, row)
    assert prove("sigmoid", "ce", 2).multiple == 2
    assert "exactly 2(a - y)." in str(prove("sigmoid", "ce", 2))


@pytest.mark.parametrize(("output", "cost", "k"), thinned(CASES, 4))
def test_the_readable_form_equals_the_one_derived(output, cost, k):
    long = {"ce": "cross_entropy", "ll": "log_likelihood"}.get(cost, cost)
    derivation = derive(output, getattr(book, long), k)
    for form, error, a_minus_y in zip(
        readable(derivation), derivation.error, derivation.a_minus_y, strict=True
    ):
        difference = form - (a_minus_y + error)
        assert derivation.equations([difference]) == ()


def test_the_text_says_the_verdict_the_formulas_and_the_counterexample():
    assert str(proof_of("softmax", "ce", 2)).splitlines() == [
        "softmax + cross-entropy, 2 classes",
        "delta is not a - y.",
        "It is exactly 2(a - y) where y0 + y1 = 1.",
        "For example at z = (0, 0), y = (1, 0): delta = (-1, 1), a - y = (-1/2, 1/2).",
        "",
        "delta0 = a0 - y0 - a0*(a1 - y1)/(1 - a1)",
        "delta1 = a1 - y1 - a1*(a0 - y0)/(1 - a0)",
        "",
        "a outputs, y labels; derived for all logits by the engine's table, run on symbols.",
    ]
    assert "delta = a - y for any y." in str(proof_of("sigmoid", "ce", 1))
    assert "0 for every wrong class" in str(proof_of("sigmoid", "ll", 2))


@pytest.mark.parametrize(
    ("mix", "last"),
    [
        (("softmax", "ll"), r"\delta &= a - y \iff y_{0} + y_{1} = 1"),
        (("sigmoid", "ce"), r"\delta &= a - y \text{ at all logits for any } y"),
        (("softmax", "quadratic"), r"\delta &= a - y \text{ at all logits for no } y"),
        (("softmax", "ce"), r"\delta &= 2\,(a - y)\text{ where } y_{0} + y_{1} = 1"),
    ],
    ids=str,
)
def test_latex_has_a_line_for_each_logit_and_the_condition(mix, last):
    proof = proof_of(*mix, 2)
    begin, *lines, end = proof.latex.splitlines()
    assert (begin, lines[-1], end) == (r"\begin{aligned}", last, r"\end{aligned}")
    assert [line[:11] for line in lines[:2]] == [r"\delta_{0} ", r"\delta_{1} "]
    assert all(line.endswith(r" \\") for line in lines[:-1])
    assert proof.latex in proof._repr_latex_()


@pytest.mark.slow
@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_five_classes_are_proved(mix):
    proof = proof_of(mix.output, mix.cost_name, 5)
    assert proof.holds == (str(mix) in ("softmax + log-likelihood", "sigmoid + cross-entropy"))


@pytest.mark.parametrize("k", [0, -1, MOST + 1, 2.0, True, "3"])
def test_a_number_of_classes_that_is_none_is_refused(k):
    with pytest.raises(ValueError, match=f"1 to {MOST} classes"):
        prove("softmax", "ll", k)


def test_what_has_no_delta_is_refused():
    with pytest.raises(ValueError, match="choose one of"):
        prove("tanh", "ll", 2)
    with pytest.raises(ValueError, match="infinite"):
        prove("softmax", "ce", 1)


def test_symbols_compute_as_numbers_do():
    x = sympy.symbols("x:2", positive=True)
    t = variable(x)
    values = [2.0, 3.0]
    found = expressions(np.exp(-t / 2.0).sum(axis=-1, keepdims=True) - 0.25 + t**2 * 3)
    expected = np.exp(-np.array(values) / 2).sum() - 0.25 + np.array(values) ** 2 * 3
    np.testing.assert_allclose(
        [float(f.subs(zip(x, values, strict=True))) for f in found], expected
    )
    assert (1 - formulas(x[0])).item() == 1 - x[0]
    assert expressions(formulas(x[0]) + np.ones(2)) == [x[0] + 1] * 2


@in_one("name", FUNCTIONS)
def test_a_rule_run_on_a_symbol_is_the_derivative_that_sympy_finds(name):
    x = sympy.symbols("x", positive=True)
    leaf, one = variable([x]), formulas(sympy.S.One)
    cost = getattr(np, name)(leaf).sum()
    [found] = expressions(accumulated(cost, one, sweep(cost, one))[leaf])
    expected = sympy.diff(FUNCTIONS[name](x), x)
    assert sympy.simplify(sympy.nsimplify(found) - expected) == 0


def test_without_sympy_the_extra_is_named():
    code = "import sys; sys.modules['sympy'] = None; import tinygrad_lossmix.proof.proof"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        'ImportError: proofs are computed by SymPy: pip install "tinygrad_lossmix[prove]"'
    )
