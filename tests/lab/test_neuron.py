"""The book's neuron against the recursion by hand, and a study that fails when it should."""

import math

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.lab import neuron


@pytest.mark.parametrize(
    ("cost", "slope"), [("quadratic", lambda a: a * a * (1 - a)), ("ce", lambda a: a)]
)
def test_a_curve_is_gradient_descent_on_weight_and_bias(cost, slope):
    w, b, outputs = 2.0, 2.0, []
    for _ in range(301):
        outputs.append(1 / (1 + math.exp(-(w + b))))
        w, b = w - 0.15 * slope(outputs[-1]), b - 0.15 * slope(outputs[-1])
    found = neuron.curve(lm.Mix("sigmoid", cost).delta, (2.0, 2.0), 0.15)
    np.testing.assert_allclose(found, outputs, rtol=1e-12)


@pytest.mark.slow
def test_every_statement_holds_and_one_fails_with_the_gradient(monkeypatch):
    own = lm.Mix(np.tanh, lambda a, y: ((a - y) ** 2).sum())
    found = neuron.study(mixes=[own])
    assert all(statement.holds for statement in found.statements)
    assert [row[0] for row in found.tables[0].rows[-2:]] == [str(own)] * 2
    monkeypatch.setattr(neuron, "figures_update", lm.Mix("sigmoid", "ce").delta)
    assert [s.holds for s in neuron.study().statements] == [True] * 5 + [False]
