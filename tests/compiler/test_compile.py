"""Compiled functions: equal to the interpreted ones, nothing baked in, readable."""

import cProfile
import gc
import linecache
import warnings

import numpy as np
import pytest
from hypothesis import given

import tinygrad_lossmix as lm
from tests.helpers.networks import close, close_to_interpreted, network, parameters
from tests.helpers.quick import thinned
from tinygrad_lossmix.compiler.compile import compile as compiled
from tinygrad_lossmix.compiler.loops.backend import NotCompiledWarning
from tinygrad_lossmix.compiler.stabilize import stabilize
from tinygrad_lossmix.testing import strategies


@given(strategies.programs())
def test_random_programs_are_as_interpreted(program):
    close_to_interpreted(compiled, program)


@given(strategies.mixes(), strategies.examples(regime="moderate"))
def test_every_mix_is_as_interpreted(mix, example):
    z, y = example
    close(compiled(mix.cost)(z, y), lm.value_and_grad(mix.cost)(z, y))


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_examples_over_several_axes_are_as_interpreted(mix):
    z = np.random.default_rng(0).normal(size=(2, 3, 4))
    close_to_interpreted(compiled, (lambda z: mix.cost(z, np.full(z.shape, 0.25)), (z,)))


def test_an_average_by_weights_that_are_an_argument_is_as_interpreted():
    x, w = np.arange(6.0).reshape(2, 3) ** 2, np.array([3.0, 0.0, 2.0])
    f = lambda x, w: np.square(np.average(x, 1, w)).sum()
    gradient = 2 * np.outer([1.6, 15.4], w / w.sum())
    close(compiled(f)(x, w), (np.float64(1.6**2 + 15.4**2), gradient))


@given(strategies.mixes(), strategies.examples())
def test_every_mix_stays_as_exact_as_it_is(mix, example):
    z, y = example
    value, gradient = compiled(mix.cost)(z, y)
    expected, slope = lm.value_and_grad(mix.cost)(z, y)
    scale = 1e-13 * (1 + np.abs(y).sum() if np.ndim(y) == z.ndim else 1)
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=scale)
    np.testing.assert_allclose(gradient, slope, rtol=1e-11, atol=1e-300 + scale * 1e-3)


@given(strategies.mixes(), strategies.examples(regime="moderate"))
def test_the_book_is_made_stable_first(mix, example):
    z, y = example
    close(compiled(mix.composed)(z, y), lm.value_and_grad(mix.cost)(z, y), 1e-10, 1e-12)


def test_tails_are_exact():
    value, gradient = compiled(lm.Mix("softmax", "ll").composed)(np.array([40.0, 0.0]), 0)
    np.testing.assert_allclose(gradient, [-4.248354255291589e-18, 4.248354255291589e-18], 1e-14)
    np.testing.assert_allclose(value, 4.248354255291589e-18, 1e-14)


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_infinite_logits_are_answered_as_interpreted(mix):
    for z in ([np.inf, 0.0, -1.0], [-np.inf, 0.0, 2.0], [1000.0, -1000.0, 0.0], [1e4, 0.0, -1e4]):
        for y in (0, 1, 2):
            z, y = np.array(z), np.array(y)
            close(compiled(mix.cost)(z, y), lm.value_and_grad(mix.cost)(z, y))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_a_training_step_is_as_interpreted(mix, dtype):
    rng = np.random.default_rng(0)
    g = compiled(network(mix), wrt=(0, 1, 2, 3))
    for n in (6, 1, 6, 0):
        arrays = parameters(rng, n=n, dtype=dtype)
        tolerance = {np.float32: 1e-5, np.float64: 1e-12}[dtype]
        with np.errstate(invalid="ignore"):
            expected = lm.value_and_grad(network(mix), wrt=(0, 1, 2, 3))(*arrays)
        close(g(*arrays), expected, tolerance, tolerance)


@pytest.mark.parametrize("k", [1, 2, 33, 100])
def test_any_number_of_classes(k):
    rng = np.random.default_rng(k)
    shape = (4 if k > 1 else 1, k)
    z, y = 3 * rng.normal(size=shape), rng.random(shape)
    for mix in lm.MIXES:
        if k > 1 or str(mix) != "softmax + cross-entropy":
            close(compiled(mix.cost)(z, y), lm.value_and_grad(mix.cost)(z, y))


@pytest.mark.parametrize("f", [lambda t: 3.0, lambda t: np.ones(2).sum(), lambda t: t > 0])
def test_a_value_that_is_no_tensor_is_refused_as_value_and_grad_does(f):
    for transform in (compiled, lm.value_and_grad):
        with pytest.raises(TypeError, match=r"not a Tensor: float\(t\), "):
            transform(f)(np.ones(2))


def test_errors_of_the_labels_are_those_of_the_cost():
    g = compiled(lm.MIXES[4].cost)
    with pytest.raises(ValueError, match="classes are 0 … 2"):
        g(np.zeros((2, 3)), np.array([0, 3]))
    with pytest.raises(ValueError, match="do not belong"):
        g(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="NaN or infinity"):
        g(np.zeros((2, 3)), np.full((2, 3), np.nan))


def test_wrong_calls_are_told_from_each_other():
    with pytest.raises(ValueError, match="choose numpy or numba"):
        compiled(np.sum, backend="fortran")
    with pytest.raises(ValueError, match="wrt is empty"):
        compiled(np.sum, wrt=())
    with pytest.raises(ValueError, match="got 1 arguments"):
        compiled(lambda t: t.sum(), wrt=1)(np.ones(2))
    with pytest.raises(ValueError, match="take its sum or mean"):
        compiled(lambda t: t * 2)(np.ones(2))
    with pytest.raises(TypeError, match="floats"):
        compiled(lambda t: t.sum())(np.arange(3))
    with pytest.raises(TypeError, match="masked"):
        compiled(lambda t, u: t.sum())(np.ones(2), np.ma.masked_array([1.0], [True]))
    with pytest.raises(ValueError, match="call it once"):
        compiled(np.sum).source  # noqa: B018


def test_old_forms_are_dropped_and_their_text_with_them():
    before = len(linecache.cache)
    g = compiled(lambda t: t.sum())
    for n in range(80):
        g(np.ones(n))
    assert len(g._specialisations) == 64
    assert len(linecache.cache) <= before + 64
    del g
    gc.collect()
    assert len(linecache.cache) <= before


def test_a_form_is_compared_once_there_is_a_finite_answer():
    g = compiled(lambda t, u: (np.log(t) * (1.0 if type(u) is np.ndarray else 2.0)).sum())
    assert g(np.zeros(2), np.ones(1))[0] == -np.inf
    with pytest.warns(NotCompiledWarning):
        value, _ = g(np.full(2, np.e), np.ones(1))
    np.testing.assert_allclose(value, 2.0)


@pytest.mark.parametrize("scale", [1.0, 1e9])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_rounding_at_a_minimum_is_no_other_answer(backend, scale):
    """At z = 0 and y = 1/3 the gradient is rounding alone: 0 in one form, 1e-17 in another."""
    mix, y = lm.Mix("softmax", "quadratic"), np.full(3, 1 / 3)

    def f(z):
        return scale * mix.cost(z, y)

    g = compiled(f, backend=backend)
    for z in (np.zeros(3), np.full(3, 0.7), np.array([2.0, 1.0, 0.0])):
        value, gradient = g(z)
        np.testing.assert_allclose(value, scale * mix.cost(z, y), rtol=1e-12, atol=1e-30 * scale)
        np.testing.assert_allclose(
            gradient, scale * mix.delta(z, y), rtol=1e-12, atol=1e-16 * scale
        )
    assert not g.source.startswith("#"), "it was compiled and is trusted in the end"
    assert g._latest.names == ()


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_gradient_that_is_no_number_leaves_rounding_to_the_others(backend):
    def f(w, x):
        return np.tanh(x @ w).std() + np.sqrt(abs(w)).sum()

    g, random = compiled(f, backend=backend), np.random.default_rng(0)
    w, x = random.normal(size=(5, 3)), random.normal(size=(7, 5))
    w[0, 0] = 0.0
    value, gradient = g(w, x)
    expected = lm.value_and_grad(f)
    with np.errstate(all="ignore"):
        close((value, gradient), expected(w, x))
    assert np.isnan(gradient).sum() == 1
    assert g._latest.names == (), "it was compiled and is trusted"

    def at_minimum(z, w):
        return lm.Mix("softmax", "quadratic").cost(z, np.full(3, 1 / 3)) + np.sqrt(abs(w)).sum()

    g = compiled(at_minimum, wrt=(0, 1), backend=backend)
    for z in (np.zeros(3), np.full(3, 0.7)):
        assert np.isnan(g(z, np.zeros(2))[1][1]).all()


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_what_needs_its_real_argument_gets_it(backend):
    a, w = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, -2.0])
    fussy = lm.derivative(lambda x: x if (x > 0).all() else 1 / 0, lambda g, z, x: g)
    for f in (
        lambda w, a: np.linalg.inv(a) @ w @ w,
        lambda w, a: (np.linalg.solve(a + a.T, np.ones(2)) * w).sum(),
        lambda w, a: (np.linalg.cholesky(a @ a.T) @ w).sum(),
        lambda w, a: (np.linalg.matrix_power(a, -2) @ w).sum(),
        lambda w, a: fussy(w * w).sum() + (a @ w).sum(),
    ):
        g = compiled(f, backend=backend)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "NumPy runs instead of numba", NotCompiledWarning)
            for b in (a, 2.0 * a):
                close(g(w, b), lm.value_and_grad(f)(w, b))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(
    "ufunc", [np.modf, np.frexp, lambda x: np.divmod(x, 2.0), lambda x: divmod(x, 2)]
)
def test_ufuncs_of_two_results(ufunc, backend):
    def f(w, x):
        first, second = ufunc(x)
        return (w * first).sum() + (second * w * w).sum()

    g, w = compiled(f, backend=backend), np.array([1.0, 2.0, -3.0])
    for x in (np.array([1.5, -2.25, 7.0]), np.array([0.1, 12.5, -3.0])):
        close(g(w, x), lm.value_and_grad(f)(w, x))


@pytest.mark.parametrize("backend", thinned(["numpy", "numba"], 2))
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:Degrees of freedom")
@pytest.mark.parametrize(
    "f",
    [
        lambda x: (x - x.mean(axis=0)).sum(),
        lambda x: x.mean(axis=1).sum(),
        lambda x: x.mean(),
        lambda x: x.var(axis=0).sum() + x.sum(),
        lambda x: x.max(axis=1).sum(),
        lambda x: lm.softmax(x).sum() / len(x) if len(x) else lm.softmax(x).sum(),
        lambda x: np.log(np.exp(x).sum(axis=1)).mean(),
        lambda x: (x @ np.ones((3, 2))).sum() + (x.T @ x).sum(),
    ],
)
def test_an_empty_batch_is_as_interpreted(f, backend):
    x = np.zeros((0, 3))
    with np.errstate(all="ignore"):
        close(compiled(f, backend=backend)(x), lm.value_and_grad(f)(x))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_maximum_of_nothing_is_refused_as_by_numpy(backend):
    with pytest.raises(ValueError, match="zero-size array"):
        compiled(lambda x: x.max(axis=0).sum(), backend=backend)(np.zeros((0, 3)))


def test_an_index_that_picks_everything():
    close_to_interpreted(compiled, (lambda x: (x[()] * np.flip(x, ())).sum(), (np.ones(3),)))


@pytest.mark.parametrize("dtype", [">f8", ">f4", np.float16, np.longdouble])
def test_any_float_dtype_and_byte_order(dtype):
    def f(x, y):
        return (np.exp(x) * y).mean() + (x * 3.0).var() + np.log(x).sum() + (y > 1) @ x

    x, y = np.array([1.0, 2.0], dtype), np.array([0.5, 1.5], dtype)
    close(compiled(f)(x, y), lm.value_and_grad(f)(x, y), 3 * float(np.finfo(dtype).eps))
    labels = np.array([1, 0], ">i4")
    z = np.array([[1.0, 2.0], [0.5, 0.0]])
    close(compiled(lm.MIXES[4].cost)(z, labels), lm.value_and_grad(lm.MIXES[4].cost)(z, labels))


def test_an_axis_that_is_not_there_is_refused_as_by_numpy():
    for function in (compiled, lm.value_and_grad):
        with pytest.raises(
            np.exceptions.AxisError, match=r"axis 5 is out of bounds .* dimension 1"
        ):
            function(lambda x: x.sum(axis=(0, 5)))(np.ones(3))


THIRD = np.longdouble(1) / 3  # between two of float64's numbers


@pytest.mark.parametrize(
    "f",
    [
        lambda z: np.tanh(z).mean(axis=0).sum(),
        lambda z: (z * np.full(3, THIRD)).sum(),
        lambda z: (z / np.full(3, THIRD)).sum(),
        lambda z: (z / THIRD).sum(),
        lambda z: np.log(np.exp(z * THIRD).sum()),
        lambda z: (z - THIRD).prod(),
        lambda z: np.maximum(z, THIRD).sum(),
    ],
)
def test_a_constant_keeps_all_digits_of_a_longdouble(f):
    z = np.array([0.5, -1.0, 2.0], np.longdouble)
    close(compiled(f)(z), lm.value_and_grad(f)(z), 4 * float(np.finfo(z.dtype).eps), 0.0)


def test_a_gradient_has_the_dtype_of_its_argument():
    def f(t, u):
        return t * np.sum(u)

    for t, u in [(np.array(2.0), np.ones(2, np.float32)), (np.float32(2.0), np.ones(2))]:
        close(compiled(f)(t, u), lm.value_and_grad(f)(t, u))


def test_means_of_many_half_precision_numbers():
    x = np.ones(70_000, np.float16)
    value, _ = compiled(lambda x: (x * 2.0).mean())(x)
    assert value == 2.0


def test_the_repr_says_what_it_is():
    def loss(w, x):
        return (w * x).sum()

    g = compiled(loss, wrt=(0, 1))
    assert repr(g) == (
        "<compiled loss: value and gradient by w, x; backend numpy, 0 specialisations>"
    )
    g(np.ones(2), np.ones(2))
    assert repr(g).endswith("1 specialisation>")
    assert "by argument -1;" in repr(compiled(loss, wrt=-1))


def test_the_same_call_is_made_once():
    def f(t):
        return (np.exp(t) * t + np.sin(np.exp(t))).sum()

    g = compiled(f)
    g(np.ones(3))
    assert g.source.count(" = exp(t") == 1


def test_a_difference_of_equals_is_not_assumed_to_vanish():
    value, _ = compiled(lambda t: (t - t).sum() + (t * 0.0).sum())(np.array([np.inf, 1.0]))
    assert np.isnan(value)


@given(strategies.programs(max_steps=4))
def test_what_is_stabilised_is_what_is_compiled(program):
    f, inputs = program
    wrt = tuple(range(len(inputs)))
    ours = compiled(f, wrt)(*inputs)
    theirs = lm.value_and_grad(lambda *a: stabilize(f(*a)), wrt)(*inputs)
    close(ours, theirs, 1e-9, 1e-10)


def test_it_is_compiled_under_a_profiler_that_cannot_be_put_back():
    profiler = cProfile.Profile()
    t = np.array([0.5, -1.0])
    value, gradient = profiler.runcall(compiled(lambda w: (w * w).sum()), t)
    assert value == 1.25
    np.testing.assert_array_equal(gradient, 2 * t)
