"""NumPy functions on Tensors: without derivative, or composed of others."""

import numpy as np
import pytest

from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes

X = np.array([[0.5, -1.5, 2.0], [1.0, 3.0, -0.25]])

PLAIN = [
    lambda t: np.argmax(t), lambda t: np.argmax(t, axis=1), lambda t: np.argmin(t, 0),
    lambda t: np.argsort(t, axis=-1), lambda t: np.sign(t), lambda t: np.round(t),
    lambda t: np.round(t, 1), lambda t: np.around(t, decimals=1), lambda t: np.rint(t),
    lambda t: np.floor(t), lambda t: np.ceil(t), lambda t: np.trunc(t),
    lambda t: np.isfinite(t), lambda t: np.isinf(t), lambda t: np.isnan(t),
    lambda t: np.isclose(t, X + 1e-12), lambda t: np.isclose(X, t), lambda t: np.allclose(t, X),
    lambda t: np.allclose(t, t * 1.0, rtol=0), lambda t: np.array_equal(t, X),
    lambda t: np.array_equal(X, t), lambda t: np.shape(t), lambda t: np.ndim(t),
    lambda t: np.size(t), lambda t: np.size(t, 1), lambda t: np.zeros_like(t),
    lambda t: np.ones_like(t), lambda t: np.ones_like(t, shape=(2,)),
    lambda t: np.full_like(t, 2.0), lambda t: np.empty_like(t).shape,
    lambda t: np.greater(t, 1), lambda t: np.less_equal(1, t), lambda t: np.equal(t, t),
    lambda t: np.not_equal(t, X), lambda t: np.logical_and(t, t > 0), lambda t: np.logical_not(t),
    lambda t: np.all(t), lambda t: np.any(t, axis=0), lambda t: np.nonzero(t),
    lambda t: np.count_nonzero(t), lambda t: np.flatnonzero(t), lambda t: np.argwhere(t),
    lambda t: np.signbit(t), lambda t: np.result_type(t, np.float32(1)),
    lambda t: np.where(t, 1.0, 2.0), lambda t: np.where(t > 0),
]  # fmt: skip


@in_one("call", PLAIN)
def test_functions_without_derivative_give_plain_values(call):
    result, expected = call(Tensor(X)), call(X)
    assert type(result) is type(expected)
    if isinstance(expected, np.ndarray):
        assert result.dtype == expected.dtype
    np.testing.assert_equal(result, expected)


@pytest.mark.parametrize("method", ["argmax", "argmin"])
def test_plain_methods(method):
    result = getattr(Tensor(X), method)(axis=1)
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, getattr(X, method)(axis=1))


def foreign(data):
    """Of a class of that name from another library, whose instances turn into arrays."""
    to_array = {"__array__": lambda self, dtype=None, copy=None: np.asarray(data, dtype)}
    return type("Tensor", (), to_array)()


PLACES = ["alone", "in a list", "in a tuple"]


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: (x,)], ids=PLACES)
def test_a_tensor_of_another_library_is_left_to_numpy(wrap):
    t, other = Tensor([1.0, 2.0, 3.0]), wrap(foreign([0.0, 5.0, 3.0]))
    expected = np.reshape([True, False, False], np.shape(other))
    np.testing.assert_array_equal(np.greater(t, other), expected)
    np.testing.assert_array_equal(np.isclose(t, other), np.isclose(t.data, other))
    np.testing.assert_array_equal(np.zeros_like(t, shape=np.shape(other)), np.zeros(expected.shape))
    if isinstance(other, list | tuple):
        np.testing.assert_array_equal(t > other, expected)


def test_an_index_of_another_library_is_taken():
    t = Tensor([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(t[foreign([0, 2])].data, [1.0, 3.0])
    with pytest.raises(TypeError, match="a Tensor cannot be an index"):
        t[Tensor([0.0])]


def test_what_a_plain_function_gives_is_a_constant():
    t = Tensor(X)
    np.testing.assert_array_equal(grad((t * np.sign(t)).sum(), t), np.sign(X))
    np.testing.assert_array_equal(grad((t - np.round(t)).sum(), t), np.ones((2, 3)))


def test_the_plain_array_may_be_written_to_without_harm():
    t = Tensor(X)
    for call in (np.zeros_like, np.ones_like, np.floor, np.sign):
        call(t)[...] = 7.0
    np.testing.assert_array_equal(t.data, X)


@pytest.mark.parametrize("mask", [X > 0, (X > 0).tolist(), X[:1] > 0, True, X.clip(0)])
def test_where_takes_any_plain_mask(mask):
    t, u = Tensor(X), Tensor(2 * X)
    value = np.where(mask, t, u)
    expected = np.broadcast_to(np.asarray(mask) != 0, X.shape)
    np.testing.assert_array_equal(value.data, np.where(mask, X, 2 * X))
    gt, gu = grad(value.sum(), [t, u])
    np.testing.assert_array_equal(gt, expected)
    np.testing.assert_array_equal(gu, ~expected)


def test_where_takes_a_comparison_of_tensors_or_a_tensor_as_mask():
    t, u = Tensor(X), Tensor(X.clip(0))
    for mask in (t > 0, t > 0.0 * t, u):
        np.testing.assert_array_equal(grad(np.where(mask, t, 0.0).sum(), t), X > 0)
        np.testing.assert_array_equal(grad(np.where(mask, 0.0, t).sum(), t), X <= 0)


def test_where_with_one_argument_gives_the_indices():
    np.testing.assert_array_equal(np.where(Tensor([0.0, 1.0])), [[1]])


def test_where_with_one_branch_is_refused_as_by_numpy():
    with pytest.raises(ValueError, match="both or neither of x and y"):
        np.where(X > 0, Tensor(X))


def test_take_treats_booleans_as_numbers():
    for axis in (None, 1):
        expected = np.take(X, [True, False], axis=axis)
        np.testing.assert_array_equal(np.take(Tensor(X), [True, False], axis=axis).data, expected)


def test_take_nothing():
    for indices in ([], np.empty((0, 2), int)):
        taken = np.take(Tensor(X), indices)
        assert taken.shape == np.shape(indices)
        np.testing.assert_array_equal(grad(taken.sum(), Tensor(X)), np.zeros((2, 3)))


@pytest.mark.parametrize("shape", [3, np.int64(3), (3,), [3], np.array([3]), (2, np.int32(3))])
def test_broadcast_to_any_kind_of_shape(shape):
    t = Tensor([2.0])
    value = np.broadcast_to(t, shape)
    np.testing.assert_array_equal(value.data, np.broadcast_to([2.0], shape))
    np.testing.assert_array_equal(grad(value.sum(), t), [value.size])


def test_a_clip_without_bounds_changes_nothing():
    t = Tensor(X)
    np.testing.assert_array_equal(np.clip(t, None, None).data, X)
    np.testing.assert_array_equal(grad(np.clip(t, None, None).sum(), t), np.ones((2, 3)))


def test_clip_of_an_array_between_tensors():
    low, high = Tensor(0.0), Tensor(1.0)
    value = np.clip(X, low, high)
    np.testing.assert_array_equal(value.data, X.clip(0, 1))
    assert grad(value.sum(), [low, high]) == [2.0, 2.5]


def test_joining_takes_lists_numbers_and_the_rows_of_a_tensor():
    t = Tensor(X)
    for joined in (np.concatenate([t[0], [1.0, 2.0]]), np.concatenate(([1, 2], t[0]))):
        np.testing.assert_array_equal(grad(joined.sum(), t), [[1, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(np.concatenate(t).data, np.concatenate(X))
    np.testing.assert_array_equal(np.stack([t[0, 0], 2.0]).data, [0.5, 2.0])
    np.testing.assert_array_equal(grad(np.stack([t[0, 0], 2.0]).sum(), t), [[1, 0, 0], [0, 0, 0]])


def test_joining_a_tensor_with_itself_counts_it_each_time():
    t = Tensor(X)
    np.testing.assert_array_equal(grad(np.concatenate([t, t, t], 1).sum(), t), 3 * np.ones((2, 3)))


def test_composed_functions_leave_rows_of_the_table_in_the_recording():
    t = Tensor(X)
    cost = np.clip(np.outer(np.take(t, [0, 1]), np.squeeze(t[:1])), 0, 1).sum()
    own = {"getitem", "reshape", "multiply", "maximum", "minimum", "sum"}
    assert {n.function.__name__ for n in nodes(cost) if n.function} == own


def test_an_option_that_changes_nothing_is_taken_whether_there_is_a_rule_for_it_or_not():
    t = Tensor([1.0, 2.0])
    assert np.broadcast_to(t, (3, 2), subok=False).shape == (3, 2)
    assert np.max(t, initial=np._NoValue) == 2.0
    assert np.sum(t, dtype=None) == 3.0
