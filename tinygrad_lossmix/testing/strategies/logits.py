"""Logits by regime: from moderate numbers to the tails, ties and infinity."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_lossmix.testing.strategies.shapes import Shape, sides_of

Array = Any
Strategy = st.SearchStrategy[Any]


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
    if regime is not None and (not isinstance(regime, str) or regime not in REGIMES):
        raise ValueError(f"{regime!r:.80} is not a regime: choose one of {', '.join(REGIMES)}")
    if isinstance(shape, st.SearchStrategy):
        return shape.flatmap(lambda drawn: logits(drawn, regime, dtype))
    shape = sides_of(shape)
    if not shape or 0 in shape:
        raise ValueError(f"logits have at least one axis, none empty, as in (3,), not {shape}")
    names = [name for name in REGIMES if name != "infinite"] if regime is None else [regime]
    return st.one_of([REGIMES[name](shape, np.dtype(dtype)) for name in names])


def _dense(dtype: Any, shape: Shape, elements: Strategy) -> Strategy:
    """Every entry drawn for itself: all regimes then take as many choices, and shrink to zeros."""
    return hnp.arrays(dtype, shape, elements=elements, fill=st.nothing())


def _between(low: float, high: float) -> Callable[[Shape, Any], Strategy]:
    """Of that size, either sign: a few round numbers, to which they shrink, or any."""

    def strategy(shape: Shape, dtype: Any) -> Strategy:
        width: Any = dtype.itemsize * 8
        span = high - low
        few = st.sampled_from([0.0, -0.0, span, -span, 0.5 * span, -0.5 * span])
        any_of_them = st.floats(-span, span, width=width, allow_subnormal=False)
        return st.one_of(
            [
                _dense(dtype, shape, each.map(lambda x: dtype.type(x + math.copysign(low, x))))
                for each in (few, any_of_them)
            ]
        )

    return strategy


_moderate = _between(0, 8)


def _copied(values: Array, source: int, target: int) -> Array:
    values = values.copy()
    values[..., target] = values[..., source]
    return values


def _ties(shape: Shape, dtype: Any) -> Strategy:
    few = _dense(dtype, shape, st.sampled_from([0.0, 2.5, -3.0, 40.0]))
    if shape[-1] == 1:
        return few
    pairs = st.permutations(range(shape[-1])).map(lambda order: order[:2])
    return st.builds(lambda z, pair: _copied(z, *pair), few, pairs)


def _steps(base: float) -> Callable[[Shape, Any], Strategy]:
    """A few floats further than base, either way."""

    def strategy(shape: Shape, dtype: Any) -> Strategy:
        start = dtype.type(base)
        counts = _dense(np.int8, shape, st.sampled_from([1, 0, -1, 2, -2, 3, -3]))
        return counts.map(lambda n: (start + n.astype(dtype) * np.spacing(start)).astype(dtype))

    return strategy


def _infinite(shape: Shape, dtype: Any) -> Strategy:
    def put(z: Array, at: int, value: float) -> Array:
        z = z.copy()
        z[..., at] = value
        return z

    place = st.integers(0, shape[-1] - 1)
    return st.builds(put, _moderate(shape, dtype), place, st.sampled_from([np.inf, -np.inf]))


REGIMES: dict[str, Callable[[Shape, Any], Strategy]] = {
    "moderate": _moderate,
    "saturated": _between(30, 40),
    "extreme": _between(300, 1000),
    "ties": _ties,
    "equal": lambda shape, dtype: _moderate((*shape[:-1], 1), dtype).map(
        lambda z: np.repeat(z, shape[-1], axis=-1)
    ),
    "near ties": _steps(1.25),
    "subnormal": _steps(0.0),
    "infinite": _infinite,
}
