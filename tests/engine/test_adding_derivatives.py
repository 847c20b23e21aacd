"""`derivative`: rows for NumPy functions and for functions of the user's own; `constant`."""

import contextlib
import functools
import math

import numpy as np
import pytest
from numpy._core import umath

import tinygrad_lossmix as lm
from tinygrad_lossmix import Tensor, constant, derivative, grad


def test_a_derivative_can_be_added_to_a_numpy_function():
    rule = lambda g, z, x: g * (np.cos(np.pi * x) - z) / x
    assert derivative(np.sinc, rule) is np.sinc
    t = Tensor([0.5, 1.0, -2.0])
    first = grad(np.sinc(t), t, seed=np.ones(3), create_graph=True)
    np.testing.assert_allclose(first.data, [-4 / math.pi, -1.0, -0.5])
    np.testing.assert_allclose(grad(first.sum(), t), [16 / math.pi - 2 * math.pi, 2.0, -0.5])


def test_a_derivative_can_be_added_to_an_array_function():
    added = derivative(np.trace, lambda g, z, x, offset=0: g * np.eye(*x.shape, k=offset))
    assert added is np.trace
    t = Tensor(np.arange(6.0).reshape(2, 3))
    assert np.trace(t).item() == 4.0
    assert np.trace(t, offset=1).item() == 6.0
    np.testing.assert_array_equal(grad(np.trace(t, 1), t), [[0, 1, 0], [0, 0, 1]])


def test_a_derivative_can_be_added_to_a_ufunc_of_three_operands():
    derivative(umath.clip, lambda g, z, x, low, high: g * (x == z), None, None)
    t = Tensor([-1.0, 0.5, 3.0])
    found = umath.clip(t, 0.0, np.array([1.0, 1.0, 4.0]))
    assert found.data.tolist() == [0.0, 0.5, 3.0]
    assert grad(found.sum(), t).tolist() == [0.0, 1.0, 1.0]


def test_an_option_that_the_rule_does_not_name_is_refused():
    derivative(np.trace, lambda g, z, x, offset=0: g * np.eye(*x.shape, k=offset))
    with pytest.raises(TypeError, match=r"np\.trace on a Tensor does not take axis1"):
        np.trace(Tensor(np.eye(2)), axis1=1)


def test_a_function_of_the_users_own_records_tensors_and_leaves_arrays_alone():
    cube = derivative(lambda x: x**3, lambda g, z, x: 3 * g * x * x)
    t = Tensor([1.0, 2.0])
    np.testing.assert_array_equal(cube(np.array([1.0, 2.0])), [1.0, 8.0])
    assert isinstance(cube(np.array([1.0, 2.0])), np.ndarray)
    once = grad(cube(t).sum(), t, create_graph=True)
    np.testing.assert_array_equal(once.data, [3.0, 12.0])
    np.testing.assert_array_equal(grad(once.sum(), t), [6.0, 12.0])


def test_a_function_of_the_users_own_broadcasts_takes_options_and_constants():
    def scaled(x, y, power=1):
        return x * y**power

    scaled = derivative(
        scaled,
        lambda g, z, x, y, power=1: g * y**power,
        lambda g, z, x, y, power=1: g * x * power * y ** (power - 1),
    )
    assert scaled.__name__ == "scaled"
    x, y = Tensor([1.0, 2.0, 3.0]), Tensor([[2.0], [1.0]])
    gx, gy = grad(scaled(x, y, power=2).sum(), [x, y])
    np.testing.assert_array_equal(gx, [5.0, 5.0, 5.0])
    np.testing.assert_array_equal(gy, [[24.0], [12.0]])
    np.testing.assert_array_equal(grad(scaled([1.0, 2.0, 3.0], y).sum(), y), [[6.0], [6.0]])


def test_a_rule_can_be_replaced_and_the_value_stays():
    derivative(np.exp, lambda g, z, x: 7.0 * g)
    t = Tensor(0.0)
    assert np.exp(t).item() == 1.0
    assert grad(np.exp(t), t) == 7.0


def test_the_rule_of_a_function_of_ones_own_can_be_replaced_by_what_derivative_gave(own_table):
    def double(x):
        return 2 * x

    wrong = derivative(double, lambda g, z, x: 3 * g)
    right = derivative(wrong, lambda g, z, x: 2 * g)
    t = Tensor(1.0)
    assert grad(right(t), t) == grad(wrong(t), t) == 2.0
    assert len([f for f in own_table if getattr(f, "__name__", "") == "double"]) == 1


def test_a_function_of_ones_own_has_one_row_however_often_it_is_added():
    def double(x):
        return 2 * x

    wrong = derivative(double, lambda g, z, x: 3 * g)
    right = derivative(double, lambda g, z, x: 2 * g)
    assert right is wrong
    t = Tensor(1.0)
    assert grad(right(t), t) == 2.0


@pytest.mark.parametrize("name", ["sigmoid", "softmax", "logsumexp", "xlogy", "constant"])
def test_the_rule_of_what_users_call_can_be_replaced(name):
    function = getattr(lm, name)
    t = Tensor([1.0, 2.0])
    args = (t, np.ones(2)) if name == "xlogy" else (t,)
    assert function(*args).function is function
    rules = [lambda g, z, x, *y, **options: np.full_like(x, 7.0), None][: len(args)]
    assert derivative(function, *rules) is function
    assert grad(function(*args).sum(), t).tolist() == [7.0, 7.0]


def test_an_object_of_numpys_that_does_not_dispatch_is_made_to():
    f = derivative(np.vectorize(lambda x: x**2), lambda g, z, x: 2 * g * x)
    t = Tensor([1.0, 2.0])
    assert grad(f(t).sum(), t).tolist() == [2.0, 4.0]


def test_a_function_without_a_name_is_spelled_by_its_repr():
    f = derivative(functools.partial(np.multiply, 2.0), lambda g, z, x: 2.0 * g)
    with pytest.raises(TypeError, match=r"partial\(.* has 1 derivative rules for 2"):
        f(Tensor(1.0), Tensor(1.0))


def test_an_argument_whose_rule_is_none_gets_zeros():
    gate = derivative(lambda x, y: x * y, lambda g, z, x, y: g * y, None)
    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    gx, gy = grad(gate(x, y).sum(), [x, y])
    np.testing.assert_array_equal(gx, [3.0, 4.0])
    np.testing.assert_array_equal(gy, [0.0, 0.0])


def test_the_rule_gets_the_recorded_output_so_second_derivatives_see_it():
    grow = derivative(lambda x: np.exp(2 * x), lambda g, z, x: 2 * g * z)
    t = Tensor(0.5)
    once = grad(grow(t), t, create_graph=True)
    assert float(grad(once, t)) == pytest.approx(4 * math.e)


def test_a_rule_that_gives_the_wrong_shape_is_named():
    bad = derivative(np.arctan, lambda g, z, x: np.ones(3))
    for shape in [(2,), (1, 3), (1, 1)]:
        t = Tensor(np.ones(shape))
        with pytest.raises(ValueError, match=r"rule of np\.arctan gave .*\(3,\).*shape"):
            grad(bad(t).sum(), t)


def test_a_rule_may_give_a_python_number_for_a_scalar():
    f = derivative(np.arctan, lambda g, z, x: 2)
    t = Tensor(0.0)
    assert grad(f(t), t) == 2.0
    assert grad(f(t), t).dtype == np.float64


@pytest.mark.parametrize("arguments", [(), (3,), (np.arctan, 3), (np.arctan,), (None, abs)])
def test_derivative_takes_functions(arguments, own_table):
    before = own_table.copy()
    with pytest.raises(TypeError, match="derivative"):
        derivative(*arguments) if arguments else derivative("exp", abs)
    assert own_table == before


def test_a_tensor_as_an_option_is_refused():
    f = derivative(lambda x, k=1.0: k * x, lambda g, z, x, k=1.0: k * g)
    with pytest.raises(TypeError, match="pass operands by position"):
        f(Tensor(1.0), k=Tensor(2.0))
    with pytest.raises(TypeError, match="pass operands by position"):
        f(x=Tensor(1.0))


def test_constant_has_the_values_and_lets_no_gradient_through():
    t = Tensor([1.0, 2.0])
    held = constant(t)
    np.testing.assert_array_equal(held.data, t.data)
    np.testing.assert_array_equal(grad((t * held).sum(), t), [1.0, 2.0])
    np.testing.assert_array_equal(grad((held * held).sum(), t), [0.0, 0.0])


def test_constant_is_recorded_and_can_be_differentiated_to():
    t = Tensor([1.0, 2.0])
    held = constant(t)
    assert held.args[0] is t
    np.testing.assert_array_equal(grad((t * held).sum(), held), [1.0, 2.0])


def test_constant_of_an_array_is_an_array():
    np.testing.assert_array_equal(constant(np.ones(2)), np.ones(2))
    assert isinstance(constant(np.ones(2)), np.ndarray)


class Doubler:
    def __call__(self, x):
        return 2 * x

    def __repr__(self):
        return "Doubler()"


@pytest.mark.parametrize(
    "function",
    [math.exp, functools.partial(np.multiply, 2.0), Doubler()],
    ids=lambda value: repr(value).split(" at ")[0],
)
def test_any_callable_can_get_a_derivative(function):
    f = derivative(function, lambda g, z, x: g * z / x)
    t = Tensor(1.0)
    value = f(t)
    assert value.shape == ()
    assert repr(value).startswith("Tensor(2.")
    assert grad(value, t) == value.data


def test_too_few_rules_are_named_when_they_are_missed():
    f = derivative(lambda x, y: x * y, lambda g, z, x, y: g * y)
    x, y = Tensor(1.0), Tensor(2.0)
    with pytest.raises(TypeError, match="rule"):
        grad(f(x, y), y)


def test_a_numpy_function_can_be_recorded_without_a_rule():
    derivative(np.trace, None)
    t = Tensor(np.eye(2))
    assert np.trace(t).item() == 2.0
    np.testing.assert_array_equal(grad(np.trace(t), t), np.zeros((2, 2)))


def test_a_rule_of_the_users_own_replaces_a_plain_or_composed_function():
    derivative(np.round, lambda g, z, x: g)
    derivative(np.clip, lambda g, z, x, lo, hi: g, None, None)
    t = Tensor([0.4, 1.6])
    np.testing.assert_array_equal(grad(np.clip(t, 0.5, 1.0).sum(), t), [1.0, 1.0])
    np.testing.assert_array_equal(grad(np.round(t).sum(), t), [1.0, 1.0])


@pytest.mark.parametrize(
    "function",
    [lambda x: x > 0, lambda x: np.rint(x).astype(int), lambda x: x * 1j, lambda x: (x, x),
     lambda x: None, lambda x: "text"],
)  # fmt: skip
def test_a_function_that_gives_no_floats_is_refused_or_gets_the_right_gradient(function):
    """A step with a straight-through gradient gives booleans: its gradient must not be one."""
    f = derivative(function, lambda g, z, x: g)
    t = Tensor([0.25, 2.0])
    try:
        cost = (f(t) * 0.5).sum()
    except TypeError:
        return
    np.testing.assert_array_equal(grad(cost, t), [0.5, 0.5])


@pytest.mark.parametrize("shape", [(), (2,)])
def test_a_rule_that_gives_nothing_is_an_error(shape):
    f = derivative(lambda x: x, lambda g, z, x: None)
    t = Tensor(np.ones(shape))
    with pytest.raises((TypeError, ValueError), match="rule"):
        grad(f(t), t, seed=np.ones(shape))


def test_a_row_added_again_has_the_rules_of_the_second_call():
    derivative(np.inner, lambda g, z, x: g)
    derivative(np.inner, lambda g, z, x, y: g * y, lambda g, z, x, y: g * x)
    t = Tensor([1.0, 2.0])
    np.testing.assert_array_equal(grad(np.inner(t, t), t), [2.0, 4.0])
    f = derivative(lambda x, y: x * y, lambda g, z, x, y: g * y, lambda g, z, x, y: g * x)
    derivative(f, lambda g, z, x: g)
    with pytest.raises(TypeError, match=r"has 1 derivative rules for 2"):
        f(t, t)


@pytest.mark.parametrize("ufunc", [np.add, np.arctan2])
def test_a_ufunc_has_a_rule_for_each_of_its_arguments(ufunc, own_table):
    before = own_table.copy()
    with pytest.raises(TypeError, match=rf"{ufunc.__name__} takes 2 arguments: give a rule"):
        derivative(ufunc, lambda g, z, x: g)
    assert own_table == before
    derivative(ufunc, lambda g, z, x, y: g, None)
    t = Tensor([1.0, 2.0])
    np.testing.assert_array_equal(grad(ufunc(t, t).sum(), t), [1.0, 1.0])


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_rule_of_the_users_cannot_change_what_it_is_given(create_graph):
    def writing(which):
        def rule(g, z, x):
            given = (g, z, x)[which]
            given *= 0.0  # in place of an array, a new Tensor of a Tensor
            return 3.0 * g

        return rule

    for which in range(3):
        f = derivative(lambda x: 3.0 * x, writing(which))
        t = Tensor([1.0, 2.0])
        cost = (f(t) + t).sum()
        with (
            contextlib.suppress(ValueError)
            if create_graph
            else pytest.raises(ValueError, match="read-only")
        ):
            grad(cost, t, create_graph=create_graph)
        assert t.data.tolist() == [1.0, 2.0]
        assert cost.args[0].data.tolist() == [4.0, 8.0]


def test_a_rule_of_the_users_may_use_one_buffer_for_every_answer():
    buffer = np.empty(2)

    def rule(g, z, x):
        return np.multiply(g, 3.0, out=buffer)

    f = derivative(lambda x: 3.0 * x, rule)
    t, u = Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    gradients = grad((f(t) * [1.0, 2.0] + f(u) * [5.0, 7.0]).sum(), [t, u])
    np.testing.assert_array_equal(gradients, [[3.0, 6.0], [15.0, 21.0]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, ">f4"])
def test_the_value_of_a_function_of_ones_own_keeps_its_precision(dtype):
    f = derivative(lambda x: (x * x).astype(dtype), lambda g, z, x: 2 * g * x)
    t = Tensor(np.array([1.5, 2.5], dtype))
    assert f(t).dtype == np.dtype(dtype).newbyteorder("=")
    assert grad(f(t).sum(), t).dtype == np.dtype(dtype).newbyteorder("=")


@pytest.mark.parametrize(
    ("answer", "gradient"), [(2, 2.0), ([2.0], None), (np.float32(2), 2.0), (True, 1.0)]
)
def test_a_rule_may_answer_with_whatever_makes_an_array(answer, gradient):
    f = derivative(lambda x: x + 0.0, lambda g, z, x: answer)
    t = Tensor([1.0] if gradient is None else 1.0)
    (found,) = grad(f(t), [t], seed=np.ones(t.shape))
    assert found.dtype == np.float64
    assert found.tolist() == ([2.0] if gradient is None else gradient)
