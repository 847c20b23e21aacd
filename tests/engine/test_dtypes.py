"""Promotion follows NumPy 2 (NEP 50); a gradient has the dtype of its leaf."""

import operator

import numpy as np
import pytest

from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes

OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow,
             np.maximum, np.minimum, np.logaddexp]  # fmt: skip
PARTNERS = [2, 2.0, True, np.float32(2), np.float64(2), np.float16(2), np.int8(2), np.int64(2),
            np.array(2.0), np.array(2, np.float32), np.array([2]), np.array([2], np.uint8),
            np.array([True]), [2], [2.0]]  # fmt: skip


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("shape", [(), (3,)], ids=str)
def test_an_operation_has_numpys_dtype_and_its_gradient_the_leafs(op, dtype, shape):
    x = np.full(shape, 1.5, dtype)[()]
    for partner in PARTNERS:
        constant = np.asarray(partner) if isinstance(partner, list) else partner
        t = Tensor(x)
        for value, plain in [(op(t, partner), op(x, constant)), (op(partner, t), op(constant, x))]:
            assert value.dtype == np.asarray(plain).dtype, f"{type(partner).__name__} {partner!r}"
            g = grad(value, t, seed=np.ones(value.shape))
            assert (g.dtype, g.shape) == (np.dtype(dtype), shape), f"{partner!r}"


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("python_number", [2, 2.0])
def test_python_numbers_never_widen_a_recording_not_even_backwards(op, python_number):
    t = Tensor(np.array([1.5, 0.5], np.float32))
    for value in (op(t, python_number), op(python_number, t)):
        first = grad(value.sum(), t, create_graph=True)
        assert {n.dtype.name for n in nodes(first)} == {"float32"}


@pytest.mark.parametrize("whole", [np.int8, np.uint8, np.int16, np.int64, bool])
def test_integer_constants_cost_no_precision(whole):
    """np.log of an int8 is a float16: not good enough for a gradient in float64."""
    base = np.array([1, 1, 0], dtype=whole) + np.array([1, 2, 0], dtype=whole)
    t = Tensor([0.3, 0.7, 2.0])
    exact = Tensor([0.3, 0.7, 2.0])
    got = grad((base**t).sum(), t)
    expected = grad((base.astype(float) ** exact).sum(), exact)
    np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_mixed_leaves_each_get_their_own_dtype():
    x, y = Tensor(np.ones(2, np.float32)), Tensor(np.ones(2))
    value = x * y
    assert value.dtype == np.float64
    for create_graph in (False, True):
        gx, gy = grad(value.sum(), [x, y], create_graph=create_graph)
        assert (gx.dtype, gy.dtype) == (np.float32, np.float64)


def test_a_network_in_float32_is_float32_throughout():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3)).astype(np.float32)
    w = Tensor(rng.normal(size=(3, 2)).astype(np.float32))
    e = np.exp(np.tanh(x @ w) - 0.5)
    a = e / e.sum(axis=-1, keepdims=True)
    cost = -(np.log(a)[np.arange(4), [0, 1, 1, 0]]).mean() + 0.1 * (w**2).sum() + w.var() * 2
    first = grad(cost, w, create_graph=True)
    second = grad((first * first).sum(), w)
    assert {n.dtype.name for n in nodes(first)} == {"float32"}
    assert second.dtype == np.float32


def test_sums_in_float16_accumulate_in_float16_as_numpys_do():
    t = Tensor(np.full(10, 0.1, np.float16))
    assert t.sum().data == np.full(10, 0.1, np.float16).sum()
    assert grad(t.sum(), t).dtype == np.float16
