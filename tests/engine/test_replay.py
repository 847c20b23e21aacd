"""A recording played again, with other values of its nodes."""

import operator

import numpy as np
import pytest

from tinygrad_lossmix import Mix, Tensor, constant, derivative, grad, sigmoid
from tinygrad_lossmix.engine.replay import computed, recorded, replay, undifferentiated


@pytest.fixture
def recording():
    x, y = Tensor([1.0, 2.0], name="x"), Tensor([3.0, 5.0], name="y")
    return x, y, (np.exp(x) * y).sum(axis=0) - np.log(y)[0]


def test_it_gives_every_node_a_value_by_its_own_function(recording):
    x, y, cost = recording
    found = replay(cost, {x: np.array([0.0, 1.0])}, computed)
    assert found[cost] == (np.exp([0.0, 1.0]) * y.data).sum() - np.log(3.0)
    assert found[y].tolist() == y.data.tolist()
    assert len(found) == 8


def test_it_records_again_what_can_be_differentiated(recording):
    x, y, cost = recording
    other = Tensor([0.0, 1.0])
    found = replay(cost, {x: other}, recorded)
    assert found[y] is y
    assert found[cost].function is np.subtract
    np.testing.assert_array_equal(grad(found[cost], other), np.exp([0.0, 1.0]) * y.data)
    assert grad(cost, other).tolist() == [0.0, 0.0]


def test_what_is_known_inside_is_not_computed(recording):
    *_, cost = recording
    inner = cost.args[0]
    asked = set()
    found = replay(cost, {inner: 7.0}, lambda each, args: asked.add(each) or computed(each, args))
    assert found[cost] == 7.0 - np.log(3.0)
    assert inner not in asked


def test_of_a_node_that_keeps_something_the_value_is_computed():
    z = Tensor([2.0, 0.0])
    a = sigmoid(z)
    np.testing.assert_array_equal(
        replay(a, {z: np.array([0.0, 1.0])}, computed)[a], sigmoid([0, 1])
    )


def test_a_value_that_its_rule_does_not_want_is_not_kept_again():
    x = Tensor([1.0, 2.0])
    joined = np.concatenate([x, x])
    assert recorded(joined, [x, Tensor([0.0])]).values == ()
    assert len(recorded(x * x, [x, x]).values) == 2


def test_a_stable_node_is_recorded_again_and_differentiated():
    z = Tensor([2.0, 1.0, 0.0])
    cost = Mix("softmax", "ll").cost(z, 0)
    other = Tensor([0.0, 1.0, 0.0])
    found = replay(cost, {z: other}, recorded)[cost]
    assert found.data == pytest.approx(float(Mix("softmax", "ll").cost(other.data, 0)))
    np.testing.assert_allclose(grad(found, other), Mix("softmax", "ll").delta(other.data, 0))


def test_where_nothing_is_differentiated_the_recorded_value_can_be_held():
    gate = derivative(lambda x, y: x * y, lambda g, z, x, y: g * y, None)
    x, y = Tensor(2.0), Tensor(3.0)
    cost = gate(x, y) * constant(x) * y
    node = cost.args[0].args[0]
    assert (undifferentiated(x), undifferentiated(node)) == ([], [1])
    known = {x: 5.0, y: 7.0}
    assert replay(cost, known, computed)[cost] == 5.0 * 7.0 * 5.0 * 7.0
    assert replay(cost, known, computed, operator.attrgetter("data"))[cost] == 5.0 * 3.0 * 2.0 * 7.0
