"""Classes are their one-hot labels, which are never written out; mpmath has both in other tests."""

import itertools
import tracemalloc

import numpy as np
import pytest

from tests.helpers.quick import in_one
from tests.helpers.threads import in_threads
from tinygrad_lossmix import MIXES, Mix, Tensor, grad
from tinygrad_lossmix.mixes import closed_forms
from tinygrad_lossmix.mixes.labels import dense
from tinygrad_lossmix.mixes.layers import PAIRS
from tinygrad_lossmix.testing.highprecision import ORACLES, lifted

each_mix = pytest.mark.parametrize("mix", MIXES, ids=str)
SHAPES = [(3,), (70,), (5, 3), (4, 70), (2, 3, 4), (2, 1, 40)]


def near(got, expected, dtype, size=1.0):
    """Equal but for a few roundings of the dtype."""
    rounding = 16 * float(np.finfo(dtype).eps)
    assert got.dtype == expected.dtype == dtype
    np.testing.assert_allclose(
        got.astype(float), expected.astype(float), rtol=rounding, atol=rounding * size
    )


@in_one("dtype", [np.float16, np.float32, np.float64])
@each_mix
def test_cost_delta_gradient_and_its_derivative_are_those_of_one_hot_labels(mix, dtype):
    rng = np.random.default_rng(11)
    for shape, size in itertools.product(SHAPES, (1, 8, 40)):
        z = (rng.normal(size=shape) * size).astype(dtype)
        z.ravel()[: shape[-1] // 2] = size  # ties, on top or not
        y, v = rng.integers(0, shape[-1], shape[:-1]), rng.normal(size=shape).astype(dtype)
        found = []
        for given in (y, dense(y, z)):
            t = Tensor(z)
            cost = mix.cost(t, given)
            slope = grad(cost, t, create_graph=True)
            found.append((
                cost.data, mix.delta(z, given), grad(cost, t), slope.data,
                grad((slope * v).sum(), t), mix.cost(z, given),
            ))  # fmt: skip
        for got, expected in zip(*found, strict=True):
            near(got, expected, dtype)
        assert found[0][2].tobytes() == found[0][3].tobytes()


@each_mix
def test_the_hessian_of_a_class_is_that_of_its_one_hot_labels(mix):
    z = np.array([2.0, -1.0, 0.5, 3.0])
    np.testing.assert_array_equal(mix.hessian(z, 2), mix.hessian(z, np.eye(4)[2]))


@pytest.mark.parametrize("more", [0, 70])
@each_mix
def test_hostile_logits_have_the_costs_and_deltas_of_one_hot_labels(mix, more):
    """Every triple of extremes, alone and among classes that cannot be."""
    hostile = (np.nan, np.inf, -np.inf, -1000.0, 0.0, 5e-324, 40.0, 1000.0)
    rows = np.array(list(itertools.product(hostile, repeat=3)))
    z = np.pad(rows, [(0, 0), (more, 0)], constant_values=-np.inf)
    for y in more + np.arange(3):
        classes = np.full(len(z), y)
        delta, expected = mix.delta(z, classes), mix.delta(z, dense(classes, z))
        np.testing.assert_allclose(delta, expected, rtol=1e-14, atol=1e-300)
        for row in z[:: 7 if more else 5]:
            cost, expected = mix.cost(row, y), mix.cost(row, dense(y, row))
            np.testing.assert_allclose(cost, expected, rtol=1e-14, atol=1e-300)


@each_mix
def test_a_large_batch_of_classes_is_its_rows(mix, monkeypatch):
    rng = np.random.default_rng(12)
    z, y = rng.normal(size=(7, 5)) * 9, rng.integers(0, 5, 7)
    cost, delta = mix.cost(z, y), mix.delta(z, y)
    for block in (1, 2, 3):
        monkeypatch.setattr(closed_forms, "BLOCK", block * z.itemsize)
        near(mix.cost(z, y), cost, np.float64)
        # not to the bit: BLAS may sum the terms of a row in another order where there are more rows
        near(mix.delta(z, y), delta, np.float64)
        turned = mix.delta(np.asfortranarray(z), y[::-1].copy()[::-1])
        assert turned.tobytes() == mix.delta(z, y).tobytes()


@pytest.mark.parametrize("shape", [(64, 2000), (4, 16, 2000)])
@pytest.mark.parametrize("mix", [*MIXES, Mix("lml", "ce")], ids=str)
def test_cost_and_gradient_of_many_classes_take_one_array_of_their_size(mix, shape, monkeypatch):
    """Beside the logits: neither one-hot labels nor δ and then its multiple."""
    monkeypatch.setattr(closed_forms, "BLOCK", 2**10)
    z = np.random.default_rng(13).normal(size=shape).astype(np.float32)
    y, t = np.arange(64).reshape(shape[:-1]), Tensor(z, copy=False)
    grad(mix.cost(t, y), t)
    tracemalloc.start()
    try:
        grad(mix.cost(t, y), t)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 1.3 * z.nbytes


@each_mix
def test_the_gradient_of_one_node_is_the_same_in_several_threads(mix):
    """One of them takes the δ that the node keeps."""
    z = np.random.default_rng(14).normal(size=(8, 5))
    t, y = Tensor(z), np.arange(8) % 5
    expected = grad(mix.cost(t, y), t).tobytes()
    cost = mix.cost(t, y)
    assert in_threads(6, lambda: grad(cost, t).tobytes()) == [expected] * 6


@in_one("pair", PAIRS)
def test_the_oracles_in_mpmath_take_classes(pair):
    z, y = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, 1.0]]), np.array([2, 0])
    for row in (PAIRS[pair].cost, PAIRS[pair].delta):
        got, expected = (ORACLES[row](lifted(z), lifted(labels)) for labels in (y, dense(y, z)))
        assert np.all(got == expected)
