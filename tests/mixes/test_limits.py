"""Infinite logits, NaN, and a softmax of one logit: the limit where there is one, else NaN."""

import itertools

import numpy as np
import pytest

from tests.helpers import mix_oracle as oracle
from tests.helpers.mix_cases import pair_of
from tests.helpers.quick import in_one, thinned
from tinygrad_lossmix import MIXES, Mix, Tensor, grad

each_mix = pytest.mark.parametrize("mix", MIXES, ids=str)

# Ways to infinity: the infinite logits at ±(t·rate + offset), for growing t. A limit is what they
# all come to.
WAYS = [
    ((1, 1, 1), (0.0, 0.0, 0.0)),
    ((1, 1, 1), (0.0, 0.7, -0.9)),
    ((1, 2, 3), (0.0, 0.0, 0.0)),
    ((3, 2, 1), (0.0, 0.0, 0.0)),
    ((2, 3, 1), (0.0, 0.0, 0.0)),
]
INFINITE = [
    z for z in itertools.product([-np.inf, 0.5, np.inf], repeat=3) if not np.isfinite(z).all()
]


def on_the_way(mix, z, y, way, t):
    """Cost and δ where the infinite logits are still finite."""
    at = [
        np.sign(x) * (t * rate + offset) if np.isinf(x) else x
        for x, rate, offset in zip(z, *way, strict=True)
    ]
    exact = oracle.reference(pair_of(mix), at, y)
    return [float(x) for x in (exact.cost, *exact.delta)]


def limits(mix, z, y):
    """The limit of the cost and of each component of δ; NaN where they depend on the way there."""
    near, far = ([on_the_way(mix, z, y, way, t) for way in WAYS] for t in (40, 80))
    both = np.array(near + far)
    limit = np.where(np.ptp(both, axis=0) < 1e-12, both[-1], np.nan)
    return np.where((np.array(far) > np.array(near) + 1).all(axis=0), np.inf, limit)


def has_outputs(mix, z):
    """Whether the outputs have a limit: those of a softmax need one logit above all others."""
    return mix.output == "sigmoid" or np.sum(np.array(z) == np.max(z)) == 1


LABELS = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.2, 0.3, 0.5], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize(("mix", "y"), thinned(itertools.product(MIXES, LABELS), 3), ids=str)
def test_infinite_logits_give_the_limit_where_there_is_one(mix, y):
    """NaN is allowed too where the outputs have no limit or another component of δ has none."""
    for z in INFINITE:
        t = Tensor(list(z))
        limit = limits(mix, z, y)
        exists = ~np.isnan(limit)
        defined = np.array(4 * [has_outputs(mix, z)]) & [True, *3 * [exists[1:].all()]]
        for gradient in (mix.delta(np.array(z), y), grad(mix.cost(t, y), t)):
            got = np.array([mix.cost(np.array(z), y), *gradient])
            compared = exists & (defined | ~np.isnan(got))
            np.testing.assert_allclose(got[compared], limit[compared], atol=1e-12, err_msg=f"{z}")


@in_one("y", [[1.0, 0.0], [0.0, 1.0], [0.3, 0.7], [1.0, 1.0]], ids=str)
@each_mix
def test_one_of_two_logits_at_infinity_is_the_same_as_far_out(mix, y):
    for infinite, far in (([0.5, -np.inf], [0.5, -800.0]), ([np.inf, 0.5], [800.0, 0.5])):
        np.testing.assert_allclose(mix.delta(infinite, y), mix.delta(far, y), atol=1e-300)
        assert mix.cost(infinite, y) in (np.inf, mix.cost(far, y))


@each_mix
def test_a_nan_or_infinite_example_leaves_the_others_alone(mix):
    z = np.random.default_rng(4).normal(size=(4, 3))
    expected = mix.delta(z, [0, 1, 2, 0])
    z[1, 0], z[2] = np.nan, [np.inf, np.inf, 0]
    delta = mix.delta(z, [0, 1, 2, 0])
    np.testing.assert_allclose(delta[[0, 3]], expected[[0, 3]], rtol=1e-14)
    assert np.isnan(delta[1, 0])
    assert np.isnan(mix.cost(z, [0, 1, 2, 0]))


@in_one("z", [-2.0, 0.0, 800.0])
@in_one("cost", ["ce", "ll", "quadratic"])
def test_a_softmax_of_one_logit_labelled_1_costs_nothing_and_moves_nothing(cost, z):
    assert Mix("softmax", cost).cost([z], [1.0]) == 0
    assert Mix("softmax", cost).delta([z], [1.0]) == [0.0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_cross_entropy_of_infinity_has_no_slope(dtype):
    for y, expected in ((0.5, np.nan), (1.0, 0.0)):
        delta = Mix("softmax", "ce").delta(np.array([3.0], dtype), [y])
        assert delta.dtype == dtype
        np.testing.assert_array_equal(delta, [expected])


@pytest.mark.parametrize("y", [0.0, 0.5])
def test_a_softmax_of_one_logit_labelled_otherwise_has_cross_entropy_infinity(y):
    assert Mix("softmax", "ce").cost([3.0], [y]) == np.inf
    assert Mix("softmax", "ll").cost([3.0], [y]) == 0
    assert Mix("softmax", "quadratic").cost([3.0], [y]) == (1 - y) ** 2 / 2
    for cost in ("ll", "quadratic"):
        assert Mix("softmax", cost).delta([3.0], [y]) == [0.0]
