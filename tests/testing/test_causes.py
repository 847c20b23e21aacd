"""The cause of a wrong gradient is named, however cost and gradient are spelled, or none is."""

import math
from itertools import product

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import thinned
from tests.helpers.spellings import transposed
from tinygrad_lossmix.testing import gradcheck

RNG = np.random.default_rng(5)
N, K, D, H, L = 5, 3, 4, 4, 0.1
Z = RNG.normal(size=(N, K))
C = np.array([0, 2, 1, 1, 0])
Y = np.eye(K)[C]
X = RNG.normal(size=(N, D))
W = RNG.normal(size=(D, K))
V = RNG.normal(size=(D, H))
U = RNG.normal(size=(H, K))


def bernoulli(a):
    return -(Y * np.log(a) + (1 - Y) * np.log(1 - a)).sum(axis=1).mean()


def hand(z):
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def shifted(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def reciprocal(z):
    e = np.exp(z)
    return e * (1 / e.sum(axis=1)[:, None])


LL = {
    "one node": lambda z: lm.Mix("softmax", "ll").cost(z, Y),
    "the book's graph": lambda z: lm.Mix("softmax", "ll").composed(z, C),
    "log_softmax": lambda z: -(Y * lm.log_softmax(z)).sum(axis=-1).mean(),
    "by hand": lambda z: -(Y * np.log(hand(z))).sum() / N,
    "shifted": lambda z: -np.mean(np.sum(Y * np.log(shifted(z)), axis=1)),
    "picked": lambda z: -np.log(hand(z)[np.arange(N), C]).mean(),
    "logsumexp": lambda z: (lm.logsumexp(z) - (z * Y).sum(axis=-1)).mean(),
    "log of a sum": lambda z: (np.log(np.exp(z).sum(axis=-1)) - z[np.arange(N), C]).mean(),
    "times 1/n": lambda z: (1 / N) * -(np.log(transposed(z)) * Y).sum(),
    "reciprocal": lambda z: -(Y * np.log(reciprocal(z))).sum(axis=1).sum() / N,
}
CE = {
    "one node": lambda z: lm.Mix("sigmoid", "ce").cost(z, Y),
    "the book's graph": lambda z: lm.Mix("sigmoid", "ce").composed(z, Y),
    "computed once": lambda z: bernoulli(lm.sigmoid(z)),
    "by hand": lambda z: bernoulli(1 / (1 + np.exp(-z))),
    "computed twice": lambda z: (
        -(Y * np.log(lm.sigmoid(z)) + (1 - Y) * np.log(1 - lm.sigmoid(z))).sum() / N
    ),
}
SUMMED = {
    name: cost for name, cost in LL.items() if not name.startswith("log") and name != "picked"
}
SOFTMAXES = {
    "softmax": lm.softmax, "book": lm.book.softmax, "by hand": hand, "shifted": shifted,
    "transposed": transposed, "reciprocal": reciprocal,
}  # fmt: skip
SIGMOIDS = {
    "sigmoid": lm.sigmoid,
    "book": lm.book.sigmoid,
    "by hand": lambda z: 1 / (1 + np.exp(-z)),
    "e^z/(1 + e^z)": lambda z: np.exp(z) / (1 + np.exp(z)),
    "minus one times": lambda z: 1 / (1 + np.exp(-1.0 * z)),
}
QUADRATICS = {
    "mean": lambda a: 0.5 * ((a - Y) ** 2).sum(axis=-1).mean(),
    "/ 2n": lambda a: np.square(a - Y).sum() / (2 * N),
}


def quadratic(layers):
    return {
        f"{name}, {how}": lambda z, layer=layer, cost=cost: cost(layer(z))
        for name, layer in layers.items()
        for how, cost in QUADRATICS.items()
    }


def of(z):
    return lm.softmax(z) - Y


def error(z):
    return (lm.sigmoid(z) - Y) / N


def slope(z):
    return lm.sigmoid(z) * (1 - lm.sigmoid(z))


def diagonal(z):
    return (lm.softmax(z) - Y) * lm.softmax(z) * (1 - lm.softmax(z)) / N


# fault: spellings of the cost, the gradient by hand, a word of the cause
FAULTS = {
    "no 1/n": (LL, lambda z: of(z), "n, the number of examples"),
    "1/K besides": (SUMMED, lambda z: of(z) / N / K, "K, the number of outputs"),
    "the sign": (LL, lambda z: -of(z) / N, "the sign"),
    "softmax over the examples": (
        LL, lambda z: (lm.softmax(z, axis=0) - Y) / N, "over the examples"),
    "softmax over the batch": (
        LL, lambda z: (np.exp(z) / np.exp(z).sum() - Y) / N, "over the whole batch"),
    "labels from 1": (LL, lambda z: (lm.softmax(z) - np.roll(Y, 1, axis=1)) / N, "off by one"),
    "class numbers": (LL, lambda z: (lm.softmax(z) - C[:, None]) / N, "class numbers"),
    "only the diagonal": (quadratic(SOFTMAXES), diagonal, "off-diagonal"),
    "no Jacobian": (quadratic(SOFTMAXES), lambda z: of(z) / N, "softmax's Jacobian is missing"),
    "no σ'(z)": (quadratic(SIGMOIDS), error, "the factor sigma'(z) = a(1 - a) is missing"),
    "z(1 - z)": (quadratic(SIGMOIDS), lambda z: error(z) * z * (1 - z), "z(1 - z) in place"),
    "σ'(a)": (
        quadratic(SIGMOIDS), lambda z: error(z) * slope(lm.sigmoid(z)), "sigma'(a) in place"),
    "σ'(z) twice": (quadratic(SIGMOIDS), lambda z: error(z) * slope(z) ** 2, "once too often"),
    "softmax for sigmoid": (CE, lambda z: of(z) / N, "softmax was taken"),
    "sigmoid for softmax": (LL, error, "sigmoid was taken"),
    "dC/da of CE": (CE, lambda z: error(z) / slope(z), "sigma'(z) = a(1 - a) is missing"),
    "no ½": (quadratic(SIGMOIDS), lambda z: 2 * error(z) * slope(z), "½"),
}  # fmt: skip


# A network with a hidden layer of any kind, and its gradients without the factor of that layer.


def net(layer):
    return lambda v, u: -(Y * np.log(hand(layer(X @ v) @ u))).sum(axis=1).mean()


def without_factor(layer):
    def both(v, u):
        h = layer(X @ v)
        e = (lm.softmax(h @ u) - Y) / N
        return X.T @ (e @ u.T), h.T @ e

    return both


HIDDEN = {
    **SIGMOIDS, "tanh": np.tanh, "softplus": lm.softplus, "square": np.square,
    "relu": lambda z: np.maximum(z, 0.0), "relu by where": lambda z: np.where(z > 0, z, 0.0),
    "relu by a product": lambda z: z * (z > 0),
}  # fmt: skip


@pytest.mark.parametrize("name", thinned(HIDDEN, 2))
def test_a_missing_factor_of_a_hidden_layer_is_named(name):
    layer = HIDDEN[name]
    report = gradcheck((net(layer), without_factor(layer)), V, U, method="central")
    assert not report
    (cause,) = report.causes
    assert cause.startswith("argument v: the factor ")
    assert "is missing" in cause


# A data term with weight decay: what is wrong with one of them.
REGULARISED = {
    "halves": lambda w: lm.Mix("softmax", "ll").cost(X @ w, Y) + L / 2 * (w * w).sum(),
    "by hand": lambda w: -(Y * np.log(hand(X @ w))).sum() / N + 0.5 * L * np.sum(w**2),
    "means": lambda w: -(Y * lm.log_softmax(X @ w)).sum(-1).mean() + L * np.square(w).sum() / 2,
}
TERMS = {
    "no 1/n on the data term": (lambda w: X.T @ of(X @ w) + L * w, "n, the number of examples"),
    "no weight decay": (lambda w: X.T @ of(X @ w) / N, "of the sum"),
    "the sign of the data term": (lambda w: L * w - X.T @ of(X @ w) / N, "the sign of what"),
    "2 of the square": (lambda w: X.T @ of(X @ w) / N + 2 * L * w, "½"),
}


@pytest.mark.parametrize(("spelling", "fault"), thinned(product(REGULARISED, TERMS), 3))
def test_a_fault_in_one_term_is_named(spelling, fault):
    by_hand, word = TERMS[fault]
    report = gradcheck((REGULARISED[spelling], by_hand), W, method="central")
    assert not report
    assert [word in cause for cause in report.causes] == [True]


def tanh_of_a_product(x, w):
    return np.tanh(x @ w).sum()


def g(x, w):
    return 1 - np.tanh(x @ w) ** 2


PRODUCTS = {
    "g @ w": (lambda x, w: (g(x, w) @ w, x.T @ g(x, w)), ["x"]),
    "w @ g": (lambda x, w: (w @ g(x, w), x.T @ g(x, w)), ["x"]),
    "x @ g": (lambda x, w: (g(x, w) @ w.T, x @ g(x, w)), ["w"]),
    "g @ x": (lambda x, w: (g(x, w) @ w.T, g(x, w) @ x), ["w"]),
    "both": (lambda x, w: (g(x, w) @ w, x @ g(x, w)), ["x", "w"]),
}


@pytest.mark.parametrize("fault", PRODUCTS)
def test_a_missing_transpose_is_named_with_its_argument(fault):
    by_hand, wrong = PRODUCTS[fault]
    report = gradcheck((tanh_of_a_product, by_hand), X[:3, :3], W[:3], method="central")
    assert [cause.split(":")[:2] for cause in report.causes] == [
        [f"argument {name}", " a transpose is missing"] for name in wrong
    ]


def test_a_product_that_does_not_fit_names_the_transpose():
    for wrong in (lambda x: g(x, W) @ W, lambda x: np.dot(W, g(x, W))):
        report = gradcheck((lambda x: tanh_of_a_product(x, W), wrong), X)
        assert "a transpose is missing" in report.causes[0]


def test_two_faults_in_two_arguments_are_named_with_each():
    pair = lambda x, w: (x * w**2).sum(), lambda x, w: (-(w**2), x * w)
    first, second = gradcheck(pair, X, X + 1.0).causes
    assert first == "argument x: the sign: it is minus the derivative"
    assert second.startswith("argument w: the factor 2 of the derivative of x^2 is missing")


def test_gradients_in_another_order_are_named():
    pair = (lambda x, w: np.tanh(x @ w).sum()), (lambda x, w: (x.T @ g(x, w), g(x, w) @ w.T))
    for x, w in ((X[:3, :3], W[:3]), (X, W)):
        (cause,) = gradcheck(pair, x, w, method="central").causes
        assert cause == "the gradients are returned in another order than the arguments"


def test_gradients_that_are_almost_right_are_in_the_right_order():
    pair = (lambda x, w: (x * w).sum()), (lambda x, w: (w * (1 + 1e-9), x * (1 + 1e-9)))
    first, second = gradcheck(pair, X, X).causes
    assert (
        first == "argument x: every entry is off by the same relative 1e-09: a constant is inexact"
    )
    assert second.startswith("argument w: every entry is off")


# Wrong by something that has nothing to do with the cost: no name for it.
UNRELATED = {
    "4 at sigma'(0) = 1/4": (lambda z: lm.sigmoid(z).sum(), lambda z: 4 * slope(z), np.zeros(3)),
    "4 at a number": (lambda z: lm.sigmoid(z), lambda z: 4 * slope(z), np.array(0.0)),
    "4 without a sigmoid": (lambda z: (3 * z).sum(), lambda z: 12 + 0 * z, np.zeros(3)),
    "2 of two rows": (lambda z: (z * z).sum(), lambda z: 4 * z, X[:2]),
    "n of a sum": (lambda z: np.exp(z).sum(), lambda z: N * np.exp(z), X),
    "2 of five rows": (LL["one node"], lambda z: 2 * of(z) / N, Z),
    "½": (LL["by hand"], lambda z: 0.5 * of(z) / N, Z),
    "3.3": (LL["picked"], lambda z: 3.3 * of(z) / N, Z),
    "π": (lambda z: np.tanh(z).sum(), lambda z: np.pi * (1 - np.tanh(z) ** 2), Z),
}
UNLIKE = {
    "an offset": (lambda z: np.sin(z).sum(), lambda z: np.cos(z) + 1e-3, X),
    "noise": (LL["one node"], lambda z: of(z) / N + 0.01 * np.sin(99 * z), Z),
    "another function": (lambda z: np.tanh(z).sum(), lambda z: np.exp(-z * z), X),
}


@pytest.mark.parametrize("name", thinned({**UNRELATED, **UNLIKE}, 2))
def test_what_has_no_known_cause_gets_no_name(name):
    f, by_hand, x = {**UNRELATED, **UNLIKE}[name]
    report = gradcheck((f, by_hand), x)
    assert not report
    assert [cause[:18] for cause in report.causes] == ["a constant factor:"] * (name in UNRELATED)


CUTS = {
    "float of the cost": lambda z: float((z * z).sum()),
    "float within": lambda z: (z * z).sum() * float((z * z).sum()),
    "math.log": lambda z: math.log((z * z).sum()),
    ".data": lambda z: (z.data * z).sum(),
    "item": lambda z: z[0].item() * z.sum(),
}


@pytest.mark.parametrize("name", CUTS)
def test_a_cut_graph_is_named(name):
    report = gradcheck(CUTS[name], [1.0, 2.0])
    assert not report
    assert [cause[:18] for cause in report.causes] == ["the graph was cut:"]


@pytest.mark.parametrize(
    ("cost", "z", "pattern"),
    [
        (lambda z: -np.log(hand(z))[0], [1000.0, 0.0], "use lm.softmax(u) or lm.stabilize"),
        (lambda z: -np.log(shifted(z))[0], [-800.0, 0.0], "use lm.log_softmax(u) or lm.stab"),
        (lambda z: -np.log(1 - SIGMOIDS["by hand"](z)).sum(), [30.0], "1 - sigmoid(u) at node"),
        (lambda z: SIGMOIDS["by hand"](z).sum(), [-800.0], "lm.sigmoid(u) or lm.stabilize"),
    ],
)
def test_an_unstable_pattern_is_named_with_what_to_use(cost, z, pattern):
    (cause,) = gradcheck(cost, z).causes
    assert pattern in cause


def test_a_constant_is_no_cut():
    wrong = lm.derivative(lambda x: x + 0.0, lambda g, z, x: 3 * g)
    report = gradcheck(lambda x: (wrong(x) * lm.constant(x)).sum(), X)
    assert report.causes == ["a constant factor: it is 3 times the derivative"]


def test_a_guess_needs_no_other_values_where_there_are_none():
    f = lambda x: np.sqrt(1 - x @ x) if np.ptp(x) > 0.1 else math.nan
    report = gradcheck((f, lambda x: x / f(x)), np.array([0.1, 0.99]))
    assert report.causes == ["the sign: it is minus the derivative"]


def test_a_wrong_rule_is_blamed_with_its_cause():
    cube = lm.derivative(lambda x: x**3, lambda g, z, x: -3 * g * x * x)
    assert gradcheck(lambda t: cube(t).sum(), X).blame.endswith(
        "the sign: it is minus the derivative"
    )


CASES = [(fault, spelling) for fault, (costs, _, _) in FAULTS.items() for spelling in costs]


@pytest.mark.parametrize(("fault", "spelling"), thinned(CASES, 20))
def test_the_fault_of_a_student_is_named_however_the_cost_is_spelled(fault, spelling):
    costs, by_hand, word = FAULTS[fault]
    report = gradcheck((costs[spelling], by_hand), Z, method="central")
    assert not report
    assert [word in cause for cause in report.causes] == [True]
