"""Compiled functions: equal to the interpreted ones, nothing baked in, readable."""

import gc
import linecache
import traceback

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import close, disturbed, network, parameters

import tinygrad_lossmix as lm
from tinygrad_lossmix.rewrite.compile import compile as compiled
from tinygrad_lossmix.rewrite.stabilize import stabilize
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
    z, y = 3 * rng.normal(size=(4, k)), rng.random((4, k))
    for mix in lm.MIXES:
        if k > 1 or str(mix) != "softmax + cross-entropy":
            close(compiled(mix.cost)(z, y), lm.value_and_grad(mix.cost)(z, y))


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
        lambda t, u: np.sum(u),
        lambda t, u: 3.0,
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
    with pytest.raises(TypeError, match="dict cannot be an argument"):
        compiled(lambda t, u: t.sum())(np.ones(2), {})
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
    assert len(g._forms) == 64
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
