"""What a Tensor does not do, it says: functions without a rule, `out=`, silent conversion."""

import re

import numpy as np
import pytest
from scipy import special

import tinygrad_lossmix as lm
from tinygrad_lossmix import Tensor, derivative, grad
from tinygrad_lossmix.engine.refusals import HABITS, INSTEAD, no_rule

X = np.array([[0.5, -1.5, 2.0], [1.0, 3.0, -0.25]])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda t: np.cross(t, t), r"np\.cross has .*add one with lm\.derivative\(np\.cross, "),
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
        (lambda t: np.logaddexp.accumulate(t), "logaddexp.accumulate"),
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


ADVICE = {  # the advice as it is written, and that it does what was wanted
    "write t.data": lambda t: t.data.sum(),
    "write lm.Tensor(x)": lambda t: lm.Tensor(t.data).sum(),
    "write t.data.tolist()": lambda t: np.sum(t.data.tolist()),
    "write +t": lambda t: (+t).sum(),
    "write abs(t)": lambda t: abs(t).sum(),
    "write t.reshape(-1, 2)": lambda t: t.reshape(-1, 2).sum(),
    "write np.expand_dims(t, 0)": lambda t: np.expand_dims(t, 0).sum(),
    "write t.transpose(1, 0)": lambda t: t.transpose(1, 0).sum(),
    "write np.take_along_axis(t, y[:, None], -1)": lambda t: np.take_along_axis(
        t, np.array([0, 1])[:, None], -1
    ).sum(),
    "write np.linalg.norm(t)": lambda t: np.linalg.norm(t),
    "write np.maximum(t, 0.0)": lambda t: np.maximum(t, 0.0).sum(),
    "write lm.sigmoid(t)": lambda t: lm.sigmoid(t).sum(),
    "write lm.softmax(t)": lambda t: lm.softmax(t).sum(),
    "write lm.log_softmax(t)": lambda t: lm.log_softmax(t).sum(),
    "write lm.logsumexp(t)": lambda t: lm.logsumexp(t).sum(),
    "write lm.softplus(t)": lambda t: lm.softplus(t).sum(),
    "write .astype(np.float32)": lambda t: t.astype(np.float32).sum(),
    "write axis=, or t.ndim": lambda t: t.sum(axis=t.ndim - 1).sum(),
    "write keepdims=": lambda t: t.sum(keepdims=True).sum(),
    "write t.data for the values, lm.constant(t) for a constant that replays": (
        lambda t: lm.constant(t).sum() + t.data.sum()
    ),
    "plain arrays are not recorded; compute with t.data": lambda t: t.data.sum(),
    "every Tensor is differentiated; a constant is a plain array, or t.data": (
        lambda t: (lm.Tensor(t.data) * t.data).sum()
    ),
    "leave it out; backward() replaces .grad and adds nothing to it": (
        lambda t: [(t * 2.0).sum().backward(), (t * 2.0).sum().backward(), t.grad.mean() - 2.0][2]
    ),
}


@pytest.mark.parametrize("name", HABITS)
def test_a_habit_from_elsewhere_is_answered_with_what_to_write_here(name):
    t = Tensor(np.abs(X[:, :2]))
    assert np.isfinite(float(ADVICE[HABITS[name]](t)))
    assert name not in dir(t) or name == "dtype"
    assert name not in dir(lm) or hasattr(lm, name)
    for owner in (t, Tensor, lm):
        if not hasattr(owner, name):
            with pytest.raises(AttributeError, match=re.escape(HABITS[name])):
                getattr(owner, name)
    if not hasattr(t, name):
        with pytest.raises(AttributeError, match=re.escape(HABITS[name])):
            setattr(t, name, True)


def test_a_method_that_numpy_has_as_a_function_is_spelled_as_one():
    t = Tensor([0.4, 1.6])
    with pytest.raises(AttributeError, match=r"no attribute 'round': write np\.round\(t\)$"):
        t.round()
    assert np.round(t).tolist() == [0.0, 2.0]
    with pytest.raises(AttributeError, match=r"^'Tensor' object has no attribute 'foo'$"):
        _ = t.foo


def test_completion_shows_what_a_tensor_has_and_no_habits():
    t = Tensor([1.0])
    assert dir(t) == dir(Tensor)
    assert {"sum", "data", "grad", "mT"} < set(dir(t))
    assert not {"relu", "numpy", "detach", "round", "all"} & set(dir(t))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda t: Tensor(1.0, requires_grad=True), "Tensor does not take requires_grad: every "),
        (lambda t: Tensor(1.0, dtype=np.float32), r"Tensor does not take dtype: write \.astype"),
        (lambda t: t.sum(dim=0), r"Tensor\.sum does not take dim: write axis="),
        (lambda t: t.mean(0, keepdim=True), r"Tensor\.mean does not take keepdim: write keepdims="),
        (lambda t: t.sum(dtype=float), r"Tensor\.sum does not take dtype: write \.astype"),
        (lambda t: t.max(foo=1), r"Tensor\.max does not take foo$"),
        (lambda t: t.flatten("F"), r"flatten.* takes"),
        (lambda t: lm.softmax(t, dim=0), r"lm\.softmax does not take dim: write axis="),
        (lambda t: lm.softmax(t, keepdims=True), r"lm\.softmax does not take keepdims$"),
        (lambda t: np.ones((2, 3)).__iadd__(t), r"write a = np\.add\(a, t\), not in place"),
    ],
)
def test_an_option_from_elsewhere_is_named_as_it_was_typed(call, sentence):
    with pytest.raises(TypeError, match=sentence):
        call(Tensor(X))


def test_values_are_not_assigned_to():
    w = Tensor([1.0, 2.0])
    (w * w).sum().backward()
    with pytest.raises(AttributeError, match=r"write w = Tensor\(w\.data - 0\.1 \* w\.grad\)"):
        w.data = np.zeros(2)
    w = Tensor(w.data - 0.1 * w.grad)
    assert w.data.tolist() == [0.8, 1.6]


def test_a_function_that_hides_its_arguments_is_taken_to_have_two():
    assert str(no_rule(max)).count("lambda g, z, x, y: …") == 2


def test_advice_to_write_something_else_works():
    t, u, p = Tensor(X), Tensor(X), 3
    np.testing.assert_array_equal(
        np.vstack([np.hstack([t, u]), np.hstack([u, t])]).data, np.block([[X, X], [X, X]])
    )
    np.testing.assert_array_equal(np.stack([t, u]).data, [X, X])
    np.testing.assert_array_equal(np.broadcast_to(t[0, 0], (2, 3)).data, np.full_like(X, X[0, 0]))
    np.testing.assert_array_equal(np.sort(t[0])[1].data, np.quantile(X[0], 0.5))
    np.testing.assert_array_equal(np.median(t).data, np.percentile(X, 50))
    np.testing.assert_allclose((np.sum(abs(t) ** p) ** (1 / p)).data, np.linalg.norm(X.ravel(), p))
    np.testing.assert_array_equal(np.append(np.linspace(0, 0, 2), t).data[:2], [0, 0])
    np.testing.assert_array_equal(np.einsum("ij,jk->ik", t, u.T).data, (t @ u.T).data)
    t = Tensor(np.where(X > 2.5, np.nan, X))
    for function in INSTEAD:
        if not isinstance(function, str) and function.__name__.startswith("nan"):
            own = getattr(np, function.__name__[3:])
            assert f"np.{own.__name__}(t[~np.isnan(t)])" in INSTEAD[function]
            np.testing.assert_allclose(own(t[~np.isnan(t)]).data, function(t.data))


@pytest.mark.parametrize(
    ("function", "rules", "call"),
    [
        (
            np.polyval,
            (lambda g, z, x, y: g * y ** np.arange(2.0, -1.0, -1.0), None),
            lambda f, x: f(x, 1.5),
        ),
        (
            np.ldexp,
            (lambda g, z, x, y: np.ldexp(g, y), None),
            lambda f, x: (f(x, 3) * x).sum(),
        ),
    ],
)
def test_the_line_that_adds_a_rule_works_as_it_is_advised(function, rules, call):
    """As many rules as the refusal writes."""
    x = np.array([0.9, -0.7, 2.3])
    with pytest.raises(TypeError) as refused:
        call(function, Tensor(x))
    assert str(refused.value).count("lambda") == len(rules)
    derivative(function, *rules)
    t = Tensor(x)
    expected = [
        (call(function, x + h) - call(function, x - h)) / 2e-6 for h in 1e-6 * np.eye(3)
    ]  # fmt: skip
    np.testing.assert_allclose(grad(call(function, t), t), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "plain",
    [
        lambda x: np.unique(x),
        lambda x: np.isin(x, [2.0, 0.5]),
        lambda x: np.isreal(x),
        lambda x: np.array2string(x),
        lambda x: np.array_repr(x),
        lambda x: np.searchsorted([0.0, 1.0], x),
    ],
)
def test_what_wants_no_derivative_gives_plain_values(plain):
    np.testing.assert_array_equal(plain(Tensor(X)), plain(X))


def test_a_tensor_can_be_saved(tmp_path):
    np.save(tmp_path / "x.npy", Tensor(X))
    np.savez(tmp_path / "x.npz", x=Tensor(X))
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), X)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npz")["x"], X)


def test_an_operator_whose_function_was_given_a_rule_is_recorded_on_both_sides():
    t = Tensor(3.0)
    assert (float(grad(t % 2.0, t)), float(grad(7.0 % t, t))) == (1.0, -2.0)
    derivative(np.remainder, lambda g, z, x, y: 5.0 * g, lambda g, z, x, y: -6.0 * g)
    assert ((t % 2.0).item(), (7.0 % t).item()) == (1.0, 1.0)
    assert (float(grad(t % 2.0, t)), float(grad(7.0 % t, t))) == (5.0, -6.0)


def test_advice_on_what_gives_pairs_or_complex_numbers_works():
    t, x = Tensor(X), X
    for part, expected in zip((t // 0.3, t % 0.3), divmod(X, 0.3), strict=True):
        np.testing.assert_array_equal(part.data, expected)
    for f in (np.fft.fft, np.fft.ifft, np.fft.rfft):
        with pytest.raises(TypeError, match=rf"F is np\.fft\.{f.__name__}\(np\.eye\(n\)\)"):
            f(t)
        F = f(np.eye(3))
        np.testing.assert_allclose((t @ F.real).data, f(x).real, atol=1e-15)
        np.testing.assert_allclose((t @ F.imag).data, f(x).imag, atol=1e-15)
    for f in (np.linalg.svd, np.linalg.eig, np.linalg.eigh, np.linalg.qr):
        with pytest.raises(TypeError, match=r"several arrays.*compute plain values, of t\.data"):
            f(t)
        assert len(f(t.data[:, :2])) > 1


def test_scipys_softmax_never_asks_a_tensor_and_its_error_says_what_to_write():
    t = Tensor(X)
    for name in ("softmax", "log_softmax", "logsumexp"):
        with pytest.raises(TypeError, match=rf"for SciPy's: .*lm\.{name}\b"):
            getattr(special, name)(t, axis=-1)
        expected = getattr(special, name)(X, axis=-1)
        np.testing.assert_allclose(getattr(lm, name)(t).data, expected, rtol=1e-14)
