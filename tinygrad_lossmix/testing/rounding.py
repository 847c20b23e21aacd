"""What rounding may do to the gradient of a recording: its values are made wrong, and it moves."""

from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.replay import computed, recorded, replay
from tinygrad_lossmix.engine.rules import astype
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.layers import LAYERS, PAIRS

SAFETY = 64.0
SIZE = 2.0**-26
SAMPLES = 3  # and as many with the opposite signs: beside a kink one of both moves
OF_LOGITS = {f for layer in LAYERS.values() for f in layer.rows}
OF_LOGITS |= {f for form in PAIRS.values() for f in (form.cost, form.delta)}


class Allowed(NamedTuple):
    """What rounding may do to each entry of a gradient, and to the value."""

    entries: Array
    value: float


def rounding(leaves: list[Tensor], cost: Tensor, seed: Array, rng: np.random.Generator) -> Allowed:
    """c·ε·Σ|∂g/∂v|·|v| of every entry of the gradient g of <seed, cost>, and the same of the value.

    A gradient computed through values v is off by about ε·Σ|∂g/∂v|·|v|, over every value on its
    way, those inside the rules included; ε is the coarsest rounding in the recording, at least
    that of float64, which is compared in. That sum is measured: the recording of the gradient
    is replayed with every value off by a relative η·N(0, 1), and what the gradient moves by,
    divided by η, is the sum with random weights. A true zero that is the difference of large
    terms is therefore allowed their rounding, a small number that is computed without
    cancellation is not.
    """
    lift: Any = lambda data: Tensor(np.asarray(data, dtype=np.float64))
    start = lift(seed)
    fresh = [lift(leaf.data) for leaf in leaves]

    def wider(each: Tensor, args: list[Any]) -> Any:
        return in_float64(recorded, each, args) if each.function else lift(each.data)

    known = dict(zip(leaves, fresh, strict=True))
    wide = replay(cost, known, wider, lambda arg: lift(arg.data))[cost]
    try:
        parts = grad(wide, fresh, start, create_graph=True)
    except Exception:  # a rule that does not run on Tensors
        parts = [Tensor(g) for g in grad(wide, fresh, start.data)]
    kinds = [np.finfo(each.dtype) for each in nodes(cost)]
    smallest = max(float(kind.smallest_normal) for kind in kinds)
    unit = SAFETY * max(2.0**-52, *(float(kind.eps) for kind in kinds))
    least = SAFETY * max(float(np.finfo(leaf.dtype).smallest_subnormal) for leaf in leaves)
    gradient: Any = np.concatenate([part.reshape(-1) for part in parts])
    entries = _moved(gradient, smallest, rng)
    size = float(_moved((wide * start).sum(), smallest, rng))
    size += abs(float(np.vdot(seed, cost.data)))
    return Allowed(unit * entries + least, unit * size + least)


def in_float64(compute: Any, each: Tensor, args: list[Any]) -> Any:
    """A node computed from float64, which stays it: `astype` is left out."""
    return args[0] if each.function is astype else compute(each, args)


def _moved(target: Tensor, smallest: float, rng: np.random.Generator) -> Array:
    """How far a recorded result moves for a relative error of 1 in every value, or its own size."""
    samples = [
        _disturbed(target, size, smallest, np.random.default_rng(seed))
        for seed in rng.integers(2**32, size=SAMPLES)
        for size in (SIZE, -SIZE)
    ]
    with np.errstate(all="ignore"):
        moved = np.abs(np.array(samples) - target.data) / SIZE
    moved = np.where(np.isfinite(moved), moved, 0.0)  # a value can fall out of a domain
    return moved.max(axis=0) + np.abs(np.nan_to_num(target.data))


def _disturbed(target: Tensor, size: float, smallest: float, rng: np.random.Generator) -> Array:
    """A recorded result with everything in it wrong by a relative `size`, times random numbers.

    Numbers that underflow are wrong by a fraction of the `smallest` normal one. Logits are moved by
    `size` itself: what a stable function rounds inside, e^z first of all, is off as if they were.
    """

    def moves(value: Any) -> Any:
        return size * rng.normal(size=np.shape(value))

    def off(value: Any) -> Any:
        value = np.asarray(value, dtype=np.float64)
        return value * (1.0 + moves(value))

    def disturbed(each: Tensor, args: list[Any]) -> Any:
        """The value of a node, off; so are its constants, but for an exponent."""
        if each.function is None:
            return off(each.data)
        for i, (arg, old) in enumerate(zip(args, each.args, strict=True)):
            floats = isinstance(arg, np.ndarray | np.generic) and arg.dtype.kind == "f"
            exponent = each.function is np.power and i
            if floats and not exponent and not isinstance(old, Tensor):
                args[i] = off(arg)
        if each.function in OF_LOGITS:
            args[0] = args[0] + moves(args[0])
        result = off(in_float64(computed, each, args))
        return result + smallest * moves(result)

    return np.asarray(replay(target, {}, disturbed, lambda arg: off(arg.data))[target])
