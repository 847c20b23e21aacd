"""What the engine is measured against: the same mathematics as one would write it in NumPy.

Forward formulas of the book and backward formulas derived by hand, unstable as they stand, and no
more than they need: a sum is divided by the number of examples only where there are several.
"""

import numpy as np


def sigmoid_ce(z, y):
    a = sigmoid(z)
    return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)), a - y


def sigmoid_ll(z, y):
    a = sigmoid(z)
    return -np.sum(y * np.log(a)), -y * (1 - a)


def softmax_ce(z, y):
    a = softmax(z)
    da = (a - y) / (a * (1 - a))
    delta = a * (da - np.sum(a * da, axis=-1, keepdims=True))
    return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)), delta


def softmax_ll(z, y):
    a = softmax(z)
    return -np.sum(y * np.log(a)), a - y


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z)
    return e / np.sum(e, axis=-1, keepdims=True)


def corner(output, cost):
    """A function of logits and labels: the mean cost and its gradient by the logits."""
    summed = globals()[f"{output}_{cost}"]

    def value_and_grad(z, y):
        value, delta = summed(z, y)
        return (value, delta) if z.ndim == 1 else (value / len(z), delta / len(z))

    return value_and_grad


def classes(z, y):
    """The same of softmax ll for integer classes, for many of which e^z is shifted, in place."""
    rows = np.arange(len(z))
    e = z - np.max(z, axis=-1, keepdims=True)
    picked = e[rows, y]
    np.exp(e, out=e)
    s = np.sum(e, axis=-1, keepdims=True)
    e /= s
    e[rows, y] -= 1
    e /= len(z)
    return np.mean(np.log(s[:, 0]) - picked), e


def network(output, cost):
    """The same of a network with one sigmoid hidden layer: cost and gradients of w1, b1, w2, b2."""
    top = corner(output, cost)

    def value_and_grad(w1, b1, w2, b2, x, y):
        hidden = sigmoid(x @ w1 + b1)
        value, dz2 = top(hidden @ w2 + b2, y)
        dz1 = dz2 @ w2.T * hidden * (1 - hidden)
        return value, (x.T @ dz1, np.sum(dz1, axis=0), hidden.T @ dz2, np.sum(dz2, axis=0))

    return value_and_grad
