"""Logits from moderate numbers to the tails, labels of every kind that belong to them, mixes."""

import math
from collections.abc import Callable
from functools import partial
from operator import index
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.testing.strategies.arrays import Shape, Strategy, sides_of


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
