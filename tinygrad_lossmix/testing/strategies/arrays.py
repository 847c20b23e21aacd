"""Shapes, and arrays and Tensors of them in every memory layout; values off kinks; indices."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.behaviour import LAYOUTS, laid_out

Shape = tuple[int, ...]
Strategy = st.SearchStrategy[Any]


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


@st.composite
def arrays(
    draw: st.DrawFn,
    shape: Shape | Strategy | None = None,
    dtype: Any = np.float64,
    elements: Strategy | None = None,
    layouts: Sequence[str] = LAYOUTS,
) -> Array:
    """Float arrays in every layout.

    Args:
        shape: a shape or a strategy of shapes; by default also 0-d and empty ones.
        dtype: a float dtype.
        elements: of the entries; by default floats from -3 to 3.
        layouts: some of LAYOUTS.
    """
    if shape is None:
        shape = shapes() | shapes(min_dims=1, min_side=0)
    sides = shape if isinstance(shape, st.SearchStrategy) else sides_of(shape)
    width: Any = np.dtype(dtype).itemsize * 8
    if elements is None:
        elements = st.floats(-3, 3, width=width, allow_subnormal=False)
    values = draw(hnp.arrays(dtype, sides, elements=elements))
    return laid_out(values, draw(st.sampled_from(layouts)))


def tensors(
    shape: Shape | Strategy | None = None,
    dtype: Any = np.float64,
    elements: Strategy | None = None,
    layouts: Sequence[str] = LAYOUTS,
) -> Strategy:
    """Tensors on such arrays, which they share, so that the layout is kept; see `arrays`."""
    return arrays(shape, dtype, elements, layouts).map(lambda array: Tensor(array, copy=False))


@st.composite
def separated(
    draw: st.DrawFn, shape: Shape | Strategy, gap: float = 0.1, kink: float = 0.0
) -> Array:
    """Float64 arrays whose entries keep a distance of gap from each other and from a kink.

    A finite difference with a smaller step sees neither a tie of `max` nor the kink of `abs`.
    """
    sides = draw(shape) if isinstance(shape, st.SearchStrategy) else sides_of(shape)
    n = math.prod(sides)
    ranks = np.array(draw(st.permutations(range(n))), dtype=float)
    signs = np.array(draw(st.lists(st.sampled_from([1, -1]), min_size=n, max_size=n)), dtype=float)
    extra = draw(hnp.arrays(float, n, elements=st.floats(0, 0.9)))
    return (kink + signs * gap * (1.0 + 2.0 * ranks + extra)).reshape(sides)


def indices(shape: Shape) -> Strategy:
    """Indices that an array of this shape takes.

    Integers, slices, an ellipsis, new axes; arrays of integers, negative and repeated ones too;
    masks.
    """
    shape = sides_of(shape)
    kinds: list[Strategy] = [hnp.basic_indices(shape, allow_newaxis=True), hnp.arrays(bool, shape)]
    if shape and 0 not in shape:
        kinds.append(hnp.integer_array_indices(shape, result_shape=shapes(max_dims=2)))
    return st.one_of(kinds)
