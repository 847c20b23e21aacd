"""Logits with labels that belong to them, and the mixes that judge them."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.testing.strategies.labels import labels as labels_for
from tinygrad_lossmix.testing.strategies.logits import logits


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
    logits((most,), regime, dtype), labels_for((most,), labels)  # which say what is not known
    sizes = st.tuples(st.integers(0, batch), st.integers(least, most))

    def both(size: tuple[int, int]) -> st.SearchStrategy[tuple[Any, Any]]:
        shape = size if size[0] else size[1:]
        return st.tuples(logits(shape, regime, dtype), labels_for(shape, labels))

    return sizes.flatmap(both)


def mixes() -> st.SearchStrategy[Mix]:
    """The six pairs of an output layer and a cost."""
    return st.sampled_from(MIXES)
