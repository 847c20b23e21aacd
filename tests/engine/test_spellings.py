"""Unusual but legal spellings: what goes through forwards has its right gradient backwards."""

import itertools

import numpy as np
import pytest
from scipy import special

import tinygrad_lossmix as lm
from tests.helpers.finite import pulled_back
from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad


class Whole:
    """All that NumPy asks of an integer."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


X = 0.5 + np.random.default_rng(4).permutation(12).reshape(2, 3, 2) / 12
ONE = [1, -2, np.int64(1), np.uint8(1), np.array(-1), Whole(1)]
SEVERAL = [None, (), (0, -1), (np.int8(2), Whole(0)), (1,)]
REDUCTIONS = [
    *(np.sum, np.mean, np.var, np.std, np.prod, np.max, np.min, np.amax, np.amin, np.ptp, np.median)
]
FUNCTIONS = {np.amax, np.amin, np.ptp, np.median}  # that are no methods, or take axis by name alone


def _softmax(x, axis=-1):
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


def _over(x, axis, keepdims=False):
    return np.log(np.exp(x).sum(axis=axis, keepdims=keepdims))


SAFE = {
    lm.softmax: _softmax,
    lm.log_softmax: lambda x, axis=-1: np.log(_softmax(x, axis)),
    lm.logsumexp: _over,
    lm.lml: lm.lml,
}


def check(f, *args, plain=None):
    """f of Tensors against f of arrays (or plain of them), and the gradient against slopes."""
    plain = plain or f
    tensors = [Tensor(a) for a in args]
    value, expected = f(*tensors), np.asarray(plain(*args))
    assert value.shape == expected.shape
    np.testing.assert_allclose(value.data, expected, rtol=1e-13)
    seed = np.cos(1.0 + np.arange(float(value.size))).reshape(value.shape)
    for i, g in enumerate(grad(value, tensors, seed=seed)):
        expected = pulled_back(seed, plain, args, i, analytic=False)
        np.testing.assert_allclose(g, expected, rtol=1e-6, atol=1e-7)


@in_one("axis", ONE + SEVERAL, ids=lambda axis: type(axis).__name__)
@in_one("function", REDUCTIONS)
def test_reductions_over_any_axis(function, axis):
    if (
        isinstance(axis, tuple) and not axis and function in (np.std, np.ptp)
    ):  # 0 everywhere, at a kink
        return
    for keepdims in (False, True):
        check(lambda x, keep=keepdims: function(x, axis=axis, keepdims=keep), X)
    check(lambda x: function(x, axis), X)
    if function not in FUNCTIONS:
        check(lambda x: getattr(x, function.__name__)(axis), X)


@in_one("axis", ONE + SEVERAL, ids=lambda axis: type(axis).__name__)
@in_one("function", SAFE, ids=lambda f: f.__name__)
def test_safe_functions_over_any_axis(function, axis):
    whole = axis.value if isinstance(axis, Whole) else axis
    oracle = SAFE[function]
    check(lambda x: function(x, axis=axis), X, plain=lambda x: oracle(x, axis=whole))
    check(lambda x: function(x, axis), X, plain=lambda x: oracle(x, whole))
    np.testing.assert_allclose(function(X, axis), oracle(X, whole), rtol=1e-13)
    if function is lm.logsumexp:
        for keep in (False, True):
            check(
                lambda x, k=keep: function(x, axis, k),
                X,
                plain=lambda x, k=keep: _over(x, whole, k),
            )
    by_both = grad(function(t := Tensor(X), axis), t, seed=_seed(function, axis), create_graph=True)
    slopes = grad(by_both.sum(), t)
    assert slopes.shape == X.shape
    assert np.isfinite(slopes).all()


@pytest.mark.parametrize("axis", [0, np.int64(1), -1, None, (0, 2)], ids=str)
def test_logaddexp_is_reduced_over_any_axis(axis):
    for keep in (False, True):
        check(
            lambda x, k=keep: np.logaddexp.reduce(x, axis=axis, keepdims=k),
            X,
            plain=lambda x, k=keep: _over(x, axis, k),
        )
    check(np.logaddexp.reduce, X)
    nothing = np.logaddexp.reduce(Tensor(np.ones((0, 2))))
    np.testing.assert_array_equal(nothing.data, np.logaddexp.reduce(np.ones((0, 2))))
    with pytest.raises(TypeError, match=r"lm\.logsumexp does not take initial"):
        np.logaddexp.reduce(Tensor(X), initial=0.0)


def test_an_array_method_that_calls_a_ufunc_of_another_name_is_recorded():
    check(lambda low, high: X.clip(low, high), X - 0.04, X + 0.03)
    check(lambda x, y: np.degrees(np.radians(x)) + np.fmin([[[0.7]]], y), X, X + 0.1)
    for name in ("exp2", "expm1", "log1p", "cbrt"):
        check(getattr(special, name), X, plain=getattr(np, name))


def _seed(function, axis):
    return np.cos(np.arange(float(np.size(function(X, axis))))).reshape(function(X, axis).shape)


@pytest.mark.parametrize("axis", [-1, 0, None, ()])
def test_safe_functions_of_one_number(axis):
    for function, expected in zip(SAFE, (1.0, 0.0, 2.5, 1.0), strict=True):
        t = Tensor(2.5)
        value = function(t, axis)
        assert value.shape == ()
        assert value.item() == function(2.5, axis) == expected
        assert grad(value, t) == (function is lm.logsumexp)


@pytest.mark.parametrize("function", SAFE, ids=lambda f: f.__name__)
def test_nothing_has_no_softmax(function):
    for shape, axis in (((0,), -1), ((3, 0), -1), ((0, 3), 0), ((0, 3), None), ((2, 0, 3), (0, 1))):
        for z in (np.zeros(shape), Tensor(np.zeros(shape))):
            with pytest.raises(ValueError, match=rf"^{function.__name__} over no entries: .*axes"):
                function(z, axis)
    with pytest.raises(TypeError, match="axis is an integer, integers or None, not str"):
        function(Tensor(X), "rows")
    for axis in (3, -4, (0, 3), (0, 0)):
        with pytest.raises(ValueError, match="axis"):
            function(Tensor(X), axis)


INDICES = [
    Whole(1),
    (0, Whole(-1)),
    (Ellipsis, Whole(0)),
    slice(Whole(0), Whole(1)),
    (None, Whole(1), None),
    np.int8(1),
    np.array(1),
    True,
    np.True_,
    (True, 0),
    [],
    [[]],
    (Ellipsis, None),
    np.array([[0, 1], [1, 0]], np.uint8),
    ([Whole(0).__index__()], Ellipsis),
]


@in_one("key", INDICES, ids=lambda key: type(key).__name__)
def test_any_index(key):
    check(lambda x: x[key], X)


@in_one(
    "f",
    [
        lambda x: np.transpose(x, (np.int64(2), Whole(0), -2)),
        lambda x: np.transpose(x, [2, 0, 1]),
        lambda x: np.transpose(x, np.array([2, 0, 1])),
        lambda x: x.transpose(2, Whole(0), 1),
        lambda x: np.transpose(x.reshape(-1), 0),
        lambda x: np.transpose(x.reshape(-1), -1),
        lambda x: np.transpose(x.reshape(-1), Whole(0)),
        lambda x: np.reshape(x, Whole(12)),
        lambda x: np.reshape(x, [3, -1]),
        lambda x: x.reshape(np.array([4, 3])),
        lambda x: x.reshape(Whole(3), 4),
        lambda x: np.broadcast_to(x, (np.int8(2), 2, 3, 2)),
        lambda x: np.broadcast_to(x[0, 0, 0], ()),
        lambda x: np.squeeze(x[:1], np.int64(0)),
        lambda x: np.squeeze(x[:1], (Whole(0),)),
        lambda x: np.expand_dims(x, (np.int64(0), -1)),
        lambda x: np.swapaxes(x, Whole(0), np.int8(-1)),
        lambda x: np.moveaxis(x, Whole(0), -1),
        lambda x: np.take(x, True, axis=0),
        lambda x: np.take(x, [[1, 0]], axis=Whole(1)),
        lambda x: np.take(x, np.array([], np.intp)),
        lambda x: np.concatenate((x, x), Whole(1)),
        lambda x: np.stack([x, x], np.int64(-1)),
        lambda x: np.full_like(x, x[0, 0, 0]),
        lambda x: np.full_like(x, x[0], shape=(4, 3, 2)),
        lambda x: np.full_like(np.zeros_like(x), 2.0) * x,
        lambda x: np.where(x, x, 0),
        lambda x: np.clip(x, None, 0.8),
        lambda x: np.dot(x, True),
        lambda x: x * [[True, False]],
        lambda x: x**True,
        lambda x: np.uint8(2) ** x,
        lambda x: x @ np.array([True, False]),
        lambda x: np.add.reduce(x, Whole(1)),
        lambda x: np.cumsum(a=x, axis=Whole(0)),
        lambda x: x.cumprod(np.int8(-1)),
        lambda x: np.flip(x, Whole(1)),
        lambda x: np.roll(x, axis=(np.int8(0), 1), shift=np.int64(3)),
        lambda x: np.repeat(axis=np.int64(1), repeats=np.array([1, 0, 2]), a=x),
        lambda x: x.repeat(np.int8(2), axis=0),
        lambda x: np.tile(A=x, reps=np.array([2, 1])),
        lambda x: np.pad(array=x, pad_width=np.int8(1), constant_values=np.array(2)),
        lambda x: np.pad(x, ((1, 0),), mode="wrap"),
        lambda x: np.split(ary=x, indices_or_sections=np.array([1]), axis=Whole(1))[1],
        lambda x: np.hsplit(ary=x, indices_or_sections=3)[0],
        lambda x: np.diff(a=x, n=np.int64(1), axis=np.int8(-2), append=1),
        lambda x: np.append(arr=x, values=[[[1, 2]] * 3], axis=np.int64(0)),
        lambda x: np.diagonal(a=x, axis2=Whole(2), offset=np.int8(-1)),
        lambda x: x.trace(1, axis1=np.int64(-1)),
        lambda x: x.diagonal().copy(),
        lambda x: np.tril(m=x, k=np.int64(-1)) + np.triu(k=1, m=x),
        lambda x: np.diag(v=x[0, 0], k=np.int64(1)),
        lambda x: np.vstack(tup=([[1, 2]], x[0])),
        lambda x: np.take_along_axis(x, np.uint8([[[1]], [[0]]]), axis=Whole(1)),
        lambda x: np.take_along_axis(arr=x, indices=np.array([[[-1, 0]]]), axis=np.int8(0)),
        lambda x: np.sort(a=x, axis=Whole(0), kind="heapsort"),
        lambda x: np.median(x, (np.int64(0), Whole(2)), keepdims=True),
        lambda x: np.ptp(a=x, axis=np.int8(1)),
        lambda x: np.std(a=x, ddof=np.int64(1), axis=Whole(0)),
        lambda x: np.linalg.norm(x=x, axis=(Whole(0), np.int8(-1))),
        lambda x: np.linalg.norm(x, ord=np.int64(1), axis=np.int64(1), keepdims=True),
        lambda x: np.average(a=x, weights=[1, 2, 3], axis=np.int64(1)),
        lambda x: np.average(x, -1, x * x, returned=True)[1],
        lambda x: np.tensordot(a=x, axes=[[np.int64(0)], [np.int8(1)]], b=np.ones((3, 2))),
        lambda x: np.tensordot([[1, 2], [3, 4]], x, np.int64(1)),
        lambda x: np.inner([1, 2], x),
        lambda x: np.vdot(x, np.arange(12).reshape(4, 3)),
        lambda x: np.nan_to_num(x=x, posinf=1.0),
        lambda x: np.atleast_3d(x[0, 0]),
        lambda x: np.einsum("ijk,ij , k", x, [[1, 2, 3]] * 2, (1, True), optimize="optimal"),
    ],
)
def test_options_and_constants_that_numpy_takes(f):
    check(f, X)


def test_a_reduction_of_no_entries_over_any_axis():
    empty = np.zeros((0, 3))
    for function, axis in itertools.product((np.sum, np.prod), (None, 0, 1, -1, (0, 1), ())):
        check(lambda x, f=function, axis=axis: f(x, axis), empty)
    for function in (np.max, np.min, np.mean, np.var):
        check(lambda x, f=function: f(x, 1), empty)


@in_one(
    ("subscripts", "shapes"),
    [
        ("i,i", [(2,), (1,)]),
        ("i,i->i", [(1,), (3,)]),
        ("ij,jk", [(2, 1), (3, 2)]),
        ("ij,jk->", [(2, 3), (1, 1)]),
        ("ij,ij->j", [(1, 3), (2, 1)]),
        ("...i,i", [(2, 2, 1), (3,)]),
        ("ii,i", [(2, 2), (1,)]),
        ("ij,i", [(1, 2), (0,)]),
        ("i,ij->i", [(0,), (1, 2)]),
    ],
)
def test_einsum_broadcasts_an_axis_of_length_one_as_numpy_does(subscripts, shapes):
    args = [1.0 + np.arange(float(np.prod(shape))).reshape(shape) for shape in shapes]
    check(lambda *xs: np.einsum(subscripts, *xs), *args)
    tensors = [Tensor(a) for a in args]
    first = grad(np.einsum(subscripts, *tensors).sum(), tensors, create_graph=True)
    plain = grad(np.einsum(subscripts, *tensors).sum(), tensors)
    for g, expected in zip(first, plain, strict=True):
        np.testing.assert_array_equal(g.data, expected)
