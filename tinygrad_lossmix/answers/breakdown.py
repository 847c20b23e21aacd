"""Where a recorded cost stops being finite, forwards or backwards."""

import itertools

import numpy as np

from tinygrad_lossmix.engine import Tensor as Tensor
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.sweep import seed_of, sweep
from tinygrad_lossmix.mixes.mix import Mix as Mix


def breakdown(cost: Tensor) -> str | None:
    """In words, the first value that is infinite and the first that is NaN; None if all is finite.

    Values come in the order in which they are computed: the forward pass, then the backward pass.

    >>> with np.errstate(all="ignore"):
    ...     cost = Mix("softmax", "ll").composed(Tensor([1000.0, 0.0]), 0)
    >>> breakdown(cost)
    'exp gives inf, then divide gives nan'
    """
    forward = (("", node, node.data) for node in nodes(cost))
    backward = (
        ("going back, the derivative of ", node, contribution)
        for node, _, _, contribution, _ in sweep(cost, seed_of(cost, None))
    )
    found: list[str] = []
    with np.errstate(all="ignore"):
        for before, node, values in itertools.chain(forward, backward):
            where = f"{before}{getattr(node.function, '__name__', 'a leaf')} gives"
            if np.isnan(values).any():
                found.append(f"{where} nan")
                break  # after it nothing is news
            if not found and not np.isfinite(values).all():
                found.append(f"{where} {'inf' if (values == np.inf).any() else '-inf'}")
    return ", then ".join(found) or None
