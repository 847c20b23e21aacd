"""`property_test`: right losses pass, faulty ones fail small, soon, and with their cause."""

import time

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import thinned
from tinygrad_lossmix.testing import property_test


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def log_likelihood(z, y):
    return -(y * lm.log_softmax(z)).sum(axis=-1).mean()


def focal(z, y):
    p = softmax(z)
    return -(y * (1 - p) ** 2 * np.log(p)).sum(axis=-1).mean()


def focal_of_a_safe_softmax(z, y):
    p = lm.softmax(z)
    return -(y * (1 - p) ** 2 * np.log(p)).sum(axis=-1).mean()


def log_of_what_is_left(z, y):
    return -((1 - y) * np.log(1 - lm.softmax(z))).sum(axis=-1).mean()


def sigmoids(z, y):
    a = 1 / (1 + np.exp(-z))
    return -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(axis=-1).mean()


def twice(z, y):
    return log_likelihood(softmax(z), y)


def hinge(z, y):
    return np.maximum(1 - (2 * y - 1) * z, 0).sum(axis=-1).mean()


def over_the_batch(z, y):
    return -(y * (z - lm.logsumexp(z.reshape(-1)))).sum(axis=-1).mean()


def shifted_in_the_tail(z, y):
    return log_likelihood(z, y) + 1e-3 * np.maximum(z - 100.0, 0.0).sum()


def examples_of(z):
    return len(z) if z.ndim > 1 else 1


def delta(z, y):
    return (lm.softmax(z) - y) / examples_of(z)


test_a_loss_of_three_lines = property_test(log_likelihood, examples=10)


class TestInAClass:
    test_a_loss = property_test(hinge, labels="multi-hot", examples=5)


RIGHT = {
    "a pair": ((log_likelihood, delta), {}),
    "a sum over the batch": (lambda z, y: log_likelihood(z, y) * examples_of(z), {}),
    "kinks": (hinge, {"labels": "multi-hot"}),
    "classes": (lm.Mix("softmax", "ce"), {"labels": "integer", "output": "softmax"}),
    "a mean, soft labels": (lm.Mix("sigmoid", "ce"), {"labels": "soft", "reduction": "mean"}),
    "its delta": (
        lm.Mix("softmax", "ll"),
        {"labels": "soft", "delta": lambda z, y: lm.softmax(z) - y},
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_loss_passes(name):
    loss, options = RIGHT[name]
    property_test(loss, examples=5, **options)()


# loss, options, what is said, the cause
FAULTY = {
    "focal": (focal, {}, "the value is nan", "e^u / Σ e^u at node n4: e^u overflows"),
    "underflow": (focal_of_a_safe_softmax, {}, "the value is nan", "use lm.log_softmax(u) or lm."),
    "1 - softmax": (log_of_what_is_left, {}, "the value is nan", "ln(1 - softmax(u))"),
    "1 - sigmoid": (sigmoids, {"labels": "zeros"}, "the value is inf", "1 - sigmoid(u) at node"),
    "softmax twice": (twice, {}, "softmax of softmax", None),
    "no mean": (
        lambda z, y: log_likelihood(z, y) * examples_of(z),
        {"reduction": "mean"},
        "the loss of the batch is not the mean",
        None,
    ),
    "rows that mix": (over_the_batch, {"reduction": "mean"}, "the loss of the batch is not", None),
    "no softmax": (hinge, {"output": "softmax"}, "the outputs are a softmax, but", None),
    "a law that ends": (shifted_in_the_tail, {}, "the outputs are a softmax, but", None),
    "another delta": (
        lm.Mix("softmax", "ll"),
        {"labels": "unnormalised", "delta": lambda z, y: lm.softmax(z) - y},
        "the gradient for each example is [0.0, 0.0], delta(z, y) [0.5, 0.5]",
        None,
    ),
    "no 1/n": (
        (log_likelihood, lambda z, y: lm.softmax(z) - y),
        {"classes": (3, 3)},
        "gradcheck FAILED",
        "n, the number of examples",
    ),
    "no finite gradient": (
        lambda z, y: (y * np.sqrt(np.abs(z))).sum(),
        {},
        "the gradient is [",
        None,
    ),
    "a cut graph": (lambda z, y: float(log_likelihood(z, y)), {}, "loss(z, y) is a float", "cut"),
    "an array": (lambda z, y: -(y * z).sum(axis=-1), {}, "loss(z, y) has shape (2,)", None),
}


@pytest.mark.parametrize("name", thinned(FAULTY, 3))
def test_a_faulty_loss_fails_soon_and_small_with_its_cause(name):
    loss, options, said, cause = FAULTY[name]
    began = time.process_time()
    with pytest.raises(AssertionError) as caught:
        property_test(loss, **options)()
    assert time.process_time() - began < 10
    assert str(caught.value).startswith(said)
    assert cause is None or cause in str(caught.value)


def of_classes(z, y):
    return -np.take_along_axis(lm.log_softmax(z), y[..., None], axis=-1).mean()


def by_index(z, y):
    z, y = np.atleast_2d(z), np.atleast_1d(y)
    return -lm.log_softmax(z)[np.arange(len(z)), y].mean()


@pytest.mark.parametrize(
    ("loss", "labels", "given", "takes", "other"),
    [
        (by_index, "one-hot", "a label for each logit", "classes", "integer"),
        (of_classes, "soft", "a label for each logit", "classes", "integer"),
        (lambda z, y: (z[..., 0] * y[..., 0]).sum(), "integer", "classes", "a label", "one-hot"),
    ],
)
def test_a_loss_of_other_labels_is_told_which_to_ask_for(loss, labels, given, takes, other):
    with pytest.raises(AssertionError) as caught:
        property_test(loss, labels=labels)()
    found = str(caught.value)
    assert f"Error: y is {given}, and the loss takes {takes}" in found
    assert found.endswith(f'give labels="{other}"')
    property_test(loss, labels=other, examples=5)()


def test_what_is_found_is_the_smallest_of_its_kind():
    with pytest.raises(AssertionError) as caught:
        property_test(focal_of_a_safe_softmax)()
    _, z, y, _ = str(caught.value).splitlines()
    assert (z, y) == ("  z = [300.0, -1000.0]", "  y = [1.0, 0.0]")


@pytest.mark.slow
def test_without_time_the_first_that_fails_is_shown(monkeypatch):
    monkeypatch.setattr("tinygrad_lossmix.testing.properties.PATIENCE", 0.0)
    with pytest.raises(AssertionError, match="the value is nan"):
        property_test(focal)()


def test_it_fails_again_when_it_is_called_again():
    test = property_test(log_of_what_is_left, examples=10)
    for _ in range(2):
        with pytest.raises(AssertionError):
            test()


@pytest.mark.slow
def test_a_wrong_rule_is_named():
    square = lm.derivative(lambda z: z * z, lambda g, a, z: -2 * g * z)
    with pytest.raises(AssertionError, match=r"first wrong rule: <lambda>.*the sign"):
        property_test(lambda z, y: square(z - y).sum(axis=-1).mean())()


def test_what_a_loss_raises_is_raised():
    with pytest.raises(KeyError, match="temperature"):
        property_test(lambda z, y: {}["temperature"])()


@pytest.mark.parametrize(
    "options",
    [{"output": "sigmoid"}, {"reduction": "max"}, {"labels": "hard"}, {"classes": (3, 2)}],
)
def test_an_unknown_option_is_refused_at_once(options):
    with pytest.raises((ValueError, TypeError), match="not "):
        property_test(focal, **options)
