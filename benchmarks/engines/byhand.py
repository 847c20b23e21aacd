"""NumPy by hand: as one would write it, and as an expert would for speed."""

import expert
import handwritten

from engines import Engine


def one_gradient(both, *labels):
    def step(z):
        value, gradient = both(z, *labels)
        return value, (gradient,)

    return step


def idiomatic(case):
    if case.x is None:
        return one_gradient(handwritten.corner(case.output, case.cost), case.y)
    network = handwritten.network(case.output, case.cost)
    return lambda w1, b1, w2, b2: network(w1, b1, w2, b2, case.x, case.y)


def reusing(case):
    if case.x is None:
        return one_gradient(expert.corner(case.output, case.cost, case.y))
    return expert.network(case.output, case.cost, case.inputs, case.x, case.y)


def idiomatic_classes(case):
    return one_gradient(handwritten.classes, case.y)


def reusing_classes(case):
    return one_gradient(expert.classes(case.y, *case.inputs))


BASELINE = Engine("NumPy by hand", idiomatic, classes=idiomatic_classes, traced=True)
ENGINES = (
    BASELINE,
    Engine("NumPy by hand, expert", reusing, classes=reusing_classes, traced=True),
)
