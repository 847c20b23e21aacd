"""The safe output layers against mpmath: values with their tails, and what they take."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

import tinygrad_lossmix as lm
from tests.helpers.mix_cases import REGIMES
from tests.helpers.output_oracle import (
    ELEMENTWISE,
    OVER_AN_AXIS,
    any_logits,
    assert_close,
    each_dtype,
    each_elementwise,
    each_function,
    each_over_an_axis,
    exact_numbers,
    others,
)
from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.mixes.outputs import log1m_softmax, sum_of_others


@each_dtype
@each_elementwise
@given(data=st.data())
def test_elementwise_functions_keep_their_tails_and_their_derivatives_agree(f, dtype, data):
    z = data.draw(any_logits[dtype])
    t = Tensor(z)
    once = grad(f(t).sum(), t, create_graph=True)
    twice = grad(once.sum(), t)
    assert grad(f(t).sum(), t).tobytes() == once.data.tobytes()
    with mp.workdps(320):
        value, slope, curvature = ([g(x) for x in exact_numbers(z)] for g in ELEMENTWISE[f])
        assert_close(f(z), value, dtype)
        assert_close(f(t).data, value, dtype)
        assert_close(once.data, slope, dtype, [1] * len(z) if f is lm.sigmoid else None)
        assert_close(twice, curvature, dtype, [1] * len(z))


@each_dtype
@each_over_an_axis
@given(data=st.data())
def test_functions_of_an_axis_keep_their_tails(f, dtype, data):
    z = data.draw(any_logits[dtype])
    with mp.workdps(320):
        exact = OVER_AN_AXIS[f](exact_numbers(z))
        sizes = [1 + max(map(abs, exact_numbers(z)))] if f is lm.logsumexp else None
        assert_close(f(z), exact, dtype, sizes)
        assert_close(f(Tensor(z)).data, exact, dtype, sizes)


@each_dtype
@given(data=st.data())
def test_the_logarithm_of_one_minus_softmax_keeps_its_tails(dtype, data):
    k = data.draw(st.sampled_from([2, 3, 5, 70]))
    z = data.draw(st.one_of([make(k, dtype) for make in REGIMES.values()]))
    with mp.workdps(320):
        e = [mpmath.exp(x) for x in exact_numbers(z)]
        p = [x / sum(e) for x in e]
        exact = [
            mpmath.log(rest / sum(e)) if x > 0.5 else mpmath.log1p(-x)
            for x, rest in zip(p, others(e), strict=True)
        ]
        assert_close(log1m_softmax(z), exact, dtype)
        assert_close(log1m_softmax(Tensor(z)).data, exact, dtype)


@each_dtype
def test_the_logarithm_of_one_minus_softmax_far_down_has_the_digits_of_the_softmax(dtype):
    """Found at logits 226, 226, -286.866324, where it was off by 1.1e-13 of itself."""
    for low in np.linspace(-80.0 if dtype == np.float32 else -690.0, -40.0, 200):
        z = np.array([0.0, 0.0, low], dtype)
        exact = -mpmath.exp(float(z[2])) / 2
        assert abs(log1m_softmax(z)[2] - exact) <= 4 * np.finfo(dtype).eps * abs(exact)


def test_one_minus_softmax_at_the_edges():
    assert (log1m_softmax([3.0]) == -np.inf).all()
    assert (log1m_softmax([np.inf, 0.0, 1.0]) == [-np.inf, 0.0, 0.0]).all()
    assert np.isnan(log1m_softmax([np.nan, 0.0])).any()
    np.testing.assert_array_equal(log1m_softmax([[2, 0]]), log1m_softmax(np.array([[2.0, 0.0]])))
    t = Tensor(np.zeros((0, 3)))
    assert grad(log1m_softmax(t).sum(), t).shape == (0, 3)
    big = Tensor([1e4, 0.0, -1e4])
    np.testing.assert_allclose(log1m_softmax(big).data, [-1e4, 0.0, 0.0])
    np.testing.assert_allclose(grad(log1m_softmax(big)[0], big), [-1.0, 1.0, 0.0])


@each_elementwise
@in_one("x", [-800.0, -1.0, 0.0, 2.5, 800.0])
def test_elementwise_functions_take_one_number(f, x):
    expected = f(np.array([x]))[0]
    t = Tensor(x)
    for got in (f(x), f(np.float64(x)), f(np.array(x)), f(t).data):
        assert got == expected
        assert got.shape == ()
    assert grad(f(t), t).shape == ()


@each_over_an_axis
@in_one("axis", [0, 1, 2, -1, -2, -3])
def test_the_axis_may_be_chosen(f, axis):
    z = np.random.default_rng(0).normal(size=(2, 3, 4)) * 30
    t, v = Tensor(z), np.random.default_rng(1).normal(size=f(z, axis=axis).shape)
    expected = f(np.moveaxis(z, axis, -1))
    back = expected if f is lm.logsumexp else np.moveaxis(expected, -1, axis)
    np.testing.assert_allclose(f(z, axis=axis), back, rtol=1e-14)
    np.testing.assert_allclose(f(z, axis), back, rtol=1e-14)
    np.testing.assert_allclose(f(t, axis=axis).data, back, rtol=1e-14)
    moved = Tensor(np.moveaxis(z, axis, -1).copy())
    seed = v if f is lm.logsumexp else np.moveaxis(v, axis, -1)
    for out in (f(t, axis=axis), f(t, axis)):
        gradient = np.moveaxis(grad(out, t, seed=v), axis, -1)
        np.testing.assert_allclose(gradient, grad(f(moved), moved, seed=seed), atol=1e-15)
    recorded = grad(f(t, axis=axis), t, seed=v, create_graph=True)
    assert recorded.data.tobytes() == grad(f(t, axis=axis), t, seed=v).tobytes()
    assert np.isfinite(grad((recorded * recorded).sum(), t)).all()


@pytest.mark.parametrize("axis", [0, -1])
def test_logsumexp_keeps_the_axis_when_asked(axis):
    z = np.random.default_rng(2).normal(size=(3, 4))
    t = Tensor(z)
    kept = lm.logsumexp(t, axis=axis, keepdims=True)
    assert (kept.data == np.expand_dims(lm.logsumexp(z, axis=axis), axis)).all()
    assert (lm.logsumexp(z, axis=axis, keepdims=True) == kept.data).all()
    np.testing.assert_array_equal(grad(kept.sum(), t), grad(lm.logsumexp(t, axis=axis).sum(), t))


def test_logsumexp_drops_its_axis_and_no_other():
    z = np.zeros((1, 3, 1))
    for logits in (z, Tensor(z)):
        assert lm.logsumexp(logits, axis=1).shape == (1, 1)
        assert lm.logsumexp(logits).shape == (1, 3)
        assert lm.logsumexp(logits, axis=0, keepdims=True).shape == (1, 3, 1)


@each_over_an_axis
def test_rows_of_a_batch_do_not_meet(f):
    z = np.random.default_rng(3).normal(size=(3, 4)) * 300
    np.testing.assert_allclose(f(z), [f(row) for row in z], rtol=1e-15)
    t = Tensor(z)
    one = Tensor(z[1])
    np.testing.assert_allclose(grad(f(t).sum(), t)[1], grad(f(one).sum(), one), atol=1e-15)


@each_function
def test_no_rows_are_no_trouble(f):
    t = Tensor(np.zeros((0, 3)))
    assert f(t).size == f(t.data).size == 0
    assert grad(f(t).sum(), t).shape == (0, 3)
    if f not in ELEMENTWISE:
        for axis, shape in ((0, (3, 0)), (0, (3, 0, 2)), (1, (0, 3, 2)), (-1, (2, 0, 3))):
            t = Tensor(np.zeros(shape))
            assert grad(f(t, axis=axis).sum(), t).shape == shape


@each_function
def test_integers_are_taken_as_floats(f):
    """An unsigned one has no negative, and a narrow one no room for a difference."""
    for z, dtype in (
        ([-3, 1], np.int64),
        ([2, 0], np.uint64),
        ([-30000, 30000], np.int16),
        ([0, 60000], np.uint16),
        ([-128, 127, 0], np.int8),
        ([200, 3, 0], np.uint8),
    ):
        got, expected = f(np.array(z, dtype)), f(np.array(z, float))
        np.testing.assert_allclose(got, expected, rtol=1e-12, err_msg=str(dtype))


@each_function
def test_lists_are_arrays(f):
    z = [[0.5, -1.0], [300.0, 2.0]]
    np.testing.assert_array_equal(f(z), f(np.array(z)))


@each_function
def test_each_is_one_node(f):
    t = Tensor([0.5, -1.0])
    assert f(t).args[0] is t
    assert f(t).function.__name__ == f.__name__


def test_values_at_infinity_are_the_limits():
    inf = np.inf
    ends = np.array([-inf, inf])
    assert (lm.sigmoid(ends) == [0, 1]).all()
    assert (lm.softplus(ends) == [0, inf]).all()
    assert (lm.log_sigmoid(ends) == [-inf, 0]).all()
    assert (lm.softmax([inf, 0.0, -inf]) == [1, 0, 0]).all()
    assert (lm.lml([[inf, 0.0, -inf], [inf, inf, 0.0]]) == [[1, 0, 0], [0.5, 0.5, 0]]).all()
    assert np.allclose(lm.lml([[-inf, -inf, 3.0], [-inf] * 3]), [[0, 0, 1], [1 / 3] * 3], 1e-15, 0)
    assert (lm.log_softmax([inf, 0.0, -inf]) == [0, -inf, -inf]).all()
    assert lm.logsumexp([inf, 0.0, -inf]) == inf
    assert lm.logsumexp([-inf, 1.0, -inf]) == 1
    rows = np.array([[inf, inf, 0.0], [-inf, -inf, -inf], [0.0, 0.0, -inf]])
    for axis, z in ((-1, rows), (0, rows.T), (1, np.stack([rows.T] * 2))):
        half = np.moveaxis(lm.softmax(z, axis=axis), axis, -1)
        assert (half == [[0.5, 0.5, 0], [1 / 3] * 3, [0.5, 0.5, 0]]).all()
        assert (lm.logsumexp(z, axis=axis) == [inf, -inf, np.log(2)]).all()


@each_function
def test_nan_stays_nan(f):
    assert np.isnan(f(np.array([np.nan, 0.0]))).any()
    assert np.isnan(f(np.array([[np.nan], [1.0]]))).tolist() in ([[True], [False]], [True, False])
    assert np.isnan(f(np.array([np.nan] * 3))).all()


@each_dtype
@pytest.mark.parametrize("k", [1, 2, 5, 64, 65, 90])
def test_a_sum_of_the_others_loses_no_tail_over_any_axis(dtype, k):
    rows = (np.random.default_rng(k).normal(size=(2, 3, k)) * 1e-6).astype(dtype)
    rows[0, :, 0], rows[1, 1, -1], rows[1, 2] = 1e6, -1e6, 0.0
    exact = np.array([[others(exact_numbers(row)) for row in each] for each in rows], float)
    sizes = np.array([[others(exact_numbers(row)) for row in each] for each in abs(rows)], float)
    g = np.random.default_rng(0).normal(size=rows.shape).astype(dtype)
    for axis in (-1, 0, 1):
        x, y = np.moveaxis(rows, -1, axis), Tensor(np.moveaxis(rows, -1, axis))
        for sums in (sum_of_others(x, axis), sum_of_others(y, axis).data):
            assert sums.dtype == dtype
            error = abs(np.moveaxis(sums, axis, -1) - exact)
            assert (error <= 4 * np.finfo(dtype).eps * sizes).all()
        seed = np.moveaxis(g, -1, axis)
        slope = grad(sum_of_others(y, axis), y, seed=seed)
        assert (slope == sum_of_others(seed, axis)).all()
