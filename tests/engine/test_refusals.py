"""What a Tensor does not do, it says: functions without a rule, `out=`, silent conversion."""

import numpy as np
import pytest

from tinygrad_lossmix import Tensor

X = np.array([[0.5, -1.5, 2.0], [1.0, 3.0, -0.25]])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda t: np.cumsum(t), r"np\.cumsum has .*add one with lm\.derivative\(np\.cumsum, "),
        (lambda t: np.arctan(t), r"np\.arctan .*derivative\(np\.arctan, lambda g, z, x: …\)"),
        (lambda t: np.arctan2(t, 1), r"np\.arctan2 .*lambda g, z, x, y: …, lambda g, z, x, y: …\)"),
        (lambda t: np.hypot(1, t), r"np\.hypot .*lambda g, z, x, y: …, lambda g, z, x, y: …\)"),
        (lambda t: np.linalg.norm(t), r"np\.linalg\.norm .*derivative\(np\.linalg\.norm"),
        (lambda t: np.fft.fft(t), r"np\.fft\.fft .*np\.fft\.fft\(t\.data\)"),
        (lambda t: np.sort(t), r"np\.sort has no derivative rule"),
        (lambda t: np.vstack([t, t]), r"np\.vstack has no derivative rule"),
        (lambda t: np.copyto(np.ones((2, 3)), t), r"np\.copyto has no derivative rule"),
        (lambda t: np.linspace(t, 1), r"np\.linspace has no derivative rule"),
        (lambda t: np.mod(t, 2), r"np\.remainder has no derivative rule"),
    ],
)  # fmt: skip
def test_a_function_without_a_rule_is_named_and_the_way_out_is_shown(call, match):
    with pytest.raises(TypeError, match=match):
        call(Tensor(X))


@pytest.mark.parametrize("operator", ["//", "%", "<<", "&"])
def test_operators_without_a_rule_are_refused(operator):
    with pytest.raises(TypeError, match="unsupported operand"):
        eval(f"t {operator} 2", {"t": Tensor(X)})


OUT = np.zeros((2, 3))


@pytest.mark.parametrize(
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
        (lambda t: np.logaddexp.reduce(t), "logaddexp.reduce"),
    ],
)
def test_other_methods_of_ufuncs_are_refused_with_advice(call, name):
    with pytest.raises(TypeError, match=rf"np\.{name} has no derivative rule.*t\.data"):
        call(Tensor(X))


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    ("call", "option"),
    [
        (lambda t: np.add(t, 1, dtype=np.float32), "dtype"),
        (lambda t: np.exp(t, where=X > 0), "where"),
        (lambda t: np.sum(t, dtype=np.float32), "dtype"),
        (lambda t: np.sum(t, initial=1.0), "initial"),
        (lambda t: np.sum(t, where=X > 0), "where"),
        (lambda t: np.add.reduce(t, initial=1.0), "initial"),
        (lambda t: np.max(t, initial=0.0), "initial"),
        (lambda t: np.var(t, correction=1), "correction"),
        (lambda t: np.reshape(t, (3, 2), order="F"), "order"),
        (lambda t: np.ravel(t, order="F"), "order"),
        (lambda t: np.broadcast_to(t, (2, 2, 3), subok=True), "subok"),
        (lambda t: np.take(t, [9], mode="wrap"), "mode"),
        (lambda t: np.concatenate([t, t], dtype=np.float32), "dtype"),
        (lambda t: np.stack([t, t], dtype=np.float32), "dtype"),
        (lambda t: np.einsum("ij->i", t, optimize=True), "optimize"),
        (lambda t: np.clip(t, 0, 1, dtype=np.float32), "dtype"),
    ],
)
def test_options_that_are_not_supported_are_named(call, option):
    with pytest.raises(TypeError, match=option):
        call(Tensor(X))


@pytest.mark.parametrize(
    "call",
    [
        lambda t: np.einsum("ij,ij,ij->", t, t, t),
        lambda t: np.einsum(t, [0, 1], [0]),
    ],
)
def test_einsum_of_other_forms_is_refused(call):
    with pytest.raises(TypeError, match=r"np\.einsum on Tensors takes a subscripts string and"):
        call(Tensor(X))


@pytest.mark.parametrize(
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
        lambda x: np.einsum("...j->j", x),
        lambda x: np.einsum("...j,j->j", x, x[0]),
        lambda x: np.einsum("ii->i", x),
        lambda x: x + x[:, :2],
    ],
)
def test_what_numpy_refuses_a_tensor_refuses(call):
    with pytest.raises((ValueError, IndexError, TypeError)) as on_array:
        call(X)
    with pytest.raises((ValueError, IndexError, TypeError)) as on_tensor:
        call(Tensor(X))
    kinds = (ValueError, IndexError, TypeError)
    assert any(on_array.errisinstance(k) and on_tensor.errisinstance(k) for k in kinds)
