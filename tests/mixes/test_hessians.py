"""Hessians and every further derivative against mpmath."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.helpers import mix_oracle as oracle
from tests.helpers.mix_cases import dense, examples, pair_of
from tests.helpers.quick import in_one
from tinygrad_lossmix import MIXES, Mix, Tensor, grad

each_mix = pytest.mark.parametrize("mix", MIXES, ids=str)


def size(y):
    """What the terms of a Hessian may add up to."""
    return 1 + np.abs(y).sum() + np.abs(1 - y).sum()


def hessian_by_mpmath(mix, z, y):
    columns = [oracle.derivative(pair_of(mix), z, y, unit) for unit in np.eye(len(z))]
    return np.array(columns, dtype=float).T


def hessian_by_recording(mix, t, y):
    delta = grad(mix.cost(t, y), t, create_graph=True)
    return np.array([grad(delta, t, seed=unit) for unit in np.eye(t.size, dtype=t.dtype)])


@each_mix
@given(data=st.data())
def test_hessian_agrees_with_mpmath(mix, data):
    regime = data.draw(st.sampled_from(["moderate", "up to 40", "ties, nearly ties, subnormal"]))
    z, y = data.draw(examples(regime, fewest=2, most=4))
    y = dense(y, z)
    got = mix.hessian(z, y)
    assert got.shape == (len(z), len(z))
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, hessian_by_mpmath(mix, z, y), rtol=0, atol=1e-14 * size(y))


@each_mix
def test_hessian_agrees_with_mpmath_for_eleven_classes_and_far_out(mix):
    for z in (np.linspace(-3, 3, 11), np.array([-300.0, 299.0, 300.0, 0.0])):
        y = dense(1, z)
        got = mix.hessian(z, 1)
        np.testing.assert_allclose(got, hessian_by_mpmath(mix, z, y), rtol=0, atol=1e-13)


@each_mix
@given(data=st.data())
def test_the_cost_recorded_and_differentiated_twice_gives_the_hessian(mix, data):
    z, y = data.draw(examples(fewest=2, most=6))
    t = Tensor(z)
    limit = 1e-14 * size(dense(y, z))
    got = mix.hessian(z, y)
    np.testing.assert_allclose(hessian_by_recording(mix, t, y), got, rtol=0, atol=limit)
    delta = mix.delta(t, y)
    rows = np.array([grad(delta, t, seed=unit) for unit in np.eye(len(z))])
    np.testing.assert_allclose(rows, got, rtol=0, atol=limit)


@each_mix
@given(data=st.data())
def test_hessian_agrees_with_finite_differences_of_delta(mix, data):
    z, y = data.draw(examples("moderate", fewest=1 if mix.output == "sigmoid" else 2, most=6))
    h = 1e-5
    steps = h * np.eye(len(z))
    columns = [(mix.delta(z + s, y) - mix.delta(z - s, y)) / (2 * h) for s in steps]
    limit = 1e-8 * size(dense(y, z))
    np.testing.assert_allclose(mix.hessian(z, y), np.array(columns).T, rtol=1e-6, atol=limit)


@each_mix
@given(data=st.data())
def test_third_derivative_agrees_with_mpmath(mix, data):
    z, y = data.draw(
        examples("moderate", fewest=2, most=4) | examples("one dominant", fewest=2, most=4)
    )
    directions = hnp.arrays(float, len(z), elements=st.sampled_from([-1.0, 0.5, 0.0, 1.0]))
    u, v = data.draw(directions), data.draw(directions)
    t = Tensor(z)
    delta = grad(mix.cost(t, y), t, create_graph=True)
    along_u = grad((delta * u).sum(), t, create_graph=True)
    got = grad((along_u * v).sum(), t)
    y = dense(y, z)
    exact = np.array(oracle.derivative(pair_of(mix), z, y, u, v), dtype=float)
    np.testing.assert_allclose(got, exact, rtol=0, atol=1e-13 * size(y) * len(z))


@each_mix
@given(data=st.data())
def test_third_derivatives_are_finite_everywhere(mix, data):
    z, y = data.draw(examples(fewest=1 if mix.output == "sigmoid" else 2))
    t = Tensor(z)
    delta = grad(mix.cost(t, y), t, create_graph=True)
    twice = grad((delta * delta).sum(), t, create_graph=True)
    assert np.isfinite(twice.data).all()
    assert np.isfinite(grad((twice * twice).sum(), t)).all()


@each_mix
@given(data=st.data())
def test_hessian_is_symmetric_and_a_softmax_does_not_feel_a_common_shift(mix, data):
    z, y = data.draw(examples(fewest=1 if mix.output == "sigmoid" else 2))
    hessian, limit = mix.hessian(z, y), 1e-14 * size(dense(y, z))
    np.testing.assert_allclose(hessian, hessian.T, rtol=0, atol=limit)
    if mix.output == "softmax":
        np.testing.assert_allclose(hessian.sum(axis=1), 0, atol=limit * len(z))
    else:
        assert (hessian == np.diag(np.diag(hessian))).all()


@each_mix
def test_second_derivatives_of_a_batch_are_those_of_its_examples(mix):
    rng = np.random.default_rng(5)
    z, y, v = rng.normal(size=(2, 3, 4)), rng.random((2, 3, 4)), rng.normal(size=(2, 3, 4))
    t = Tensor(z)
    delta = grad(mix.cost(t, y), t, create_graph=True)
    got = grad((delta * v).sum(), t)
    each = [[mix.hessian(z[i, j], y[i, j]) @ v[i, j] for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(got, np.array(each) / 6, rtol=0, atol=1e-15)


@each_mix
def test_hessian_keeps_float32(mix):
    z, y = np.array([0.5, -1.0, 2.0], np.float32), 2
    got = mix.hessian(z, y)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, mix.hessian(z.astype(float), y), atol=1e-6)
    assert hessian_by_recording(mix, Tensor(z), y).dtype == np.float32


@each_mix
def test_hessian_takes_a_tensor_and_gives_an_array(mix):
    z = np.array([0.5, -1.0, 2.0])
    got = mix.hessian(Tensor(z), 2)
    assert type(got) is np.ndarray
    assert (got == mix.hessian(z, 2)).all()


@in_one("z", [np.zeros((2, 3)), np.zeros((1, 3)), np.float64(1.0)])
@each_mix
def test_hessian_is_of_one_example(mix, z):
    with pytest.raises(ValueError, match=r"\(K,\)"):
        mix.hessian(z, 0)


@each_mix
def test_hessian_of_the_largest_floats_is_finite_and_silent(mix):
    big = np.finfo(float).max
    for z in ([big, -big, 0.0], [-big, -big, big], [big, big, big], [0.0, 5e-324, -big]):
        assert np.isfinite(mix.hessian(np.array(z), 1)).all()


@pytest.mark.parametrize("z", [0.0, -3.0, 800.0])
def test_hessian_of_one_logit(z):
    assert Mix("sigmoid", "ce").hessian([z], [1.0]) == Mix("sigmoid", "ll").hessian([z], [1.0])
    for cost in ("ce", "ll", "quadratic"):
        assert Mix("softmax", cost).hessian([z], [1.0]) == [[0.0]]
