"""Random programs that every framework with NumPy's functions can run.

A program is a list of lines; each calls a function on results of earlier lines. The functions are
written once, for any namespace `np` that has NumPy's names and a few more: softmax, logsumexp,
sigmoid, softplus, backwards (the last axis), repeated (some of the first).
"""

import numpy

SHAPES = [(), (3,), (2, 3), (2, 1), (1, 3), (3, 2), (2, 2, 3)]
LARGEST = 200  # entries of a result


def safe(np, x):
    """Away from 0, where logarithms and roots have no derivative."""
    return np.abs(x) + 0.5


UNARY = {
    "exp": lambda np, x: np.exp(np.tanh(x)),
    "expm1": lambda np, x: np.expm1(np.sin(x)),
    "log": lambda np, x: np.log(safe(np, x)),
    "log1p": lambda np, x: np.log1p(np.square(x)),
    "sqrt": lambda np, x: np.sqrt(safe(np, x)),
    "cos": lambda np, x: np.cos(x),
    "tan": lambda np, x: np.tan(np.tanh(x)),
    "sinh": lambda np, x: np.sinh(np.tanh(x)),
    "cosh": lambda np, x: np.cosh(np.tanh(x)),
    "arcsin": lambda np, x: np.arcsin(0.9 * np.tanh(x)),
    "arccos": lambda np, x: np.arccos(0.9 * np.tanh(x)),
    "arctan": lambda np, x: np.arctan(x),
    "arcsinh": lambda np, x: np.arcsinh(x),
    "arccosh": lambda np, x: np.arccosh(1.0 + safe(np, x)),
    "arctanh": lambda np, x: np.arctanh(0.9 * np.tanh(x)),
    "exp2": lambda np, x: np.exp2(np.tanh(x)),
    "log2": lambda np, x: np.log2(safe(np, x)),
    "log10": lambda np, x: np.log10(safe(np, x)),
    "reciprocal": lambda np, x: np.reciprocal(safe(np, x)),
    "deg2rad": lambda np, x: np.deg2rad(x),
    "negative": lambda np, x: -x,
    "cube": lambda np, x: np.tanh(x) ** 3,
    "clip": lambda np, x: np.clip(x, -0.7, 0.6),
    "where": lambda np, x: np.where(x > 0.1, x, 0.5 * x),
    "sigmoid": lambda np, x: np.sigmoid(x),
    "softplus": lambda np, x: np.softplus(x),
    "ravel": lambda np, x: np.ravel(x),
    "transpose": lambda np, x: np.transpose(x),
    "backwards": lambda np, x: np.backwards(x) if x.ndim else x,
    "repeated": lambda np, x: np.repeated(x) if x.ndim else x,
    "new axis": lambda np, x: np.expand_dims(x, 0),
    "softmax": lambda np, x: np.softmax(x) if x.ndim else x,
    "logsumexp": lambda np, x: np.logsumexp(x) if x.ndim else x,
}
ELEMENTWISE = {
    "add": lambda np, x, y: x + y,
    "subtract": lambda np, x, y: x - y,
    "multiply": lambda np, x, y: x * y,
    "divide": lambda np, x, y: x / safe(np, y),
    "maximum": lambda np, x, y: np.maximum(x, y),
    "minimum": lambda np, x, y: np.minimum(x, y),
    "logaddexp": lambda np, x, y: np.logaddexp(x, y),
    "arctan2": lambda np, x, y: np.arctan2(safe(np, x), y),
    "hypot": lambda np, x, y: np.hypot(safe(np, x), y),
    "fmax": lambda np, x, y: np.fmax(x, y),
    "fmin": lambda np, x, y: np.fmin(x, y),
    "power": lambda np, x, y: safe(np, x) ** np.tanh(y),
}
ANY_TWO = {
    "outer": lambda np, x, y: np.outer(np.ravel(x)[:4], np.ravel(y)[:3]),
    "matmul": lambda np, x, y: np.reshape(x, (-1, 1)) @ np.reshape(y, (1, -1)),
    "join": lambda np, x, y: np.concatenate([np.ravel(x), np.ravel(y)]),
}
REDUCTIONS = {
    "sum": lambda np, x, axis, keepdims: np.sum(x, axis=axis, keepdims=keepdims),
    "mean": lambda np, x, axis, keepdims: np.mean(x, axis=axis, keepdims=keepdims),
    "max": lambda np, x, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims),
    "min": lambda np, x, axis, keepdims: np.min(x, axis=axis, keepdims=keepdims),
    "prod": lambda np, x, axis, keepdims: np.prod(np.tanh(x), axis=axis, keepdims=keepdims),
    "var": lambda np, x, axis, keepdims: np.var(x, axis=axis, keepdims=keepdims),
}
KINDS = {"unary": UNARY, "binary": ELEMENTWISE | ANY_TWO, "reduction": REDUCTIONS}


def program(rng, inputs=3):
    """Lines (kind, name, operands, axis, keepdims), each on results of earlier ones."""
    lines = []
    for i in range(rng.integers(2, 9)):
        kind = rng.choice(list(KINDS), p=[0.4, 0.4, 0.2])
        name = rng.choice(list(KINDS[kind]))
        operands = rng.integers(0, inputs + i, size=2)
        lines.append((kind, name, *operands, int(rng.integers(-2, 2)), bool(rng.integers(2))))
    return lines


def run(lines, inputs, np):
    """The inputs and the result of each line; a line that does not fit passes its operand on."""
    results = list(inputs)
    for kind, name, i, j, axis, keepdims in lines:
        x, y = results[i], results[j]
        value = x
        if kind == "unary":
            value = UNARY[name](np, x)
        elif kind == "reduction":
            if -x.ndim <= axis < x.ndim:
                value = REDUCTIONS[name](np, x, axis, keepdims)
        elif name in ANY_TWO:
            value = ANY_TWO[name](np, x, y)
        elif fits(tuple(x.shape), tuple(y.shape)):
            value = ELEMENTWISE[name](np, x, y)
        size = int(numpy.prod(tuple(value.shape), dtype=int))
        results.append(value if size <= LARGEST and value.ndim < 6 else x)
    return results


def fits(one, other):
    """Whether two shapes broadcast."""
    return all(a == b or 1 in (a, b) for a, b in zip(one[::-1], other[::-1], strict=False))
