"""Local derivatives."""

import numpy as np

import tinygrad_lossmix as lm
from tinygrad_lossmix.debugger.local import local

x = lm.Tensor([2.0, 3.0])
y = lm.Tensor([5.0, 7.0])


def test_an_elementwise_function_has_a_diagonal():
    found = local(x * y, 1)
    assert found.diagonal
    np.testing.assert_array_equal(found.values, x.data)


def test_a_sum_has_a_row():
    found = local((x * y).sum(), 0)
    assert not found.diagonal
    np.testing.assert_array_equal(found.values, [1.0, 1.0])


def test_the_other_argument_is_held_even_where_it_depends_on_the_same_input():
    np.testing.assert_array_equal(local(x * x.exp(), 0).values, np.exp(x.data))


def test_a_jacobian_has_the_axes_of_the_node_then_those_of_the_argument():
    w = lm.Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    np.testing.assert_array_equal(local(w @ x, 1).values, w.data)
    assert local(w @ x, 0).values.shape == (3, 3, 2)


def test_the_jacobian_of_softmax_is_that_of_the_formula():
    z = lm.Tensor([2.0, 1.0, 0.0])
    a = lm.softmax(z)
    p = a.data
    np.testing.assert_allclose(local(a, 0).values, np.diag(p) - np.outer(p, p), atol=1e-16)


def test_a_stable_cost_answers_to_its_logits_by_delta():
    z = lm.Tensor([2.0, 1.0, 0.0])
    mix = lm.Mix("softmax", "ce")
    np.testing.assert_array_equal(local(mix.cost(z, 0), 0).values, mix.delta(z.data, 0))


def test_what_is_too_large_or_empty_is_left_out():
    assert local(lm.Tensor(np.ones(17)) * 2.0, 0) is None
    assert local(lm.Tensor(np.ones(0)).sum(), 0) is None
