"""matmul, dot and einsum: all ranks, broadcasting, constants, nothing to sum."""

import itertools

import numpy as np
import pytest

from tests.helpers.finite import jacobian, pulled_back
from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad


def gradients_of(f, *args):
    """The gradients of a sum of f at each of args."""
    tensors = [Tensor(np.array(x, dtype=float)) for x in args]
    return [g.tolist() for g in grad(np.sum(f(*tensors)), tensors)]


RANKS = list(itertools.product(range(1, 5), repeat=2))


def operands(left, right):
    """Arrays of these ranks that multiply; the leading axes broadcast against each other."""
    rng = np.random.default_rng(left * 10 + right)
    shapes = (
        [(), (3,), (2, 3), (4, 2, 3), (1, 4, 2, 3)],
        [(), (3,), (3, 2), (1, 3, 2), (2, 1, 3, 2)],
    )
    return [rng.normal(size=sizes[rank]) for sizes, rank in zip(shapes, (left, right), strict=True)]


@in_one("function", [np.matmul, np.dot])
@in_one(("left", "right"), RANKS)
def test_matmul_and_dot_of_all_ranks(function, left, right):
    args = operands(left, right)
    tensors = [Tensor(x) for x in args]
    z = function(*tensors)
    expected = function(*args)
    assert z.shape == expected.shape
    np.testing.assert_allclose(z.data, expected, rtol=1e-13, atol=1e-14)
    seed = np.random.default_rng(3).normal(size=z.shape)
    for i, g in enumerate(grad(z, tensors, seed=seed)):
        np.testing.assert_allclose(g, pulled_back(seed, function, args, i), atol=1e-13)


@in_one(("left", "right"), RANKS)
def test_second_derivative_of_matmul_of_all_ranks(left, right):
    args = operands(left, right)

    def slope_of_x(y):
        tensor = Tensor(args[0])
        value = np.sin(tensor @ y)
        return (grad(value.sum(), tensor) ** 2).sum()

    x, y = map(Tensor, args)
    first = grad(np.sin(x @ y).sum(), x, create_graph=True)
    expected = jacobian(slope_of_x, [args[1]], 0, analytic=False)
    np.testing.assert_allclose(grad((first**2).sum(), y), expected, atol=1e-7)


@pytest.mark.parametrize("constant_side", [0, 1])
def test_matmul_with_a_constant_of_integers(constant_side):
    whole = np.array([[1, 2], [3, 4]])
    t = Tensor(np.eye(2))
    value = whole @ t if constant_side == 0 else t @ whole
    np.testing.assert_array_equal(value.data, whole)
    expected = whole.sum(axis=constant_side)
    g = grad(value.sum(), t)
    np.testing.assert_array_equal(g, np.outer(expected, [1, 1]) if constant_side == 0
                                  else np.outer([1, 1], expected))  # fmt: skip


@pytest.mark.parametrize(
    "shapes", [((2, 0), (0, 3)), ((0, 2), (2, 3)), ((0,), (0,)), ((2, 0), (0,))]
)
@pytest.mark.parametrize("function", [np.matmul, np.dot])
def test_matrix_products_of_nothing(function, shapes):
    x, y = map(Tensor, map(np.ones, shapes))
    z = function(x, y)
    np.testing.assert_array_equal(z.data, function(x.data, y.data))
    gx, gy = grad(z, [x, y], seed=np.ones(z.shape))
    assert (gx.shape, gy.shape) == shapes


def test_dot_with_a_number_multiplies():
    assert gradients_of(lambda t: np.dot(t, 3.0), [[1.0, 2.0]]) == [[[3, 3]]]
    assert gradients_of(np.dot, 2.0, [1.0, 4.0]) == [5, [2, 2]]


def test_dot_of_stacks_of_empty_matrices():
    x, y = np.ones((2, 0)), np.ones((3, 0, 4))
    np.testing.assert_array_equal(np.dot(Tensor(x), y).data, np.dot(x, y))


@pytest.mark.parametrize("shapes", [((2, 3), (2, 3)), ((2,), (3,)), ((), (2,)), ((3, 2), (3,))])
def test_matmul_of_shapes_that_do_not_fit_raises(shapes):
    x, y = map(Tensor, map(np.ones, shapes))
    with pytest.raises(ValueError, match="matmul"):
        x @ y


@in_one(
    ("subscripts", "shapes"),
    [("ij,ik->i", [(1, 3), (4, 5)]), ("...j,...k->...", [(1, 3), (4, 5)]), ("ij->", [(0, 3)]),
     ("ij,jk->ik", [(2, 0), (0, 3)]), ("i,j->", [(2,), (3,)]), ("ij,k->k", [(2, 3), (4,)]),
     ("i,->", [(3,), ()]), (",", [(), ()]), ("ii,jj->", [(2, 2), (3, 3)])],
)  # fmt: skip
def test_einsum_of_odd_shapes(subscripts, shapes):
    args = [np.random.default_rng(1).normal(size=s) for s in shapes]
    tensors = [Tensor(x) for x in args]
    z = np.einsum(subscripts, *tensors)
    np.testing.assert_allclose(z.data, np.einsum(subscripts, *args), atol=1e-14)
    seed = np.random.default_rng(3).normal(size=z.shape)
    for i, g in enumerate(grad(z, tensors, seed=seed)):
        expected = pulled_back(seed, lambda *xs: np.einsum(subscripts, *xs), args, i)
        np.testing.assert_allclose(g, expected.reshape(g.shape), atol=1e-13)


def test_einsum_of_a_tensor_with_itself_counts_twice():
    assert gradients_of(lambda t: np.einsum("i,i->", t, t), [1.0, 2.0]) == [[2, 4]]


def test_einsum_with_a_constant():
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert gradients_of(lambda t: np.einsum("ij,j->i", a, t), [0.0, 0.0]) == [[4, 6]]
    assert gradients_of(lambda t: np.einsum("ij,j->i", t, [1, 2]), a) == [[[1, 2], [1, 2]]]
