"""The gradients of the safe output layers against mpmath, and the gradients of those."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mpmath import mp, mpf

import tinygrad_lossmix as lm
from tests.helpers import mix_oracle as oracle
from tests.helpers.mix_cases import REGIMES
from tests.helpers.output_oracle import (
    ELEMENTWISE,
    any_logits,
    assert_close,
    each_dtype,
    each_function,
    each_over_an_axis,
    exact_numbers,
    others,
    softmax,
)
from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.mixes.outputs import log1m_softmax

BIG = np.finfo(float).max


def jacobian(f, z):
    """∂f/∂z, a row for each output, of exact logits."""
    each, p = range(len(z)), softmax(z)
    if f is lm.lml:
        a, b = oracle.outputs("lml", z)
        w = oracle.weights(a, b)
        return [[a[i] * b[i] * ((i == j) - w[j]) for j in each] for i in each]
    if f is lm.logsumexp:
        return [list(p)]
    if f is lm.softmax:
        return [[p[i] * ((i == j) - p[j]) for j in each] for i in each]
    return [[(i == j) - p[j] for j in each] for i in each]


@each_dtype
@each_over_an_axis
@given(data=st.data())
def test_gradients_of_functions_of_an_axis(f, dtype, data):
    z = data.draw(any_logits[dtype])
    t = Tensor(z)
    out = f(t)
    seed = data.draw(hnp.arrays(dtype, out.shape, elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0])))
    got = grad(out, t, seed=seed)
    with mp.workdps(320):
        rows = jacobian(f, exact_numbers(z))
        weights = exact_numbers(np.atleast_1d(seed))
        exact = [
            sum(w * row[j] for w, row in zip(weights, rows, strict=True)) for j in range(len(z))
        ]
        assert_close(got, exact, dtype, [1 + sum(map(abs, weights))] * len(z))
    again = grad(f(t), t, seed=seed, create_graph=True)
    assert again.data.tobytes() == got.tobytes()


def tail_terms(f, z, g):
    """Σ_k g_k ∂f_k/∂z_j as terms that do not cancel, of the exact softmax p, q = 1 - p."""
    e = [mpmath.exp(x) for x in z]
    p, q = [x / sum(e) for x in e], [x / sum(e) for x in others(e)]
    each = range(len(z))
    if f is lm.log_softmax:
        return [[g[j] * q[j], *(-p[j] * g[k] for k in each if k != j)] for j in each]
    if f is lm.softmax:
        return [[p[j] * g[j] * q[j], *(-p[j] * g[k] * p[k] for k in each if k != j)] for j in each]
    return [[-g[j] * p[j], *(g[k] * p[k] * p[j] / q[k] for k in each if k != j)] for j in each]


@each_dtype
@pytest.mark.parametrize("f", [lm.softmax, lm.log_softmax, log1m_softmax])
@given(data=st.data())
def test_gradients_keep_their_tails(f, dtype, data):
    """To the precision of each component's own terms, however small: few and many entries."""
    k = data.draw(st.sampled_from([2, 3, 5, 70]))
    z = data.draw(st.one_of([make(k, dtype) for make in REGIMES.values()]))
    weights = st.sampled_from([-1.0, 0.0, 0.5, 2.0])
    g = data.draw(hnp.arrays(dtype, k, elements=weights | st.just(0.0)))
    t = Tensor(z)
    got = grad(f(t), t, seed=g)
    with mp.workdps(320):
        terms = tail_terms(f, exact_numbers(z), exact_numbers(g))
        sizes = [sum(map(abs, each)) for each in terms]
        assert_close(got, [sum(each) for each in terms], dtype, sizes)
    assert grad(f(t), t, seed=g, create_graph=True).data.tobytes() == got.tobytes()


@given(st.one_of([make(4, np.float64) for make in REGIMES.values()]))
def test_the_slope_of_the_sigmoid_keeps_its_tails(z):
    t = Tensor(z)
    with mp.workdps(320):
        slopes = [ELEMENTWISE[lm.sigmoid][1](x) for x in exact_numbers(z)]
        assert_close(grad(lm.sigmoid(t).sum(), t), slopes, np.float64)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_one_minus_softmax_along_an_axis_differentiated_twice(axis):
    z = np.random.default_rng(0).normal(size=(3, 4)) * 2
    w, v = np.random.default_rng(1).normal(size=(2, 3, 4))

    def twice(f):
        t = Tensor(z)
        once = grad((f(t) * w).sum(), t, create_graph=True)
        return f(t).data, once.data, grad((once * v).sum(), t)

    ours = twice(lambda t: log1m_softmax(t, axis=axis))
    plain = twice(lambda t: np.log(1.0 - lm.softmax(t, axis=axis)))
    for got, expected in zip(ours, plain, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


@each_over_an_axis
@given(data=st.data())
def test_second_derivatives_of_functions_of_an_axis(f, data):
    z = data.draw(any_logits[np.float64])
    t = Tensor(z)
    weights = np.linspace(-1, 1.5, len(z))
    once = grad((f(t) * weights).sum() if f is not lm.logsumexp else f(t), t, create_graph=True)
    got = grad(once, t, seed=np.ones(len(z)) + weights)
    h = mpf(10) ** -50

    def along(step):
        moved = [
            x + step * (1 + mpf(float(w))) for x, w in zip(exact_numbers(z), weights, strict=True)
        ]
        rows = jacobian(f, moved)
        w = [mpf(1)] if f is lm.logsumexp else exact_numbers(weights)
        return [sum(x * row[j] for x, row in zip(w, rows, strict=True)) for j in range(len(z))]

    with mp.workdps(200):
        exact = [(up - down) / (2 * h) for up, down in zip(along(h), along(-h), strict=True)]
        assert_close(got, exact, np.float64, [len(z)] * len(z))


@in_one(
    "z",
    [
        [BIG, -BIG, 0.0],
        [-BIG, -BIG, -BIG],
        [BIG, BIG, BIG],
        [BIG, 5e-324, -5e-324],
        [5e-324, -5e-324, 0.0],
        [1e16, 1e16 - 2, -1e16],
        [-0.0, 0.0, -BIG],
    ],
    ids=str,
)
@each_function
def test_two_derivatives_are_finite_and_silent_at_every_finite_logit(f, z):
    """Values too, unless the true one is larger than any float: ln p of a BIG below a BIG."""
    z = np.array(z)
    t = Tensor(z)
    value = f(z)
    once = grad(f(t), t, seed=np.ones_like(value), create_graph=True)
    twice = grad((once * np.array([1.0, -2.0, 0.5])).sum(), t)
    assert np.isfinite(once.data).all()
    assert np.isfinite(twice).all()
    if f is lm.log_softmax:
        assert (np.isfinite(value) == (z / 2 - z.max() / 2 >= -BIG / 2)).all()
    else:
        assert np.isfinite(value).all()


@each_over_an_axis
@pytest.mark.parametrize("axis", [0, -1])
def test_float32_stays_float32_on_the_way_back_too(f, axis):
    t = Tensor(np.array([[0.5, -1.0, 2.0], [3.0, 0.25, -2.0]], np.float32))
    value = f(t, axis=axis)
    first = grad(value, t, seed=np.ones(value.shape), create_graph=True)
    second = grad((first * first).sum(), t, create_graph=True)
    assert {node.dtype.name for node in nodes(second)} == {"float32"}


@in_one(
    ("z", "dtype"),
    [*[(z, np.float64) for z in (-705, -400, -355, -40, -1, 0, 3, 40, 400, 700)],
     *[(z, np.float32) for z in (-80, -50, -44, 2, 40, 80)]],
)  # fmt: skip
def test_both_derivatives_of_the_sigmoid_keep_their_tails(z, dtype):
    t = lm.Tensor(np.array([z], dtype))
    once = lm.grad(lm.sigmoid(t).sum(), t, create_graph=True)
    twice = lm.grad(once.sum(), t)
    with mpmath.workdps(400):
        a, b = 1 / (1 + mpmath.exp(-z)), 1 / (1 + mpmath.exp(z))
        expected = [float(a * b), float(a * b * (b - a))]
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    np.testing.assert_allclose([once.data[0], twice[0]], expected, rtol=tolerance)


@pytest.mark.parametrize("axis", [0, 1])
def test_the_slope_of_a_softmax_of_many_classes_keeps_its_tails(axis):
    """With more than 64 classes the sums over all but one are taken another way."""
    z, g = np.random.default_rng(4).normal(size=(2, 70, 3))
    z[5, 0], z[7, 1] = 60.0, 45.0
    exact = np.empty_like(z)
    for column in range(3):
        e = np.exp(z[:, column].astype(np.longdouble))
        a, along = e / e.sum(), g[:, column].astype(np.longdouble)
        exact[:, column] = [x * ((h - along) * a).sum() for x, h in zip(a, along, strict=True)]
    t = Tensor(z if axis == 0 else z.T)
    slope = grad(lm.softmax(t, axis=axis), t, seed=g if axis == 0 else g.T)
    np.testing.assert_allclose(slope if axis == 0 else slope.T, exact, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
@each_function
def test_a_recorded_gradient_has_the_bits_of_one_that_is_not(f, dtype):
    z, g = np.random.default_rng(1).normal(size=(2, 4, 70)).astype(dtype)
    t = Tensor(4 * z)
    out = f(t)
    g = g[..., 0] if out.ndim == 1 else g
    recorded = grad(out, t, seed=Tensor(g), create_graph=True)
    np.testing.assert_array_equal(recorded.data, grad(out, t, seed=g))
