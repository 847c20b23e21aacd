"""Where a recorded cost stops being a number: the first node that is not finite, forward or back.

>>> from tinygrad_lossmix.mixes.mix import Mix
>>> with np.errstate(all="ignore"):
...     cost = Mix("softmax", "ll").composed(Tensor([1000.0, 0.0]), 0)
>>> breakdown(cost)
'exp gives inf, then divide gives nan'
"""

from __future__ import annotations

import numpy as np

from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.sweep import seed_of, sweep
from tinygrad_lossmix.engine.tensor import Tensor


def breakdown(cost: Tensor) -> str | None:
    """In words, the first value that is infinite and the first that is NaN; None if all is finite.

    Values come in the order in which they are computed: the forward pass, then the backward pass.
    """
    found: dict[str, str] = {}
    for node in nodes(cost):
        note(found, node.data, f"{spoken(node)} gives")
    with np.errstate(all="ignore"):
        for node, _, _, contribution, _ in sweep(cost, seed_of(cost, None)):
            note(found, contribution, f"going back, the derivative of {spoken(node)} gives")
    return ", then ".join(found.values()) or None


def note(found: dict[str, str], values: np.ndarray, where: str) -> None:
    """Remember where the first inf and the first nan were met; after a NaN nothing is news."""
    if "nan" in found:
        return
    if np.isnan(values).any():
        found["nan"] = f"{where} nan"
    elif "inf" not in found and not np.isfinite(values).all():
        found["inf"] = f"{where} {'inf' if (values == np.inf).any() else '-inf'}"


def spoken(node: Tensor) -> str:
    """The NumPy function that computed a node."""
    return str(getattr(node.function, "__name__", "a leaf"))
