"""Shapes of arrays, alone and together."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

Shape = tuple[int, ...]


def sides_of(shape: Any) -> Shape:
    """A shape that was given.

    Raises:
        TypeError: not a tuple of integers.
        ValueError: a negative one.
    """
    if not isinstance(shape, tuple) or not all(isinstance(n, int | np.integer) for n in shape):
        raise TypeError(f"a shape is a tuple of integers, as in (2, 3), not {shape!r:.80}")
    if any(n < 0 for n in shape):
        raise ValueError(f"a shape has no negative sides: {shape}")
    return shape


def shapes(
    min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 4
) -> st.SearchStrategy[Shape]:
    """Shapes of that many axes of that length; min_side=0 allows empty arrays."""
    return hnp.array_shapes(
        min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side
    )


def broadcastable(
    count: int = 2, max_dims: int = 3, max_side: int = 4
) -> st.SearchStrategy[tuple[Shape, ...]]:
    """Several shapes that broadcast together; axes are missing, 1 or the common length.

    Raises:
        ValueError: count is not a number from 1 to 32.
    """
    if not isinstance(count, int) or not 1 <= count <= 32:
        raise ValueError(f"broadcastable draws 1 to 32 shapes, not {count!r:.80}")
    return hnp.mutually_broadcastable_shapes(
        num_shapes=count, max_dims=max_dims, max_side=max_side
    ).map(lambda found: found.input_shapes)


def matmul_shapes(max_dims: int = 2, max_side: int = 4) -> st.SearchStrategy[tuple[Shape, ...]]:
    """Two shapes that `np.matmul` takes: vectors, matrices, and up to max_dims axes of stacks."""
    return hnp.mutually_broadcastable_shapes(
        signature=np.matmul.signature, max_dims=max_dims, max_side=max_side
    ).map(lambda found: found.input_shapes)
