"""The costs of logits in mpmath, from their definitions and the chain rule alone.

Logits z and labels y are sequences of K floats, a pair is ("softmax", "ll") and so on; what comes
back has enough digits that nothing is lost to the cancellation in the plain formulas.
"""

import functools
import itertools
import math
from typing import NamedTuple

from mpmath import exp, log, mp, mpf, sqrt


def digits(z):
    """What the chain rule may cancel, e^(largest - smallest logit), in decimals; and 60 more."""
    return 60 + int(max((abs(float(x)) for x in z), default=0))


def exact(numbers):
    return [mpf(float(x)) for x in numbers]


def outputs(name, z):
    """The outputs a, and 1 - a as it comes out without a subtraction."""
    if name == "sigmoid":
        return [1 / (1 + exp(-x)) for x in z], [1 / (1 + exp(x)) for x in z]
    if name == "lml":
        tau = threshold(z)
        return [1 / (1 + exp(tau - x)) for x in z], [1 / (1 + exp(x - tau)) for x in z]
    e = [exp(x) for x in z]
    total = sum(e)
    return [x / total for x in e], [sum(e[:k] + e[k + 1 :]) / total for k in range(len(e))]


def threshold(z):
    """τ with Σσ(z - τ) = 1, by Newton's method on ln Σ a of all but the largest = ln(1 - a)."""
    top = max(range(len(z)), key=z.__getitem__)
    rest = z[:top] + z[top + 1 :]
    if not rest:
        return mpf("-inf")
    start = log(sum(exp(x - z[top]) for x in rest))
    tau, step = z[top] + max(start, start / 2), mpf(1)
    while abs(step) > sqrt(mp.eps):
        a = [1 / (1 + exp(tau - x)) for x in rest]
        left, last = sum(a), 1 / (1 + exp(z[top] - tau))
        step = log(left / last) / (sum(x * (1 - x) for x in a) / left + 1 - last)
        tau += step
    return tau


def weights(a, b):
    """∂τ/∂z; it is 1 where there is one class."""
    s = [x * o for x, o in zip(a, b, strict=True)]
    return [x / sum(s) for x in s] if len(s) > 1 else [mpf(1)]


def cost_terms(name, a, b, y):
    """The terms whose sum is the cost of outputs a, with b = 1 - a and 0·log 0 = 0."""
    if name == "quadratic":
        return [(x - t) ** 2 / 2 for x, t in zip(a, y, strict=True)]
    right = [-t * log(x) for x, t in zip(a, y, strict=True) if t]
    if name == "ll":
        return right
    return right + [-(1 - t) * log(x) for x, t in zip(b, y, strict=True) if t != 1]


def cost_slopes(name, a, b, y):
    """∂C/∂a."""
    if name == "quadratic":
        return [x - t for x, t in zip(a, y, strict=True)]
    if name == "ll":
        return [-t / x for x, t in zip(a, y, strict=True)]
    return [(1 - t) / o - t / x for x, o, t in zip(a, b, y, strict=True)]


def _cost(pair, a, b, y):
    return sum(cost_terms(pair[1], a, b, y), mpf(0))


def _delta(pair, a, b, y):
    """Through the Jacobian of the outputs: a(1-a) of a sigmoid, a_k(δ_jk - a_j) of a softmax, and
    a_k(1-a_k)(δ_jk - w_j) of lml."""
    g = cost_slopes(pair[1], a, b, y)
    if pair[0] == "lml":
        r = [s * x * o for s, x, o in zip(g, a, b, strict=True)]
        return [x - w * sum(r) for x, w in zip(r, weights(a, b), strict=True)]
    if pair[0] == "sigmoid":
        return [s * x * o for s, x, o in zip(g, a, b, strict=True)]
    pull = sum((s * x for s, x in zip(g, a, strict=True)), mpf(0))
    return [x * (s - pull) for s, x in zip(g, a, strict=True)]


class Reference(NamedTuple):
    """One example: the cost, δ by the chain rule, and what an error of them is measured by."""

    cost: mpf
    delta: list[mpf]
    cost_size: mpf  # Σ of the absolute values of the terms of the cost
    delta_sizes: list[mpf]  # the same, of a sum for each component of δ that does not cancel


def reference(pair, z, y):
    return _reference(pair, tuple(map(float, z)), tuple(map(float, y)))


@functools.lru_cache(maxsize=16)
def _reference(pair, z, y):
    with mp.workdps(digits(z)):
        z, y = exact(z), exact(y)
        a, b = outputs(pair[0], z)
        errors = [abs(1 - t) * x + abs(t) * o for x, o, t in zip(a, b, y, strict=True)]
        terms = [e**2 for e in errors] if pair[1] == "quadratic" else cost_terms(pair[1], a, b, y)
        sizes = _delta_sizes(pair, a, b, y, errors)
        size = sum(map(abs, terms), mpf(0))
        return Reference(_cost(pair, a, b, y), _delta(pair, a, b, y), size, sizes)


def _delta_sizes(pair, a, b, y, errors):
    """A difference a - y counts as (1-y)a - y(1-a)."""
    each = range(len(y))
    labels, wrong = [abs(t) for t in y], [abs(1 - t) for t in y]
    if pair == ("sigmoid", "ce"):
        return errors
    if pair == ("sigmoid", "ll"):
        return [labels[k] * b[k] for k in each]
    if pair == ("sigmoid", "quadratic"):
        return [errors[k] * a[k] * b[k] for k in each]
    if pair[0] == "lml":
        sizes = _delta_sizes(("sigmoid", pair[1]), a, b, y, errors)
        total = abs(sum(y) - 1) if pair[1] == "ce" else sum(sizes)
        return [x + w * total for x, w in zip(sizes, weights(a, b), strict=True)]
    others = [[j for j in each if j != k] for k in each]
    if pair == ("softmax", "quadratic"):
        return [a[k] * (b[k] * errors[k] + sum(a[j] * errors[j] for j in others[k])) for k in each]
    sizes = [a[k] * sum(labels[j] for j in others[k]) + labels[k] * b[k] for k in each]
    if pair == ("softmax", "ll"):
        return sizes
    return [
        sizes[k] + wrong[k] * a[k] + sum(wrong[j] * a[j] * a[k] / b[j] for j in others[k])
        for k in each
    ]


def _differences(f, z, directions):
    """Central differences of f along each of the directions, at a step of 10^-digits."""
    small = digits(z)
    with mp.workdps((2 + 2 * len(directions)) * small):
        h = mpf(10) ** -small
        moves = [exact(v) for v in directions]
        total = None
        for signs in itertools.product((1, -1), repeat=len(moves)):
            at = [
                x + h * sum(s * v[i] for s, v in zip(signs, moves, strict=True))
                for i, x in enumerate(exact(z))
            ]
            values = [math.prod(signs) * value for value in f(at)]
            total = values if total is None else [t + v for t, v in zip(total, values, strict=True)]
        return [t / (2 * h) ** len(moves) for t in total]


def derivative(pair, z, y, *directions):
    """δ differentiated along directions: H·v along one, the third derivative along two."""
    return _differences(lambda at: _delta(pair, *outputs(pair[0], at), exact(y)), z, directions)


def slope(pair, z, y, direction):
    """The cost itself differentiated along a direction, knowing nothing but its definition."""
    return _differences(lambda at: [_cost(pair, *outputs(pair[0], at), exact(y))], z, [direction])[
        0
    ]
