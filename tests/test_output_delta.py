"""The library whole: which pair of output layer and cost has the output delta a - y?

Every delta comes twice, from the engine's reverse sweep over a graph of primitives and from central
finite differences of the cost alone.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lossmix as lm

examples = st.integers(2, 8).flatmap(
    lambda k: st.tuples(hnp.arrays(float, k, elements=st.floats(-4, 4)), st.integers(0, k - 1))
)


def finite_differences(output, cost, z, y, h=1e-5):
    steps = h * np.eye(len(z))
    return np.array([cost(output(z + s), y) - cost(output(z - s), y) for s in steps]) / (2 * h)


def both(output, cost, z, label):
    """δ by the engine, after finite differences have agreed with it, and a - y."""
    y = np.eye(len(z))[label]
    t = lm.Tensor(z)
    delta = lm.grad(cost(output(t), y), t)
    np.testing.assert_allclose(delta, finite_differences(output, cost, z, y), rtol=1e-6, atol=1e-8)
    return delta, output(z) - y


@given(examples)
@pytest.mark.parametrize(
    ("output", "cost"),
    [(lm.book.softmax, lm.book.log_likelihood), (lm.book.sigmoid, lm.book.cross_entropy)],
)
def test_matched_pairs_reduce_to_a_minus_y(output, cost, example):
    delta, a_minus_y = both(output, cost, *example)
    np.testing.assert_allclose(delta, a_minus_y, rtol=1e-9, atol=1e-13)


@given(examples)
def test_sigmoid_with_log_likelihood_never_pushes_a_wrong_class_down(example):
    delta, a_minus_y = both(lm.book.sigmoid, lm.book.log_likelihood, *example)
    wrong = np.arange(len(delta)) != example[1]
    assert (delta[wrong] == 0).all()
    assert (a_minus_y[wrong] > 0.01).all()


@given(examples)
def test_softmax_with_cross_entropy_counts_the_confusion_up_to_twice(example):
    delta, a_minus_y = both(lm.book.softmax, lm.book.cross_entropy, *example)
    ratio = delta[example[1]] / a_minus_y[example[1]]
    assert 1 < ratio < 2 + 1e-9
