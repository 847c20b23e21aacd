"""Indexing a Tensor: every index of NumPy's gives NumPy's values and the adjoint gradient."""

import array
from collections import UserList, deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad


def adjoint(x, key, seed):
    """By the definition: entry i of the gradient is the sum of the seed where i was read."""
    where = np.arange(x.size).reshape(x.shape)[key]
    return np.bincount(np.ravel(where), np.ravel(seed), minlength=x.size).reshape(x.shape)


def check(x, key):
    t = Tensor(x)
    value, expected = t[key], x[key]
    assert value.shape == np.shape(expected)
    np.testing.assert_array_equal(value.data, expected)
    seed = np.cos(1 + np.arange(value.size)).reshape(value.shape)
    np.testing.assert_allclose(grad(value, t, seed=seed), adjoint(x, key, seed), rtol=1e-14)
    again = grad(value, t, seed=seed, create_graph=True)
    np.testing.assert_array_equal(again.data, grad(value, t, seed=seed))


shapes = hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)


@given(shapes.flatmap(lambda s: st.tuples(st.just(s), hnp.basic_indices(s, allow_newaxis=True))))
def test_basic_indices(case):
    shape, key = case
    check(np.arange(np.prod(shape), dtype=float).reshape(shape), key)


@given(shapes.flatmap(lambda s: st.tuples(st.just(s), hnp.integer_array_indices(s))))
def test_integer_arrays(case):
    shape, key = case
    check(np.arange(np.prod(shape), dtype=float).reshape(shape), key)


@given(shapes.flatmap(lambda s: hnp.arrays(bool, s)), st.data())
def test_boolean_masks_of_some_or_all_axes(mask, data):
    trailing = data.draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))
    x = np.arange(mask.size * np.prod(trailing, dtype=int), dtype=float)
    check(x.reshape(mask.shape + trailing), mask)


X = np.arange(24.0).reshape(2, 3, 4)


@in_one(
    "key",
    [
        (0, [1, 1, 2]),
        ([0, 0, 1], slice(None), [3, 3, 3]),
        (slice(None), [True, False, True], 1),
        (..., [0, 0]),
        (None, [1, 1], ..., None),
        ([[0, 0], [1, 1]], [[2, 2], [0, 0]]),
        (np.array([0, 0], np.uint8), np.int64(1), slice(None, None, -1)),
        [],
        ([], []),
        [[0, 1], [1, 1]],
        (np.array(1), [0, 0]),
        True,
        (False, 1),
        range(2),
        (slice(None), range(2)),
    ],
    ids=lambda value: repr(value).split(" at ")[0],
)
def test_mixed_indices(key):
    check(X, key)


ROWS = np.arange(35.0).reshape(7, 5)
MANY = np.arange(600) * 5 % 9 % 7


@in_one(
    ("x", "key"),
    [
        (ROWS, MANY),
        (ROWS, MANY.reshape(20, 30)),
        (ROWS, MANY - 7),
        (ROWS, (MANY - 3).astype(np.int8)),
        (ROWS, MANY.astype(np.uint64)),
        (ROWS, (MANY, MANY % 5 - 5)),
        (ROWS, (MANY[:60, None], np.arange(-5, 5))),
        (ROWS, (np.array(-2), MANY % 5)),
        (ROWS, (-2, MANY % 5)),
        (ROWS, (MANY, slice(None, None, -1))),
        (ROWS, (MANY, None)),
        (ROWS, (None, MANY)),
        (ROWS, (..., MANY % 5)),
        (ROWS, (slice(None), MANY % 5)),
        (ROWS, (MANY, np.arange(5) == 2)),
        (ROWS[0], MANY.reshape(20, 30) % 5),
        (ROWS[0], MANY % 5),
        (ROWS[:, None, :, None], MANY),
        (ROWS[:, None, :], (MANY, MANY * 0)),
        (ROWS[:, :0], MANY),
        (np.arange(2400.0).reshape(600, 4), (np.arange(600), MANY % 4)),
    ],
    ids=lambda value: "",
)
def test_many_integers(x, key):
    check(x, key)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_a_row_taken_often_is_added_up_in_its_own_precision_in_the_order_of_the_index(dtype):
    x, seed = Tensor(ROWS.astype(dtype)), np.cos(np.arange(3000.0)).reshape(600, 5).astype(dtype)
    expected = np.zeros_like(x.data)
    for i, each in zip(MANY, seed, strict=True):
        expected[i] += each
    found = grad(x[MANY], x, seed=seed)
    assert found.dtype == dtype
    assert found.tolist() == expected.tolist()
    assert grad(x[MANY], x, seed=seed[::-1].copy()[::-1]).tolist() == expected.tolist()


class Held:
    """What converts to an array of indices, such as a data frame's column."""

    def __init__(self, indices):
        self.indices = np.array(indices)

    def __array__(self, dtype=None, copy=None):
        return self.indices


@pytest.mark.parametrize(
    "key",
    [
        ((0, 0), (1, 1)),
        (slice(None), (2, 2)),
        UserList([1, 1]),
        deque([1, 1]),
        array.array("q", [1, 1]),
        memoryview(np.array([1, 1])),
        Held([1, 1]),
        (0, Held([2, 2])),
    ],
    ids=lambda key: repr(key).split(" at ")[0],
)
def test_repeated_indices_in_any_sequence_are_counted_or_refused(key):
    """NumPy takes them; a Tensor counts each repetition, or says that it does not."""
    try:
        value = Tensor(X)[key]
    except (TypeError, IndexError):
        return
    check(X, key)
    assert value.size > 0


def test_a_scalar_takes_the_indices_that_keep_everything():
    for scalar in (Tensor(3.0), Tensor(np.array(3.0))):
        for key in ((), ..., None, (None, ...), True):
            value = scalar[key]
            assert value.data.ravel().tolist() == [3.0]
            assert grad(value.sum(), scalar) == 1.0


@pytest.mark.parametrize("key", [7, (0, 0, 0, 0), [5], (0, 9), 1.5, "name", [0.5]])
def test_an_index_that_numpy_refuses_is_refused(key):
    with pytest.raises(IndexError):
        Tensor(X)[key]


@pytest.mark.parametrize("wrap", [lambda u: u, lambda u: (0, u), lambda u: (..., u, None)])
def test_a_tensor_is_no_index(wrap):
    with pytest.raises(TypeError, match=r"a Tensor cannot be an index: use .* t\[t > 0\]"):
        Tensor(X)[wrap(Tensor(1.0))]


@pytest.mark.parametrize("wrap", [lambda u: [u], lambda u: (0, [u]), lambda u: slice(u)])
def test_a_tensor_inside_an_index_is_refused_too(wrap):
    with pytest.raises(TypeError, match="Tensor"):
        Tensor(X)[wrap(Tensor(1.0))]


@given(st.lists(st.integers(0, 4), max_size=12))
def test_second_derivative_through_repeated_indices(indices):
    t = Tensor(np.arange(1.0, 6.0))
    first = grad((t[indices] ** 3).sum(), t, create_graph=True)
    counts = np.bincount(indices, minlength=5) if indices else np.zeros(5)
    np.testing.assert_allclose(first.data, 3 * counts * t.data**2)
    np.testing.assert_allclose(grad((first**2).sum(), t), 36 * counts**2 * t.data**3)


def test_an_index_is_recorded_as_it_was_written():
    key = Tensor(np.ones((3, 4, 5)))[1, ..., None, 2:].kwargs["key"]
    assert key == (1, ..., None, slice(2, None, None))
    assert list(map(type, key)) == [int, type(...), type(None), slice]
