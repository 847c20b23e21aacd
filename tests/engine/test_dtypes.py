"""Promotion follows NumPy 2 (NEP 50); a gradient has the dtype of its leaf."""

import itertools
import operator

import numpy as np
import pytest
from scipy import special

import tinygrad_lossmix as lm
from tests.helpers.numpy_cases import ELEMENTWISE
from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes

OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow,
             np.maximum, np.minimum, np.logaddexp, np.hypot, np.arctan2, operator.mod,
             np.fmax]  # fmt: skip
PARTNERS = [2, 2.0, True, np.float32(2), np.float64(2), np.float16(2), np.int8(2), np.int64(2),
            np.array(2.0), np.array(2, np.float32), np.array([2]), np.array([2], np.uint8),
            np.array([True]), [2], [2.0]]  # fmt: skip


@in_one("op", OPERATORS)
@in_one("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@in_one("shape", [(), (3,)], ids=str)
def test_an_operation_has_numpys_dtype_and_its_gradient_the_leafs(op, dtype, shape):
    x = np.full(shape, 1.5, dtype)[()]
    for partner in PARTNERS:
        constant = np.asarray(partner) if isinstance(partner, list) else partner
        t = Tensor(x)
        for value, plain in [(op(t, partner), op(x, constant)), (op(partner, t), op(constant, x))]:
            assert value.dtype == np.asarray(plain).dtype, f"{type(partner).__name__} {partner!r}"
            g = grad(value, t, seed=np.ones(value.shape))
            assert (g.dtype, g.shape) == (np.dtype(dtype), shape), f"{partner!r}"


@in_one("op", OPERATORS)
@in_one("python_number", [2, 2.0])
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


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_elementwise_function_has_numpys_dtype_and_its_gradient_the_leafs():
    for e, dtype, shape in itertools.product(ELEMENTWISE, "efdg", [(), (2,)]):
        args = [x.astype(dtype)[()] for x in e.inside(*[np.full(shape, 0.7)] * len(e.domain))]
        try:
            expected = np.asarray(e.ufunc(*args)).dtype
        except TypeError:  # most of SciPy's know no longdouble
            continue
        ours = e.ufunc in (special.expit, special.log_expit, special.xlogy)  # float16 stays
        tensors = [Tensor(x) for x in args]
        value = e.ufunc(*tensors)
        assert (value.dtype, value.shape) == (np.dtype(dtype) if ours else expected, shape), e
        for g in grad(value.sum(), tensors):
            assert (g.dtype, g.shape) == (np.dtype(dtype), shape), e


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


MANY = 70_000  # more than float16 can count


@in_one(
    ("function", "expected"),
    [
        (lambda x: x.mean(), np.full(MANY, 1 / MANY)),
        (lambda x: np.var(x[::-1]), None),
        (lambda x: x.max(), np.full(MANY, 1 / MANY)),
        (lambda x: x.reshape(-1, 1).min(axis=0)[0], np.full(MANY, 1 / MANY)),
        (lambda x: lm.logsumexp(x), np.full(MANY, 1 / MANY)),
        (lambda x: lm.book.quadratic(x.reshape(-1, 1), 0 * X16.reshape(-1, 1) + 1), "book"),
        (lambda x: lm.quadratic(x.reshape(-1, 1), 0 * X16.reshape(-1, 1) + 1), "book"),
    ],
)
@in_one("twice", [False, True])
def test_a_count_never_becomes_a_float16(function, expected, twice):
    t = Tensor(X16 if expected is None else np.full(MANY, 0.5, np.float16))
    if expected is None:
        wide = X16.astype(float)
        expected = 2 * (wide - wide.mean()) / MANY
    elif isinstance(expected, str):
        expected = np.full(MANY, -0.5 / MANY)
    cost = function(t)
    with np.errstate(all="ignore"):
        g = grad(cost, t, create_graph=twice)
    assert g.dtype == cost.dtype == np.float16
    np.testing.assert_allclose(g.data if twice else g, expected, rtol=0.01, atol=6e-8)


X16 = (0.01 * np.cos(np.arange(MANY))).astype(np.float16)


def test_a_softmax_over_more_entries_than_float16_can_count():
    t = Tensor(np.zeros(MANY, np.float16))
    np.testing.assert_allclose(lm.softmax(t).data, 1 / MANY, rtol=0.01)
    np.testing.assert_allclose(lm.log_softmax(t).data, -np.log(MANY), rtol=1e-3)
    assert float(lm.logsumexp(t)) == np.float16(np.log(MANY))
    seed = np.ones(MANY, np.float16)
    np.testing.assert_allclose(grad(lm.log_softmax(t), t, seed=seed), 0.0, atol=1e-3)
    np.testing.assert_array_equal(grad(lm.softmax(t), t, seed=seed), 0.0)


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_the_gradient_of_a_batch_that_float16_cannot_count(mix):
    z, y = np.zeros((MANY, 2), np.float16), np.zeros(MANY, int)
    t = Tensor(z)
    cost = mix.cost(t, y)
    expected = mix.delta(z[0], 0) / np.float32(MANY)
    np.testing.assert_allclose(grad(cost, t)[[0, -1]], [expected] * 2, rtol=0.01)
    np.testing.assert_allclose(float(cost), float(mix.cost(z[0], 0)), rtol=1e-3)
    _, compiled = lm.compile(lambda z: mix.cost(z, y))(z)
    np.testing.assert_allclose(compiled[[0, -1]], [expected] * 2, rtol=0.01)
    _, compiled = lm.compile(lambda z: z.mean() + z.var())(z)
    np.testing.assert_allclose(compiled, 0.5 / MANY, rtol=0.01)


@pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8", "<f8"])
def test_any_byte_order_is_this_machines_behind_the_door(dtype):
    swapped = np.array([[0.5, -1.5], [2.0, 0.25]], dtype)
    native = swapped.astype(np.dtype(dtype).type)
    t, u = Tensor(swapped), Tensor(native)
    assert t.dtype is u.dtype
    assert Tensor(swapped, copy=False).dtype is u.dtype
    assert t.astype(dtype).dtype is u.dtype
    assert (t * swapped).args[1].dtype is u.dtype
    for f in (
        lambda x, y: (x * y).sum(),
        lambda x, y: lm.sigmoid(x).sum(),
        lambda x, y: lm.softmax(x)[0, 0],
        lambda x, y: lm.Mix("softmax", "ll").cost(x, abs(y)),
        lambda x, y: lm.Mix("sigmoid", "ce").composed(x, abs(y)),
        lambda x, y: lm.log_likelihood(lm.softmax(x), abs(y)),
        lambda x, y: np.concatenate([x, y]).sum(),
        lambda x, y: np.einsum("ij,jk", x, y).sum(),
    ):
        for seed in (np.array(1.0, dtype), None):
            found, expected = grad(f(t, swapped), t, seed=seed), grad(f(u, native), u)
            assert found.dtype is u.dtype
            np.testing.assert_array_equal(found, expected)
        for transform in (lm.value_and_grad, lm.compile):
            _, found = transform(lambda x, f=f: f(x, swapped))(swapped)
            np.testing.assert_allclose(found, expected, rtol=0.01 if dtype == ">f2" else 1e-6)
    for mix in lm.MIXES:
        expected = mix.delta(native, abs(native))
        np.testing.assert_array_equal(mix.delta(swapped, abs(swapped)), expected)
    assert lm.testing.gradcheck(lambda x: lm.sigmoid(x).sum(), swapped)


def test_a_users_function_may_give_another_byte_order():
    f = lm.derivative(lambda x: x.astype(">f8"), lambda g, z, x: g.astype(">f8"))
    t = Tensor([1.0, 2.0])
    assert f(t).dtype.isnative
    gradient = grad((f(t) * t).sum(), t)
    assert gradient.dtype.isnative
    assert gradient.tolist() == [2.0, 4.0]
