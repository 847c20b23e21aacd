"""What is said beside a refusal: what to write in its place, and that it works."""

import re

import numpy as np
import pytest
from scipy import special

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, derivative, grad
from tinygrad_lossmix.engine.refusals import HABITS, INSTEAD, no_rule

X = np.array([[0.5, -1.5, 2.0], [1.0, 3.0, -0.25]])


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
    "write np.where(mask, x, t)": lambda t: np.where(t > 1.0, 0.0, t).sum(),
    "write lm.constant(t)": lambda t: lm.constant(t).sum(),
    "leave it out; arrays are NumPy's": lambda t: t.sum(),
    "leave it out; all axes but the last are a batch": lambda t: lm.softmax(t).sum(),
    "write lm.grad(f(t), t, seed=np.ones(t.shape))": (
        lambda t: lm.grad(np.tanh(t), t, seed=np.ones(t.shape)).sum()
    ),
    "a row is lm.grad(f(t), t, seed=unit), for each unit vector": (
        lambda t: np.sum([lm.grad(np.tanh(t[0]), t, seed=unit) for unit in np.eye(2)])
    ),
    "of g = lm.grad(cost, t, create_graph=True), a row is lm.grad(g, t, seed=unit)": (
        lambda t: lm.grad(lm.grad((t**3).sum(), t, create_graph=True), t, seed=X[:, :2]).sum()
    ),
    "lm.names() says what costs and layers of other libraries are called here": (
        lambda t: len(str(lm.names()))
    ),
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


@in_one("name", lm._HABITS)
def test_a_habit_from_elsewhere_is_answered_with_what_to_write_here(name):
    t, advice = Tensor(np.abs(X[:, :2])), lm._HABITS[name]
    assert np.isfinite(float(ADVICE[advice](t)))
    assert name not in dir(t) or name == "dtype"
    assert name not in dir(lm) or hasattr(lm, name)
    for owner in (t, Tensor, lm) if name in HABITS else (lm,):
        if not hasattr(owner, name):
            with pytest.raises(AttributeError, match=re.escape(advice)):
                getattr(owner, name)
    if name in HABITS and not hasattr(t, name):
        with pytest.raises(AttributeError, match=re.escape(advice)):
            setattr(t, name, True)


@pytest.mark.parametrize("more", [(), (0,), (Tensor(1.0),)])
def test_a_function_in_place_of_a_cost_is_differentiated_by_value_and_grad(more):
    with pytest.raises(TypeError, match=r"of a function, value_and_grad\(f\)\(x\)"):
        lm.grad(lambda x: x, *more)
    value, gradient = lm.value_and_grad(lambda x: (x * x).sum())(np.ones(2))
    assert (value, gradient.tolist()) == (2.0, [2.0, 2.0])


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


@in_one(
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
    np.testing.assert_array_equal(
        (t[:, None, :, None] * u[:, None]).reshape(len(t) * len(u), -1).data, np.kron(X, X)
    )
    np.testing.assert_array_equal(
        (t[0][None, :] * u[1][:, None]).data, np.multiply(*np.meshgrid(X[0], X[1]))
    )
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
