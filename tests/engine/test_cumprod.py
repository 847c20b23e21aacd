"""The gradient of a cumulative product: against products taken one by one, zeros among them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes


def without(x, g, *left_out):
    """Σ_i g_i Π_{k≤i} x_k without some of the factors, of the products that have them all."""
    kept = [k for k in range(len(x)) if k not in left_out]
    some = range(max(left_out), len(x))
    return sum(g[i] * np.prod([x[k] for k in kept if k <= i]) for i in some)


entries = st.lists(st.sampled_from([0.0, 0.5, -2.0, 3.0, 1.0]), min_size=1, max_size=9)


@given(entries)
def test_both_derivatives_are_sums_of_products_without_one_entry_and_without_two(x):
    t, seed, n = Tensor(x), np.cos(1.0 + np.arange(len(x))), range(len(x))
    once = grad(np.cumprod(t), t, seed=seed, create_graph=True)
    np.testing.assert_allclose(once.data, [without(x, seed, j) for j in n], 1e-12, 1e-12)
    np.testing.assert_array_equal(once.data, grad(np.cumprod(t), t, seed=seed))
    for j in n:
        expected = [without(x, seed, j, k) if k != j else 0.0 for k in n]
        np.testing.assert_allclose(grad(once[j], t), expected, 1e-12, 1e-12)


def test_a_third_derivative():
    t = Tensor([2.0, 0.0, 3.0, 0.0])
    once = grad(np.cumprod(t).sum(), t, create_graph=True)
    twice = grad(once[1], t, create_graph=True)
    np.testing.assert_array_equal(twice.data, [1 + 3, 0, 2, 6])
    np.testing.assert_array_equal(grad(twice[0], t), [0, 0, 1, 3])


X = np.sin(np.arange(1.0, 31.0)).reshape(2, 5, 3)


@in_one("axis", [0, 1, 2, -1, -2])
@in_one("dtype", [np.float32, np.float64, np.longdouble])
def test_along_an_axis_each_row_is_for_itself(axis, dtype):
    t, seed = Tensor(X.astype(dtype)), np.cos(X).astype(dtype)
    value = np.cumprod(t, axis=axis)
    np.testing.assert_array_equal(value.data, np.cumprod(t.data, axis=axis))
    found = grad(value, t, seed=seed)
    assert found.dtype == dtype
    rows, seeds = [np.moveaxis(v, axis, -1).reshape(-1, X.shape[axis]) for v in (t.data, seed)]
    expected = [[without(x, g, j) for j in range(len(x))] for x, g in zip(rows, seeds, strict=True)]
    found = np.moveaxis(found, axis, -1).reshape(-1, X.shape[axis])
    np.testing.assert_allclose(found, np.array(expected), 1e-4 if dtype is np.float32 else 1e-12)


@in_one("x", [X, X[0], np.array(3.0), np.empty(0), np.empty((2, 0))])
def test_without_an_axis_all_entries_are_one_row(x):
    t = Tensor(x)
    value, flat = np.cumprod(t), np.ravel(x)
    np.testing.assert_array_equal(value.data, np.cumprod(x))
    expected = [without(flat, np.ones(x.size), j) for j in range(x.size)]
    found = grad(value.sum(), t)
    assert found.shape == x.shape
    np.testing.assert_allclose(found.ravel(), expected, 1e-12)


@pytest.mark.parametrize("f", [np.cumprod, np.prod])
def test_calls_grow_by_as_many_each_time_that_entries_double(f):
    def calls(n):
        t = Tensor(np.ones(n))
        once = grad(f(t).sum(), t, create_graph=True)
        return len(nodes(grad((once * once).sum(), t, create_graph=True)))

    few, more, most = (calls(n) for n in (64, 128, 256))
    assert most - more == more - few < few / 4
