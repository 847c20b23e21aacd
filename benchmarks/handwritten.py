"""What the engine is measured against: the same mathematics as one would write it in NumPy.

Forward formulas of the book and backward formulas derived by hand, unstable as they stand.
"""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z)
    return e / np.sum(e, axis=-1, keepdims=True)


def cross_entropy(a, y):
    return np.mean(-np.sum(y * np.log(a) + (1 - y) * np.log(1 - a), axis=-1))


def log_likelihood(a, y):
    return np.mean(-np.sum(y * np.log(a), axis=-1))


def delta(output, cost, a, y):
    """The output delta of each example, by the formula of the pair."""
    if output == "sigmoid":
        return a - y if cost == "ce" else -y * (1 - a)
    if cost == "ll":
        return a - y
    da = (a - y) / (a * (1 - a))
    return a * (da - np.sum(a * da, axis=-1, keepdims=True))


def corner(output, cost):
    """A function of logits and labels: the mean cost and its gradient by the logits."""
    layer = {"sigmoid": sigmoid, "softmax": softmax}[output]
    value = {"ce": cross_entropy, "ll": log_likelihood}[cost]

    def value_and_grad(z, y):
        a = layer(z)
        return value(a, y), delta(output, cost, a, y) / (z.size // z.shape[-1])

    return value_and_grad


def network(output, cost):
    """The same of a network with one sigmoid hidden layer: cost and gradients of w1, b1, w2, b2."""
    top = corner(output, cost)

    def value_and_grad(w1, b1, w2, b2, x, y):
        hidden = sigmoid(x @ w1 + b1)
        value, dz2 = top(hidden @ w2 + b2, y)
        dz1 = dz2 @ w2.T * hidden * (1 - hidden)
        return value, (x.T @ dz1, np.sum(dz1, axis=0), hidden.T @ dz2, np.sum(dz2, axis=0))

    return value_and_grad
