"""What outputs look like, from the outputs alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_lossmix.answers.diagnosis.outputs import kind_of

logits = hnp.arrays(float, (8, 4), elements=st.floats(-20, 20))


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@given(logits, st.sampled_from([np.float16, np.float32, np.float64]))
def test_a_softmax_is_recognised_in_any_dtype(z, dtype):
    kind = kind_of(softmax(z).astype(dtype))
    assert (kind.name, kind.activation) == ("probabilities", "softmax")


@given(logits)
def test_a_log_softmax_is_recognised(z):
    kind = kind_of(z - z.max(-1, keepdims=True) - np.log(1 / softmax(z).max(-1, keepdims=True)))
    assert (kind.name, kind.activation) == ("log-probabilities", "log-softmax")


def test_sigmoids_are_probabilities_whose_rows_do_not_sum_to_one():
    kind = kind_of(1 / (1 + np.exp(-np.random.default_rng(0).normal(size=(20, 5)))))
    assert (kind.name, kind.activation) == ("probabilities", "sigmoid")
    assert "not 1" in kind.why


def test_anything_outside_zero_and_one_is_logits():
    kind = kind_of(np.array([[0.5, 1.5], [-2.0, 0.5]]))
    assert (kind.name, kind.activation) == ("logits", None)
    assert "2 of 4 lie outside 0 to 1" in kind.why
    assert kind_of(-np.ones((3, 4))).name == "logits"


def test_probabilities_printed_with_two_digits_still_sum_to_one():
    a = np.array([[0.55, 0.02, 0.01, 0.03, 0.01, 0.05, 0.17, 0.01, 0.06, 0.09]])
    assert kind_of(a).activation == "softmax"


def test_a_relu_on_the_last_layer_is_suspected():
    z = np.maximum(np.random.default_rng(0).normal(size=(50, 5)) * 3, 0)
    assert "ReLU" in kind_of(z).why
    assert "ReLU" not in kind_of(z - 1).why


@pytest.mark.parametrize(("a", "activation"), [([[0.2], [0.9]], "sigmoid"), ([[1.0]], "softmax")])
def test_one_output_cannot_be_a_softmax_unless_it_is_constant(a, activation):
    kind = kind_of(np.array(a))
    assert kind.activation == activation
    assert ("softmax of one output is constant" in kind.why) == (activation == "softmax")
