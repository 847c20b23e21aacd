"""What a Tensor does not do, it says: functions without a rule, `out=`, silent conversion."""

import numpy as np
import pytest
from scipy import special

from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor

X = np.array([[0.5, -1.5, 2.0], [1.0, 3.0, -0.25]])


@in_one(
    ("call", "match"),
    [
        (lambda t: np.cross(t, t), r"\(np\.cross, lambda g, z, x, y: …, lambda g, z, x, y: …\)"),
        (lambda t: np.spacing(t), r"np\.spacing .*derivative\(np\.spacing, lambda g, z, x: …\)"),
        (lambda t: np.nextafter(t, 1), r"np\.nextafter .*lambda g, z, x, y: …, lambda g, z, x, y"),
        (lambda t: np.ldexp(t, 1), r"np\.ldexp .*lambda g, z, x, y: …, lambda g, z, x, y: …\)"),
        (lambda t: np.linalg.inv(t), r"np\.linalg\.inv .*derivative\(np\.linalg\.inv"),
        (lambda t: np.fft.fft(t), r"np\.fft\.fft .*write t @ F\.real and t @ F\.imag, where F"),
        (lambda t: np.linalg.svd(t), r"np\.linalg\.svd .*several arrays.*of t\.data"),
        (lambda t: np.partition(t, 1), r"np\.partition has no derivative rule"),
        (lambda t: np.block([t, t]), r"np\.block .*np\.vstack\(\[t, u\]\)"),
        (lambda t: np.polyval(t[0], X), r"np\.polyval, lambda g, z, x, y: …, lambda g, z, x, y: …"),
        (lambda t: np.quantile(t, 0.5), r"np\.quantile has .*write np\.median\(t\)"),
        (lambda t: np.nanmean(t), r"np\.nanmean has .*np\.mean\(t\[~np\.isnan\(t\)\]\)"),
        (lambda t: np.copyto(np.ones((2, 3)), t), r"np\.copyto .*np\.broadcast_to\(t, shape\)"),
        (lambda t: np.full_like(X, t[0, 0]), r"np\.full_like.*np\.broadcast_to\(t, shape\)"),
        (lambda t: np.bincount([0, 1, 1], weights=t[0]), r"np\.bincount has no derivative rule"),
        (lambda t: np.histogram([0, 1, 1], weights=t[0]), r"np\.histogram has no derivative rule"),
        (lambda t: np.modf(t), r"np\.modf gives 2 arrays.*np\.modf of t\.data"),
        (lambda t: np.linspace(t, 1), r"np\.linspace has no derivative rule"),
        (lambda t: divmod(t, 2), r"np\.divmod has no derivative rule: write x // y and x % y"),
        (lambda t: divmod(2, t), r"np\.divmod has no derivative rule: write x // y and x % y"),
        (lambda t: np.frexp(t), r"np\.frexp gives 2 arrays"),
        (lambda t: special.gamma(t), r"gamma has no .*lm\.derivative\(gamma, lambda g, z, x: …\)"),
    ],
)  # fmt: skip
def test_a_function_without_a_rule_is_named_and_the_way_out_is_shown(call, match):
    with pytest.raises(TypeError, match=match):
        call(Tensor(X))


@pytest.mark.parametrize("operator", ["<<", "&"])
def test_operators_without_a_rule_are_refused(operator):
    with pytest.raises(TypeError, match="unsupported operand"):
        eval(f"t {operator} 2", {"t": Tensor(X)})


OUT = np.zeros((2, 3))


@in_one(
    "call",
    [
        lambda t: np.exp(t, out=OUT),
        lambda t: np.exp(t, OUT),
        lambda t: np.exp(X, out=t),
        lambda t: np.add(X, t, out=OUT),
        lambda t: np.sum(t, axis=0, out=OUT[0]),
        lambda t: np.sum(t, 0, None, OUT[0]),
        lambda t: np.add.reduce(t, out=OUT[0]),
        lambda t: np.clip(t, 0, 1, out=OUT),
        lambda t: np.clip(t, 0, 1, OUT),
        lambda t: np.matmul(t, X.T, out=np.zeros((2, 2))),
        lambda t: np.dot(t, X.T, out=np.zeros((2, 2))),
        lambda t: np.dot(t, X.T, np.zeros((2, 2))),
        lambda t: np.concatenate([t, t], out=np.zeros((4, 3))),
        lambda t: np.stack([t, t], out=np.zeros((2, 2, 3))),
        lambda t: np.take(t, [0], out=np.zeros(1)),
        lambda t: np.einsum("ij->i", t, out=np.zeros(2)),
        lambda t: np.floor(t, out=OUT),
        lambda t: OUT.__iadd__(t),
        lambda t: OUT.__imul__(t),
    ],
)
def test_out_is_refused_and_left_alone(call):
    with pytest.raises(TypeError):
        call(Tensor(X))
    np.testing.assert_array_equal(OUT, 0.0)


def test_the_refusal_of_out_says_why_and_what_to_do():
    with pytest.raises(TypeError, match=r"np\.exp\(…, out=…\) would overwrite .*drop out="):
        np.exp(Tensor(X), out=OUT)


def test_out_none_is_no_out():
    t = Tensor(X)
    np.testing.assert_array_equal(np.exp(t, out=None).data, np.exp(X))
    np.testing.assert_array_equal(np.sum(t, axis=0, out=None).data, X.sum(axis=0))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda t: np.add.at(X.copy(), 0, t[0]), "add.at"),
        (lambda t: np.add.at(t, 0, 1.0), "add.at"),
        (lambda t: np.add.accumulate(t), "add.accumulate"),
        (lambda t: np.multiply.accumulate(t, 1), "multiply.accumulate"),
        (lambda t: np.add.reduceat(t, [0, 1]), "add.reduceat"),
        (lambda t: np.multiply.outer(t, t), "multiply.outer"),
        (lambda t: np.subtract.reduce(t), "subtract.reduce"),
        (lambda t: np.logaddexp.accumulate(t), "logaddexp.accumulate"),
    ],
)
def test_other_methods_of_ufuncs_are_refused_with_advice(call, name):
    with pytest.raises(TypeError, match=rf"np\.{name} has no derivative rule.*t\.data"):
        call(Tensor(X))


@in_one(
    "call",
    [
        lambda t: np.asarray(t),
        lambda t: np.array(t),
        lambda t: np.array([t, t]),
        lambda t: np.array([t, t], dtype=object),
        lambda t: np.array([t[0, 0], 1.0]),
        lambda t: np.array([t[0, 0], 1.0], dtype=float),
        lambda t: np.asarray(t, dtype=float),
        lambda t: np.ascontiguousarray(t),
        lambda t: np.vectorize(lambda x: 2 * x)(t),
        lambda t: np.full(3, t),
        lambda t: np.sum([t, t]),
        lambda t: np.arange(t),
        lambda t: np.zeros((2, 3)).__setitem__(slice(None), t),
        lambda t: np.zeros(3).__setitem__(slice(1), t[0]),
    ],
)
def test_a_tensor_never_turns_into_an_array_by_itself(call):
    with pytest.raises(TypeError, match=r"use t\.data for its values, np\.stack"):
        call(Tensor(X))


@in_one(
    ("call", "option"),
    [
        (lambda t: np.add(t, 1, dtype=np.float32), "dtype"),
        (lambda t: np.exp(t, where=X > 0), "where"),
        (lambda t: np.sum(t, dtype=np.float32), "dtype"),
        (lambda t: np.sum(t, initial=1.0), "initial"),
        (lambda t: np.sum(t, where=X > 0), "where"),
        (lambda t: np.sum(t, where=False), "where"),
        (lambda t: np.add.reduce(t, initial=1.0), "initial"),
        (lambda t: np.max(t, initial=0.0), "initial"),
        (lambda t: np.var(t, correction=1), "correction"),
        (lambda t: np.reshape(t, (3, 2), order="F"), "order"),
        (lambda t: np.ravel(t, order="F"), "order"),
        (lambda t: np.broadcast_to(t, (2, 2, 3), subok=True), "subok"),
        (lambda t: np.take(t, [9], mode="wrap"), "mode"),
        (lambda t: np.concatenate([t, t], dtype=np.float32), "dtype"),
        (lambda t: np.stack([t, t], dtype=np.float32), "dtype"),
        (lambda t: np.einsum("ij->i", t, order="F"), "order"),
        (lambda t: np.pad(t, 1, mode="linear_ramp"), "not take mode='linear_ramp': it takes const"),
        (lambda t: np.pad(t, 1, constant_values=(1, 2)), "does not take several constant_values: "),
        (lambda t: np.pad(t, 1, "reflect", reflect_type="odd"), "reflect_type"),
        (lambda t: np.linalg.norm(t, 3, axis=0), r"not take ord=3: .* write .*\(abs\(t\) \*\* p\)"),
        (lambda t: np.linalg.norm(t, "nuc"), "not take ord='nuc': it takes None, 'fro' and, over"),
        (lambda t: np.std(t, correction=1), "correction"),
        (lambda t: np.cumsum(t, dtype=np.float32), "dtype"),
        (lambda t: np.trace(t, dtype=np.float32), "dtype"),
        (lambda t: np.sort(t, order="x"), "order"),
        (lambda t: np.vstack([t, t], dtype=np.float32), "dtype"),
        (lambda t: np.median(t, overwrite_input=True), "overwrite_input"),
        (lambda t: np.clip(t, 0, 1, dtype=np.float32), "dtype"),
    ],
)
def test_options_that_are_not_supported_are_named(call, option):
    with pytest.raises(TypeError, match=option):
        call(Tensor(X))


def test_einsum_of_numbered_axes_is_refused():
    with pytest.raises(TypeError, match=r"np\.einsum on Tensors takes letters, then operands"):
        np.einsum(Tensor(X), [0, 1], [0])


@in_one(
    "call",
    [
        lambda x: np.broadcast_to(x, (3,)),
        lambda x: np.broadcast_to(x[:1], (3,)),
        lambda x: np.broadcast_to(x[:1, None], (1, 3)),
        lambda x: np.broadcast_to(x, (2, 4)),
        lambda x: np.take(x, [0], axis=5),
        lambda x: np.take(x, [0], axis=-3),
        lambda x: np.take(x, [7]),
        lambda x: np.concatenate([x, x], axis=2),
        lambda x: np.concatenate([x, x], axis=-3),
        lambda x: np.concatenate([x, x[0]]),
        lambda x: np.concatenate([x, 1.0]),
        lambda x: np.concatenate([x, x[:, :2]]),
        lambda x: np.stack([x, x[0]]),
        lambda x: np.stack([x, x[:, :2]]),
        lambda x: np.stack([x, x], axis=4),
        lambda x: np.sum(x, axis=2),
        lambda x: np.max(x, axis=(0, 0)),
        lambda x: np.reshape(x, (4, 2)),
        lambda x: np.squeeze(x, axis=0),
        lambda x: np.expand_dims(x, 5),
        lambda x: np.swapaxes(x, 0, 2),
        lambda x: np.moveaxis(x, 0, 2),
        lambda x: np.transpose(x, (0, 1, 2)),
        lambda x: np.dot(x, x),
        lambda x: np.einsum("ij,ij", x),
        lambda x: np.einsum("ij", x, x),
        lambda x: np.einsum("i->i", x),
        lambda x: np.einsum("ij->k", x),
        lambda x: np.einsum("ij,jk,kl->il", x, x, x),
        lambda x: np.einsum("ij,ij,ij->i", x, x),
        lambda x: np.repeat(x, [1, 2, 3], axis=0),
        lambda x: np.repeat(x, 2, axis=2),
        lambda x: np.roll(x, 1, axis=2),
        lambda x: np.flip(x, (0, 0)),
        lambda x: np.fliplr(x[0]),
        lambda x: np.split(x, 2, axis=1),
        lambda x: np.split(x, 2, axis=2),
        lambda x: np.vsplit(x[0], 1),
        lambda x: np.dsplit(x, 1),
        lambda x: np.pad(x, -1),
        lambda x: np.pad(x, (1, 2, 3)),
        lambda x: np.hstack([x, x[:1]]),
        lambda x: np.append(x, x[0], axis=0),
        lambda x: np.diff(x, -1),
        lambda x: np.diff(x, axis=2),
        lambda x: np.diag(x[None]),
        lambda x: np.diagonal(x[0]),
        lambda x: np.trace(x, axis1=1, axis2=1),
        lambda x: np.take_along_axis(x, np.array([0, 1]), 1),
        lambda x: np.take_along_axis(x, np.array([[0.5], [1.0]]), 1),
        lambda x: np.take_along_axis(x, np.array([[3], [0]]), 1),
        lambda x: np.sort(x, axis=2),
        lambda x: np.median(x, axis=2),
        lambda x: np.cumsum(x, axis=2),
        lambda x: np.cumprod(x, axis=2),
        lambda x: np.std(x, axis=2),
        lambda x: np.average(x, weights=[1.0, 2.0, 3.0]),
        lambda x: np.average(x, 1, weights=[1.0]),
        lambda x: np.average(x, 0, weights=[[1.0, 2.0, 3.0]]),
        lambda x: np.average(x, 0, weights=[1.0, -1.0]),
        lambda x: np.tensordot(x, x, 1),
        lambda x: np.tensordot(x.T, x.T, ([0, 1], [1, 0])),
        lambda x: np.tensordot(x, x.T, 2),
        lambda x: np.tensordot(x, x, ([0, 1], [1, 0])),
        lambda x: np.tensordot(x, x, ([0, 1], [0])),
        lambda x: np.inner(x, x[:, :2]),
        lambda x: np.vdot(x, x[0]),
        lambda x: np.broadcast_arrays(x, x[:, :2]),
        lambda x: np.einsum("...j->j", x),
        lambda x: np.einsum("...j,j->j", x, x[0]),
        lambda x: np.einsum("ii->i", x),
        lambda x: x + x[:, :2],
    ],
)
def test_what_numpy_refuses_a_tensor_refuses(call):
    kinds = (ValueError, IndexError, TypeError, ZeroDivisionError)
    with pytest.raises(kinds) as on_array:
        call(X)
    with pytest.raises(kinds) as on_tensor:
        call(Tensor(X))
    assert any(on_array.errisinstance(k) and on_tensor.errisinstance(k) for k in kinds)
