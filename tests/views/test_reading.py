"""Names on a screen, and nodes as lines of mathematics."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix import Mix, Tensor, derivative
from tinygrad_lossmix.engine.graph import nodes
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


def test_the_variables_of_the_caller_are_found():
    rows, W = np.array([[1.0, 2.0], [3.0, 5.0]]), Tensor([[1.0], [2.0]])
    b = Tensor(0.5, name="bias")
    h = np.tanh(rows @ W + b)
    cost = h.sum()
    assert [*Reading(cost).names.values()] == ["W", "bias", "n2", "n3", "h", "cost"]
    assert Reading(cost).formula(Reading(cost).nodes[2]) == "rows @ W"
    assert Reading(cost, {}).formula(Reading(cost).nodes[2]) == "array of (2, 2) @ n0"
    assert Reading(cost, {"weights": W, "b": b}).names[b] == "b"


def test_the_cost_of_a_mix_is_C_unless_it_was_given_a_name():
    logits = Tensor([1.0, 2.0])
    loss = Mix("softmax", "ll").composed(logits, 0)
    found = Reading(loss).names
    assert (found[logits], found[loss]) == ("logits", "C")
    assert Reading(loss, locals()).names[loss] == "loss"
    loss.name = "mine"
    assert Reading(loss).names[loss] == "mine"


def test_of_two_variables_for_one_thing_it_is_the_first():
    def look(first, second, rows, again):
        node = first * rows
        return Reading(node).formula(node)

    w, x = Tensor([1.0, 2.0]), np.array([3.0, 4.0])
    assert look(w, w, x, x) == "first * rows"


def test_a_constant_has_its_name_beside_a_tensor_of_the_same_values():
    x, c = lm.Tensor([1.0, 2.0]), np.array([1.0, 2.0])
    reading = Reading((x * c).sum(), {"c": c, "x": x})
    assert reading.formula(reading.nodes[1]) == "x * c"


def test_a_constant_that_holds_nan_has_its_name():
    w, weights = Tensor([1.0, 2.0]), np.array([np.nan, 1.0])
    node = w * weights
    assert Reading(node).formula(node) == "w * weights"


def test_a_variable_that_is_neither_is_not_asked_anything():
    class Lazy:
        def __getattribute__(self, name):
            raise RuntimeError(name)

    w, lazy = Tensor([1.0, 2.0]), Lazy()
    node = w * 2.0
    assert Reading(node).formula(node) == "w * 2"
    assert type(lazy) is Lazy


def test_private_variables_are_none():
    _ = __ = w = Tensor([1.0])
    Out = {3: w}
    assert [*Reading(_ * 2.0).names.values()] == ["w", "n1"]
    assert Out[3] is __


def test_only_what_is_recorded_is_held_on_to():
    w, x = Tensor([1.0, 2.0], name="own"), np.array([3.0, 4.0])
    others = other, unlike, number, text = Tensor(1.0), np.ones(2), 5, "text"
    assert [*Reading(w * x).known] == ["w", "x"]
    assert len(others) == len([other, unlike, number, text])


@pytest.mark.parametrize("look", [Reading, lm.tree, lm.draw, lm.Stepper])
def test_a_look_keeps_nothing_alive(look):
    gc.disable()
    try:
        w = Tensor([1.0, 2.0])
        cost = (w * w).sum()
        watched = set()
        dying = weakref.ref(cost), weakref.ref(watched)
        look(cost)
        del cost, watched
        assert [ref() for ref in dying] == [None, None]
    finally:
        gc.enable()


def test_two_variables_that_hold_the_same_values_name_nothing():
    node = Tensor([1.0, 2.0], name="x") * np.ones(2)
    assert Reading(node, {"u": np.ones(2)}).formula(node) == "x * u"
    assert Reading(node, {"u": np.ones(2), "v": np.ones(2)}).formula(node) == "x * [1, 1]"


@in_one(
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
        (np.einsum("ij,j->i", x, w), "einsum('ij,j->i', x, w)"),
        (np.where([True, False], w, 0.0), "where([True, False], w, 0)"),
        (x * np.ones((2, 2)), "x * array of (2, 2)"),
        (w, ""),
    ],
)
def test_a_formula_reads_like_the_code_that_was_run(node, text):
    assert Reading(node).formula(node) == text


def test_an_index_has_its_name():
    rows, mask = np.array([1, 0]), np.array([True, False])
    cost = (x[rows, np.arange(2)][mask] * x[rows, 1:][0]).sum()
    formulas = [*map(Reading(cost, {"rows": rows, "mask": mask}).formula, nodes(cost))]
    assert [each for each in formulas if "[" in each] == [
        "x[rows, [0, 1]]",
        "n1[mask]",
        "x[rows, 1:]",
        "n3[0]",
    ]


def test_a_function_of_the_users_is_called_by_its_name():
    def cube(x):
        return x**3

    node = derivative(cube, lambda g, z, x: 3 * g * x * x)(w)
    assert Reading(node).formula(node) == "cube(w)"
