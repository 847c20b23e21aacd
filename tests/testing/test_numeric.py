"""Central differences, against derivatives known in closed form."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_lossmix.testing.methods import numerical_gradient


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
