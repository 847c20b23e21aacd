"""Derivatives from values alone: how exact they are, and that they say so."""

import numpy as np
import pytest

from tinygrad_lossmix.testing.methods import NotApplicable, central, complex_step, richardson

FUNCTIONS = [
    (lambda x: np.exp(x).sum(), np.exp),
    (lambda x: np.sin(3 * x).sum(), lambda x: 3 * np.cos(3 * x)),
    (lambda x: (x**5).sum(), lambda x: 5 * x**4),
    (lambda x: np.log(1.0 + np.exp(x)).sum(), lambda x: 1 / (1 + np.exp(-x))),
    (lambda x: 0.0 * x.sum(), np.zeros_like),
]
X = np.array([0.3, -1.7, 2.9])


@pytest.mark.parametrize(("f", "slope"), FUNCTIONS)
@pytest.mark.parametrize(
    ("method", "digits"), [(central, 5e-8), (richardson, 1e-11), (complex_step, 1e-13)]
)
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
