"""The text of a compiled function: readable, it runs by itself, and no name in it is code."""

import traceback

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers.networks import close, network, parameters
from tests.helpers.quick import in_one
from tinygrad_lossmix.compiler.compile import compile as compiled


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


@in_one(
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


@given(st.text(st.characters()))
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
        if x.any():
            raise KeyError("no")
        return x

    broken = lm.derivative(failing, lambda g, z, x: g)
    g = compiled(lambda t: broken(t).sum())
    g(np.zeros(2))
    try:
        g(np.ones(2))
    except KeyError:
        assert "value_and_gradient" in traceback.format_exc()
        assert "failing(t)" in traceback.format_exc()
