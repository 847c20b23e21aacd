"""The second derivative as a first one: the gradient of a random combination of the gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.subject import Recorded


def slope(subject: Recorded, rng: np.random.Generator) -> Callable[..., Any]:
    """A function of Tensors: Σ w·∂<s, f>/∂x, with random weights w and seed s.

    Args:
        subject: whose f is differentiated.
        rng: for the weights and the seed.
    """
    weights = [rng.normal(size=a.shape) for a in subject.arrays]
    _, cost = subject.record(subject.arrays)
    seed = rng.normal(size=cost.shape).astype(cost.dtype)

    def combination(*arguments: Any) -> Any:
        leaves = [arguments[i] for i in subject.wrt]
        value = subject.f(*arguments)
        if not isinstance(value, Tensor):
            return 0.0
        first = grad(value, leaves, seed, create_graph=True)
        return sum((g * w.astype(g.dtype)).sum() for g, w in zip(first, weights, strict=True))

    return combination
