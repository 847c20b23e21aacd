"""`value_and_grad`: the training idiom, on plain arrays."""

import itertools
import math

import numpy as np
import pytest

from tests.helpers.finite import jacobian
from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, derivative, grad, value_and_grad


def rosenbrock(x):
    return ((1.0 - x[:-1]) ** 2 + 100.0 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def test_value_and_grad_gives_the_value_and_the_gradient():
    step = value_and_grad(rosenbrock)
    x = np.array([0.5, 1.5])
    value, gradient = step(x)
    assert type(gradient) is np.ndarray
    assert isinstance(value, np.float64)
    assert value == rosenbrock(x)
    np.testing.assert_allclose(gradient, jacobian(rosenbrock, [x], 0)[:, ...])


@in_one(
    ("wrt", "expected"),
    [(0, 12.0), (1, 4.0), (-1, 4.0), (-2, 12.0), ((0,), (12.0,)), ((0, 1), (12.0, 4.0)),
     ((1, 0), (4.0, 12.0)), ((-1, 0), (4.0, 12.0)), ((0, 0), (12.0, 12.0))],
)  # fmt: skip
def test_value_and_grad_by_any_positions(wrt, expected):
    value, gradient = value_and_grad(lambda x, y: x * x * y, wrt=wrt)(2.0, 3.0)
    assert value == 12.0
    assert gradient == expected
    assert type(gradient) is (tuple if isinstance(wrt, tuple) else np.ndarray)


def test_the_other_arguments_and_keywords_reach_the_function_untouched():
    seen = []

    def f(w, data, scale=1.0, *, labels=None):
        seen.extend([type(w), data, scale, labels])
        return (w * scale).sum()

    data, labels = {"not": "an array"}, [1, 2]
    value, gradient = value_and_grad(f)(np.ones(2), data, scale=3.0, labels=labels)
    assert (value, gradient.tolist()) == (6.0, [3.0, 3.0])
    assert seen[0] is Tensor
    assert seen[1] is data
    assert seen[2:] == [3.0, labels]
    assert seen[3] is labels


def test_the_dtype_of_each_argument_is_kept():
    f = value_and_grad(lambda x, y: (x * y).sum(), wrt=(0, 1))
    value, (gx, gy) = f(np.ones(2, np.float32), np.ones(2, np.float32))
    assert (value.dtype, gx.dtype, gy.dtype) == (np.float32,) * 3
    value, (gx, gy) = f(np.ones(2, np.float32), np.ones(2))
    assert (value.dtype, gx.dtype, gy.dtype) == (np.float64, np.float32, np.float64)


@in_one(
    "cut",
    [
        lambda t: float((t * t).sum()),
        lambda t: (t * t).sum().item(),
        lambda t: (t.data**2).sum(),
        lambda t: math.log(t[0]),
        lambda t: bool(t.sum() > 0),
        lambda t: t[0] > 0,
        lambda t: np.argmax(t),
        lambda t: np.sign(t).sum(),
        lambda t: np.ones(2),
        lambda t: 3.0,
    ],
)
def test_a_value_that_is_no_tensor_says_what_cuts_a_graph(cut):
    with pytest.raises(TypeError, match=r"not a Tensor: float\(t\), .*math\.log\(t\).*return"):
        value_and_grad(cut)(np.ones(2))


@pytest.mark.parametrize("call", [lambda f, t: f(np.ones(2), t), lambda f, t: f(np.ones(2), u=t)])
def test_a_tensor_of_another_recording_is_refused_with_what_to_write(call):
    def f(w, u):
        return (w * w * u).sum()

    t = Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match=r"no gradient would reach .*pass t\.data, or .*grad\(f"):
        call(value_and_grad(f), t)
    value, gradient = call(value_and_grad(f), t.data)
    assert (value, gradient.tolist()) == (3.0, [2.0, 4.0])
    w = Tensor(np.ones(2))
    assert [g.tolist() for g in grad(f(w, t), [w, t])] == [[2.0, 4.0], [1.0, 1.0]]


def test_a_function_that_does_not_depend_on_its_argument():
    value, (gx, gy) = value_and_grad(lambda x, y: y * 2.0, wrt=(0, 1))(np.ones(2), 4.0)
    assert (value, gx.tolist(), gy) == (8.0, [0.0, 0.0], 2.0)


@pytest.mark.parametrize("f", [lambda x: x, lambda x: x[:1], lambda x: x[None]])
def test_a_value_that_is_no_scalar(f):
    with pytest.raises(ValueError, match="shape"):
        value_and_grad(f)(np.ones(2))


@pytest.mark.parametrize(
    "value", [None, "1.5", 1j, [], {}, object()], ids=lambda value: repr(value).split(" at ")[0]
)
def test_a_value_that_is_no_number(value):
    with pytest.raises((TypeError, ValueError)):
        value_and_grad(lambda x: value)(np.ones(2))


@pytest.mark.parametrize("wrt", [1, -2, (0, 1), 5])
def test_a_position_that_does_not_exist(wrt):
    with pytest.raises(ValueError, match=r"wrt=.*the function got 1 argument"):
        value_and_grad(lambda x: x * x, wrt=wrt)(2.0)
    with pytest.raises(ValueError, match=r"wrt=0.*the function got 0 arguments"):
        value_and_grad(lambda x=1.0: x * x)(x=2.0)


@pytest.mark.parametrize("wrt", [[0], "x", 0.0, None, ()], ids=repr)
def test_positions_that_are_no_positions(wrt):
    with pytest.raises((TypeError, ValueError), match="wrt"):
        value_and_grad(lambda x: x * x, wrt=wrt)(2.0)


@pytest.mark.parametrize("argument", [np.ones(2, int), np.array([True]), [1j], None, Tensor(1.0)])
def test_an_argument_that_is_not_made_of_floats(argument):
    with pytest.raises(TypeError, match="Tensor"):
        value_and_grad(lambda x: (x * x).sum())(argument)


def test_value_and_grad_trains():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(50, 3)), np.zeros(3)
    y = x @ [1.0, -2.0, 0.5]
    step = value_and_grad(lambda w, x, y: ((x @ w - y) ** 2).mean())
    values = []
    for _ in range(200):
        value, g = step(w, x, y)
        values.append(value)
        w = w - 0.2 * g
    np.testing.assert_allclose(w, [1.0, -2.0, 0.5], atol=1e-6)
    assert all(b < a for a, b in itertools.pairwise(values[:20]))


def test_the_callers_arrays_are_not_changed():
    f = derivative(lambda x: x * 1.0, lambda g, z, x: g)
    x = np.arange(4.0)
    before = x.copy()
    value_and_grad(lambda x: f(x).sum())(x)
    np.testing.assert_array_equal(x, before)


def test_an_array_that_the_function_itself_changes_is_differentiated_as_it_was_given():
    x = np.array([1.0, 2.0])

    def spoiling(t):
        cost = (t * t).sum()
        x[:] = 7.0
        return cost

    value, gradient = value_and_grad(spoiling)(x)
    assert (value, gradient.tolist()) == (5.0, [2.0, 4.0])


def test_the_function_is_given_variables_that_look_like_any_other():
    given = []
    value_and_grad(lambda t: given.append(t) or t.sum())(np.ones(2))
    for name in ("function", "args", "values", "kwargs", "name", "groups", "grad"):
        assert getattr(given[0], name) == getattr(Tensor(np.ones(2)), name)
