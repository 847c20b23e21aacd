"""Logits with labels that belong to them, and the mixes that judge them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.testing.strategies.labels import labels as labels_for
from tinygrad_lossmix.testing.strategies.logits import logits


@st.composite
def examples(
    draw: st.DrawFn,
    regime: str | None = None,
    labels: str | None = None,
    classes: tuple[int, int] = (2, 6),
    batch: int = 3,
    dtype: Any = np.float64,
) -> tuple[Any, Any]:
    """One example, (K,), or a batch of them, (n, K): logits z and labels y.

    Args:
        regime: of the logits, see `logits`; None: any finite one.
        labels: their kind, see `labels`; None: any.
        classes: the fewest and the most classes K.
        batch: the most examples in a batch; 0: never a batch.
        dtype: of the logits.
    """
    k = draw(st.integers(*classes))
    n = draw(st.integers(0, batch))
    shape = (n, k) if n else (k,)
    z = draw(logits(shape, regime, dtype))
    return z, draw(labels_for(shape, labels))


def mixes() -> st.SearchStrategy[Mix]:
    """The six pairs of an output layer and a cost."""
    return st.sampled_from(MIXES)
