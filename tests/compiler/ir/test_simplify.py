"""Calls that are not made: each identity on traced arrays, and what must not be assumed."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix.compiler.compile import compile as compiled
from tinygrad_lossmix.compiler.ir.program import TracedProgram
from tinygrad_lossmix.compiler.ir.trace import Traced


def traced(shape=(2, 3), dtype=float):
    return TracedProgram().argument("x", np.zeros(shape, dtype))


@in_one(
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


@in_one(
    ("long", "short"),
    [
        (lambda x, y: x + -y, lambda x, y: x - y),
        (lambda x, y: -x + y, lambda x, y: y - x),
        (lambda x, y: x - -y, lambda x, y: x + y),
        (lambda x, y: (x * 3.0) * 4.0, lambda x, y: x * 12.0),
        (lambda x, y: (-x) * (-y), lambda x, y: x * y),
        (lambda x, y: (-x) / y, lambda x, y: -(x / y)),
        (lambda x, y: -(x * 3.0), lambda x, y: x * -3.0),
        (lambda x, y: (-x).sum(), lambda x, y: -(x.sum())),
        (lambda x, y: x / 4.0, lambda x, y: x * 0.25),
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


@in_one(
    "f",
    [
        lambda x, y: -(x - y),
        lambda x, y: -x + y,
        lambda x, y: -(x - y) * 2.0,
        lambda x, y: -x * y - -x,
    ],
)
def test_a_zero_keeps_its_sign(f):
    def angle(x, y):
        return np.arctan2(f(x, y), -1.0).sum()

    x, y = np.array([0.0, -0.0, 1.0, -1.0]), np.array([0.0, 0.0, 1.0, 1.0])
    g = compiled(angle)
    for at in (x + 2.0, x):
        np.testing.assert_allclose(g(at, y)[0], angle(at, y))


LOST = {
    "underflow": (lambda x, y: x * 1e-200 * 1e-200 * 1e300, 1e200, 1e100),
    "overflow": (lambda x, y: x * 1e200 * 1e200 / 1e300, 1e-200, 1e-100),
    "a power of two that underflows": (lambda x, y: x * 2.0**-600 * 2.0**-600, 2.0**600, 2.0**-600),
    "quotients": (lambda x, y: x / 1e200 / 1e200 / 1e-300, 1e200, 1e100),
    "a quotient by a subnormal": (lambda x, y: x / 2.0**-1074, 2.0**-1074, 1.0),
    "a number over a product": (lambda x, y: 2.0**-600 / (x * 2.0**600), 2.0**-1000, 2.0**-200),
    "of two arrays": (lambda x, y: (x * 1e-200) * (y * 1e-200), 1e200, 1.0),
    "one of the operands": (lambda x, y: (x / y[:, :1]) * 1e-300, 1e10, 1e-300),
    "the other operand": (lambda x, y: (x * y[:, :1]) * 1e-10, 1e154, 1e298),
    "before a sum": (lambda x, y: (x * 1e-10).sum(axis=1) / 2.0, 1e308, 1e298),
    "a rounding": (lambda x, y: np.floor(x / 49.0), 49.0, 1.0),
}


@in_one("name", LOST)
def test_constants_that_would_be_lost_together_stay_apart(name):
    f, x, expected = LOST[name]
    arrays = np.full((1, 2), x), np.full((1, 2), x)
    for wrt in (0, 1):
        value, _ = compiled(lambda x, y: f(x, y).mean() + 0.0 * y.min() + 0.0 * x.min(), wrt)(
            *arrays
        )
        np.testing.assert_allclose(value, expected, rtol=1e-14)


@in_one("zero", [0.0, -0.0, 0])
@in_one(
    "f",
    [
        lambda x, c: (c * (x * x / (1.0 + x * x))).sum(),
        lambda x, c: (lm.sigmoid(x) * c).sum(),
        lambda x, c: (c / x * c).sum(),
        lambda x, c: (1.0 / (x * 2.0) * c).sum(),
        lambda x, c: (c / (x * c)).sum(),
        lambda x, c: (x / c).sum(),
        lambda x, c: (1.0 / (x / c)).sum(),
        lambda x, c: (-x * c / c).sum(),
        lambda x, c: (x**c * c).sum(),
        lambda x, c: (np.full(2, c) * (x / x)).sum(),
    ],
)
def test_a_constant_zero_is_as_for_numpy(f, zero):
    x = np.array([2.0, 3.0])
    with np.errstate(all="ignore"):
        expected = lm.value_and_grad(f)(x, zero)
    ours = compiled(f)(x, zero)
    np.testing.assert_array_equal(ours[0], expected[0])
    np.testing.assert_array_equal(ours[1], expected[1])


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
