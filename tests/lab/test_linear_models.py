"""Linear logits fitted and drawn: against gradients by hand, published figures, Bayes' theorem."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.lab import linear_models
from tinygrad_lossmix.lab.data import Data, DataError
from tinygrad_lossmix.lab.linear_models import descent, points, reliability, right, true_posterior


def test_descent_ends_where_the_gradient_by_hand_is_zero():
    x, y = points()
    x, y = x[:40], y[:40]
    *_, (_, slope, w) = descent(lm.Mix("softmax", "ll"), x, y, penalty=0.2)
    z = np.column_stack([x, np.ones(40)]) @ w
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    gradient = x.T @ (p - y) / 40 + 0.2 * w[:2]
    assert slope <= 1e-10
    np.testing.assert_allclose(gradient, 0.0, atol=1e-9)
    np.testing.assert_allclose((p - y).sum(axis=0), 0.0, atol=1e-7)  # no penalty on the biases


def test_the_points_are_drawn_class_by_class_then_shuffled_then_stretched():
    """The first of them by hand, from the legacy generator's own stream."""
    rng = np.random.RandomState(40)
    normal = rng.normal(size=(1000, 2))
    order = rng.permutation(1000)
    centres = np.repeat([[-5.0, 0.0], [0.0, 1.5], [5.0, -1.0]], (334, 333, 333), axis=0)
    expected = (normal + centres)[order] @ [[0.4, 0.2], [-0.4, 1.2]]
    np.testing.assert_allclose(points()[0], expected, rtol=0, atol=1e-12)


def test_the_posterior_is_bayes_theorem():
    x = np.array([0.3, -0.7])
    means, priors = [(-1.0, 0.0), (0.0, 1.2), (1.0, 0.0)], [0.5, 0.3, 0.2]
    joint = [
        p * np.exp(-((x - m) @ (x - m)) / 2) for m, p in zip(np.array(means), priors, strict=True)
    ]
    np.testing.assert_allclose(true_posterior(x[None]), [joint / np.sum(joint)])


def test_reliability_counts_and_leaves_out_bins_with_few():
    a = np.array([[0.75, 0.25]] * 400 + [[0.55, 0.45]])
    y = np.eye(2)[[0] * 300 + [1] * 100 + [0]]
    found = reliability(a, y)
    assert (found[7], found[2]) == (0.75, 0.25)
    assert np.isnan(found[[0, 4, 5, 9]]).all()
    assert right(a, y) == 301 / 401


def test_boundaries_of_other_than_two_features_are_refused_in_a_sentence():
    with pytest.raises(DataError, match=r"over 2 features, not 3: choose two"):
        linear_models.boundaries(data=Data("d", np.eye(6)[:, :3], [0, 0, 0, 1, 1, 1]))


@pytest.mark.slow
def test_other_points_or_another_cost_fail_what_is_stated(monkeypatch):
    x, y = points()
    monkeypatch.setattr(linear_models, "points", lambda: (x[:, ::-1] * [1.0, 3.0] + 0.5 * x, y))
    monkeypatch.setattr(linear_models, "ONE", lm.Mix("softmax", "quadratic"))
    held = [s.holds for s in linear_models.published().statements]
    assert held[0] is False
    assert held[2] is False


@pytest.mark.slow
def test_what_is_stated_is_of_ours_whatever_stands_beside():
    found = linear_models.posterior(mixes=[lm.Mix("softmax", lambda a, y: (a * y).mean())])
    assert [s.holds for s in found.statements] == [True] * 4
    assert found.values["accuracy"]["softmax + cost"] < 0.5


@pytest.mark.slow
def test_data_of_ones_own_are_drawn():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    x = rng.normal(size=(40, 2)) + 3.0 * y[:, None]
    found = linear_models.boundaries(data=Data("two", x * [1.0, 1e4] + 500.0, y))
    assert [s.holds for s in found.statements] == [True, True]
    assert found.title == "Decision boundaries on two"
    assert found.values["accuracy"]["softmax + log-likelihood"] > 0.9
