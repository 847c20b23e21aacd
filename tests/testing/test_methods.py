"""Derivatives from values alone: how exact they are, and that they say so."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.helpers.quick import in_one
from tinygrad_lossmix.testing.methods import (
    NotApplicable,
    central,
    complex_step,
    numerical_gradient,
    richardson,
)

FUNCTIONS = [
    (lambda x: np.exp(x).sum(), np.exp),
    (lambda x: np.sin(3 * x).sum(), lambda x: 3 * np.cos(3 * x)),
    (lambda x: (x**5).sum(), lambda x: 5 * x**4),
    (lambda x: np.log(1.0 + np.exp(x)).sum(), lambda x: 1 / (1 + np.exp(-x))),
    (lambda x: 0.0 * x.sum(), np.zeros_like),
]
X = np.array([0.3, -1.7, 2.9])


@in_one(("f", "slope"), FUNCTIONS)
@in_one(("method", "digits"), [(central, 5e-8), (richardson, 1e-11), (complex_step, 1e-13)])
def test_the_derivative_is_within_the_error_that_is_stated(f, slope, method, digits):
    found = method(f, X)
    off = np.abs(found.values - slope(X))
    assert np.all(off <= found.errors + 1e-300)
    assert np.all(off <= digits * np.maximum(np.abs(slope(X)), 1.0))
    assert not np.any(found.kinks)


@pytest.mark.parametrize("method", [central, richardson])
def test_a_kink_is_seen_with_the_slopes_on_both_sides(method):
    found = method(lambda x: np.abs(x).sum(), np.array([0.0, 1.0]))
    assert found.kinks.tolist() == [True, False]
    assert (found.left[0], found.right[0]) == pytest.approx((-1.0, 1.0))


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: np.abs(x).sum(), "imaginary part"),
        (lambda x: x.real.sum() ** 2, "imaginary part"),
        (lambda x: (x * np.conj(x)).sum(), "something else"),
        (lambda x: float(x.sum()), "ComplexWarning"),
        (lambda x: sum(v if v > 0 else -v for v in x.tolist()), "TypeError"),
        (lambda x: (x * np.where(x.imag == 0, 1.0, np.nan)).sum(), "not finite"),
    ],
)
def test_the_complex_step_says_where_it_cannot_be_used(f, words):
    with pytest.raises(NotApplicable, match=words):
        complex_step(f, X)


def test_where_the_function_is_not_defined_around_the_error_is_infinite():
    found = richardson(lambda x: np.sqrt(x).sum(), np.zeros(1))
    assert np.isinf(found.errors[0])


@given(hnp.arrays(float, st.integers(1, 5), elements=st.floats(-3, 3)))
@example(np.array([0.0, 3.0, 3.0, 3.0, 3.0]))  # the third derivative is 3e6
def test_smooth_functions_have_their_derivative(x):
    found = numerical_gradient(lambda v: np.sin(v).sum() + (v**3).prod(), x)
    others = np.array([(np.delete(x, i) ** 3).prod() for i in range(len(x))])
    exact = np.cos(x) + 3 * x**2 * others
    truncated = 4e-10 * abs(others)  # h² / 6 of the third derivative, h about 6e-6 times |x| or 1
    assert np.all(abs(found - exact) <= 1e-6 * (1 + abs(exact)) + truncated)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_the_gradient_has_the_shape_of_the_argument(shape):
    x = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    found = numerical_gradient(lambda v: (v**2).sum(), x)
    assert found.shape == shape
    np.testing.assert_allclose(found, 2 * x, atol=1e-8)


@pytest.mark.parametrize("size", [1e3, 1e6, 1e12, 1e18, 1e300])
def test_the_step_fits_the_argument(size):
    """Linear growth at any size; and a bend of width 1, wherever the grid of floats shows it."""
    found = numerical_gradient(lambda v: v.sum(), np.array([size, -size]))
    np.testing.assert_allclose(found, [1, 1], rtol=1e-6)
    if size <= 1e6:
        at = np.array([size + 1, size])
        found = numerical_gradient(lambda v: np.logaddexp(*v), at)
        np.testing.assert_allclose(found, np.array([np.e, 1]) / (np.e + 1), rtol=1e-5)


def test_the_argument_is_left_as_it_was_and_integers_are_taken():
    x = np.array([1, 2])
    found = numerical_gradient(lambda v: v.prod(), x)
    np.testing.assert_array_equal(x, [1, 2])
    np.testing.assert_allclose(found, [2, 1])


def test_a_kink_gives_the_mean_of_both_sides():
    assert numerical_gradient(lambda v: abs(v).sum(), np.zeros(1)) == pytest.approx(0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_it_is_taken_in_the_dtype_of_the_argument(dtype):
    seen = set()
    x = np.array([0.5, -3.0], dtype)
    found = numerical_gradient(lambda v: seen.add(v.dtype) or (v * v).sum(), x)
    assert (seen, found.dtype) == ({np.dtype(dtype)}, dtype)
    np.testing.assert_allclose(found, 2 * x, atol=20 * float(np.finfo(dtype).eps) ** (2 / 3))
