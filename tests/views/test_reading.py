"""Names on a screen, and nodes as lines of mathematics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lossmix import Mix, Tensor, derivative
from tinygrad_lossmix.views.reading import Reading

x = Tensor([[1.0, 2.0], [3.0, 4.0]], name="x")
w = Tensor([1.0, 2.0], name="w")
HOSTILE = st.text(st.characters(), max_size=60)


@given(st.lists(HOSTILE, min_size=1, max_size=8))
def test_no_two_nodes_share_a_name(texts):
    leaves = [Tensor(1.0, name=text) for text in texts]
    total = leaves[0]
    for leaf in leaves[1:]:
        total = total + leaf
    names = Reading(total).names
    assert len(set(names.values())) == len(names)


def test_names_that_look_alike_when_spelled_out_get_a_number():
    bell, spelled = Tensor(1.0, name="\x07"), Tensor(1.0, name=r"\x07")
    assert list(Reading(bell + spelled).names.values())[:2] == [r"\x07", r"\x07_2"]


def test_the_books_letters_are_used_where_there_is_no_name():
    cost = Mix("softmax", "ll").composed(Tensor([1.0, 2.0]), 0)
    assert {"z", "a", "C"} <= set(Reading(cost).names.values())


def test_the_callers_variables_come_before_all_other_names():
    logits, y = Tensor([1.0, 2.0], name="own"), np.array([0.25, 0.75])
    weights = np.array([3.0, 4.0])
    cost = Mix("softmax", "ll").composed(logits * weights, y)
    reading = Reading(cost, {"_": cost, **locals()})
    assert reading.names[logits] == "logits"
    assert reading.names[cost] == "cost"
    assert reading.formula(reading.nodes[1]) == "logits * weights"


def test_two_variables_that_hold_the_same_values_name_nothing():
    node = Tensor([1.0, 2.0], name="x") * np.ones(2)
    assert Reading(node, {"u": np.ones(2)}).formula(node) == "x * u"
    assert Reading(node, {"u": np.ones(2), "v": np.ones(2)}).formula(node) == "x * [1, 1]"


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (1.0 - w, "1 - w"),
        (w * np.array([0.5, 1.0]), "w * [0.5, 1]"),
        (w / -2, "w / -2"),
        (x @ w, "x @ w"),
        (w**2, "w ** 2"),
        (-w, "-w"),
        (np.exp(w), "exp(w)"),
        (x.sum(axis=0, keepdims=True), "sum(x, axis=0, keepdims=True)"),
        (x.sum(), "sum(x)"),
        (x[0], "x[0]"),
        (x[..., 1:], "x[..., 1:]"),
        (x[::2, [0, 1]], "x[::2, [0, 1]]"),
        (x.reshape(2, 2), "reshape(x, shape=(2, 2))"),
        (np.concatenate([w, w]), "concatenate(w, w, axis=0)"),
        (np.where([True, False], w, 0.0), "where([True, False], w, 0)"),
        (x * np.ones((2, 2)), "x * array of (2, 2)"),
        (w, ""),
    ],
)
def test_a_formula_reads_like_the_code_that_was_run(node, text):
    assert Reading(node).formula(node) == text


def test_a_function_of_the_users_is_called_by_its_name(own_table):
    def cube(x):
        return x**3

    node = derivative(cube, lambda g, z, x: 3 * g * x * x)(w)
    assert Reading(node).formula(node) == "cube(w)"
