"""The same mathematics spelled in many ways: softmax, sigmoid, logarithms, labels put to them.

Each spelling of an output layer is a function of logits (n, K), over the last axis; each spelling
of a cost takes the outputs a and one-hot labels y (n, K) and is -1/n Σ y ln a.
"""

import numpy as np
from scipy import special

import tinygrad_lossmix as lm
from tinygrad_lossmix.compiler.stabilize import rewritten


def shared(z, exponent=np.exp):
    e = exponent(z)
    return e / e.sum(axis=-1, keepdims=True)


def transposed(z):
    e = np.exp(z.T)
    return (e / e.sum(axis=0)).T


def mixed_transposes(z):
    e = np.exp(z)
    return (e.T / e.sum(axis=1)).T


def reduced_by_the_ufunc(z):
    e = np.exp(z)
    return e / np.add.reduce(e, axis=1, keepdims=True)


def over_the_first_axis(z):
    e = np.exp(z.T)
    return (e / np.add.reduce(e)).T


def broadcast(z):
    e = np.exp(z)
    return e / np.broadcast_to(e.sum(axis=1)[:, None], z.shape)


def row_by_row(z):
    return np.stack([np.exp(row) / np.exp(row).sum() for row in z])


def deeper(z):
    e = np.exp(z[None, :, :, None])
    return (e / e.sum(axis=2, keepdims=True)).reshape(z.shape)


def indexed_away(z):
    e = np.exp(z[None])
    return e[0] / e.sum(axis=2)[0, :, None]


SOFTMAXES = {
    "exponential shared": shared,
    "exponential twice": lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
    "np.sum, another name for the axis": lambda z: (
        np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    ),
    "np.add.reduce": reduced_by_the_ufunc,
    "np.add.reduce over the first axis": over_the_first_axis,
    "np.divide and method exp": lambda z: np.divide(z.exp(), z.exp().sum(axis=-1, keepdims=True)),
    "times the reciprocal": lambda z: np.exp(z) * (1 / np.exp(z).sum(axis=-1, keepdims=True)),
    "the reciprocal times": lambda z: (1.0 / np.exp(z).sum(axis=-1, keepdims=True)) * np.exp(z),
    "power -1": lambda z: np.exp(z) * np.exp(z).sum(axis=-1, keepdims=True) ** -1,
    "power -1.0 first": lambda z: np.power(np.exp(z).sum(axis=-1, keepdims=True), -1.0) * np.exp(z),
    "axis indexed back": lambda z: np.exp(z) / np.exp(z).sum(axis=-1)[:, None],
    "axis expanded back": lambda z: np.exp(z) / np.expand_dims(np.exp(z).sum(axis=-1), -1),
    "axis reshaped back": lambda z: np.exp(z) / np.exp(z).sum(axis=-1).reshape(-1, 1),
    "axis broadcast": broadcast,
    "transposed": transposed,
    "transposed before the sum": mixed_transposes,
    "row by row": row_by_row,
    "among other axes": deeper,
    "an axis indexed away": indexed_away,
    "shifted by the maximum": lambda z: shared(z - z.max(axis=-1, keepdims=True)),
    "shifted by np.max of all": lambda z: shared(z - np.max(z)),
    "shifted by an array": lambda z: shared(z - z.data.max(axis=-1, keepdims=True)),
    "shifted by a constant": lambda z: shared(z - lm.constant(z.max(axis=-1, keepdims=True))),
    "shifted by a number": lambda z: shared(z + 2.5),
    "shift added": lambda z: shared(-z.max(axis=-1, keepdims=True) + z),
    "shifted twice": lambda z: shared((z - 1.0) - z.max(axis=-1, keepdims=True)),
    "shift computed twice": lambda z: (
        np.exp(z - np.max(z, axis=1, keepdims=True))
        / np.exp(z - z.max(axis=-1, keepdims=True)).sum(axis=-1, keepdims=True)
    ),
    "exponential of log_softmax": lambda z: np.exp(lm.log_softmax(z)),
    "exponential of a difference": lambda z: np.exp(
        z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    ),
    "ours": lm.softmax,
    "the book's": lm.book.softmax,
}
SIGMOIDS = {
    "1/(1+e^-z)": lambda z: 1 / (1 + np.exp(-z)),
    "1/(e^-z+1)": lambda z: 1.0 / (np.exp(-z) + 1.0),
    "(1+e^-z)^-1": lambda z: (1 + np.exp(-z)) ** -1,
    "(1+e^(-1·z))^-1.0": lambda z: np.power(1.0 + np.exp(-1.0 * z), -1.0),
    "1/(1+1/e^z)": lambda z: 1 / (1 + 1 / np.exp(z)),
    "ones/(1+e^-z)": lambda z: np.ones(z.shape) / (np.ones(z.shape) + np.exp(-z)),
    "2/(2+2e^-z)": lambda z: 2.0 / (2.0 + 2.0 * np.exp(-z)),
    "½·2/(1+e^-z)": lambda z: 0.5 * (2.0 / (1.0 + np.exp(-z))),
    "e^z/(1+e^z)": lambda z: np.exp(z) / (1 + np.exp(z)),
    "e^z/(e^z+1)": lambda z: z.exp() / (z.exp() + 1),
    "e^z·1/(1+e^z)": lambda z: np.exp(z) * (1 / (1 + np.exp(z))),
    "(1+e^z)^-1·e^z": lambda z: (1 + np.exp(z)) ** -1 * np.exp(z),
    "½(1+tanh ½z)": lambda z: 0.5 * (1 + np.tanh(0.5 * z)),
    "(tanh(z/2)+1)/2": lambda z: (np.tanh(z / 2) + 1) / 2,
    "½+½tanh ½z": lambda z: 0.5 + 0.5 * np.tanh(z * 0.5),
    "½-½tanh(-½z)": lambda z: 0.5 - np.tanh(-0.5 * z) / 2,
    "1-1/(1+e^z)": lambda z: 1 - 1 / (1 + np.exp(z)),
    "1-e^-z/(1+e^-z)": lambda z: 1 - np.exp(-z) / (1 + np.exp(-z)),
    "-(σ(-z)-1)": lambda z: -(lm.sigmoid(-z) - 1.0),
    "a reciprocal": lambda z: np.reciprocal(1 + np.exp(-z)),
    "SciPy's": special.expit,
    "ours": lm.sigmoid,
    "the book's": lm.book.sigmoid,
}


def of_each(a, y):
    return np.sum(a[np.arange(len(y)), y.argmax(axis=-1)].log()) / -len(y)


LIKELIHOODS = {
    "-(log a · y).sum()/n": lambda a, y: -(np.log(a) * y).sum() / len(y),
    "-(y · log a) per row, averaged": lambda a, y: (-(y * np.log(a)).sum(axis=-1)).mean(),
    "mean of -Σ": lambda a, y: np.mean(-np.sum(y * a.log(), axis=1)),
    "mean of all, times K": lambda a, y: -(y * np.log(a)).mean() * y.shape[-1],
    "indexed after the log": lambda a, y: -np.log(a)[np.arange(len(y)), y.argmax(axis=-1)].mean(),
    "indexed before the log": lambda a, y: -np.log(a[np.arange(len(y)), y.argmax(axis=-1)]).mean(),
    "indexed, then divided": of_each,
    "by a mask": lambda a, y: -np.log(a[y == 1]).mean(),
    "summed inside the log": lambda a, y: -np.log((a * y).sum(axis=-1)).mean(),
    "einsum inside the log": lambda a, y: -np.log(np.einsum("nk,nk->n", y, a)).mean(),
    "einsum": lambda a, y: np.einsum("nk,nk->", y, np.log(a)) / -len(y),
    "einsum per row": lambda a, y: -np.einsum("ij,ij->i", np.log(a), y).mean(),
    "dotted, flat": lambda a, y: -np.dot(np.log(a).reshape(-1), y.reshape(-1)) / len(y),
    "matmul, flat": lambda a, y: -(y.ravel() @ np.log(np.ravel(a))) / len(y),
    "row by row": lambda a, y: -sum(np.log(r) @ t for r, t in zip(a, y, strict=True)) / len(y),
    "log of a power": lambda a, y: -np.log(a**y).sum() / len(y),
    "log of a product": lambda a, y: -np.log(np.prod(a**y, axis=-1)).mean(),
    "log of 1/a": lambda a, y: (y * np.log(1 / a)).sum() / len(y),
    "transposed": lambda a, y: -(np.log(a.T) * y.T).sum() / len(y),
    "xlogy": lambda a, y: -lm.xlogy(y, a).sum() / len(y),
    "ours": lambda a, y: lm.log_likelihood(a, y),
    "the book's": lambda a, y: lm.book.log_likelihood(a, y),
}
ONE_MINUS = {
    "log(1-a)": lambda a: np.log(1 - a),
    "log(-a+1)": lambda a: np.log(-a + 1.0),
    "log1p(-a)": lambda a: np.log1p(-a),
    "log(-(a-1))": lambda a: np.log(-(a - 1)),
    "log of ones - a": lambda a: np.log(np.ones(a.shape) - a),
    "transposed in between": lambda a: np.log(1 - a.T).T,
    "indexed in between": lambda a: np.stack([np.log((1 - a)[i]) for i in range(len(a))]),
}
CROSS_ENTROPIES = {
    name: (lambda a, y, rest=rest: -(y * np.log(a) + (1 - y) * rest(a)).sum(axis=-1).mean())
    for name, rest in ONE_MINUS.items()
} | {
    "apart": lambda a, y: -(np.log(a) * y).sum() / len(y) - ((1 - y) * np.log1p(-a)).sum() / len(y),
    "xlogy": lambda a, y: -(lm.xlogy(y, a) + lm.xlogy(1.0 - y, 1.0 - a)).sum() / len(y),
    "ours": lambda a, y: lm.cross_entropy(a, y),
    "the book's": lambda a, y: lm.book.cross_entropy(a, y),
}
QUADRATICS = {
    "½(a-y)²": lambda a, y: 0.5 * ((a - y) ** 2).sum() / len(y),
    "np.square": lambda a, y: np.square(y - a).sum(axis=-1).mean() / 2,
    "product": lambda a, y: ((a - y) * (a - y)).sum() * (0.5 / len(y)),
    "ours": lambda a, y: lm.quadratic(a, y),
    "the book's": lambda a, y: lm.book.quadratic(a, y),
}
COSTS = {"ll": LIKELIHOODS, "ce": CROSS_ENTROPIES, "quadratic": QUADRATICS}
OUTPUTS = {"softmax": SOFTMAXES, "sigmoid": SIGMOIDS}
LOG_SUMS = {
    "log of the sum": lambda z: np.log(np.exp(z).sum(axis=-1)),
    "np.log(np.sum)": lambda z: np.log(np.sum(np.exp(z), axis=1)),
    "add.reduce": lambda z: np.log(np.add.reduce(np.exp(z), axis=-1)),
    "mean, and log K": lambda z: np.log(np.exp(z).mean(axis=-1)) + np.log(z.shape[-1]),
    "shifted": lambda z: (
        np.log(np.exp(z - z.max(axis=-1, keepdims=True)).sum(axis=-1)) + z.max(axis=-1)
    ),
    "shifted, axis kept": lambda z: (
        z.max(axis=-1, keepdims=True)
        + np.log(np.exp(z - np.max(z, axis=1, keepdims=True)).sum(axis=-1, keepdims=True))
    )[:, 0],
    "shifted by an array": lambda z: (
        np.log(np.exp(z - z.data.max(axis=-1)[:, None]).sum(axis=-1)) + z.data.max(axis=-1)
    ),
    "shifted by a number": lambda z: np.log(np.exp(z + 5.0).sum(axis=-1)) - 5.0,
    "transposed": lambda z: np.log(np.exp(z.T).sum(axis=0)),
    "ours": lm.logsumexp,
}
SOFTPLUSES = {
    "log(1+e^z)": lambda z: np.log(1 + np.exp(z)),
    "log(e^z+1)": lambda z: np.log(np.exp(z) + 1.0),
    "log1p(exp(z))": lambda z: np.log1p(np.exp(z)),
    "-log(1/(1+e^z))": lambda z: -np.log(1 / (1 + np.exp(z))),
    "ours": lm.softplus,
}


def quietly(function, *args):
    """The recording, whatever overflows in it."""
    with np.errstate(all="ignore"):
        return function(*args)


def patterns_in(cost):
    """The patterns that are found in a recording."""
    return [each.pattern for each in rewritten(cost).replacements]
