"""The book's formulas, spelt with the functions of any library that has exp, log and sum.

Every library gets the same ones, so that each differentiates or compiles the same text. They are
unstable as they stand: a stable text would cost the others more.
"""


def sigmoid(xp, z):
    return 1 / (1 + xp.exp(-z))


def softmax(xp, z):
    e = xp.exp(z)
    return e / xp.sum(e, axis=-1, keepdims=True)


def cross_entropy(xp, a, y):
    return -xp.sum(y * xp.log(a) + (1 - y) * xp.log(1 - a))


def log_likelihood(xp, a, y):
    return -xp.sum(y * xp.log(a))


LAYERS = {"sigmoid": sigmoid, "softmax": softmax}
COSTS = {"ce": cross_entropy, "ll": log_likelihood}


def mean(total, z):
    """The cost of one example, or of several their mean."""
    return total if z.ndim == 1 else total / len(z)


def loss(xp, case, y, x=None):
    """The mean cost as a function of `case.inputs`; y and x are the library's own arrays."""
    layer, cost = LAYERS[case.output], COSTS[case.cost]

    def of_logits(z):
        return mean(cost(xp, layer(xp, z), y), z)

    def of_parameters(w1, b1, w2, b2):
        return of_logits(sigmoid(xp, x @ w1 + b1) @ w2 + b2)

    return of_logits if x is None else of_parameters
