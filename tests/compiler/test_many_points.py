"""A mix asked at many points: the same numbers as one by one, in a fraction of the time."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.compiler.many_points import ManyPoints, for_many

SLOPE = {"hot": 3.0}


def hot(z):
    e = np.exp(SLOPE["hot"] * z)
    return e / e.sum(axis=-1, keepdims=True)


def focal(a, y):
    return -(y * (1 - a) ** 2 * np.log(a)).sum(axis=-1).mean()


def of_one(z):
    return z / np.sqrt((z * z).sum())


def chosen(z):
    return z if np.abs(z).max() < 1 else 2 * z


def once(z):
    raise RuntimeError("out of order")


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize(
    "mix",
    [lm.Mix(hot, "ll"), lm.Mix("sigmoid", focal), lm.Mix(np.tanh, focal), lm.Mix(of_one, "ce")],
    ids=str,
)
@np.errstate(all="ignore")
def test_cost_delta_and_hessian_are_those_of_the_mix(mix, k):
    many = for_many(mix, k)
    assert type(many) is ManyPoints
    rng = np.random.default_rng(0)
    zs, ys = rng.normal(0, 3, (8, k)), rng.random((8, k))
    zs[-1] = 400.0  # where plain formulas overflow
    for z, y, together in zip(zs, ys, many.delta(zs, ys), strict=True):
        np.testing.assert_array_equal(many.delta(z, y), together)
        np.testing.assert_allclose(many.cost(z, y), mix.cost(z, y), rtol=1e-12)
        np.testing.assert_allclose(many.delta(z, y), mix.delta(z, y), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(many.hessian(z, y), mix.hessian(z, y), rtol=1e-10, atol=1e-12)


def test_no_examples_have_no_delta():
    assert for_many(lm.Mix(hot, "ll"), 3).delta(np.ones((0, 3)), np.ones((0, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    "mix", [lm.Mix("softmax", "ll"), lm.Mix(chosen, "ll"), lm.Mix(once, "ll")], ids=str
)
def test_closed_forms_and_what_cannot_be_compiled_stay_as_they_are(mix):
    assert for_many(mix, 3) is mix


def test_what_a_function_reads_elsewhere_is_read_anew_each_time(monkeypatch):
    z, y, mix = np.array([1.0, 0.0]), np.array([1.0, 0.0]), lm.Mix(hot, "ll")
    for slope in (1.0, 2.0):
        monkeypatch.setitem(SLOPE, "hot", slope)
        expected = slope * (1 / (1 + np.exp(-slope)) - 1)
        assert for_many(mix, 2).delta(z, y)[0] == pytest.approx(expected, rel=1e-14)
        assert mix.delta(z, y)[0] == pytest.approx(expected, rel=1e-14)
