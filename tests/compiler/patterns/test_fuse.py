"""A whole cost that is a mix becomes its one node."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers import spellings
from tests.helpers.quick import in_one
from tinygrad_lossmix.compiler.ir.program import TracedProgram
from tinygrad_lossmix.compiler.patterns.fuse import is_complement
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.testing import strategies

each_mix = pytest.mark.parametrize("mix", lm.MIXES, ids=str)


def functions(cost):
    return [node.function.__name__ for node in nodes(cost) if node.function is not None]


def name(mix):
    return f"{mix.output}_{mix.cost_name}"


@each_mix
@given(strategies.examples())
def test_the_composed_graph_of_a_mix_is_its_cost(mix, example):
    z, y = example
    t = lm.Tensor(z)
    with np.errstate(all="ignore"):
        composed = mix.composed(t, y)
    after, cost = lm.stabilize(composed), mix.cost(t, y)
    assert functions(after) == [name(mix)]
    np.testing.assert_array_equal(after.data, cost.data)
    np.testing.assert_array_equal(lm.grad(after, t), lm.grad(cost, t))


@each_mix
@in_one("y", [[[0.2, 0.3, 0.5]], [[0.0, 1.0, 0.0]]])
def test_of_negated_logits_too(mix, y):
    z, y = lm.Tensor([[1.0, 2.0, -1.0]]), np.array(y)
    after, cost = lm.stabilize(mix.composed(-z, y)), mix.cost(-z, y)
    assert functions(after)[-1] == name(mix)
    np.testing.assert_allclose(after.data, cost.data, rtol=1e-15)
    np.testing.assert_allclose(lm.grad(after, z), lm.grad(cost, z), rtol=1e-15)


@each_mix
@in_one("shape", [(3,), (1, 3), (49, 2), (2, 3, 4)])
def test_any_batch_is_one_node_without_a_factor(mix, shape):
    z = lm.Tensor(np.random.default_rng(0).normal(size=shape))
    y = np.random.default_rng(1).integers(0, shape[-1], shape[:-1])
    assert functions(lm.stabilize(mix.composed(z, y))) == [name(mix)]


@each_mix
def test_a_multiple_is_the_node_times_a_number(mix):
    z, y = lm.Tensor([[1.0, 2.0], [0.0, 3.0]]), np.eye(2)
    after = lm.stabilize(-3.0 * mix.composed(z, y) / 4)
    assert functions(after) == [name(mix), "multiply"]
    np.testing.assert_allclose(after.data, -0.75 * mix.cost(z.data, y))


@each_mix
def test_what_is_added_stays_as_it_is(mix):
    w = lm.Tensor([[1.0, 2.0], [0.5, 3.0]])
    x = np.array([[1.0, -1.0], [2.0, 0.5]])

    def cost(w):
        return mix.composed(x @ w, [0, 1]) + 0.1 * (w * w).sum() - 0.5 * w[0, 0]

    after = lm.stabilize(cost(w))
    assert name(mix) in functions(after)
    assert not {"log", "exp"} & set(functions(after))
    np.testing.assert_allclose(after.data, cost(w).data, rtol=1e-14)
    np.testing.assert_allclose(lm.grad(after, w), lm.grad(cost(w), w), rtol=1e-12, atol=1e-15)


def test_a_number_that_where_leaves_out_stays_out():
    z, w = lm.Tensor([1.0, 0.0]), lm.Tensor(0.0)
    mix = lm.Mix("softmax", "ll")
    with np.errstate(all="ignore"):
        after = lm.stabilize(mix.composed(z, 0) + np.where(False, np.log(w), 0.0))
    np.testing.assert_allclose(after.data, mix.cost(z.data, 0))
    assert "softmax_ll" in functions(after)


def test_what_is_added_keeps_a_factor_that_is_no_number_yet():
    def cost(z, s):
        return lm.Mix("softmax", "ll").composed(z, 0) + np.rint(s) * s

    arguments = np.array([0.5, 1.0]), np.array(3.3)
    value, slope = lm.compile(cost, wrt=1)(*arguments)
    np.testing.assert_allclose(value, cost(*arguments))
    assert slope == 3.0


@in_one("layer", [s for s in spellings.SOFTMAXES if s != "row by row"])
def test_every_softmax_with_log_likelihood_is_one_node(layer):
    z, y = lm.Tensor([[40.0, 0.0, 1.0], [1.0, 2.0, 0.5]]), np.eye(3)[[0, 2]]
    for cost in spellings.LIKELIHOODS.values():
        after = lm.stabilize(cost(spellings.SOFTMAXES[layer](z), y))
        assert set(functions(after)) - {"transpose", "multiply", "getitem"} == {"softmax_ll"}


def test_costs_of_several_logits_are_several_nodes():
    u, v = lm.Tensor([1.0, 2.0]), lm.Tensor([[0.5, 1.0, 3.0]])
    total = lm.Mix("softmax", "ll").composed(u, 0) + 2.0 * lm.Mix("sigmoid", "ce").composed(v, [1])
    after = lm.stabilize(total)
    assert sorted(functions(after)) == ["add", "multiply", "sigmoid_ce", "softmax_ll"]
    np.testing.assert_allclose(after.data, total.data)


def test_the_same_logits_in_two_costs_are_one_node():
    z = lm.Tensor([1.0, 2.0, 0.5])
    total = -np.log(lm.softmax(z))[0] - np.log(lm.book.softmax(z)[2])
    after = lm.stabilize(total)
    assert functions(after) == ["softmax_ll"]
    np.testing.assert_array_equal(after.args[1], [1, 0, 1])


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_one_neuron_with_labels_that_are_numbers(y, w):
    z = lm.Tensor([0.7])
    a = lm.book.sigmoid(z)
    cost = -(y * np.log(a) + w * np.log(1 - a)).sum()
    np.testing.assert_allclose(lm.stabilize(cost).data, cost.data, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(
        lm.grad(lm.stabilize(cost), z), lm.grad(cost, z), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_labels_that_are_no_complements_keep_their_own_logarithms(output):
    z = lm.Tensor([[1.0, 2.0, 0.5], [3.0, -1.0, 0.0]])
    rng = np.random.default_rng(0)
    y, w = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    a = getattr(lm.book, output)(z)
    cost = (y * np.log(a)).sum() + (w * np.log(1 - a)).mean()
    after = lm.stabilize(cost)
    assert not {"sigmoid_ce", "softmax_ce"} & set(functions(after))
    np.testing.assert_allclose(after.data, cost.data, rtol=1e-13)
    np.testing.assert_allclose(lm.grad(after, z), lm.grad(cost, z), rtol=1e-12)


def test_squares_with_weights_are_left():
    z, w = lm.Tensor([1.0, 2.0]), np.array([1.0, 3.0])
    cost = (w * (lm.sigmoid(z) - 1.0) ** 2).sum()
    assert lm.stabilize(cost) is cost


@pytest.mark.parametrize(
    "cost",
    [
        lambda log: (np.array([np.nan, 1.0]) * log).sum(),
        lambda log: np.inf * log.sum(),
        lambda log: (log / np.array([0.0, 1.0])).sum(),
        lambda log: log.sum() / 0.0,
    ],
)
def test_labels_that_are_not_finite_are_left(cost):
    with np.errstate(all="ignore"):
        recorded = cost(lm.log_softmax(lm.Tensor([1.0, 2.0])))
    assert lm.stabilize(recorded) is recorded


def test_float64_labels_of_float32_logits_keep_their_precision():
    z = lm.Tensor(np.array([1.0, 2.0], np.float32))
    cost = -(np.array([1.0, 0.0]) * np.log(lm.book.softmax(z))).sum()
    after = lm.stabilize(cost)
    assert after.dtype == np.float64
    np.testing.assert_allclose(after.data, cost.data, rtol=1e-6)


def test_no_examples_and_a_single_number_are_no_mixes():
    nothing, number = lm.Tensor(np.zeros((0, 3))), lm.Tensor(0.5)
    assert lm.stabilize(lm.log_softmax(nothing).sum()).data == 0.0
    after = lm.stabilize(-np.log(lm.book.sigmoid(number)))
    assert functions(after) == ["log_sigmoid", "negative"]


@in_one("cut", [lambda a: a[0], lambda a: a.reshape(2, 1), np.transpose, lambda a: a])
def test_squares_of_outputs_alone_on_their_axis_are_right(cut):
    y = np.array([0.3, 0.6])

    def cost(z):
        error = cut(lm.softmax(z, axis=0)) - cut(y[None])
        return (error * error).sum()

    value, gradient = lm.compile(cost)(np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(value, 0.65)
    np.testing.assert_array_equal(gradient, np.zeros((1, 2)))


def test_whether_constants_are_complements():
    y = np.array([0.25, 1.0])
    assert is_complement(1 - y, y)
    assert is_complement(np.array([0, 1]), np.array([True, False]))
    assert not is_complement(np.nextafter(1 - y, 2), y)
    assert not is_complement((1 - y)[None], y)
    unknown = TracedProgram().argument("y", y)
    assert is_complement(1 - unknown, unknown)
    assert is_complement(1.0 - unknown, unknown)
    assert not is_complement(unknown - 1, unknown)
    assert not is_complement(2 - unknown, unknown)
    assert not is_complement(unknown, 1 - unknown)
    assert not is_complement(unknown, y)
    assert not is_complement(y, unknown)
    assert not is_complement(None, y)
