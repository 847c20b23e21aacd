"""A Tensor as an object: what it tells, how it is spelled, what it refuses to be."""

import copy
import operator
import pickle

import numpy as np
import pytest

from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes

MATRIX = np.array([[0.5, -1.5, 2.0], [1.0, 3.0, -0.25]])


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sum", "mean", "max", "clip", "dot"])
def test_a_method_says_which_function_of_numpy_it_is(name):
    assert getattr(Tensor, name).__doc__.startswith(f"`np.{name}`")


def test_a_leaf_tells_its_shape_and_that_nothing_is_computed():
    t = Tensor(MATRIX.astype(np.float32), name="W")
    assert (t.shape, t.ndim, t.size, t.dtype, t.name) == ((2, 3), 2, 6, np.float32, "W")
    assert t.grad is None
    assert t.function is None
    assert (tuple(t.args), dict(t.kwargs)) == ((), {})
    assert len(t) == 2


def test_a_node_tells_what_it_was_computed_by_and_from():
    t = Tensor(MATRIX, name="W")
    total = np.sum(t * 2.0, axis=0)
    product = total.args[0]
    assert (total.function, dict(total.kwargs)["axis"]) == (np.sum, 0)
    assert product.function is np.multiply
    assert list(product.args) == [t, 2.0]
    assert total.name is product.name is total.grad is None
    assert t.order < product.order < total.order


@pytest.mark.parametrize("name", [3, b"w", Tensor(1.0)])
def test_a_name_is_a_string(name):
    with pytest.raises(TypeError, match="name is a str"):
        Tensor(1.0, name=name)


# value, gradient and recorded functions are the same in each spelling of a row
SPELLINGS = [
    (np.exp, lambda t: t.exp()),
    (lambda t: np.log(np.abs(t)), lambda t: abs(t).log()),
    (lambda t: np.sqrt(np.absolute(t)), lambda t: abs(t).sqrt()),
    (np.tanh, lambda t: t.tanh()),
    (np.negative, operator.neg),
    (np.positive, operator.pos),
    (np.abs, operator.abs),
    (lambda t: np.add(t, 2), lambda t: t + 2),
    (lambda t: np.add(2, t), lambda t: 2 + t),
    (lambda t: np.subtract(t, 2), lambda t: t - 2),
    (lambda t: np.subtract(2, t), lambda t: 2 - t),
    (lambda t: np.multiply(t, 3), lambda t: t * 3),
    (lambda t: np.multiply(3, t), lambda t: 3 * t),
    (lambda t: np.divide(t, 3), lambda t: t / 3),
    (lambda t: np.true_divide(3, t), lambda t: 3 / t),
    (lambda t: np.power(t, 3), lambda t: t**3),
    (lambda t: np.power(3, t), lambda t: 3**t),
    (lambda t: np.pow(t, 3), lambda t: pow(t, 3)),
    (lambda t: np.matmul(t, MATRIX.T), lambda t: t @ MATRIX.T),
    (lambda t: np.matmul(MATRIX.T, t), lambda t: MATRIX.T @ t),
    (lambda t: np.matmul([[1.0, 2.0]], t), lambda t: [[1.0, 2.0]] @ t),
    (lambda t: np.sum(t), lambda t: t.sum()),
    (lambda t: np.sum(t, 0), lambda t: t.sum(0)),
    (lambda t: np.sum(t, axis=-1, keepdims=True), lambda t: t.sum(axis=-1, keepdims=True)),
    (lambda t: np.sum(t, 1, None, None, True), lambda t: t.sum(1, True)),
    (lambda t: np.add.reduce(t), lambda t: t.sum(axis=0)),
    (lambda t: np.add.reduce(t, axis=None), lambda t: t.sum()),
    (lambda t: np.add.reduce(t, 1, keepdims=True), lambda t: t.sum(1, keepdims=True)),
    (lambda t: np.multiply.reduce(t, axis=(0, 1)), lambda t: t.prod()),
    (lambda t: np.maximum.reduce(t, 1), lambda t: t.max(axis=1)),
    (lambda t: np.minimum.reduce(t), lambda t: t.min(axis=0)),
    (lambda t: np.prod(t, 0), lambda t: t.prod(0)),
    (lambda t: np.mean(t, axis=1), lambda t: t.mean(axis=1)),
    (lambda t: np.mean(t, None, keepdims=True), lambda t: t.mean(keepdims=True)),
    (lambda t: np.max(t), lambda t: t.max()),
    (lambda t: np.amax(t, 1), lambda t: t.max(1)),
    (lambda t: np.amin(t, axis=0, keepdims=True), lambda t: t.min(0, True)),
    (lambda t: np.min(a=t, axis=(1, 0)), lambda t: t.min((1, 0))),
    (lambda t: np.var(t, 1), lambda t: t.var(1)),
    (lambda t: np.var(t, None, None, None, 1), lambda t: t.var(ddof=1)),
    (lambda t: np.clip(t, 0.0, 1.2), lambda t: t.clip(0.0, 1.2)),
    (lambda t: np.clip(t, a_min=0.0, a_max=None), lambda t: t.clip(min=0.0)),
    (lambda t: np.clip(t, None, 1.2), lambda t: t.clip(max=1.2)),
    (lambda t: np.take(t, [0, 2, 2], axis=1), lambda t: t.take([0, 2, 2], axis=1)),
    (lambda t: np.take(t, 4), lambda t: t.take(4)),
    (lambda t: np.dot(t, MATRIX.T), lambda t: t.dot(MATRIX.T)),
    (lambda t: np.reshape(t, (3, 2)), lambda t: t.reshape(3, 2)),
    (lambda t: np.reshape(t, shape=(3, -1)), lambda t: t.reshape((3, -1))),
    (lambda t: np.reshape(t, [3, 2]), lambda t: t.reshape([3, 2])),
    (lambda t: np.reshape(t, -1), lambda t: t.reshape(-1)),
    (lambda t: np.ravel(t), lambda t: t.ravel()),
    (lambda t: np.ravel(t), lambda t: t.flatten()),
    (lambda t: np.transpose(t), lambda t: t.T),
    (lambda t: np.transpose(t), lambda t: t.transpose()),
    (lambda t: np.transpose(t, None), lambda t: t.transpose(None)),
    (lambda t: np.transpose(t, (1, 0)), lambda t: t.transpose(1, 0)),
    (lambda t: np.transpose(t, [-1, 0]), lambda t: t.transpose([-1, 0])),
    (lambda t: np.transpose(t, np.array([1, 0])), lambda t: t.transpose(np.array([1, 0]))),
    (lambda t: np.reshape(t, np.array([3, 2])), lambda t: t.reshape(np.array([3, 2]))),
    (lambda t: np.reshape(t, np.int64(6)), lambda t: t.reshape(np.int64(6))),
    (lambda t: np.swapaxes(t, 0, 1), lambda t: t.swapaxes(0, 1)),
    (lambda t: np.swapaxes(t, -1, -2), lambda t: t.mT),
    (lambda t: np.swapaxes(t, axis1=0, axis2=1), lambda t: t.mT),
    (lambda t: np.moveaxis(t, source=1, destination=0), lambda t: t.T),
    (lambda t: np.squeeze(t[:1]), lambda t: t[:1].squeeze()),
    (lambda t: np.squeeze(t[:, :1], axis=1), lambda t: t[:, :1].squeeze(axis=1)),
]


@in_one(("function", "method"), SPELLINGS)
def test_function_method_and_operator_are_one(function, method):
    t = Tensor(MATRIX)
    one, other = function(t), method(t)
    assert [n.function for n in nodes(one)] == [n.function for n in nodes(other)]
    np.testing.assert_array_equal(one.data, other.data)
    assert one.shape == other.shape
    seed = np.cos(np.arange(one.size)).reshape(one.shape)
    np.testing.assert_array_equal(grad(one, t, seed=seed), grad(other, t, seed=seed))


@in_one("op", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow])
@in_one("side", ["left", "right"])
@in_one(
    "partner",
    [2, 2.5, True, np.float64(2.5), np.float32(2.5), np.int8(2), np.array(2.5), [1, 2, 3],
     (1.0, 2.0, 3.0), np.array([[1], [2]]), np.array([True, True, True]), np.ones((2, 1, 1)),
     np.array([1, 2, 3], np.uint8)],
)  # fmt: skip
def test_operators_take_numbers_arrays_and_lists_on_either_side(op, side, partner):
    x = np.abs(MATRIX)
    as_array = partner if isinstance(partner, int | float | np.generic) else np.asarray(partner)
    t, u = Tensor(x), Tensor(np.array(partner, dtype=np.float64))
    value, both = (op(t, partner), op(t, u)) if side == "left" else (op(partner, t), op(u, t))
    expected = op(x, as_array) if side == "left" else op(as_array, x)
    assert isinstance(value, Tensor)
    np.testing.assert_array_equal(value.data, expected)
    np.testing.assert_allclose(grad(value.sum(), t), grad(both.sum(), t), rtol=1e-15)


COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@in_one("op", COMPARISONS)
@in_one("partner", [1, 1.0, np.float32(1), MATRIX, MATRIX[0], [0.5, 3.0, 2.0], (0.5, 3.0, 2.0)])
def test_comparisons_give_plain_arrays_on_either_side(op, partner):
    t = Tensor(MATRIX)
    expected = op(MATRIX, np.asarray(partner))
    for result in (op(t, partner), op(t, Tensor(np.array(partner, dtype=float)))):
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, expected)
    mirrored = op(partner, t)
    assert type(mirrored) is np.ndarray
    np.testing.assert_array_equal(mirrored, op(np.asarray(partner), MATRIX))


def test_comparison_with_what_is_no_number():
    t = Tensor(MATRIX)
    assert (t == None) is False  # noqa: E711
    assert (t == "W") is False
    assert (t != "W") is True
    with pytest.raises(TypeError, match="not supported"):
        t < "W"  # noqa: B015


def test_tensors_are_keys_by_identity():
    t, u = Tensor(1.0), Tensor(1.0)
    assert len({t, u}) == 2
    assert {t: "t", u: "u"}[u] == "u"
    assert hash(t) == hash(t)


def test_iteration_gives_differentiable_rows():
    t = Tensor(MATRIX)
    first, second = t
    assert isinstance(first, Tensor)
    np.testing.assert_array_equal(second.data, MATRIX[1])
    np.testing.assert_array_equal(grad((first * second).sum(), t), MATRIX[::-1])
    assert [float(x) for x in Tensor([1.0, 2.0])] == [1.0, 2.0]
    assert list(Tensor([])) == []


@pytest.mark.parametrize("action", [len, iter, list])
def test_a_scalar_has_no_length(action):
    for scalar in (Tensor(1.0), Tensor(np.array(1.0))):
        with pytest.raises(TypeError):
            action(scalar)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_element_converts_to_a_number(shape):
    t = Tensor(np.full(shape, 2.5, np.float32))
    assert float(t) == t.item() == 2.5
    assert type(t.item()) is float
    assert f"{t:.3f}" == "2.500"
    assert bool(t) is True
    assert not Tensor(np.zeros(shape))


@pytest.mark.parametrize("shape", [(2,), (0,)])
def test_other_numbers_of_elements_do_not(shape):
    t = Tensor(np.ones(shape))
    for convert in (float, bool, Tensor.item, lambda t: f"{t:.3f}"):
        with pytest.raises(ValueError, match=r"size|truth|one element|ambiguous"):
            convert(t)


def test_repr_lines_up_rows_and_leaves_out_the_middle_of_more_than_40_numbers():
    assert repr(Tensor(np.eye(2))) == "Tensor([[1., 0.],\n        [0., 1.]])"
    assert "..." not in repr(Tensor(np.ones(40)))
    assert "..." in repr(Tensor(np.ones(41)))


def test_repr_says_what_there_is_to_say():
    t = Tensor([1.0, 2.0], name="w")
    assert repr(t) == "Tensor([1., 2.], name='w')"
    assert repr(t * 2) == str(t * 2) == f"{t * 2}" == "Tensor([2., 4.], by=multiply)"
    assert repr(Tensor(np.float32(1.5))) == "Tensor(1.5, dtype=float32)"
    assert len(repr(Tensor(np.zeros((1000, 1000))))) < 500


def test_backward_leaves_grad_alone_until_asked():
    t = Tensor([1.0, 2.0])
    cost = (t * t).sum()
    assert t.grad is None
    cost.backward()
    np.testing.assert_array_equal(t.grad, [2.0, 4.0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, "f4"])
def test_astype_changes_the_dtype_and_the_gradient_comes_back(dtype):
    t = Tensor([1.0, 2.0])
    u = t.astype(dtype)
    assert u.dtype == np.dtype(dtype)
    g = grad((u * u).sum(), t)
    assert g.dtype == np.float64
    np.testing.assert_array_equal(g, [2.0, 4.0])


@pytest.mark.parametrize("dtype", [int, bool, complex, object, "U3"])
def test_astype_to_what_is_no_float_is_refused(dtype):
    with pytest.raises(TypeError, match="not a float dtype"):
        Tensor(1.0).astype(dtype)


@pytest.mark.parametrize("axes", [(0,), (0, 0), (0, 1, 2), (2, 0)])
def test_transpose_to_axes_that_do_not_exist_raises(axes):
    for call in (lambda t: t.transpose(*axes), lambda t: np.transpose(t, axes)):
        with pytest.raises(ValueError, match=r"ax[ei]s"):
            call(Tensor(MATRIX))


@pytest.mark.parametrize(
    "copying",
    [copy.copy, copy.deepcopy, pickle.dumps, lambda t: pickle.dumps([t], protocol=0)],
)
def test_a_tensor_is_not_copied_or_pickled(copying):
    for t in (Tensor([1.0]), Tensor([1.0]) * 2):
        with pytest.raises(TypeError, match=r"not copied or pickled.*use t\.data"):
            copying(t)


def test_a_tensor_is_not_subclassed():
    with pytest.raises(TypeError, match="cannot be subclassed"):
        type("Special", (Tensor,), {})


@pytest.mark.parametrize("key", [0, slice(None), (0, 1), np.array([True, False])])
def test_a_tensor_is_not_assigned_to(key):
    t = Tensor(MATRIX)
    with pytest.raises(TypeError, match=r"cannot be assigned to.*np\.where"):
        t[key] = 1.0
    np.testing.assert_array_equal(t.data, MATRIX)


def test_augmented_assignment_makes_a_new_tensor():
    t = u = Tensor([1.0, 2.0])
    t += 1
    t *= np.array([3.0, 4.0])
    assert t is not u
    np.testing.assert_array_equal(u.data, [1.0, 2.0])
    np.testing.assert_array_equal(grad(t.sum(), u), [3.0, 4.0])


def test_the_properties_of_an_array_are_described():
    assert [getattr(Tensor, name).__doc__ for name in ("shape", "dtype", "ndim", "size")] == [
        "The lengths of the axes.",
        "The type of the elements.",
        "The number of axes.",
        "The number of elements.",
    ]


def test_a_long_repr_is_indented_under_its_first_number():
    first, *others = repr(Tensor(np.eye(3))).splitlines()
    assert first.startswith("Tensor([[1.")
    assert [line.index("[") for line in others] == [len("Tensor([")] * 2
