"""Output layers and costs to the letter of the book: graphs of primitives, one line each.

Nielsen, Neural Networks and Deep Learning, chapters 1 and 3. They are what is drawn, stepped and
proved; where the formula is NaN (0·log 0, overflow), so is its value. A cost is summed over the
last axis and averaged over the others.

>>> import numpy as np
>>> softmax(np.array([2.0, 1.0, 0.0]))
array([0.66524096, 0.24472847, 0.09003057])
"""

import math
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.graph import group
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.labels import dense, numbers

__all__ = ["cross_entropy", "log_likelihood", "quadratic", "sigmoid", "softmax"]


@group("sigmoid")
def sigmoid(z: Any) -> Any:
    """1/(1 + e^-z), eq. (3), elementwise; a Tensor for a Tensor, an array for an array."""
    return 1.0 / (1.0 + np.exp(-_given("logits", z)))


@group("softmax")
def softmax(z: Any) -> Any:
    """e^z_k / Σ_j e^z_j over the last axis, eq. (78)."""
    e = np.exp(_given("logits", z))
    return e / e.sum(axis=-1, keepdims=True)


@group("cross_entropy")
def cross_entropy(a: Any, y: Any) -> Any:
    """-1/n Σ_x Σ_k y ln a + (1-y) ln(1-a), eq. (63); y of a's shape, or classes. A scalar."""
    a = _given("outputs", a)
    y = dense(y, a)
    return _per_example(-(np.log(a) * y + np.log(1.0 - a) * (1.0 - y)).sum(), a)


@group("log_likelihood")
def log_likelihood(a: Any, y: Any) -> Any:
    """-1/n Σ_x Σ_k y ln a, eq. (80); y of a's shape, or classes. A scalar."""
    a = _given("outputs", a)
    y = dense(y, a)
    return _per_example(-(np.log(a) * y).sum(), a)


@group("quadratic")
def quadratic(a: Any, y: Any) -> Any:
    """1/2n Σ_x Σ_k (a-y)², eq. (6) of chapter 1; y of a's shape, or classes. A scalar."""
    a = _given("outputs", a)
    y = dense(y, a)
    return _per_example(0.5 * ((a - y) ** 2).sum(), a)


def _given(what: str, x: Any) -> Any:
    """What a formula is given; numbers as a float array, symbols in an object array as they are."""
    symbols = isinstance(x, np.ndarray) and x.dtype == object
    return x if type(x) is Tensor or symbols else numbers(what, x)


def _per_example(total: Any, a: Any) -> Any:
    """1/n of it; one example is its own mean, none have NaN."""
    if a.ndim < 2:
        return total
    n = math.prod(a.shape[:-1]) or math.nan
    if a.dtype.char == "e":  # where 65504 is the last number
        return (total / np.float32(n)).astype(np.float16)
    return total / n


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
