"""The gradients of a recording, and the downstream gradient of each node by each argument."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygrad_lossmix.engine.sweep import sweep
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor


class Gradients(NamedTuple):
    """What a sweep found; nothing where a node has received nothing."""

    of: dict[Tensor, Array]
    downstream: dict[tuple[Tensor, int], Array]  # by a node to its argument at that position


def gradients(cost: Tensor) -> Gradients:
    """Those that `cost.backward()` filled; none before that.

    Found again by a sweep from the same seed: a node's own `.grad` may since have been filled by
    another cost that shares it.
    """
    return Gradients({}, {}) if cost.grad is None else swept(cost, cost.grad)


def swept(cost: Tensor, seed: Array) -> Gradients:
    """Those of a sweep from this seed; no `.grad` is touched."""
    found = Gradients({cost: seed}, {})
    with np.errstate(all="ignore"):  # whatever there is to warn of, backward() has
        for node, position, _, contribution, total in sweep(cost, seed):
            found.downstream[node, position] = contribution
            found.of[node.args[position]] = total
    return found
