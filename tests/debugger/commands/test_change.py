"""Recordings changed and made again; values, labels and mixes set at the prompt."""

import io
import re

import numpy as np
import pytest
from hypothesis import given

import tinygrad_lossmix as lm
from tests.helpers.programs import programs
from tests.helpers.prompt import answers_to, places
from tinygrad_lossmix.debugger.commands.change import (
    again,
    changed,
    with_mix,
    with_value,
)
from tinygrad_lossmix.debugger.expressions import CommandError
from tinygrad_lossmix.debugger.repl import Prompt
from tinygrad_lossmix.engine.graph import groups
from tinygrad_lossmix.views.reading import Reading

X = np.array([[1.0, -2.0], [0.5, 3.0]])
W = [[0.1, -0.2, 0.3], [0.0, 0.4, -0.1]]


def reading(z=(2.0, 1.0, 0.0), y=0, mix=("softmax", "ll")):
    return Reading(lm.Mix(*mix).composed(lm.Tensor(np.array(z), name="z"), y))


def network(y=(0, 2), mix=("softmax", "ll"), w=W, x=X, one_node=False):
    """A layer with a penalty: the mix is in the middle of the recording."""
    mix, weights = lm.Mix(*mix), lm.Tensor(w, name="w")
    logits = x @ weights
    cost = (mix.cost if one_node else mix.composed)(logits, list(y))
    return Reading(cost + 0.1 * (weights * weights).sum(), {"x": x})


def same(new, other):
    """The same values and gradients, up to the names of the nodes in between."""
    found = new.nodes, other.nodes
    assert [node.function for node in found[0]] == [node.function for node in found[1]]
    for cost in (new.cost, other.cost):
        cost.backward()
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a.data, b.data)
        np.testing.assert_array_equal(a.grad, b.grad)
    return True


def test_another_value_gives_the_recording_of_that_value():
    found = reading()
    z = found.symbols.z
    assert same(with_value(found, "z", z, np.array([0, 0, 1])), reading((0.0, 0.0, 1.0)))
    assert same(changed(lm.Stepper(found.cost), "z[-1] 7"), reading((2.0, 1.0, 7.0)))


def test_a_constant_is_set_like_an_input():
    found = network()
    assert same(with_value(found, "x", X, 2.0 * X), network(x=2.0 * X))
    moved = X.copy()
    moved[0, 1] = 5.0
    new = changed(lm.Stepper(found.cost, {"x": X}), "x[0, 1] 5")
    assert same(new, network(x=moved))
    assert new.formula(new.nodes[1]) != ""


def test_other_labels_and_another_mix_give_theirs():
    assert same(with_mix(reading(), y="1"), reading(y=1))
    assert same(with_mix(reading(), y="0,.5,.5"), reading(y=[0.0, 0.5, 0.5]))
    assert same(with_mix(reading(), lm.Mix("sigmoid", "ce")), reading(mix=("sigmoid", "ce")))


def test_labels_of_a_batch_are_classes_or_one_for_each_logit():
    z = np.arange(6.0).reshape(2, 3) / 3
    assert same(with_mix(reading(z, [0, 1]), y="2,0"), reading(z, [2, 0]))
    assert same(with_mix(reading(z, [0, 1]), y="2"), reading(z, [2, 2]))
    soft = [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    assert same(with_mix(reading(z, [0, 1]), y=".5,.5,0, 0,0,1"), reading(z, soft))


@pytest.mark.parametrize("one_node", [False, True])
def test_the_mix_of_a_network_is_changed_where_it_stands(one_node):
    def cost(new):
        gradients = lm.grad(new.cost, new.nodes[0])
        return float(new.cost.data), gradients.tolist()

    def expected(**other):
        cost = network(**other, one_node=one_node).cost
        return float(cost.data), lm.grad(cost, Reading(cost).nodes[0]).tolist()

    found = network(one_node=one_node)
    assert cost(with_mix(found, y="1,1")) == expected(y=(1, 1))
    assert cost(with_mix(found, lm.Mix("sigmoid", "ce"))) == expected(mix=("sigmoid", "ce"))
    twice = with_mix(with_mix(found, lm.Mix("sigmoid", "ce")), y="1,0")
    assert cost(twice) == expected(mix=("sigmoid", "ce"), y=(1, 0))


def test_nodes_keep_their_names():
    z, cost = lm.Tensor([1.0, 2.0]), None
    cost = (z * z).sum()
    known = Reading(cost, {"logits": z, "loss": cost})
    new = with_value(known, "logits", z, np.array([3.0, 4.0]))
    assert list(new.names.values()) == list(known.names.values())


def test_what_is_computed_cannot_be_set():
    found = reading()
    with pytest.raises(CommandError, match="only an input"):
        with_value(found, "a", found.symbols.a, np.zeros(3))


def test_an_index_cannot_be_set():
    w, rows = lm.Tensor([1.0, 2.0], name="w"), np.array([1, 0])
    walk = lm.Stepper(w[rows].sum(), {"rows": rows})
    with pytest.raises(CommandError, match="only an input can be set: rows is an index"):
        changed(walk, "rows 0,5")


def test_a_recording_without_a_mix_has_no_labels_and_no_mix():
    found = Reading(lm.Tensor([1.0, 2.0]).sum())
    for change in (lambda: with_mix(found, y="1"), lambda: with_mix(found, lm.MIXES[0])):
        with pytest.raises(CommandError, match="the recording has none"):
            change()


@pytest.mark.parametrize("typed", ["z[3] 1", "z[0, 0] 1", "z[0] 1,2", "z[0] x"])
def test_an_entry_that_is_not_there_or_no_number_is_a_mistake(typed):
    with pytest.raises(CommandError, match=r"shape|numbers"):
        changed(lm.Stepper(reading().cost), typed)


def test_an_entry_without_a_value_is_a_mistake():
    for typed in ("z[0]", "z[-1]", "z[0, 1]"):
        with pytest.raises(CommandError, match="set takes an input and its value"):
            changed(lm.Stepper(reading().cost), typed)


def test_labels_that_are_none_are_a_mistake():
    with pytest.raises(CommandError):
        with_mix(reading(), y="7")


def test_overflow_is_recorded_without_warnings():
    assert answers_to("set z 1000,0,0;;p C", reading().cost).endswith(
        "\nC = nan  log-likelihood cost C, eq. (80)\n"
    )


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_the_same_values_give_the_same_recording(mix):
    for cost in (mix.composed(lm.Tensor([2.0, 1.0], name="z"), 0), mix.cost(lm.Tensor([2.0]), [1])):
        other = again(cost, {})[cost]
        assert other is not cost
        cost.backward()
        other.backward()
        assert lm.tree(other) == lm.tree(cost)
        sizes = [[(g.name, len(g.members)) for g in groups(each)] for each in (cost, other)]
        assert sizes[0] == sizes[1]


@given(programs())
def test_a_program_of_other_leaves_is_that_of_the_replay(program):
    leaves = list(map(lm.Tensor, program.arrays()))
    cost = program(*leaves)
    moved = [lm.Tensor(leaf.data + 0.125) for leaf in leaves]
    found = again(cost, dict(zip(leaves, moved, strict=True)))[cost]
    np.testing.assert_array_equal(found.data, program(*moved).data)


def test_constants_keep_their_names_when_a_value_is_set():
    x, w = np.array([3.0, 5.0]), lm.Tensor([1.0, 2.0], name="w")
    answers = io.StringIO()
    prompt = Prompt(lm.Stepper((x * w).sum(), {"x": x}), answers)
    assert prompt.run_batch("set w 4;;list;;p x") == 0
    assert "= x * w" in answers.getvalue()
    assert answers.getvalue().endswith("x = [3, 5]  constant\n")


def test_set_undo_redo_and_diff():
    text = answers_to("end;;set z 0,0,0;;p z;;undo;;p z;;redo;;p z;;diff")
    assert re.findall(r"^z = (\S+ \S+ \S+) ", text, re.MULTILINE) == [
        "[0, 0, 0]",
        "[2, 1, 0]",
        "[0, 0, 0]",
    ]
    assert places(text) == ["8/8"] * 4
    assert re.search(r"^before +C +0.4076 +1$", text, re.MULTILINE)
    assert re.search(r"^after +C +1.099 +1$", text, re.MULTILINE)


def test_diff_keeps_the_order_of_the_inputs():
    a, b = lm.Tensor(2.0, name="a"), lm.Tensor(3.0, name="b")
    rows = answers_to("set b 5;;diff", a * b).splitlines()[-6:]
    assert [row.split()[1] for row in rows] == ["n2", "a", "b"] * 2


def test_labels_and_mix_are_set():
    text = answers_to("set y 1;;end;;delta;;set mix sigmoid ce;;end;;delta")
    assert text.count("equal, max difference") == 2
    assert "eq. (66)" in text


@pytest.mark.parametrize(
    ("commands", "seen"),
    [
        ("set z = 0,0,0;;p z", "z = [0, 0, 0]"),
        ("set z[0] 5;;p z", "z = [5, 1, 0]"),
        ("set z[-1]=-1e3;;p z", "z = [2, 1, -1000]"),
        ("set z [0, nan, inf];;p z", "z = [0, nan, inf]"),
        ("set z 3;;p z", "z = [3, 3, 3]"),
        ("set y 2;;p y", "y = [0, 0, 1]"),
        ("set y .5,.5,0;;p y", "y = [0.5, 0.5, 0]"),
        ("set mix sigmoid cross-entropy;;set y 1,1,0;;p y", "y = [1, 1, 0]"),
    ],
)
def test_whatever_is_set_is_seen_at_once(commands, seen):
    assert f"\n{seen} " in answers_to(commands)


def test_a_row_is_set_at_once():
    w = lm.Tensor([[1.0, 2.0], [3.0, 4.0]], name="w")
    assert answers_to("set w[1] 5,6;;p w", w.sum()).endswith("0  1  2\n1  5  6\n")


def test_classes_of_a_batch_are_set():
    z = lm.Tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]], name="z")
    text = answers_to(
        "set y 2,0;;p y;;set y 1;;p y;;end;;delta", lm.Mix("softmax", "ll").composed(z, [0, 1])
    )
    shown = "y (2, 3)  constant\n   0  1  2\n0  {}\n1  {}\n"
    assert shown.format("0  0  1", "1  0  0") in text
    assert shown.format("0  1  0", "0  1  0") in text
    assert "equal, max difference" in text
