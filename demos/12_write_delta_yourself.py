"""An exercise: write delta = dC/dz for softmax with the quadratic cost. gradcheck marks it.

Three attempts are marked below, as a student might make them. Write your own in `mine`.
"""

import numpy as np

import tinygrad_lossmix as lm

y = np.array([1.0, 0.0, 0.0])
mix = lm.Mix("softmax", "quadratic")


def cost(z):
    """½ Σ (a - y)² with a = softmax(z): the graph tells gradcheck what may be missing."""
    return mix.composed(z, y)


def first(z):
    """a - y, the delta of the matched pairs."""
    return lm.softmax(z) - y


def second(z):
    """With a derivative of the output layer, as for the sigmoid."""
    a = lm.softmax(z)
    return (a - y) * a * (1 - a)


def third(z):
    """With all of the softmax's Jacobian."""
    a = lm.softmax(z)
    e = a - y
    return a * (e - (a * e).sum())


def mine(z):
    """Your own."""
    return third(z)


def mark(attempt, z):
    """Right, or a hint."""
    report = lm.testing.gradcheck((cost, attempt), z)
    print(f"{attempt.__name__:7}{'right' if report else 'not yet'}: {attempt.__doc__}")
    for hint in report.causes[:1]:
        print(f"       hint: {hint}")
    return report


z = np.array([2.0, 1.0, 0.0])
reports = [mark(attempt, z) for attempt in (first, second, third, mine)]
print("\nThe full report of the second:\n")
print(reports[1])
