"""The closed forms for loops against mpmath: as accurate as those they stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers import mix_oracle as oracle
from tests.helpers.mix_cases import REGIMES, dense, examples, pair_of
from tests.helpers.quick import share, thinned
from tinygrad_lossmix.compiler.lowering import LOOPED
from tinygrad_lossmix.mixes.closed_forms import evaluated
from tinygrad_lossmix.mixes.labels import labels
from tinygrad_lossmix.mixes.layers import PAIRS

BOUND = {np.float64: 1e-13, np.float32: 1e-5}


def assert_accurate(mix, z, y):
    """Cost and δ but for 1e-13 (float32: 1e-5) of the absolute values of what they sum."""
    with np.errstate(all="ignore"):
        cost, delta = LOOPED[evaluated](PAIRS[pair_of(mix)].evaluate, z, y)
    y = dense(y, z)
    exact, info = oracle.reference(pair_of(mix), z, y), np.finfo(z.dtype)
    assert cost.dtype == delta.dtype == z.dtype
    sizes = [exact.cost_size, *exact.delta_sizes]
    for value, truth, size in zip([cost, *delta], [exact.cost, *exact.delta], sizes, strict=True):
        if size > info.tiny / info.eps:
            assert abs(float(value) - truth) <= BOUND[z.dtype.type] * size


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
@share(5)
@given(data=st.data())
def test_cost_and_delta_are_exact_for_every_kind_of_logits_and_labels(mix, regime, dtype, data):
    z, y = data.draw(examples(regime, dtype=dtype, fewest=2))
    assert_accurate(mix, z, labels(y, z))
    assert_accurate(mix, z, z.argsort()[data.draw(st.integers(-2, 1))])


@pytest.mark.parametrize("mix", thinned(lm.MIXES, 4), ids=str)
def test_many_classes_are_as_exact_as_few(mix):
    rng = np.random.default_rng(0)
    for scale in (0.1, 10.0, 100.0):
        z = scale * rng.normal(size=60)
        assert_accurate(mix, z, np.eye(60)[3])
        assert_accurate(mix, z, rng.random(60))


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_one_class_is_as_in_the_cost(mix):
    for y in (0.0, 1.0, 0.5):
        z, y = np.array([0.7]), np.array([y])
        form = PAIRS[pair_of(mix)].evaluate
        np.testing.assert_equal(LOOPED[form](z, y), form(z, y))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("layer", [lm.softmax, lm.log_softmax, lm.logsumexp])
def test_output_layers_of_many_classes_keep_their_tails_over_any_axis(layer, backend):
    """Up to 32 classes a product with a matrix stands for the sums without one, from there not."""
    for k, axis in ((5, 0), (32, -1), (33, 0), (70, 1)):
        shape = (3, k) if axis else (k, 3)
        z, g = np.random.default_rng(k).normal(size=(2, *shape))
        np.moveaxis(z, axis, -1)[1:, 4] += 60.0
        np.moveaxis(z, axis, -1)[2, 3] = np.moveaxis(z, axis, -1)[2, 4]
        g = g.sum(axis=axis) if layer is lm.logsumexp else g

        def loss(z, g=g, axis=axis):
            return (layer(z, axis=axis) * g).sum()

        value, slope = lm.compile(loss, backend=backend)(z)
        expected, exact = lm.value_and_grad(loss)(z)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(slope, exact, rtol=1e-11, atol=1e-30)
