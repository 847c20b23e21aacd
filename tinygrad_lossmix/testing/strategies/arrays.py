"""Arrays and Tensors in every memory layout, values away from kinks, indices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.strategies.shapes import Shape, shapes, sides_of

Array = Any
Strategy = st.SearchStrategy[Any]

LAYOUTS = ("C", "Fortran", "strided", "negative stride", "read-only")


def laid_out(array: Array, layout: str) -> Array:
    """The same values in another memory layout, one of LAYOUTS.

    Raises:
        ValueError: another name.

    >>> laid_out(np.eye(2), "negative stride").strides
    (-16, -8)
    """
    if layout == "C":
        return np.array(array, order="C")
    if layout == "Fortran":
        return np.array(array, order="F")
    if layout == "strided":
        wide = np.full([2 * n for n in array.shape], np.nan, array.dtype)
        wide[(slice(None, None, 2),) * array.ndim] = array
        return wide[(slice(None, None, 2),) * array.ndim]
    if layout == "negative stride":
        backwards = (slice(None, None, -1),) * array.ndim
        return np.array(array[backwards], order="C")[(..., *backwards)]
    if layout == "read-only":
        copy = np.array(array, order="C")
        copy.flags.writeable = False
        return copy
    raise ValueError(f"{layout!r} is not a layout: choose one of {', '.join(LAYOUTS)}")


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
        shape = shapes(min_side=1) | shapes(min_dims=1, min_side=0)
    sides = draw(shape) if isinstance(shape, st.SearchStrategy) else sides_of(shape)
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
