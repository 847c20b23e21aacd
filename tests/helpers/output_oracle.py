"""The output layers in mpmath, and how close to it each has to be."""

import mpmath
import numpy as np
import pytest
from hypothesis import strategies as st
from mpmath import mpf

import tinygrad_lossmix as lm
from tests.helpers.mix_cases import REGIMES
from tests.helpers.mix_oracle import outputs

# value, derivative, second derivative
ELEMENTWISE = {
    lm.sigmoid: (
        lambda x: 1 / (1 + mpmath.exp(-x)),
        lambda x: 1 / ((1 + mpmath.exp(-x)) * (1 + mpmath.exp(x))),
        lambda x: -mpmath.tanh(x / 2) / ((1 + mpmath.exp(-x)) * (1 + mpmath.exp(x))),
    ),
    lm.softplus: (
        lambda x: mpmath.log1p(mpmath.exp(x)),
        lambda x: 1 / (1 + mpmath.exp(-x)),
        lambda x: 1 / ((1 + mpmath.exp(-x)) * (1 + mpmath.exp(x))),
    ),
    lm.log_sigmoid: (
        lambda x: -mpmath.log1p(mpmath.exp(-x)),
        lambda x: 1 / (1 + mpmath.exp(x)),
        lambda x: -1 / ((1 + mpmath.exp(-x)) * (1 + mpmath.exp(x))),
    ),
}


def others(x):
    return [sum(x[:k] + x[k + 1 :]) for k in range(len(x))]


def softmax(z):
    e = [mpmath.exp(x) for x in z]
    return [x / sum(e) for x in e]


def log_softmax(z):
    """ln p = -ln(1 + Σ of the other e^(z_j - z_k)), which loses nothing."""
    e = [mpmath.exp(x) for x in z]
    return [-mpmath.log1p(sum(e[:k] + e[k + 1 :]) / x) for k, x in enumerate(e)]


def logsumexp(z):
    return [mpmath.log(sum(mpmath.exp(x) for x in z))]


def lml(z):
    return outputs("lml", z)[0]


OVER_AN_AXIS = {
    lm.softmax: softmax, lm.log_softmax: log_softmax, lm.logsumexp: logsumexp, lm.lml: lml
}  # fmt: skip
BOUND = {np.float64: 1e-13, np.float32: 1e-5}
each_elementwise = pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.__name__)
each_over_an_axis = pytest.mark.parametrize("f", OVER_AN_AXIS, ids=lambda f: f.__name__)

each_function = pytest.mark.parametrize(
    "f", [*ELEMENTWISE, *OVER_AN_AXIS], ids=lambda f: f.__name__
)

each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])

any_logits = {
    dtype: st.one_of([make(k, dtype) for k in (1, 2, 5) for make in REGIMES.values()])
    for dtype in BOUND
}


def assert_close(got, exact, dtype, sizes=None):
    """To 1e-13 (float32: 1e-5) of the sizes, which are those of the exact values unless given."""
    info = np.finfo(dtype)
    assert got.dtype == dtype
    sizes = [abs(x) for x in exact] if sizes is None else sizes
    for value, truth, size in zip(np.atleast_1d(got), exact, sizes, strict=True):
        assert np.isfinite(value)
        if size > info.tiny / info.eps:
            assert abs(float(value) - truth) <= BOUND[dtype] * size


def exact_numbers(z):
    return [mpf(float(x)) for x in z]
