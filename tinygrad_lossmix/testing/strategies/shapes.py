"""Shapes of arrays, alone and together."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

Shape = tuple[int, ...]


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
    """Several shapes that broadcast together; axes are missing, 1 or the common length."""
    return hnp.mutually_broadcastable_shapes(
        num_shapes=count, max_dims=max_dims, max_side=max_side
    ).map(lambda found: found.input_shapes)


def matmul_shapes(max_dims: int = 2, max_side: int = 4) -> st.SearchStrategy[tuple[Shape, ...]]:
    """Two shapes that `np.matmul` takes: vectors, matrices, and up to max_dims axes of stacks."""
    return hnp.mutually_broadcastable_shapes(
        signature=np.matmul.signature, max_dims=max_dims, max_side=max_side
    ).map(lambda found: found.input_shapes)
