"""This engine: graphs of primitives, one stable node, and what `lm.compile` makes of a graph."""

import warnings

import formulas
import numpy as np

import tinygrad_lossmix as lm
from engines import Engine

COSTS = {"ce": lm.book.cross_entropy, "ll": lm.book.log_likelihood}
LAYERS = {"sigmoid": lm.book.sigmoid, "softmax": lm.book.softmax}


def shared(array):
    """A Tensor of the caller's memory, as those of the others are where they offer that."""
    return lm.Tensor(array, copy=False)


def recorded(loss):
    """The value and the gradients of a function of Tensors, recorded anew at every call."""

    def step(*arrays):
        tensors = list(map(shared, arrays))
        cost = loss(*tensors)
        return float(cost), tuple(lm.grad(cost, tensors))

    return step


def inputs(case):
    """Of a network, converted once."""
    return None if case.x is None else shared(case.x)


def plainly(case):
    return recorded(formulas.loss(np, case, case.y, inputs(case)))


def through_book(case):
    layer, cost, x, y = LAYERS[case.output], COSTS[case.cost], inputs(case), case.y
    if x is None:
        return recorded(lambda z: cost(layer(z), y))
    sigmoid = lm.book.sigmoid
    return recorded(lambda w1, b1, w2, b2: cost(layer(sigmoid(x @ w1 + b1) @ w2 + b2), y))


def one_node(case):
    mix, x, y = lm.Mix(case.output, case.cost), inputs(case), case.y
    if x is None:
        return recorded(lambda z: mix.cost(z, y))
    return recorded(lambda w1, b1, w2, b2: mix.cost(lm.sigmoid(x @ w1 + b1) @ w2 + b2, y))


def compiled(backend):
    """Of the book's formulas, with labels as arguments."""

    def build(case):
        layer, cost, x, y = LAYERS[case.output], COSTS[case.cost], case.x, case.y

        def of_logits(z, y):
            return cost(layer(z), y)

        def of_parameters(w1, b1, w2, b2, x, y):
            return cost(layer(lm.book.sigmoid(x @ w1 + b1) @ w2 + b2), y)

        if x is None:
            return strictly(lm.compile(of_logits, wrt=(0,), backend=backend), case, y)
        return strictly(lm.compile(of_parameters, (0, 1, 2, 3), backend), case, x, y)

    return build


def compiled_classes(backend):
    """Of one node: its formulas shift the logits, as everybody's do here."""

    def build(case):
        cost = lm.Mix(case.output, case.cost).cost
        return strictly(lm.compile(cost, wrt=(0,), backend=backend), case, case.y)

    return build


def strictly(both, case, *constants):
    """A step, called once; a warning that it fell back is an error."""

    def step(*inputs):
        return both(*inputs, *constants)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step(*case.inputs)
    return step


ENGINES = (
    Engine("lossmix, written plainly", plainly, recorded, traced=True),
    Engine("lossmix, through lm.book", through_book, traced=True),
    Engine("lossmix, one node", one_node, classes=one_node, traced=True),
    Engine("lossmix, compiled NumPy", compiled("numpy"), None, compiled_classes("numpy"), True),
)
