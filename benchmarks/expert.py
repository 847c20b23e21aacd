"""The hand-written formulas as an expert in NumPy writes them for speed, and just as unstable.

`np.add.reduce` and `np.vdot` in place of `np.sum`, every intermediate result in a buffer that is
kept, factors computed once, divisions turned into multiplications. The arrays that a call returns
are the buffers: they hold until the next call.
"""

import numpy as np


def sigmoid(z, out):
    np.negative(z, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    return np.reciprocal(out, out=out)


def softmax(z, out):
    np.exp(z, out=out)
    total = np.add.reduce(out, axis=-1, keepdims=True)
    return np.divide(out, total, out=out)


def sigmoid_ce(y):
    a, t, rest, scale = np.empty_like(y), np.empty_like(y), 1 - y, len_inverse(y)

    def value_and_grad(z):
        sigmoid(z, a)
        value = np.vdot(np.log(a, out=t), y)
        np.subtract(1, a, out=t)
        value += np.vdot(np.log(t, out=t), rest)
        np.subtract(a, y, out=a)
        return -value * scale, scaled(a, scale)

    return value_and_grad


def sigmoid_ll(y):
    a, t, scale = np.empty_like(y), np.empty_like(y), len_inverse(y)
    weight = y * scale

    def value_and_grad(z):
        sigmoid(z, a)
        value = np.vdot(np.log(a, out=t), weight)
        np.subtract(a, 1, out=a)
        return -value, np.multiply(a, weight, out=a)

    return value_and_grad


def softmax_ce(y):
    a, t, r, rest, scale = *[np.empty_like(y) for _ in range(3)], 1 - y, len_inverse(y)

    def value_and_grad(z):
        softmax(z, a)
        value = np.vdot(np.log(a, out=t), y)
        np.subtract(1, a, out=t)
        np.subtract(a, y, out=r)
        np.divide(r, t, out=r)
        value += np.vdot(np.log(t, out=t), rest)
        np.multiply(a, np.add.reduce(r, axis=-1, keepdims=True), out=a)
        return -value * scale, scaled(np.subtract(r, a, out=r), scale)

    return value_and_grad


def softmax_ll(y):
    a, t, scale = np.empty_like(y), np.empty_like(y), len_inverse(y)

    def value_and_grad(z):
        softmax(z, a)
        value = np.vdot(np.log(a, out=t), y)
        np.subtract(a, y, out=a)
        return -value * scale, scaled(a, scale)

    return value_and_grad


def len_inverse(y):
    """1 over the number of examples."""
    return y.shape[-1] / y.size


def scaled(gradient, scale):
    return gradient if scale == 1 else np.multiply(gradient, scale, out=gradient)


CORNERS = {
    ("sigmoid", "ce"): sigmoid_ce,
    ("sigmoid", "ll"): sigmoid_ll,
    ("softmax", "ce"): softmax_ce,
    ("softmax", "ll"): softmax_ll,
}


def corner(output, cost, y):
    """A function of logits: the mean cost and its gradient."""
    return CORNERS[output, cost](y)


def classes(y, like):
    """A function of logits, for integer classes: e^z is shifted, the two divisions are one."""
    e, rows, n = np.empty_like(like), np.arange(len(y)), len(y)

    def value_and_grad(z):
        np.subtract(z, np.maximum.reduce(z, axis=-1, keepdims=True), out=e)
        picked = e[rows, y]
        np.exp(e, out=e)
        s = np.add.reduce(e, axis=-1, keepdims=True)
        np.divide(e, n * s, out=e)
        e[rows, y] -= 1 / n
        return np.mean(np.log(s[:, 0]) - picked), e

    return value_and_grad


def network(output, cost, parameters, x, y):
    """The same with one sigmoid hidden layer: cost and gradients of w1, b1, w2, b2."""
    top = corner(output, cost, y)
    g1, d1, g2, d2 = map(np.empty_like, parameters)
    hidden, dz1, t = [np.empty((len(x), len(d1)), x.dtype) for _ in range(3)]
    z = np.empty_like(y)

    def value_and_grad(w1, b1, w2, b2):
        np.matmul(x, w1, out=hidden)
        np.add(hidden, b1, out=hidden)
        sigmoid(hidden, hidden)
        np.matmul(hidden, w2, out=z)
        np.add(z, b2, out=z)
        value, dz2 = top(z)
        np.matmul(dz2, w2.T, out=dz1)
        np.multiply(dz1, hidden, out=dz1)
        np.subtract(1, hidden, out=t)
        np.multiply(dz1, t, out=dz1)
        np.matmul(x.T, dz1, out=g1)
        np.add.reduce(dz1, axis=0, out=d1)
        np.matmul(hidden.T, dz2, out=g2)
        np.add.reduce(dz2, axis=0, out=d2)
        return value, (g1, d1, g2, d2)

    return value_and_grad
