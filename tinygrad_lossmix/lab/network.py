"""The network of the experiment: a sigmoid hidden layer, then the logits of an output layer.

What you can do here: `initial(sizes, rng)` gives the parameters as plain arrays, `logits(x, *p)`
runs the network on arrays, or on Tensors when a gradient is wanted.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from tinygrad_lossmix.lab.data import Array
from tinygrad_lossmix.mixes.outputs import sigmoid

Parameters: TypeAlias = tuple[Array, Array, Array, Array]


def initial(
    sizes: tuple[int, int, int], rng: np.random.Generator, dtype: str = "float64"
) -> Parameters:
    """W1 (d, h), b1 (h,), W2 (h, K), b2 (K,) for sizes (d, h, K).

    The book's improved start: weights N(0, 1/n) with n inputs to the neuron, biases N(0, 1).

    >>> [p.shape for p in initial((64, 30, 10), np.random.default_rng(0))]
    [(64, 30), (30,), (30, 10), (10,)]
    """
    d, h, classes = sizes
    drawn = (
        rng.normal(scale=d**-0.5, size=(d, h)),
        rng.normal(size=h),
        rng.normal(scale=h**-0.5, size=(h, classes)),
        rng.normal(size=classes),
    )
    w1, b1, w2, b2 = (p.astype(dtype) for p in drawn)
    return w1, b1, w2, b2


def logits(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    """z (n, K) of examples x (n, d)."""
    return sigmoid(x @ w1 + b1) @ w2 + b2
