"""How far a right gradient may be from the derivative: what rounding does to it.

A gradient computed through values v is off by about ε·Σ|∂g/∂v|·|v|, over every value on its way,
those inside the rules included. That sum is measured: the recording of the gradient is replayed
with every value off by a relative η·N(0, 1), and what the gradient moves by, divided by η, is the
sum with random weights. A true zero that is the difference of large terms is therefore allowed
their rounding, a small number that is computed without cancellation is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.replay import Disturbed, recorded, replay

SAFETY = 64.0
SIZE = 2.0**-26
SAMPLES = 3  # and as many with the opposite signs: beside a kink one of both moves


class Allowed(NamedTuple):
    """What rounding may do to each entry of a gradient, and to the value."""

    entries: Array
    value: float


def rounding(cost: Tensor, leaves: list[Tensor], seed: Array, rng: np.random.Generator) -> Allowed:
    """c·ε·Σ|∂g/∂v|·|v| of every entry of a gradient g, and the same of the value of the cost.

    ε is the coarsest rounding in the recording, at least that of float64, which is compared in.

    Args:
        cost, leaves: a recording and what it is differentiated by.
        seed: of the cost's shape.
        rng: for the weights.

    Returns:
        a flat float64 array over the entries of all leaves, and a number.
    """
    start = Tensor(np.asarray(seed, dtype=np.float64))
    lift: Any = lambda data: Tensor(np.asarray(data, dtype=np.float64))
    fresh = [lift(leaf.data) for leaf in leaves]
    again = replay(cost, dict(zip(leaves, fresh, strict=True)), lift, recorded)
    value = (again * start).sum()
    try:
        parts = grad(again, fresh, start, create_graph=True)
    except Exception:  # a rule that does not run on Tensors
        parts = [Tensor(g) for g in grad(again, fresh, start.data)]
    gradient: Any = np.concatenate([part.reshape(-1) for part in parts])
    kinds = [np.finfo(each.dtype) for each in nodes(cost)]
    smallest = max(float(kind.smallest_normal) for kind in kinds)
    unit = SAFETY * max(2.0**-52, *(float(kind.eps) for kind in kinds))
    least = SAFETY * max(float(np.finfo(leaf.dtype).smallest_subnormal) for leaf in leaves)
    entries, size = _moved(gradient, smallest, rng), float(_moved(value, smallest, rng))
    size += abs(float(np.vdot(seed, cost.data)))
    return Allowed(unit * entries + least, unit * size + least)


def _moved(target: Tensor, smallest: float, rng: np.random.Generator) -> Array:
    """How far a recorded result moves for a relative error of 1 in every value, or its own size."""
    samples = []
    for seed in rng.integers(2**32, size=SAMPLES):
        for size in (SIZE, -SIZE):
            disturbed = Disturbed(size, smallest, np.random.default_rng(seed))
            samples.append(replay(target, {}, disturbed.off, disturbed))
    with np.errstate(all="ignore"):
        moved = np.abs(np.array(samples) - target.data) / SIZE
    moved = np.where(np.isfinite(moved), moved, 0.0)  # a value can fall out of a domain
    return moved.max(axis=0) + np.abs(np.nan_to_num(target.data))


def flat(arrays: list[Array]) -> Array:
    """All entries, one after the other, in float64."""
    return np.concatenate([np.asarray(a, dtype=np.float64).reshape(-1) for a in arrays])


def split(entries: Array, like: Sequence[Any]) -> list[Array]:
    """The flat entries as arrays of the same shapes as these."""
    ends = np.cumsum([each.size for each in like])[:-1]
    parts = zip(np.split(entries, ends), like, strict=True)
    return [part.reshape(each.shape) for part, each in parts]
