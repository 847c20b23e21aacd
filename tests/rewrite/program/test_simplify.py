"""Calls that are not made: each identity on traced arrays, and what must not be assumed."""

import numpy as np
import pytest

from tinygrad_lossmix.rewrite.compile import compile as compiled
from tinygrad_lossmix.rewrite.program.program import Program
from tinygrad_lossmix.rewrite.program.trace import Traced


def traced(shape=(2, 3), dtype=float):
    return Program().argument("x", np.zeros(shape, dtype))


@pytest.mark.parametrize(
    "same",
    [
        lambda x: +x,
        lambda x: np.negative(-x),
        lambda x: x * 1.0,
        lambda x: x / 1.0,
        lambda x: x * 2.0 * 0.5,
        lambda x: -(x * 2.0) / -2.0,
        lambda x: x**1,
        lambda x: x.T.T,
        lambda x: x.reshape(6).reshape(2, 3),
        lambda x: x.transpose(0, 1),
        lambda x: x.astype(float),
        lambda x: x * np.ones((2, 3)),
        lambda x: np.broadcast_to(x, (2, 3)),
        lambda x: np.sum(x, axis=()),
    ],
)
def test_nothing_is_done_for_nothing(same):
    x = traced()
    assert same(x) is x


@pytest.mark.parametrize(
    ("long", "short"),
    [
        (lambda x, y: -(x - y), lambda x, y: y - x),
        (lambda x, y: x + -y, lambda x, y: x - y),
        (lambda x, y: -x + y, lambda x, y: y - x),
        (lambda x, y: x - -y, lambda x, y: x + y),
        (lambda x, y: (x * 2.0) * (y * 3.0), lambda x, y: (x * y) * 6.0),
        (lambda x, y: (x * 2.0) / (y * -4.0), lambda x, y: (x / y) * -0.5),
        (lambda x, y: (x * 4.0).sum(), lambda x, y: x.sum() * 4.0),
        (lambda x, y: (x * y).sum(), lambda x, y: np.vdot(x, y)),
        (lambda x, y: x * np.broadcast_to(y[0, 0], (2, 3)), lambda x, y: x * y[0, 0]),
        (lambda x, y: np.exp(x) + np.exp(x), lambda x, y: np.exp(x) + np.exp(x)),
        (lambda x, y: 2.0 / (x * 4.0), lambda x, y: 0.5 / x),
        (lambda x, y: (3.0 / x) * 2.0, lambda x, y: 6.0 / x),
        (lambda x, y: x * np.full((2, 3), 2.0), lambda x, y: x * 2.0),
        (lambda x, y: np.broadcast_to(y[0, 0], (4,)).sum(), lambda x, y: y[0, 0] * 4.0),
    ],
)
def test_one_form_for_what_is_equal(long, short):
    x = traced()
    y = x.program.argument("y", np.zeros((2, 3)))
    assert long(x, y) is short(x, y)


def test_a_factor_moves_to_the_smaller_operand():
    x = traced()
    column = x.program.argument("c", np.zeros((2, 1)))
    for quotient in ((x / column) * 0.1, (x * column) * 0.1, (column / x) * 0.1):
        assert quotient.shape == (2, 3)
        assert any(isinstance(a, Traced) and a.function is np.multiply for a in quotient.args)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x - x,
        lambda x: x * 0.0,
        lambda x: x / x,
        lambda x: x + 0.0 * x,
        lambda x: x * np.inf * 0.0,
        lambda x: (x > 0) * 1.0,
    ],
)
def test_nothing_is_assumed_of_numbers(f):
    x = traced()
    assert isinstance(f(x), Traced)
    assert f(x) is not x


def test_another_dtype_is_not_scaled_away():
    x = traced(dtype=np.float32)
    assert (x * np.float64(1.0)).dtype == np.float64
    assert (x * 1.0) is x
    assert (x * np.float32(1.0)) is x
    assert (traced(dtype=int) * 1).dtype == int


@pytest.mark.parametrize("k", [1e300, 1e-300, 3.0, -7.0])
def test_factors_that_would_overflow_apart_are_right_together(k):
    def f(x):
        return ((x * k) / k * (x / 3.0)).sum()

    x = np.array([1.0, 2.0])
    value, slope = compiled(f)(x)
    np.testing.assert_allclose(value, 5 / 3, rtol=1e-10)
    np.testing.assert_allclose(slope, 2 * x / 3, rtol=1e-10)


def test_an_exponential_known_without_a_bound_is_bounded():
    x = traced()
    e = np.exp(-x)
    bounded = np.exp(-np.maximum(x, -5.0))
    assert bounded.function is np.minimum
    assert bounded.args[0] is e
