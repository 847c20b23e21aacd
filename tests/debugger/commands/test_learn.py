"""Commands that teach: rules, local derivatives, differences."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.prompt import answers_to


def overflowing():
    return lm.Mix("sigmoid", "ce").composed(lm.Tensor([800.0, -800.0, 1.0], name="z"), 0)


def test_explain_shows_the_row_of_the_table():
    text = answers_to("explain a")
    assert "\n  → n1: g / y\n" in text
    assert "\n  → n2: sum of g * z / -y over axis 0\n" in text
    assert "\n  table row np.divide: g = dC/da, z = a, x = n1, y = n2\n" in text
    assert "is an input" in answers_to("explain z")


def test_explain_gives_the_formula_of_a_cost_that_is_one_node():
    cost = lm.Mix("softmax", "ce").cost(lm.Tensor([[2.0, 1.0]], name="z"), [0])
    formula = "Sa - y + (1 - y)r - a Σ(1 - y)r"
    said = f"  → z: softmax_ce_delta(z, y) * g, softmax_ce_delta = {formula}\n"
    assert said in answers_to("explain", cost)


def test_explain_says_where_broadcasting_is_undone_and_only_there():
    w, b = lm.Tensor([[1.0], [2.0]], name="w"), lm.Tensor([1.0], name="b")
    total = (np.ones((3, 2)) @ w + b).sum()
    assert "sum of g over axis 0" in answers_to("explain n3", total)
    assert "sum of" not in answers_to("explain n2", total)


@pytest.mark.parametrize("name", ["z", "n1", "a", "C"])
def test_check_agrees_with_the_difference(name):
    text = answers_to(f"check {name}")
    assert text.splitlines()[-1].split()[-1] == "ok"
    assert "NOT" not in text


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("size", [1.0, 1e2, 1e4])
def test_check_agrees_at_large_logits_in_every_dtype(dtype, size):
    z = lm.Tensor(np.array([1.5, 0.5, -1.0], dtype) * dtype(size), name="z")
    of_float32 = z.astype(np.float32).sum() if dtype == np.float32 else z.sum()
    for cost in [*(mix.cost(z, 0) for mix in lm.MIXES), lm.softplus(z * 2).sum(), of_float32]:
        assert "ok" in answers_to("check z", cost).split(), cost


def test_check_sees_a_wrong_rule(own_table):
    wrong = lm.derivative(lambda x: x**3, lambda g, z, x: g * x)
    x = lm.Tensor([2.0], name="x")
    said = "NOT ok: the gradient is wrong, or the cost has a kink here\n"
    assert answers_to("check x", wrong(x).sum()).endswith(said)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_a_local_derivative_that_is_infinite_leaves_the_others_as_they_are():
    text = answers_to("local n2", overflowing())
    assert text == "dn2/dn1  diag(0, inf, 0.3679)  shape (3, 3)\n"
