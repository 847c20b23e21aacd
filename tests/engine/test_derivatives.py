"""Every row of the table: its value, its gradient, its second derivative, in every layout."""

import functools
import itertools

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.helpers.finite import jacobian, pulled_back
from tests.helpers.numpy_cases import CALLS, ELEMENTWISE, NOT_ANALYTIC
from tests.helpers.quick import in_one, share, thinned
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.table import COMPOSED, SCIPYS, TABLE, spelling

every_call = in_one("call", CALLS, ids=repr, by=str)
some_calls = in_one("call", thinned(CALLS, 3), ids=repr, by=str)
elementwise = pytest.mark.parametrize("e", ELEMENTWISE, ids=lambda e: e.ufunc.__name__)


def seed_for(value):
    return np.random.default_rng(7).uniform(-1, 1, np.shape(value))


def recorded(call, args=None):
    tensors = [Tensor(x) for x in (args or call.args)]
    return call.f(*tensors), tensors


def test_every_function_that_differentiates_has_a_sample_call():
    own = {
        spelling(f)
        for f in {*TABLE, *COMPOSED}
        if isinstance(f, np.ufunc)
        or str(f.__module__).startswith(("numpy", "tinygrad_lossmix.engine"))
    }
    own |= {name for name in SCIPYS if not hasattr(np, name)}
    assert own - {"constant"} == {call.name for call in CALLS}


@every_call
def test_value_is_numpys(call):
    value, expected = recorded(call)[0], call.f(*call.args)
    assert value.shape == expected.shape
    assert value.dtype == expected.dtype == np.float64
    np.testing.assert_allclose(value.data, expected, rtol=1e-15)


@every_call
def test_gradient_is_the_seed_times_the_jacobian(call):
    value, tensors = recorded(call)
    seed = seed_for(value)
    for i, g in enumerate(grad(value, tensors, seed=seed)):
        expected = pulled_back(seed, call.f, call.args, i, call.analytic)
        tight = {"rtol": 1e-13, "atol": 1e-13} if call.analytic else {"rtol": 1e-8, "atol": 1e-8}
        np.testing.assert_allclose(g, expected, **tight)


@every_call
def test_second_derivative_is_the_derivative_of_the_first(call):
    seed = seed_for(call.f(*call.args))
    direction = [np.cos(np.arange(x.size).reshape(x.shape)) for x in call.args]

    def slope(*args):
        value, tensors = recorded(call, args)
        first = grad(value, tensors, seed=seed)
        return sum(np.sum(g * d) for g, d in zip(first, direction, strict=True))

    value, tensors = recorded(call)
    first = grad(value, tensors, seed=seed, create_graph=True)
    total = sum((g * d).sum() for g, d in zip(first, direction, strict=True))
    for i, second in enumerate(grad(total, tensors)):
        expected = jacobian(slope, call.args, i, analytic=False)
        np.testing.assert_allclose(second, expected, rtol=1e-7, atol=1e-7)


@in_one("call", [c for c in CALLS if c.name != "np.float_power"], by=str)
def test_float32_stays_float32_to_the_second_derivative(call):
    value, tensors = recorded(call, [x.astype(np.float32) for x in call.args])
    first = grad(value, tensors, seed=np.ones(value.shape), create_graph=True)
    second = grad(sum((g * g).sum() for g in first), tensors)
    assert {g.dtype.name for g in second} == {"float32"}
    assert {n.dtype.name for t in (value, *first) for n in nodes(t)} == {"float32"}
    exact, leaves = recorded(call)
    for g, e in zip(first, grad(exact, leaves, seed=np.ones(value.shape)), strict=True):
        np.testing.assert_allclose(g.data, e, rtol=2e-5, atol=2e-6)


@some_calls
def test_raw_and_recorded_gradients_are_the_same_bits(call):
    for dtypes in ("dd", "ff", "fd", "df"):
        args = [x.astype(d) for x, d in zip(call.args, itertools.cycle(dtypes), strict=False)]
        value, tensors = recorded(call, args)
        seed = seed_for(value)
        raw = grad(value, tensors, seed=seed)
        for g, r in zip(raw, grad(value, tensors, seed=seed, create_graph=True), strict=True):
            assert (g.dtype, g.tobytes()) == (r.dtype, r.data.tobytes()), dtypes


def strided(x):
    wide = np.full([2 * n for n in x.shape], np.nan)
    every_other = wide[(..., *[slice(None, None, 2)] * x.ndim)]
    every_other[...] = x
    return every_other


def backwards(x):
    reverse = (slice(None, None, -1),) * x.ndim
    return np.array(x[reverse])[reverse]


def read_only(x):
    x = np.array(x)
    x.flags.writeable = False
    return x


def fortran(x):
    return np.array(x, order="F")


@some_calls
def test_layout_of_an_array_does_not_matter(call):
    value, tensors = recorded(call)
    seed = seed_for(value)
    expected = grad(value, tensors, seed=seed)
    for layout, copy in itertools.product((strided, backwards, read_only, fortran), (True, False)):
        other = [Tensor(layout(x), copy=copy) for x in call.args]
        again = call.f(*other)
        np.testing.assert_allclose(again.data, value.data, rtol=1e-14)
        for g, e in zip(grad(again, other, seed=layout(seed)), expected, strict=True):
            np.testing.assert_allclose(g, e, rtol=1e-13, atol=1e-15)


@elementwise
@given(st.data())
@share(2)
def test_elementwise_agrees_with_mpmath_to_the_second_derivative(e, data):
    """Value, gradient, and all of the Hessian; tolerance relative to the largest of them."""
    point = [data.draw(st.floats(*interval)) for interval in e.domain]
    assume(abs(e.kink(*point)) > 1e-6)
    with mp.workdps(60):
        exact = functools.partial(mp.diff, e.oracle, tuple(map(mp.mpf, point)))
        orders = [tuple(row) for row in np.eye(len(point), dtype=int)]
        value = float(e.oracle(*map(mp.mpf, point)))
        gradient = [float(exact(order)) for order in orders]
        hessian = [[float(exact(tuple(np.add(a, b)))) for b in orders] for a in orders]
    scale = np.abs([value, *gradient, *np.ravel(hessian)]).max()
    tensors = [Tensor(x) for x in point]
    z = e.ufunc(*tensors)
    first = grad(z, tensors, create_graph=True)
    assert z.item() == pytest.approx(value, rel=1e-14, abs=1e-15)
    assert list(map(float, first)) == pytest.approx(gradient, rel=1e-12, abs=1e-14 * scale)
    second = [list(map(float, grad(g, tensors))) for g in first]
    for row, expected in zip(second, hessian, strict=True):
        assert row == pytest.approx(expected, rel=1e-11, abs=1e-13 * scale)


SHAPES = [(), (1,), (1, 1), (0,), (2, 0, 3), (3,)]


@elementwise
@in_one("shape", SHAPES)
def test_elementwise_of_any_shape_is_the_same_at_every_entry(e, shape):
    point = e.inside(0.3, 0.9) if len(e.domain) == 2 else e.inside(0.3)
    tensors = [Tensor(np.full(shape, x)) for x in point]
    alone = [Tensor(x) for x in point]
    z = e.ufunc(*tensors)
    assert z.shape == shape
    np.testing.assert_allclose(z.data, np.full(shape, e.ufunc(*alone).item()), rtol=1e-15)
    pairs = zip(grad(z, tensors, seed=np.ones(shape)), grad(e.ufunc(*alone), alone), strict=True)
    for g, one in pairs:
        assert isinstance(g, np.ndarray)
        np.testing.assert_allclose(g, np.full(shape, one), rtol=1e-14)


@pytest.mark.parametrize(
    "e", [e for e in ELEMENTWISE if len(e.domain) == 2], ids=lambda e: e.ufunc.__name__
)
@in_one(
    ("left", "right"),
    [((), (3,)), ((3,), ()), ((1,), (3,)), ((2, 1), (3,)), ((2, 3), (1, 1)), ((4, 1, 2), (3, 1)),
     ((1, 1, 1), ()), ((2, 3), (3,)), ((0, 1), (1, 3)), ((1,), (0,))],
)  # fmt: skip
def test_broadcasting_is_undone_for_both_operands(e, left, right):
    rng = np.random.default_rng(0)
    args = rng.uniform(0.5, 1.0, left), rng.uniform(1.1, 2.0, right)
    analytic = e.ufunc not in NOT_ANALYTIC
    tensors = [Tensor(x) for x in args]
    z = e.ufunc(*tensors)
    seed = seed_for(z)
    for i, g in enumerate(grad(z, tensors, seed=seed)):
        assert g.shape == args[i].shape
        expected = pulled_back(seed, e.ufunc, args, i, analytic)
        np.testing.assert_allclose(g, expected, rtol=1e-7, atol=1e-8)
