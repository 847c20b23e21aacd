"""`Mix`: names, equality, text, and its formulas."""

import copy
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix import MIXES, Mix, Tensor
from tinygrad_lossmix.engine.graph import nodes

each_mix = pytest.mark.parametrize("mix", MIXES, ids=str)
PAIRS = [(output, cost) for output in ("sigmoid", "softmax") for cost in ("ce", "ll", "quadratic")]


def test_all_six_come_in_order():
    assert [(mix.output, mix.cost_name) for mix in MIXES] == PAIRS
    assert [mix.words for mix in MIXES] == [*map(" ".join, PAIRS)]
    assert isinstance(MIXES, tuple)


@in_one(
    ("output", "cost", "expected"),
    [
        ("softmax", "ll", ("softmax", "ll")),
        ("softmax", "log-likelihood", ("softmax", "ll")),
        ("softmax", "log_likelihood", ("softmax", "ll")),
        ("sigmoid", "cross-entropy", ("sigmoid", "ce")),
        ("sigmoid", "cross_entropy", ("sigmoid", "ce")),
        ("Sigmoid", "CE", ("sigmoid", "ce")),
        ("SOFTMAX", "Log-Likelihood", ("softmax", "ll")),
        ("softmax", "LL", ("softmax", "ll")),
        ("sigmoid", "Quadratic", ("sigmoid", "quadratic")),
    ],
)
def test_short_and_long_names_in_any_case(output, cost, expected):
    mix = Mix(output, cost)
    assert (mix.output, mix.cost_name) == expected
    assert mix == Mix(*expected)


@pytest.mark.parametrize(
    ("output", "cost"),
    [
        ("relu", "ll"),
        ("softmax", "hinge"),
        ("ll", "softmax"),
        ("", ""),
        (None, None),
        ("softmax", 3),
    ],
)
def test_another_name_is_refused_with_a_list_of_the_six(output, cost):
    with pytest.raises(ValueError, match="no mix") as error:
        Mix(output, cost)
    for given_or_possible in (repr(output), repr(cost), *map(" ".join, PAIRS)):
        assert given_or_possible in str(error.value)


@each_mix
def test_text(mix):
    assert eval(repr(mix), {"Mix": Mix}) == mix
    long = {"ce": "cross-entropy", "ll": "log-likelihood", "quadratic": "quadratic"}
    assert str(mix) == f"{mix.output} + {long[mix.cost_name]}"
    assert Mix(*str(mix).split(" + ")) == mix


@each_mix
def test_latex_is_one_balanced_formula_of_delta(mix):
    latex = mix._repr_latex_()
    assert latex[0] == latex[-1] == "$"
    assert "$" not in latex[1:-1]
    assert str(mix) in latex
    assert "\\delta" in latex
    assert latex.count("{") == latex.count("}")
    assert set(re.findall(r"\\([a-z]+)", latex)) <= {
        "text",
        "quad",
        "delta",
        "textstyle",
        "sum",
        "cdot",
    }
    assert latex.isascii()


def test_two_mixes_are_equal_when_both_names_are():
    assert Mix("softmax", "ll") == Mix("softmax", "log-likelihood")
    assert Mix("softmax", "ll") != Mix("softmax", "ce")
    assert Mix("softmax", "ll") != Mix("sigmoid", "ll")
    assert Mix("softmax", "ll") != ("softmax", "ll")
    assert Mix("softmax", "ll") != "softmax + log-likelihood"
    assert len({*MIXES, *(Mix(*pair) for pair in PAIRS)}) == 6
    assert len({hash(mix) for mix in MIXES}) == 6


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda mix: pickle.loads(pickle.dumps(mix))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_is_equal_and_works(copied):
    for mix in MIXES:
        again = copied(mix)
        assert again == mix
        assert hash(again) == hash(mix)
        assert again.cost([1.0, 0.0], 0) == mix.cost([1.0, 0.0], 0)


@each_mix
def test_cost_is_one_node(mix):
    z = Tensor([[0.5, -1.0], [2.0, 0.0]])
    cost = mix.cost(z, [0, 1])
    assert nodes(cost) == [z, cost]
    assert cost.shape == ()
    assert cost.function.__name__ == f"{mix.output}_{mix.cost_name}"
    delta = mix.delta(z, [0, 1])
    assert nodes(delta) == [z, delta]


@each_mix
def test_the_cost_keeps_its_delta_for_the_way_back(mix):
    z = Tensor([[0.5, -1.0], [2.0, 0.0]])
    kept = mix.cost(z, [0, 1]).values[-1]["delta"]
    np.testing.assert_array_equal(kept, mix.delta(z.data, [0, 1]))


@each_mix
def test_arrays_give_arrays_and_tensors_tensors(mix):
    z = np.array([0.5, -1.0])
    for method in (mix.cost, mix.delta, mix.composed):
        assert type(method(Tensor(z), 0)) is Tensor
        assert isinstance(method(z, 0), np.ndarray | np.floating)
        np.testing.assert_array_equal(method(Tensor(z), 0).data, method(z, 0))


@each_mix
def test_activate_gives_the_safe_outputs(mix):
    z = np.array([[1000.0, 0.0], [-1000.0, 3.0]])
    expected = getattr(lm, mix.output)(z)
    assert (mix.activate(z) == expected).all()
    assert (mix.activate(Tensor(z)).data == expected).all()


def by_hand(mix, a, y):
    """δ as `mix.formula` has it, S = Σy, e = a - y, r = a/(1 - a)."""
    e, s, r = a - y, y.sum(), a / (1 - a)
    return {
        "a - y": lambda: a - y,
        "-y(1 - a)": lambda: -y * (1 - a),
        "(a - y) a(1 - a)": lambda: (a - y) * a * (1 - a),
        "Sa - y": lambda: s * a - y,
        "Sa - y + (1 - y)r - a Σ(1 - y)r": lambda: (
            s * a - y + (1 - y) * r - a * ((1 - y) * r).sum()
        ),
        "a(e - a·e)": lambda: a * (e - a @ e),
    }[mix.formula]()


@each_mix
@given(
    z=hnp.arrays(float, 4, elements=st.floats(-4, 4)),
    y=hnp.arrays(float, 4, elements=st.floats(-1, 2)),
)
def test_the_formula_is_delta(mix, z, y):
    expected = by_hand(mix, mix.activate(z), y)
    np.testing.assert_allclose(mix.delta(z, y), expected, rtol=1e-9, atol=1e-11)


def test_the_latex_formula_is_the_formula():
    """Without markup and indices the two are the same text."""
    for mix in MIXES:
        latex = mix._repr_latex_().split("\\delta = ")[1].strip("$")
        latex = latex.replace("\\textstyle\\sum_k", "Σ").replace("\\cdot", "·").replace("\\,", " ")
        plain = re.sub("_k", "", latex).replace(" ", "")
        assert plain == mix.formula.replace(" ", "")


@in_one(
    ("name", "cost"),
    [
        ("bce", "ce"),
        ("BCELoss", "ce"),
        ("binary_crossentropy", "ce"),
        ("cross_entropy", "ce"),
        ("nll", "ll"),
        ("NLLLoss", "ll"),
        ("categorical_crossentropy", "ll"),
        ("mse", "quadratic"),
        ("MSELoss", "quadratic"),
        ("mean_squared_error", "quadratic"),
    ],
)
def test_a_framework_s_name_of_a_cost_is_understood(name, cost):
    assert lm.Mix("softmax", name) == lm.Mix("softmax", cost)


@pytest.mark.parametrize("name", ["crossentropy", "CrossEntropyLoss", "CrossEntropy"])
def test_a_name_of_two_costs_is_refused_and_both_are_named(name):
    with pytest.raises(ValueError, match=r"is two costs: ce, .* or ll, .*CrossEntropyLoss"):
        lm.Mix("softmax", name)
