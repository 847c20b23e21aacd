"""Hypothesis strategies for gradients: shapes, arrays, logits, labels, programs.

A loss of your own is property-tested in five lines; `examples` draws logits and labels that belong
together, from moderate numbers to the far tails:

>>> import numpy as np
>>> from hypothesis import given
>>> import tinygrad_lossmix as lm
>>> from tinygrad_lossmix.testing import strategies
>>> @given(strategies.examples(labels="soft"))
... def test_delta_is_a_minus_y(example):
...     z, y = example
...     loss = lambda z: (lm.logsumexp(z) - (z * y).sum(axis=-1)).sum()
...     np.testing.assert_allclose(lm.value_and_grad(loss)(z)[1], lm.softmax(z) - y, atol=1e-12)
>>> test_delta_is_a_minus_y()

Each shrinks to something small: few axes, C order, zeros, class 0, the one step that matters.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from operator import index
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.installation import needing
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.testing.behaviour import LAYOUTS, laid_out

with needing("verify", "strategies are for hypothesis"):
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

from tinygrad_lossmix.testing.strategies.programs import Program, Shape, programs

__all__ = [
    "KINDS", "LAYOUTS", "REGIMES", "Program", "arrays", "broadcastable", "examples", "indices",
    "labels", "laid_out", "logits", "matmul_shapes", "mixes", "programs", "separated", "shapes",
    "tensors",
]  # fmt: skip

Strategy = st.SearchStrategy[Any]


def sides_of(shape: Any) -> Shape:
    """A shape that was given; TypeError if it is none, ValueError for a negative side."""
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


def logits(
    shape: Shape | Strategy = (3,), regime: str | None = None, dtype: Any = np.float64
) -> Strategy:
    """Logits (…, K).

    Args:
        shape: of at least one axis, none empty, or a strategy of such shapes.
        regime: one of REGIMES: "moderate" up to 8 in size, "saturated" 30 to 40, "extreme" 300 to
            1000, "ties" (each row has one), "equal" (each row is one number), "near ties" (each
            row within a few ulps), "subnormal", "infinite" (each row has an infinity). None: any
            finite one.
        dtype: a float dtype.

    Raises:
        ValueError: another regime.
    """
    chosen = _chosen(REGIMES, "a regime", regime, "infinite")
    if isinstance(shape, st.SearchStrategy):
        return shape.flatmap(lambda drawn: logits(drawn, regime, dtype))
    shape = sides_of(shape)
    if not shape or 0 in shape:
        raise ValueError(f"logits have at least one axis, none empty, as in (3,), not {shape}")
    return st.one_of([each(shape, np.dtype(dtype)) for each in chosen])


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
    chosen = _chosen(KINDS, "a kind of labels", kind, "integer")
    shape = sides_of(shape)
    if not shape:
        raise ValueError("labels belong to logits of at least one axis, (K,)")
    if kind == "integer" and shape[-1] < 2:
        raise ValueError("integer labels are classes, of two outputs or more: take another kind")
    return st.one_of([each(shape) for each in chosen])


def examples(
    regime: str | None = None,
    labels: str | None = None,
    classes: tuple[int, int] = (2, 6),
    batch: int = 3,
    dtype: Any = np.float64,
) -> st.SearchStrategy[tuple[Any, Any]]:
    """One example, (K,), or a batch of them, (n, K): logits z and labels y, of z's shape.

    Args:
        regime: of the logits, see `logits`; None: any finite one.
        labels: their kind, see `labels`; None: any but "integer", classes of shape () or (n,).
        classes: the fewest and the most classes K.
        batch: the most examples in a batch; 0: never a batch.
        dtype: of the logits.

    Raises:
        ValueError: classes are not two numbers from 1 up, or batch is negative.
    """
    try:
        least, most = map(index, classes)
    except (TypeError, ValueError):
        least, most = 0, 0
    if not 1 <= least <= most:
        raise ValueError(f"classes are the fewest and the most, as in (2, 6), not {classes!r:.80}")
    if not isinstance(batch, int) or batch < 0:
        raise ValueError(f"batch is the most examples in a batch, 0 or more, not {batch!r:.80}")
    _both((most,), regime, labels, dtype)  # which says what is not known
    sizes = st.tuples(st.integers(0, batch), st.integers(least, most))
    return sizes.flatmap(lambda size: _both(size if size[0] else size[1:], regime, labels, dtype))


def _both(shape: Shape, regime: str | None, kind: str | None, dtype: Any) -> Strategy:
    return st.tuples(logits(shape, regime, dtype), labels(shape, kind))


def mixes() -> st.SearchStrategy[Mix]:
    """The six pairs of an output layer and a cost."""
    return st.sampled_from(MIXES)


def _chosen(table: dict[str, Any], what: str, name: Any, but: str) -> list[Any]:
    """What a table has under a name; for None all of it but one."""
    if name is None:
        return [value for key, value in table.items() if key != but]
    if not isinstance(name, str) or name not in table:
        raise ValueError(f"{name!r:.80} is not {what}: choose one of {', '.join(table)}")
    return [table[name]]


def _dense(dtype: Any, shape: Shape, elements: Strategy) -> Strategy:
    """Every entry drawn for itself: all regimes then take as many choices, and shrink to zeros."""
    return hnp.arrays(dtype, shape, elements=elements, fill=st.nothing())


def _between(low: float, high: float, shape: Shape, dtype: Any) -> Strategy:
    """Of that size, either sign: a few round numbers, to which they shrink, or any."""
    width: Any = dtype.itemsize * 8
    span = high - low
    few = st.sampled_from([0.0, -0.0, span, -span, 0.5 * span, -0.5 * span])
    any_of_them = st.floats(-span, span, width=width, allow_subnormal=False)
    signed = lambda x: dtype.type(x + math.copysign(low, x))
    return st.one_of([_dense(dtype, shape, each.map(signed)) for each in (few, any_of_them)])


_moderate = partial(_between, 0, 8)


def _put(z: Array, place: int, value: Any) -> Array:
    z = z.copy()
    z[..., place] = value
    return z


def _ties(shape: Shape, dtype: Any) -> Strategy:
    few = _dense(dtype, shape, st.sampled_from([0.0, 2.5, -3.0, 40.0]))
    if shape[-1] == 1:
        return few
    pairs = st.permutations(range(shape[-1]))
    return st.builds(lambda z, pair: _put(z, pair[1], z[..., pair[0]]), few, pairs)


def _steps(base: float, shape: Shape, dtype: Any) -> Strategy:
    """A few floats further than base, either way."""
    start = dtype.type(base)
    counts = _dense(np.int8, shape, st.sampled_from([1, 0, -1, 2, -2, 3, -3]))
    return counts.map(lambda n: (start + n.astype(dtype) * np.spacing(start)).astype(dtype))


def _infinite(shape: Shape, dtype: Any) -> Strategy:
    place = st.integers(0, shape[-1] - 1)
    return st.builds(_put, _moderate(shape, dtype), place, st.sampled_from([np.inf, -np.inf]))


REGIMES: dict[str, Callable[[Shape, Any], Strategy]] = {
    "moderate": _moderate,
    "saturated": partial(_between, 30, 40),
    "extreme": partial(_between, 300, 1000),
    "ties": _ties,
    "equal": lambda shape, dtype: _moderate((*shape[:-1], 1), dtype).map(
        lambda z: np.repeat(z, shape[-1], axis=-1)
    ),
    "near ties": partial(_steps, 1.25),
    "subnormal": partial(_steps, 0.0),
    "infinite": _infinite,
}


def _classes(shape: Shape) -> Strategy:
    return hnp.arrays(np.intp, shape[:-1], elements=st.integers(0, shape[-1] - 1))


def _one_hot(shape: Shape) -> Strategy:
    return _classes(shape).map(lambda classes: np.eye(shape[-1])[classes])


def _soft(shape: Shape) -> Strategy:
    filled = _floats(shape, 1).map(lambda w: w + (w.sum(axis=-1, keepdims=True) == 0))
    return filled.map(lambda w: w / w.sum(axis=-1, keepdims=True))


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
