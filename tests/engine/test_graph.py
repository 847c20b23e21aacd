"""Reading a recording: its nodes in order, their names, the groups they belong to."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import group, groups, names, nodes


def test_nodes_are_all_that_a_cost_was_computed_from_in_order_of_creation():
    late = Tensor(9.0)
    x, y = Tensor(1.0), Tensor(2.0)
    product = x * y
    unrelated = x + y
    cost = product + product * late
    assert nodes(cost) == [late, x, y, product, cost.args[1], cost]
    assert unrelated not in set(nodes(cost))
    assert nodes(x) == [x]


def test_constants_are_no_nodes():
    x = Tensor([1.0, 2.0])
    cost = (x * np.ones(2) + [1.0, 2.0]).sum()
    assert [n.function for n in nodes(cost)] == [None, np.multiply, np.add, np.sum]


def test_nodes_of_a_gradient_reach_into_the_first_recording():
    x = Tensor(1.0)
    y = np.exp(x)
    assert {x, y} < set(nodes(grad(y, x, create_graph=True)))


def test_names_are_the_callers_then_the_tensors_then_the_position():
    x, w = Tensor(1.0, name="x"), Tensor(2.0, name="w")
    hidden = x * w
    cost = hidden + 1.0
    assert list(names(cost).values()) == ["x", "w", "n2", "n3"]
    known = {"hidden": hidden, "weight": w, "number": 3, "array": np.ones(2), "text": "t"}
    assert list(names(cost, known).values()) == ["x", "weight", "hidden", "n3"]
    assert list(names(cost)) == nodes(cost)


def test_locals_give_the_names_in_the_callers_code():
    z = Tensor([1.0, 2.0])
    exponentials = np.exp(z)
    total = exponentials.sum()
    assert list(names(total, known=locals()).values()) == ["z", "exponentials", "total"]


def test_no_name_is_given_twice():
    a, b, c = (Tensor(1.0, name="w") for _ in range(3))
    d = Tensor(1.0, name="w_2")
    e = Tensor(1.0, name="n5")
    cost = ((a + b) * (c + d)) * e
    given = list(names(cost).values())
    assert given[:4] == ["w", "w_2", "w_3", "w_2_2"]
    assert len(set(given)) == len(given) == 9


def test_two_names_for_one_tensor_give_it_one():
    x = Tensor(1.0)
    assert set(names(x, {"first": x, "second": x}).values()) <= {"first", "second"}


HOSTILE = [
    "",
    " ",
    "n0",
    'a"b',
    "<b>",
    "a\nb",
    "\\N",
    "{x|y}",
    "é",
    "😀",
    "a" * 10_000,
    "__class__",
]


@in_one("name", HOSTILE)
def test_a_hostile_name_stays_text(name):
    x, y = Tensor(1.0, name=name), Tensor(2.0, name=name)
    given = names(x * y)
    assert given[x] in (name, "n0")
    assert len(set(given.values())) == 3


def test_known_values_that_compare_oddly_do_no_harm():
    class Odd:
        def __eq__(self, other):
            raise RuntimeError("compared")

        __hash__ = None

    x = Tensor(1.0)
    assert names(x, {"odd": Odd(), "x": x}) == {x: "x"}


@group("double")
def double(x):
    """Twice x."""
    return x + x


@group("quadruple")
def quadruple(x):
    half = double(x)
    return double(half)


def test_a_group_tells_its_inputs_output_and_what_lies_between():
    x = Tensor(3.0)
    before = x * 1.0
    result = double(before)
    (found,) = groups(result * 2.0)
    assert found.name == "double"
    assert found.inputs == (before,)
    assert found.output is result
    assert found.members == (result,)
    assert float(result) == 6.0


def test_nested_groups_come_inner_first_and_contain_each_other():
    x = Tensor(1.0)
    cost = quadruple(x)
    found = groups(cost)
    assert [g.name for g in found] == ["double", "double", "quadruple"]
    first, second, outer = found
    assert outer.output is second.output is cost
    assert outer.inputs == first.inputs == (x,)
    assert second.inputs == (first.output,)
    assert set(first.members) | set(second.members) == set(outer.members)


def test_a_group_keeps_name_and_documentation_and_leaves_arrays_alone():
    assert double.__name__ == "double"
    assert double.__doc__ == "Twice x."
    np.testing.assert_array_equal(double(np.ones(2)), [2.0, 2.0])
    assert type(double(np.ones(2))) is np.ndarray
    assert double(3) == 6


def test_members_do_not_reach_past_the_inputs():
    x = Tensor(1.0)
    history = x
    for _ in range(5):
        history = np.exp(history * 0.1)

    @group("pair")
    def pair(a, b):
        return a * b

    (found,) = groups(pair(history, x))
    assert found.members == (found.output,)


def test_an_identity_is_no_group_and_does_not_rename_its_input():
    same = group("same")(lambda x: x)
    second = group("second")(lambda x, y: y)
    x, y = Tensor(1.0) * 1.0, Tensor(2.0) * 1.0
    assert same(x) is x
    assert second(x, y) is y
    assert groups(x) == groups(y) == []


def test_a_group_without_a_name_is_refused():
    with pytest.raises(TypeError, match="a group has a name"):
        group(lambda x: x)


def test_a_group_may_be_called_by_keyword():
    x = Tensor(3.0)
    result = double(x=x)
    (found,) = groups(result)
    assert (found.name, found.inputs) == ("double", (x,))


def test_a_group_of_no_arguments():
    made = group("made")(lambda: Tensor(1.0) * 2.0)
    assert groups(made())[0].inputs == ()


@pytest.mark.parametrize(
    "pack",
    [lambda w: [w], lambda w: (w, w), lambda w: {"w": w}, lambda w: iter([w]), lambda w: len],
)
def test_a_group_takes_any_arguments(pack):
    """A network's parameters come as a list or a dictionary of Tensors."""
    w, x = Tensor(2.0), Tensor(3.0)
    layer = group("layer")(lambda parameters, x: w * x)
    (found,) = groups(layer(pack(w), x))
    assert x in set(found.inputs)
    assert found.members == (found.output,)


def test_what_a_captured_tensor_was_computed_from_is_no_member():
    w = Tensor(2.0)
    scaled = np.exp(w * 3.0)
    layer = group("layer")(lambda x: x * scaled)
    (found,) = groups(layer(Tensor(1.0)))
    assert w not in set(found.members)


def test_arguments_of_a_group_changed_afterwards_are_not_seen():
    labels = np.array([1.0, 0.0])
    cost = group("weighted")(lambda x, y: (x * y).sum())(Tensor([2.0, 3.0]), labels)
    labels[...] = 7.0
    ((_, args, _),) = cost.groups
    np.testing.assert_array_equal(args[1], [1.0, 0.0])


def test_groups_of_a_recording_without_any():
    assert groups(Tensor(1.0) * 2.0) == []


def test_a_group_does_not_change_gradients():
    x = Tensor([0.5, 2.0])
    np.testing.assert_array_equal(grad(quadruple(x).sum(), x), [4.0, 4.0])
    first = grad((quadruple(x) * x).sum(), x, create_graph=True)
    np.testing.assert_array_equal(grad(first.sum(), x), [8.0, 8.0])


def test_the_first_tensor_of_a_process_is_a_node_like_any_other():
    code = (
        "import tinygrad_lossmix as lm; from tinygrad_lossmix.engine.graph import nodes\n"
        "t = lm.Tensor(1.0); assert t.order == 0; assert nodes(t * 2.0)[0] is t\n"
        "assert lm.grad(t * 2.0, t) == 2.0"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(lm.__file__).parents[1])


def test_a_group_that_is_no_function_is_refused():
    with pytest.raises(TypeError, match=r"^a group is a function, not int$"):
        group("square")(3)


def test_the_first_tensor_of_all_is_a_node_like_any_other(monkeypatch):
    monkeypatch.setattr("tinygrad_lossmix.engine.tensor.tick", itertools.count().__next__)
    first = Tensor(1.0)
    assert first.order == 0
    assert nodes(first * 2.0)[0] is first
