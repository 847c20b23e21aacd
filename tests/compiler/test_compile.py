"""Compiled functions: equal to the interpreted ones, nothing baked in, readable."""

import collections
import copy
import gc
import linecache
import traceback
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers.networks import close, disturbed, network, parameters
from tinygrad_lossmix.compiler.compile import compile as compiled
from tinygrad_lossmix.compiler.loops.backend import NotCompiledWarning
from tinygrad_lossmix.compiler.stabilize import stabilize
from tinygrad_lossmix.testing import strategies


@given(strategies.programs())
def test_random_programs_are_as_interpreted(program):
    f, inputs = program
    wrt = tuple(range(len(inputs)))
    g = compiled(f, wrt)
    others = [np.cos(x) for x in inputs]  # what was recorded must not be baked in
    for arrays in (inputs, others, inputs):
        close(g(*arrays), lm.value_and_grad(f, wrt)(*arrays), rtol=1e-9, atol=1e-10)


@given(strategies.mixes(), strategies.examples(regime="moderate"))
def test_every_mix_is_as_interpreted(mix, example):
    z, y = example
    close(compiled(mix.cost)(z, y), lm.value_and_grad(mix.cost)(z, y))


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


def test_the_shift_by_a_maximum_is_computed_again():
    def f(z):
        return np.exp(z - np.max(z)).sum()

    g = compiled(f)
    g(np.array([1.0, 2.0]))
    close(g(np.array([1000.0, 999.0])), lm.value_and_grad(f)(np.array([1000.0, 999.0])))


def test_masks_and_indices_are_computed_again():
    def f(z, i):
        return np.where(z > 0, z, 0.1 * z).sum() + z[i] * z[np.argmax(z)] + np.take(z, i)

    g = compiled(f)
    g(np.array([1.0, -2.0]), np.array(0))
    arrays = np.array([-3.0, 5.0]), np.array(1)
    close(g(*arrays), lm.value_and_grad(f)(*arrays))


@pytest.mark.parametrize(
    "ask",
    [
        lambda t: t.data,
        float,
        bool,
        int,
        lambda t: t.item(),
        lambda t: 1 if t > 0 else 2,
        lambda t: np.asarray(t.data),
        lambda t: range(t),
    ],
)
@pytest.mark.parametrize("wrt", [0, 1])
def test_a_number_of_a_traced_array_is_refused(ask, wrt):
    def f(t, u):
        ask((t, u)[0])
        return (t * u).sum()

    with pytest.raises(TypeError):
        compiled(f, wrt)(np.array(1.0), np.array(2.0))


def test_what_depends_on_numbers_in_its_shape_is_refused_with_advice():
    with pytest.raises(TypeError, match=r"np\.where"):
        compiled(lambda t: t[t > 0].sum())(np.array([1.0, -1.0]))


def test_assignment_is_refused_with_advice():
    def f(t, u):
        u[0] = 1.0
        return (t * u).sum()

    with pytest.raises(TypeError, match=r"np\.where"):
        compiled(f)(np.ones(2), np.ones(2))


def test_python_values_are_constants_of_a_form_each():
    def f(t, power, name, flag=None):
        return (t**power).sum() if name == "p" else t.sum()

    g = compiled(f)
    for args in [(2.0, "p"), (3.0, "p"), (3.0, "q"), (2.0, "p", True)]:
        t = np.array([1.0, 2.0])
        close(g(t, *args), lm.value_and_grad(f)(t, *args))


def test_lists_and_numbers_are_taken_as_value_and_grad_takes_them():
    def f(t, u):
        return (t * u).sum()

    close(compiled(f)([1.0, 2.0], [3, 4]), lm.value_and_grad(f)([1.0, 2.0], np.array([3, 4])))
    close(compiled(f)(2.0, 3), lm.value_and_grad(f)(2.0, 3))
    close(compiled(f, wrt=-1)([1, 2], [3.0, 4.0])[1], np.array([1.0, 2.0]))


def test_results_are_new_and_arguments_stay():
    rng = np.random.default_rng(1)
    arrays = parameters(rng)
    before = [a.copy() for a in arrays]
    g = compiled(network(lm.MIXES[4]), wrt=(0, 1, 2, 3))
    first = g(*arrays)
    kept = [a.copy() for a in first[1]]
    for array in g(*arrays)[1]:
        array[...] = np.nan
    for a, b in zip([*arrays, *first[1]], [*before, *kept], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "f",
    [
        lambda t, u: t.sum() + u.sum(),
        lambda t, u: (t.T.reshape(-1) * 1.0).sum(),
        lambda t, u: (t + t).sum(),
        lambda t, u: np.sum(u) + 0.0 * t[0, 0],
        lambda t, u: lm.constant(t).sum(),
        lambda t, u: t[0, 0],
        lambda t, u: (np.diagonal(u) * t).sum() + (np.diagonal(u) - 1.0).sum() * t.max(),
    ],
)
def test_gradients_share_no_memory(f):
    t, u = np.arange(4.0).reshape(2, 2), np.ones((2, 2))
    value, gradients = compiled(f, wrt=(0,))(t, u)
    close((value, gradients), lm.value_and_grad(f, wrt=(0,))(t, u))
    both = compiled(lambda t, u: f(t, u.data if False else u), wrt=(0, 0))(t, u)[1]
    assert not np.shares_memory(*both)
    assert not any(np.shares_memory(g, a) for g in both for a in (t, u))


def test_any_layout_of_memory():
    rng = np.random.default_rng(2)
    arrays = list(parameters(rng))
    g = compiled(network(lm.MIXES[4]), wrt=(0, 1, 2, 3))
    expected = g(*arrays)
    arrays[0] = np.asfortranarray(arrays[0])
    arrays[2] = arrays[2][::-1][::-1]
    arrays[4] = np.repeat(arrays[4], 2, axis=1)[:, ::2]
    arrays[1].flags.writeable = False
    close(g(*arrays), expected)


def test_threads_do_not_disturb_each_other():
    assert not disturbed(compiled)


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


def test_functions_of_the_users_own_are_called():
    cube = lm.derivative(lambda x: x**3, lambda g, z, x: 3.0 * g * x * x)
    f = lambda t: cube(t).sum()
    close(compiled(f)(np.array([1.0, 2.0])), lm.value_and_grad(f)(np.array([1.0, 2.0])))


def test_the_source_uses_the_names_and_tells_the_lines():
    g = compiled(network(lm.MIXES[4]), wrt=(0, 1, 2, 3))
    g(*parameters(np.random.default_rng(0)))
    assert "# h = lm.sigmoid(x @ w1 + b1)\n" in g.source
    assert "    h = divide(one, " in g.source
    assert "    # backward of: h = lm.sigmoid(x @ w1 + b1)\n" in g.source
    assert "dw1 = dot(x.T, " in g.source
    assert "return cost, (dw1, db1, dw2, db2)\n" in g.source


def test_the_source_runs_by_itself():
    arrays = parameters(np.random.default_rng(0))
    g = compiled(network(lm.MIXES[4]), wrt=(0, 1, 2, 3))
    expected = g(*arrays)
    space = {}
    exec(g.source, space)
    close(space["value_and_gradient"](*arrays, *space["working_arrays"]()), expected)


@pytest.mark.parametrize(
    "constant",
    [
        np.array([[0.0, 1.0, 1.0]]),
        np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
        np.array([[-0.0, 1.0], [1.0, -0.0]]),
        np.array([[0, 1], [1, 0]], np.int8),
        np.array([[False, True], [True, False]]),
        np.zeros((2, 2), bool),
        np.array([-0.0, -0.0]),
        np.array([0, 2**62, -(2**63)]),
        np.array([0, -3, -6]),
        np.arange(0.0, 40.0, 2.0),
        np.array([[np.inf, 0.1]], np.float32),
    ],
    ids=repr,
)
def test_a_constant_is_written_to_the_bit(constant):
    seen = []

    def first(x, c):
        seen.append(c.copy())
        return x

    noted = lm.derivative(first, lambda g, z, x, c: g, None)
    compiled(lambda t: noted(t, constant).sum())(np.ones(2))
    for c in seen:
        assert (c.dtype, c.shape, c.tobytes()) == (
            constant.dtype,
            constant.shape,
            constant.tobytes(),
        )


@given(st.text())
def test_hostile_names_never_reach_the_text_as_code(name):
    def f(t):
        u = t * 2.0
        u.name = name
        return (np.exp(u) * u).sum()

    g = compiled(f)
    close(g(np.ones(2)), lm.value_and_grad(f)(np.ones(2)))


@pytest.mark.parametrize("name", ["exp", "one", "s1", "import", "t", "value_and_gradient", "λ"])
def test_a_name_that_is_taken_gets_a_number(name):
    def f(t):
        u = t * 2.0
        u.name = name
        return (np.exp(u) * u).sum()

    close(compiled(f)(np.ones(2)), lm.value_and_grad(f)(np.ones(2)))


def test_tracebacks_show_its_lines():
    def failing(x):
        raise KeyError("no") if np.any(x) else x

    broken = lm.derivative(lambda x: failing(x) if x.any() else x, lambda g, z, x: g)
    g = compiled(lambda t: broken(t).sum())
    g(np.zeros(2))
    try:
        g(np.ones(2))
    except KeyError:
        assert "value_and_gradient" in traceback.format_exc()
        assert "guarded(t)" in traceback.format_exc()


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


def test_arguments_by_keyword_are_as_for_value_and_grad():
    def loss(w, x, *, y, scale=1.0):
        z = x @ w
        return scale * lm.Mix("softmax", "ll").cost(z, y)

    rng = np.random.default_rng(0)
    w, x, y = rng.normal(size=(2, 3)), rng.normal(size=(4, 2)), np.array([0, 1, 2, 0])
    g, interpreted = compiled(loss), lm.value_and_grad(loss)
    for options in ({"y": y}, {"y": y[::-1]}, {"y": y, "scale": 2.0}, {"scale": 0.5, "y": y}):
        close(g(w, x, **options), interpreted(w, x, **options))
    assert "z = dot(x, w" in g.source


def test_a_position_from_the_end_does_not_count_arguments_by_keyword():
    def f(a, b, *, y):
        return (a * b * y).sum()

    arrays, y = (np.ones(2), np.full(2, 3.0)), np.full(2, 5.0)
    for wrt in (-1, (-2, 1), -2):
        close(compiled(f, wrt)(*arrays, y=y), lm.value_and_grad(f, wrt)(*arrays, y=y))
    for transform in (compiled, lm.value_and_grad):
        with pytest.raises(ValueError, match="wrt=2, but the function got 2 arguments"):
            transform(f, wrt=2)(*arrays, y=y)


Pair = collections.namedtuple("Pair", "a b")


class Mutable:
    """Hashable, and yet it can change."""

    k = 1.0


APART = {
    "an int and a float in a tuple": [(2,), (2.0,)],
    "a truth value and a number": [(True,), (1,)],
    "signs of zero": [0.0, -0.0],
    "signs of zero within": [((0.0,),), ((-0.0,),)],
    "signs of zero in a complex number": [0j, complex(0.0, -0.0)],
    "precisions": [(np.float32(0.1),), (np.float64(np.float32(0.1)),)],
    "a named tuple and a plain one": [Pair(1, 2), (1, 2)],
    "slices": [slice(0, 2), slice(0, 2.0)],
    "text and bytes": ["a", b"a"],
    "functions": [np.exp, np.log],
    "a number and an array of it": [2.0, np.array(2.0)],
    "an array and a NumPy number": [np.array(2.0), np.float64(2.0)],
    "an array and a list": [np.array([2.0]), [2.0]],
    "mixes": [lm.MIXES[0], lm.MIXES[1]],
    "types": [(float,), (np.float64,)],
}


@pytest.mark.parametrize("name", APART)
def test_arguments_that_only_compare_equal_are_recorded_apart(name):
    seen = []

    def f(t, u):
        seen.append(u)
        return t.sum()

    g = compiled(f)
    for u in (*APART[name], *APART[name]):
        g(np.ones(2), u)
    assert len(g._specialisations) == 2


@pytest.mark.parametrize(
    "same",
    [float("nan"), (float("nan"), None), (1, (2.5, "x", slice(None))), Pair(1.5, ...), 10**30],
    ids=str,
)
def test_equal_constants_share_their_code(same):
    g = compiled(lambda t, u: t.sum())
    g(np.ones(2), same)
    g(np.ones(2), copy.deepcopy(same))
    assert len(g._specialisations) == 1


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({}, "dict cannot"),
        (Mutable(), "Mutable cannot"),
        ((1, [2.0]), "list in a tuple cannot"),
        ((np.ones(2),), "ndarray in a tuple cannot"),
        ((1, (2, {})), "dict in a tuple cannot"),
        (lm.Tensor(1.0), "Tensor cannot"),
        (np.random.default_rng(0), "Generator cannot"),
        (np.rec.array([(1.0,)], [("a", float)]), "recarray of"),
        (np.array([None]), "ndarray of object"),
        (["a", "b"], "list of <U1"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_what_may_change_unseen_is_refused_in_one_sentence(bad, named):
    for backend in ("numpy", "numba"):
        with pytest.raises(TypeError, match=named) as error:
            compiled(lambda t, u: t.sum(), backend=backend)(np.ones(2), bad)
        assert "\n" not in str(error.value)


def test_what_a_function_asks_of_the_type_of_an_array_is_answered_as_without_a_trace():
    def f(t, u):
        known = isinstance(u, np.ndarray) and not isinstance(u, float | lm.Tensor)
        return (t * (u if known else 2.0 * u)).sum() + isinstance(t, np.ndarray)

    close(compiled(f)(np.ones(2), np.ones(2)), lm.value_and_grad(f)(np.ones(2), np.ones(2)))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_what_a_trace_cannot_know_is_answered_as_interpreted(backend):
    rng = np.random.default_rng(0)
    for f, u in [
        (lambda t, u: (t * (u if type(u) is np.ndarray else 2.0 * u)).sum(), np.ones(2)),
        (lambda t, u: (t * (u * 2)[:2]).sum(), [1.0, 3.0]),
        (lambda t, u: (t * (1.0 if hasattr(u, "flags") else 3.0)).sum(), np.ones(2)),
        (lambda t, u: (t * (t.sum() > 1.0 if isinstance(u, float) else 5.0)).sum(), np.float64(2)),
    ]:
        g = compiled(f, backend=backend)
        with pytest.warns(NotCompiledWarning, match="gives another answer"):
            first = g(np.ones(2), u)
        close(first, lm.value_and_grad(f)(np.ones(2), u))
        close(g(2 * np.ones(2), u), lm.value_and_grad(f)(2 * np.ones(2), u))
        assert g.source.startswith("# the interpreted form answers")
    drawn = compiled(lambda t: (t * rng.normal(size=2)).sum(), backend=backend)
    with pytest.warns(NotCompiledWarning, match="random numbers"):
        drawn(np.ones(2))
    assert drawn(np.ones(2))[0] != drawn(np.ones(2))[0]


def test_a_form_is_compared_once_there_is_a_finite_answer():
    g = compiled(lambda t, u: (np.log(t) * (1.0 if type(u) is np.ndarray else 2.0)).sum())
    assert g(np.zeros(2), np.ones(1))[0] == -np.inf
    with pytest.warns(NotCompiledWarning):
        value, _ = g(np.full(2, np.e), np.ones(1))
    np.testing.assert_allclose(value, 2.0)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_what_needs_its_real_argument_gets_it(backend, own_table):
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
            warnings.simplefilter("ignore", NotCompiledWarning)
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


@pytest.mark.parametrize("backend", ["numpy", "numba"])
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


@pytest.mark.parametrize("dtype", [">f8", ">f4", np.float16, np.longdouble])
def test_any_float_dtype_and_byte_order(dtype):
    def f(x, y):
        return (np.exp(x) * y).mean() + (x * 3.0).var() + np.log(x).sum() + (y > 1) @ x

    x, y = np.array([1.0, 2.0], dtype), np.array([0.5, 1.5], dtype)
    close(compiled(f)(x, y), lm.value_and_grad(f)(x, y), 3 * float(np.finfo(dtype).eps))
    labels = np.array([1, 0], ">i4")
    z = np.array([[1.0, 2.0], [0.5, 0.0]])
    close(compiled(lm.MIXES[4].cost)(z, labels), lm.value_and_grad(lm.MIXES[4].cost)(z, labels))


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
