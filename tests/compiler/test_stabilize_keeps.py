"""What `stabilize` leaves alone, and what it keeps where it replaces something."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers import spellings
from tests.helpers.quick import in_one
from tests.helpers.spellings import patterns_in, quietly
from tinygrad_lossmix.compiler.patterns.structure import Structure
from tinygrad_lossmix.compiler.stabilize import rewritten
from tinygrad_lossmix.engine.graph import groups, names, nodes
from tinygrad_lossmix.testing import strategies

LEFT_ALONE = {
    "another row's total": lambda z, e: e / e.sum(axis=1),
    "another axis": lambda z, e: e.T / e.sum(axis=1)[:, None],
    "another exponential": lambda z, e: e / np.exp(z * 2.0).sum(axis=1, keepdims=True),
    "rows in another order": lambda z, e: e[[1, 0, 2]] / e.sum(axis=1, keepdims=True),
    "something added": lambda z, e: e / (e.sum(axis=1, keepdims=True) + 1e-9),
    "other weights": lambda z, e: e * np.arange(3.0) / e.sum(axis=1, keepdims=True),
    "e^u/(2 + e^u)": lambda z, e: e / (2 + e),
    "a clipped logarithm": lambda z, e: np.log(np.maximum(z * z, 1e-7)),
    "logits of others": lambda z, e: z[[1, 0, 2], [0, 1, 2]] - z.max(axis=1),
    "a plain sum": lambda z, e: np.log(2.0 + e.sum()),
    "e^u - 1": lambda z, e: np.expm1(z) / np.expm1(z).sum(axis=1, keepdims=True),
    "e^u - 1, its 1 lost beside a larger number": lambda z, e: np.log1p(
        1e17 + np.expm1(z * z) - 1e17
    ),
    "the mean for the sum": lambda z, e: e / e.mean(axis=1, keepdims=True),
    "stable already": lambda z, e: lm.log_softmax(z) * np.arange(3.0),
    "maximum": lambda z, e: np.maximum(z, 0.0) @ z,
}


@in_one("name", LEFT_ALONE)
def test_what_only_looks_like_it_stays_the_very_same_object(name):
    z = lm.Tensor(np.random.default_rng(0).normal(size=(3, 3)))
    cost = LEFT_ALONE[name](z, np.exp(z))
    before = cost.data.tobytes(), [node.order for node in nodes(cost)]
    assert lm.stabilize(cost) is cost
    assert (cost.data.tobytes(), [node.order for node in nodes(cost)]) == before


@given(strategies.programs())
def test_random_programs_keep_value_and_gradient(drawn):
    program, leaves = drawn
    tensors = [lm.Tensor(leaf) for leaf in leaves]
    cost = program(*tensors)
    after = lm.stabilize(cost)
    if not patterns_in(cost):
        assert after is cost
    np.testing.assert_allclose(after.data, cost.data, rtol=1e-12, atol=1e-12)
    for got, plain in zip(lm.grad(after, tensors), lm.grad(cost, tensors), strict=True):
        np.testing.assert_allclose(got, plain, rtol=1e-9, atol=1e-11)


OUTPUT_LAYERS = [*spellings.SOFTMAXES.values(), *spellings.SIGMOIDS.values()]
BETWEEN = [np.tanh, lambda a: a * 3.0 - 1.0, lambda a: np.log(a), lambda a: 1 - a, lambda a: a.T]


@given(
    st.lists(st.sampled_from(OUTPUT_LAYERS), min_size=1, max_size=3),
    st.lists(st.sampled_from(BETWEEN), min_size=3, max_size=3),
    st.integers(0, 100),
)
def test_layers_on_layers_keep_value_and_gradient(layers, between, seed):
    z = lm.Tensor(np.random.default_rng(seed).normal(size=(3, 3)))
    x = z
    for layer, then in zip(layers, between, strict=False):
        x = then(layer(x))
    weights = np.random.default_rng(seed + 1).normal(size=(3, 3))
    cost = (x * weights).sum()
    after = rewritten(cost).after
    np.testing.assert_allclose(after.data, cost.data, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(lm.grad(after, z), lm.grad(cost, z), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("length", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_long_chain_is_no_trouble(length):
    z = lm.Tensor([[1.0, 2.0], [3.0, 4.0]])
    plain = z
    for i in range(length // 4):
        plain = np.tanh(plain * 1.5 + 0.25) if i % 2 else plain.T.reshape(2, 2)
    assert lm.stabilize(plain) is plain
    deep = lm.stabilize(np.log(lm.book.softmax(plain)))
    assert deep.function.__name__ == "log_softmax"
    a = lm.book.softmax(z)
    for i in range(length // 2):
        a = a.reshape(4) if i % 2 == 0 else a.reshape(2, 2)
    np.testing.assert_allclose(lm.stabilize(np.log(a)).data, lm.log_softmax(z.data))
    layers = [lm.book.softmax(z * (0.1 * i)) for i in range(length // 100)]
    costs = sum(lm.book.log_likelihood(layer, [0, 1]) for layer in layers)
    np.testing.assert_allclose(lm.stabilize(costs).data, costs.data)


def test_names_of_functions_and_groups_count_for_nothing():
    exp = lm.derivative(lambda x: x * x, lambda g, z, x: 2 * g * x)
    exp.__name__ = "exp"
    z = lm.Tensor([1.0, 2.0], name="softmax")
    softmax = lm.engine.graph.group("softmax")(lambda z: z * z / (z * z).sum())
    cost = -np.log(softmax(z))[0] + np.log(exp(z) / exp(z).sum())[0]
    assert lm.stabilize(cost) is cost


def test_a_users_function_may_give_another_value_each_time():
    masks = iter([np.array([1.0, 0.0]), np.array([0.0, 1.0])])
    dropped = lm.derivative(lambda x: x * next(masks), lambda g, z, x: g)
    z = lm.Tensor([1.0, 2.0])
    cost = np.exp(dropped(z)) / np.exp(dropped(z)).sum()
    assert lm.stabilize(cost) is cost


def test_a_shift_that_is_a_leaf_gets_no_gradient_of_rounding():
    z, shift = lm.Tensor([40.0, 0.0]), lm.Tensor(3.0)
    e = np.exp(z - shift)
    after = lm.stabilize(-np.log(e / e.sum())[0])
    assert lm.grad(after, shift) == 0.0
    np.testing.assert_array_equal(lm.grad(after, z), lm.Mix("softmax", "ll").delta([40.0, 0.0], 0))


def test_masked_logits_are_no_trouble_where_they_were_none():
    z = lm.Tensor([0.0, 1.0, -np.inf])
    for recorded in (
        lm.log_likelihood(lm.softmax(z), 0),
        lm.xlogy(np.array([1.0, 0.0, 0.0]), lm.softmax(z)) * 2.0,
        np.log((lm.book.softmax(z) * np.array([1.0, 0.0, 0.0])).sum()),
        lm.book.softmax(z),
    ):
        after = lm.stabilize(recorded)
        assert after is not recorded or not patterns_in(recorded)
        np.testing.assert_allclose(after.data, recorded.data, rtol=1e-14)


def test_the_leaves_are_the_same_and_nothing_is_written_to_them():
    w, x = lm.Tensor([[1.0, 0.0], [0.5, 2.0]], name="w"), np.array([1.0, 2.0])
    cost = lm.book.log_likelihood(lm.book.softmax(w @ x), 1)
    after = lm.stabilize(cost)
    assert [n for n in nodes(after) if n.function is None] == [w]
    assert w.grad is None
    np.testing.assert_allclose(lm.grad(after, w), lm.grad(cost, w), rtol=1e-13)


def test_names_and_groups_are_kept_where_they_make_sense():
    z = lm.Tensor([1.0, 2.0], name="z")
    a = lm.book.softmax(z)
    a.name = "a"
    cost = (a * np.array([1.0, 3.0])).sum()
    cost.name = "mean"
    after = lm.stabilize(cost)
    assert [names(after)[node] for node in nodes(after)] == ["z", "a", "n2", "mean"]
    assert [(g.name, g.inputs, g.output.name) for g in groups(after)] == [("softmax", (z,), "a")]


def test_a_group_without_its_inputs_is_left_out_with_the_outputs_that_are_gone():
    @lm.engine.graph.group("my loss")
    def loss(z):
        return lm.book.log_likelihood(lm.book.softmax(z), 0)

    z = lm.Tensor([1.0, 2.0])
    after = lm.stabilize(loss(z))
    assert [(g.name, g.inputs, g.members) for g in groups(after)] == [("my loss", (z,), (after,))]


def test_a_name_is_not_given_to_what_was_there_before():
    z = lm.Tensor([1.0, 2.0])
    again = np.log(np.exp(z))
    again.name = "again"
    assert lm.stabilize(again) is z
    assert z.name is None


@pytest.mark.parametrize("cost", [3.0, np.ones(2), None])
def test_only_tensors_are_stabilised(cost):
    with pytest.raises(TypeError, match="not a Tensor"):
        lm.stabilize(cost)


def test_nothing_is_warned_of_that_the_recording_has_warned_of():
    z = lm.Tensor([1000.0, 0.0])
    cost = quietly(lambda: lm.book.cross_entropy(lm.book.softmax(z), 1) + np.log(np.exp(z)).sum())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(lm.stabilize(cost).data)


def test_mix_costs_in_a_recording_are_kept_with_what_they_know():
    z = lm.Tensor([1.0, 2.0])
    inner = lm.Mix("softmax", "ll").cost(lm.book.sigmoid(z) * 3.0, 0)
    after = lm.stabilize(inner * 2.0)
    assert "delta" in after.args[0].values[-1]
    np.testing.assert_allclose(lm.grad(after, z), lm.grad(inner * 2.0, z), rtol=1e-13)


def test_the_sign_of_a_zero_makes_another_constant():
    z = lm.Tensor([1.0, 2.0])
    for zero, other in ((0.0, -0.0), (np.zeros(2), -np.zeros(2)), (0, 0.0)):
        assert Structure().same(z * zero, z * zero)
        assert not Structure().same(z * zero, z * other)


def test_a_number_has_an_axis_to_sum_over_as_for_numpy():
    x = lm.Tensor(2.0)
    assert lm.stabilize(np.log(np.exp(x).sum(axis=0))).item() == 2.0
    assert lm.compile(lambda x: np.exp(x).sum(axis=-1))(np.array(0.0)) == (1.0, 1.0)


def test_names_of_the_caller_stand_in_the_new_recording():
    z = lm.Tensor([2.0, 1.0, 0.0], name="z")
    a = np.exp(z) / np.exp(z).sum()
    twice = 2.0 * a
    cost = (twice * twice).sum()
    stable = lm.stabilize(cost)
    assert all(node is not twice for node in nodes(stable))
    assert "stable = sum(" in lm.tree(stable)
    assert [*names(stable).values()] == ["z", "a", "twice", "n3", "n4"]
    assert cost.name is twice.name is None
