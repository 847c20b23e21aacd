"""The safe output layers against mpmath: values with their tails, gradients, second derivatives."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mix_cases import REGIMES
from mpmath import mp, mpf

import tinygrad_lossmix as lm
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.mixes.outputs import log1m_softmax

# value, derivative, second derivative
ELEMENTWISE = {
    lm.sigmoid: (
        lambda x: 1 / (1 + mpmath.exp(-x)),
        lambda x: 1 / ((1 + mpmath.exp(-x)) * (1 + mpmath.exp(x))),
        lambda x: -mpmath.tanh(x / 2) / ((1 + mpmath.exp(-x)) * (1 + mpmath.exp(x))),
    ),
    lm.softplus: (
        lambda x: mpmath.log1p(mpmath.exp(x)),
        lambda x: 1 / (1 + mpmath.exp(-x)),
        lambda x: 1 / ((1 + mpmath.exp(-x)) * (1 + mpmath.exp(x))),
    ),
    lm.log_sigmoid: (
        lambda x: -mpmath.log1p(mpmath.exp(-x)),
        lambda x: 1 / (1 + mpmath.exp(x)),
        lambda x: -1 / ((1 + mpmath.exp(-x)) * (1 + mpmath.exp(x))),
    ),
}


def softmax(z):
    e = [mpmath.exp(x) for x in z]
    return [x / sum(e) for x in e]


def log_softmax(z):
    """ln p = -ln(1 + Σ of the other e^(z_j - z_k)), which loses nothing."""
    e = [mpmath.exp(x) for x in z]
    return [-mpmath.log1p(sum(e[:k] + e[k + 1 :]) / x) for k, x in enumerate(e)]


def logsumexp(z):
    return [mpmath.log(sum(mpmath.exp(x) for x in z))]


OVER_AN_AXIS = {lm.softmax: softmax, lm.log_softmax: log_softmax, lm.logsumexp: logsumexp}
BOUND = {np.float64: 1e-13, np.float32: 1e-5}
BIG = np.finfo(float).max

each_elementwise = pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.__name__)
each_over_an_axis = pytest.mark.parametrize("f", OVER_AN_AXIS, ids=lambda f: f.__name__)
each_function = pytest.mark.parametrize(
    "f", [*ELEMENTWISE, *OVER_AN_AXIS], ids=lambda f: f.__name__
)
each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])
any_logits = {
    dtype: st.one_of([make(k, dtype) for k in (1, 2, 5) for make in REGIMES.values()])
    for dtype in BOUND
}


def assert_close(got, exact, dtype, sizes=None):
    """To 1e-13 (float32: 1e-5) of the sizes, which are those of the exact values unless given."""
    info = np.finfo(dtype)
    assert got.dtype == dtype
    sizes = [abs(x) for x in exact] if sizes is None else sizes
    for value, truth, size in zip(np.atleast_1d(got), exact, sizes, strict=True):
        assert np.isfinite(value)
        if size > info.tiny / info.eps:
            assert abs(float(value) - truth) <= BOUND[dtype] * size


def exact_numbers(z):
    return [mpf(float(x)) for x in z]


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


def jacobian(f, p):
    """∂f/∂z, a row for each output, of the exact softmax p."""
    each = range(len(p))
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
        rows = jacobian(f, softmax(exact_numbers(z)))
        weights = exact_numbers(np.atleast_1d(seed))
        exact = [
            sum(w * row[j] for w, row in zip(weights, rows, strict=True)) for j in range(len(z))
        ]
        assert_close(got, exact, dtype, [1 + sum(map(abs, weights))] * len(z))
    again = grad(f(t), t, seed=seed, create_graph=True)
    assert again.data.tobytes() == got.tobytes()


def others(x):
    return [sum(x[:k] + x[k + 1 :]) for k in range(len(x))]


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
    k = data.draw(st.sampled_from([2, 3, 5, 40]))
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


@each_dtype
@given(data=st.data())
def test_the_logarithm_of_one_minus_softmax_keeps_its_tails(dtype, data):
    k = data.draw(st.sampled_from([2, 3, 5, 40]))
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
        rows = jacobian(f, softmax(moved))
        w = [mpf(1)] if f is lm.logsumexp else exact_numbers(weights)
        return [sum(x * row[j] for x, row in zip(w, rows, strict=True)) for j in range(len(z))]

    with mp.workdps(200):
        exact = [(up - down) / (2 * h) for up, down in zip(along(h), along(-h), strict=True)]
        assert_close(got, exact, np.float64, [len(z)] * len(z))


@pytest.mark.parametrize(
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


@each_elementwise
@pytest.mark.parametrize("x", [-800.0, -1.0, 0.0, 2.5, 800.0])
def test_elementwise_functions_take_one_number(f, x):
    expected = f(np.array([x]))[0]
    t = Tensor(x)
    for got in (f(x), f(np.float64(x)), f(np.array(x)), f(t).data):
        assert got == expected
        assert got.shape == ()
    assert grad(f(t), t).shape == ()


@each_over_an_axis
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
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


@each_over_an_axis
@pytest.mark.parametrize("axis", [0, -1])
def test_float32_stays_float32_on_the_way_back_too(f, axis):
    t = Tensor(np.array([[0.5, -1.0, 2.0], [3.0, 0.25, -2.0]], np.float32))
    value = f(t, axis=axis)
    first = grad(value, t, seed=np.ones(value.shape), create_graph=True)
    second = grad((first * first).sum(), t, create_graph=True)
    assert {node.dtype.name for node in nodes(second)} == {"float32"}


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
    assert (lm.log_softmax([inf, 0.0, -inf]) == [0, -inf, -inf]).all()
    assert lm.logsumexp([inf, 0.0, -inf]) == inf
    assert lm.logsumexp([-inf, 1.0, -inf]) == 1


@each_function
def test_nan_stays_nan(f):
    assert np.isnan(f(np.array([np.nan, 0.0]))).any()


@pytest.mark.parametrize(
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
    """With more than 32 classes the sums over all but one are taken another way."""
    z, g = np.random.default_rng(4).normal(size=(2, 40, 3))
    z[5, 0], z[7, 1] = 60.0, 45.0
    exact = np.empty_like(z)
    for column in range(3):
        e = np.exp(z[:, column].astype(np.longdouble))
        a, along = e / e.sum(), g[:, column].astype(np.longdouble)
        exact[:, column] = [x * ((h - along) * a).sum() for x, h in zip(a, along, strict=True)]
    t = Tensor(z if axis == 0 else z.T)
    slope = grad(lm.softmax(t, axis=axis), t, seed=g if axis == 0 else g.T)
    np.testing.assert_allclose(slope if axis == 0 else slope.T, exact, rtol=1e-12)
