"""Labels by kind, for logits or outputs of a given shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_lossmix.testing.strategies.shapes import Shape, sides_of

Array = Any
Strategy = st.SearchStrategy[Any]


def labels(shape: Shape = (3,), kind: str | None = None) -> Strategy:
    """Labels for logits of this shape (…, K): of that shape too, unless classes are asked for.

    Args:
        shape: of the logits.
        kind: one of KINDS: "one-hot", "smoothed" (one-hot, a tenth of it shared by all), "soft"
            (any distribution), "multi-hot" (0 and 1 in any number), "unnormalised" (0 to 3, any
            sum), "zeros", "integer" (classes, shape (…)). None: any but "integer".

    Raises:
        ValueError: another kind, or integer labels for one output.
    """
    if kind is not None and (not isinstance(kind, str) or kind not in KINDS):
        raise ValueError(f"{kind!r:.80} is not a kind of labels: choose one of {', '.join(KINDS)}")
    shape = sides_of(shape)
    if not shape:
        raise ValueError("labels belong to logits of at least one axis, (K,)")
    if kind == "integer" and shape[-1] < 2:
        raise ValueError("integer labels are classes, of two outputs or more: take another kind")
    names = [name for name in KINDS if name != "integer"] if kind is None else [kind]
    return st.one_of([KINDS[name](shape) for name in names])


def _classes(shape: Shape) -> Strategy:
    return hnp.arrays(np.intp, shape[:-1], elements=st.integers(0, shape[-1] - 1))


def _one_hot(shape: Shape) -> Strategy:
    return _classes(shape).map(lambda classes: np.eye(shape[-1])[classes])


def _soft(shape: Shape) -> Strategy:
    def normalised(weights: Array) -> Array:
        total = weights.sum(axis=-1, keepdims=True)
        return np.where(total > 0, weights, 1.0) / np.where(total > 0, total, shape[-1])

    return _floats(shape, 1).map(normalised)


def _floats(shape: Shape, most: float) -> Strategy:
    return hnp.arrays(float, shape, elements=st.floats(0, most, allow_subnormal=False))


KINDS: dict[str, Callable[[Shape], Strategy]] = {
    "one-hot": _one_hot,
    "smoothed": lambda shape: _one_hot(shape).map(lambda y: 0.9 * y + 0.1 / shape[-1]),
    "soft": _soft,
    "multi-hot": lambda shape: hnp.arrays(float, shape, elements=st.sampled_from([0.0, 1.0])),
    "unnormalised": lambda shape: _floats(shape, 3),
    "zeros": lambda shape: st.builds(np.zeros, st.just(shape)),
    "integer": _classes,
}
