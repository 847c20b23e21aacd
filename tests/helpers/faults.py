"""Faults to plant: in copies of the engine's rules, and in gradients written by hand."""

import numpy as np

from tinygrad_lossmix import Mix, Tensor, book, sigmoid, softmax
from tinygrad_lossmix.engine.rules import getitem, lift
from tinygrad_lossmix.mixes import outputs

X = np.array([[0.4, -1.2, 0.7], [1.5, 0.3, -0.6]])
W = np.array([[0.2, 0.5], [-0.4, 0.9], [0.8, -0.1]])
V = np.array([0.7, -0.3, 1.1])
Y = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
POSITIVE = np.abs(X) + 0.5


def in_place(g, z, x):
    """Writes into the gradient that it was given."""
    g *= z
    return g


def remembering():
    """A rule that answers differently every time."""
    calls = []

    def rule(g, z, x):
        calls.append(1)
        return g * z * len(calls)

    return rule


# name, function of the table, its rules, f, inputs
RULES = {
    "sign of exp": (np.exp, [lambda g, z, x: -g * z], lambda x: np.exp(x).sum(), [X]),
    "sign of the right of subtract": (
        np.subtract, [lambda g, z, x, y: g, lambda g, z, x, y: g], lambda x, y: (x - y * y).sum(),
        [X, X + 1]),
    "factor 2 of square": (np.square, [lambda g, z, x: g * x], lambda x: np.square(x).sum(), [X]),
    "factor ½ of sqrt": (np.sqrt, [lambda g, z, x: g / z], lambda x: np.sqrt(x).sum(), [POSITIVE]),
    "relative 1e-9 in exp": (
        np.exp, [lambda g, z, x: g * z * (1 + 1e-9)], lambda x: np.exp(x).sum(), [X]),
    "relative 1e-9 in tanh": (
        np.tanh, [lambda g, z, x: g * (1 - z * z * (1 - 1e-9))], lambda x: np.tanh(x).sum(), [X]),
    "relative 1e-12 in log": (
        np.log, [lambda g, z, x: g / x * (1 + 1e-12)], lambda x: np.log(x).sum(), [POSITIVE]),
    "z for x in log": (np.log, [lambda g, z, x: g / z], lambda x: np.log(x).sum(), [POSITIVE]),
    "x for z in tanh": (
        np.tanh, [lambda g, z, x: g * (1 - x * x)], lambda x: np.tanh(x).sum(), [X]),
    "sin for cos": (np.sin, [lambda g, z, x: g * np.sin(x)], lambda x: np.sin(x).sum(), [X]),
    "g forgotten": (np.exp, [lambda g, z, x: z], lambda x: (np.exp(x) * X).sum(), [X]),
    "g twice": (np.exp, [lambda g, z, x: g * g * z], lambda x: (np.exp(x) * X).sum(), [X]),
    "offset, not linear": (
        np.exp, [lambda g, z, x: g * z + 1e-3], lambda x: np.exp(x).sum(), [X]),
    "operands of multiply swapped": (
        np.multiply, [lambda g, z, x, y: g * x, lambda g, z, x, y: g * y],
        lambda x, y: (x * y).sum(), [X, X + 1]),
    "denominator not squared": (
        np.divide, [lambda g, z, x, y: g / y, lambda g, z, x, y: -g * x / y],
        lambda x, y: (x / y).sum(), [X, POSITIVE]),
    "transposed factor of matmul": (
        np.matmul, [lambda g, z, x, y: g @ y, lambda g, z, x, y: x.mT @ g],
        lambda x, y: (x @ y).sum(), [X[:, :2], W[:2]]),
    "nothing from the right of matmul": (
        np.matmul, [lambda g, z, x, y: g @ y.mT, lambda g, z, x, y: 0.0 * (x.mT @ g)],
        lambda x, y: (x @ y).sum(), [X, W]),
    "sum over the wrong axis": (
        np.sum, [lambda g, z, x, axis=None, keepdims=False: np.broadcast_to(
            lift(g, x, axis, keepdims).T, x.shape)],
        lambda x: (x.sum(axis=-1) * np.array([1.0, 2.0])).sum(), [X[:, :2]]),
    "mean without 1/n": (
        np.mean, [lambda g, z, x, axis=None, keepdims=False: np.broadcast_to(
            lift(g, x, axis, keepdims), x.shape)],
        lambda x: x.mean(), [X]),
    "max gives to all": (
        np.max, [lambda g, z, x, axis=None, keepdims=False: g * np.ones_like(x)],
        lambda x: x.max(), [X]),
    "indexed twice, counted once": (
        getitem, [lambda g, z, x, key=None: _last(g, key, x)],
        lambda x: (x[np.array([0, 0, 2])] * np.arange(1.0, 4.0)).sum(), [V]),
    "transpose not undone": (
        np.transpose, [lambda g, z, x, axes=None: g.reshape(x.shape)],
        lambda x: (x.T * X.T[::-1]).sum(), [X]),
    "reshape in another order": (
        np.reshape, [lambda g, z, x, shape=None: g.T.reshape(x.shape)],
        lambda x: (x.reshape(3, 2) * W).sum(), [X]),
    "diagonal of softmax": (
        outputs.softmax, [lambda g, a, z, axis=-1: g * a * (1 - a)],
        lambda z: (softmax(z) * X).sum(), [X]),
    "softmax over the wrong axis": (
        outputs.softmax,
        [lambda g, a, z, axis=-1: a * (g - (g * a).sum(axis=0, keepdims=True))],
        lambda z: (softmax(z) * X).sum(), [X]),
    "no σ'(z)": (
        outputs.sigmoid, [lambda g, a, z: g], lambda z: (sigmoid(z) * X).sum(), [X]),
    "rounded to float32": (
        np.exp, [lambda g, z, x: (g * z).astype(np.float32)], lambda x: np.exp(x).sum(), [X]),
    "rounded to float16 where it shows": (
        np.exp, [lambda g, z, x: (g * z).astype(np.float16)], lambda x: np.exp(x).sum(),
        [np.array([0.0, 0.0])]),
    "NaN": (np.exp, [lambda g, z, x: g * z * np.nan], lambda x: np.exp(x).sum(), [X]),
    "raises": (np.exp, [lambda g, z, x: 1 / 0], lambda x: np.exp(x).sum(), [X]),
    "another shape": (
        np.exp, [lambda g, z, x: np.ones((5, 5))], lambda x: np.exp(x).sum(), [X]),
    "writes into the seed": (np.exp, [in_place], np.exp, [X]),
    "answers differently": (np.exp, [remembering()], lambda x: np.exp(x).sum(), [X]),
    "one entry of many": (
        np.exp, [lambda g, z, x: np.where(x == X[1, 2], 0.0, g * z)],
        lambda x: np.exp(x).sum(), [X]),
    "threshold at 1": (
        np.exp, [lambda g, z, x: np.clip(g * z, -1, 1)], lambda x: np.exp(x).sum(), [X]),
}  # fmt: skip


def _last(g, key, x):
    full = np.zeros_like(x)
    full[key] = g
    return full


def _kept():
    """A gradient that returns the same array every time."""
    buffer = np.empty(3)

    def gradient(x):
        np.multiply(2.0, x, out=buffer)
        return buffer

    return gradient


def _counting():
    calls = []

    def gradient(x):
        calls.append(1)
        return 2 * x * (1 + 1e-6 * len(calls))

    return gradient


def _writing(x):
    x *= 2
    return x


def _raising(x):
    raise RuntimeError("no gradient today")


def squares(x):
    return (x**2).sum()


def rows(x):
    return Mix("softmax", "ll").composed(x, Y)


def delta(x):
    return (softmax(x) - Y) / len(x)


def _without_one_over_n(x):
    return softmax(x) - Y


def _integers_subtracted(x):
    return (softmax(x) - Y.argmax(axis=1)[:, None]) / len(x)


def _product(x):
    return ((x @ W) ** 2).sum()


def _broadcast(b):
    return ((X + b) ** 2).sum()


def _neuron(z):
    return -np.log(1.0 - book.sigmoid(z))


def _quadratic(z):
    return Mix("sigmoid", "quadratic").cost(z, Y)


def _softmax_quadratic(z):
    return Mix("softmax", "quadratic").cost(z, Y)


# name: function, gradient by hand, input, a word of the cause that must be named (None: no guess)
PAIRS = {
    "sign": (squares, lambda x: -2 * x, V, "sign"),
    "factor ½": (squares, lambda x: x, V, "the factor 2 of the derivative of x^2"),
    "a constant": (squares, lambda x: 2 * np.pi * x, V, "constant factor"),
    "relative 1e-9": (squares, lambda x: 2 * x * (1 + 1e-9), V, "relative 1e-09"),
    "float32 in between": (
        squares, lambda x: (2 * x).astype("f4").astype("f8"), V, "float32"),
    "float32 comes out": (squares, lambda x: (2 * x).astype("f4"), V, None),
    "integers come out": (squares, lambda x: np.round(2 * x).astype(int), V, None),
    "None comes out": (squares, lambda x: None, V, None),
    "a list of another length": (squares, lambda x: [1.0, 2.0], V, None),
    "transposed": (_product, lambda x: (2 * (x @ W) @ W.T).T, X, "transposed"),
    "transposed, square": (
        lambda x: ((x @ W[:2]) ** 2).sum(), lambda x: (2 * (x @ W[:2]) @ W[:2].T).T, X[:, :2],
        "transposed"),
    "broadcasting not undone": (_broadcast, lambda b: 2 * (X + b), V, "broadcasting"),
    "mean in place of sum": (
        lambda b: ((W + b) ** 2).sum(), lambda b: 2 * (W + b).mean(axis=0), V[:2], "mean"),
    "no 1/n": (rows, _without_one_over_n, X, "n, the number of examples"),
    "1/K": (lambda z: Mix("softmax", "ll").composed(z, 0),
            lambda z: (softmax(z) - [1, 0, 0]) / 3, V, "K, the number of outputs"),
    "axis of softmax": (rows, lambda x: (softmax(x, axis=0) - Y) / 2, X, "axis"),
    "labels from 1": (rows, lambda x: (softmax(x) - np.roll(Y, 1, axis=1)) / 2, X, "off by one"),
    "class numbers subtracted": (rows, _integers_subtracted, X, "class numbers"),
    "dC/da for dC/dz": (_neuron, lambda z: 1 / (1 - sigmoid(z)), np.array(1.5), "sigma'(z)"),
    "σ'(z) forgotten": (
        _quadratic, lambda z: (sigmoid(z) - Y) / 2, X, "sigma'(z)"),
    "σ'(z) too often": (
        lambda z: Mix("sigmoid", "ce").cost(z, Y),
        lambda z: (sigmoid(z) - Y) / 2 * sigmoid(z) * (1 - sigmoid(z)), X, "once too often"),
    "off-diagonal": (
        _softmax_quadratic,
        lambda z: (softmax(z) - Y) / 2 * softmax(z) * (1 - softmax(z)), X, "off-diagonal"),
    "a - y for another mix": (
        lambda z: Mix("softmax", "ce").cost(z, Y), delta, X, "not of this pair"),
    "one use of two": (
        lambda x: (x * np.exp(x)).sum(), np.exp, V, "only one contribution"),
    "nothing at one entry": (squares, lambda x: 2 * x * [1, 0, 1], V, "nothing arrives"),
    "zero everywhere": (squares, lambda x: 0 * x, V, "zero everywhere"),
    "shifted": (squares, lambda x: 2 * np.roll(x, 1), V, "wrong indices"),
    "NaN": (squares, lambda x: 2 * x * np.nan, V, "NaN"),
    "infinite": (squares, lambda x: 2 * x / 0.0, V, "NaN or infinity"),
    "raises": (squares, _raising, V, None),
    "writes into its input": (squares, _writing, V, None),
    "returns its buffer": (squares, _kept(), V, None),
    "answers differently": (squares, _counting(), V, None),
    "complex": (squares, lambda x: 2 * x + 0j, V, None),
    "a Tensor comes out": (squares, lambda x: Tensor(2 * x), V, None),
}  # fmt: skip
