"""The second definition of every function: complete, and the same as the first."""

from itertools import product

import mpmath as mp
import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.late_rows import is_late
from tests.helpers.numpy_cases import CALLS
from tests.helpers.quick import thinned
from tinygrad_lossmix.engine.table import TABLE
from tinygrad_lossmix.testing import gradcheck
from tinygrad_lossmix.testing.highprecision import ORACLES, InMpmath, lifted

ROWS = {f for f in TABLE if not is_late(f)}  # as they are before any test adds to them


def test_every_row_of_the_table_has_an_oracle():
    assert set(ORACLES) >= ROWS


@pytest.mark.parametrize("call", thinned([(call,) for call in CALLS], 20), ids=str)
def test_every_numpy_function_has_the_value_and_both_derivatives_of_its_oracle(call):
    args = [np.array(x, dtype=float) for x in call.args]
    report = gradcheck(call.f, *args, mode="project", order=2)
    report.raise_if_failed()
    assert report.method == "mp"
    assert {"value", "second: value"} <= {check.name for check in report.checks}


OUTPUTS = [
    lm.sigmoid, lm.softplus, lm.log_sigmoid, lm.softmax, lm.log_softmax, lm.logsumexp, lm.lml,
    lambda z: lm.softmax(z, axis=0), lambda z: lm.log_softmax(z, axis=0),
    lambda z: lm.logsumexp(z, axis=0, keepdims=True),
]  # fmt: skip


@pytest.mark.parametrize(("f", "scale"), thinned(product(OUTPUTS, [1.0, 40.0, 700.0]), 7))
def test_every_output_layer_does_in_every_regime(f, scale):
    z = scale * np.array([[0.3, -1.1, 0.8], [1.0, 0.9, -0.2]])
    report = gradcheck(f, z, order=2)
    report.raise_if_failed()
    assert report.method == "mp"


def test_xlogy_and_the_costs_of_outputs_do():
    a, y = np.array([0.2, 0.7, 0.1]), np.array([0.0, 1.0, 0.0])
    assert gradcheck(lambda x, y: lm.xlogy(x, y).sum(), a, a + 1, order=2).method == "mp"
    for cost in (lm.cross_entropy, lm.log_likelihood, lm.quadratic):
        gradcheck(lambda t, cost=cost: cost(t, y), a, order=2).raise_if_failed()


def test_the_replay_has_digits_that_float64_has_not():
    z = lm.Tensor([40.0, 0.0])
    cost = lm.Mix("softmax", "ll").cost(z, 0)
    with mp.workdps(50):
        value = InMpmath(cost, [z], np.float64(1))(lifted(z.data))
        assert abs(value - mp.log1p(mp.exp(-40))) < mp.mpf(10) ** -45


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.arctan2(x, -1.0), -0.0),
        (lambda x: np.arctan2(-x, -1.0), 0.0),
        (lambda x: np.arctan2(-0.0, x), -1.0),
        (lambda x: x * np.arctan2(0.0, x * -0.0), 1.0),
        (lambda x: x * np.arctan2(0, x * -0.0), np.float32(1.0)),
        (lambda x: np.copysign(x, -0.0), 2.0),
        (lambda x: np.copysign(x, -0.0 * x), np.array([2.0, 1e-300, 3.0])),
    ],
)
def test_where_the_sign_of_a_zero_decides_mpmath_does_not(f, x):
    report = gradcheck(f, x)
    report.raise_if_failed()
    assert report.method == "richardson"
    assert "the sign of a zero decides" in report.why
    with pytest.raises(ValueError, match="the sign of a zero decides, and mpmath has none"):
        gradcheck(f, x, method="mp")


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.arctan2(x, 1.0), -0.0),
        (lambda x: np.arctan2(1.0, x), -0.0),
        (lambda x: np.arctan2(x, -1.0), 0.0),
        (lambda x: np.copysign(x, 0.0), -3.0),
        (lambda x: np.exp(x) - np.hypot(1.0, np.sqrt(x * x + 1.0)), -0.0),
    ],
)
def test_where_it_does_not_mpmath_does(f, x):
    report = gradcheck(f, x)
    report.raise_if_failed()
    assert report.method == "mp"
