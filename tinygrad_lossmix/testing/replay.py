"""A recording computed again: in other numbers, or with every value a little off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.registration import raw
from tinygrad_lossmix.engine.table import TABLE
from tinygrad_lossmix.engine.tensor import Tensor, astype, recorded_again
from tinygrad_lossmix.mixes.layers import LAYERS, PAIRS

OF_LOGITS = {f.recorded for layer in LAYERS.values() for f in layer.rows}
OF_LOGITS |= {f for form in PAIRS.values() for f in (form.cost, form.delta.recorded)}
Compute = Callable[[Tensor, list[Any]], Any]


def replay(
    cost: Tensor, leaves: Mapping[Tensor, Any], lift: Callable[[Any], Any], compute: Compute
) -> Any:
    """The value of a cost for other values of its leaves, along the recorded branch.

    Args:
        cost: the recording.
        leaves: a value for each leaf that gets a new one; the others keep theirs, lifted.
        lift: how a recorded array enters.
        compute: the value of a node from those of its arguments.
    """
    values: dict[Tensor, Any] = dict(leaves)
    for each in nodes(cost):
        if each in values:
            continue
        args = list(each.args)
        for i, arg in enumerate(args):
            if isinstance(arg, Tensor):
                args[i] = lift(arg.data) if _held(each, i) else values[arg]
        values[each] = compute(each, args) if each.function else lift(each.data)
    return values[cost]


def _held(each: Tensor, position: int) -> bool:
    """Whether a node has a Tensor there by which it is not differentiated."""
    return isinstance(each.args[position], Tensor) and TABLE[each.function].rules[position] is None


def holds_constants(cost: Tensor) -> bool:
    """Whether something in a recording is computed from Tensors and yet not differentiated."""
    return any(
        each.function is raw(constant) or any(_held(each, i) for i in range(len(each.args)))
        for each in nodes(cost)
    )


def in_floats(each: Tensor, args: list[Any]) -> Any:
    """The value of a node in float64, by its own forward function."""
    if each.function is astype:
        return args[0]
    return TABLE[each.function].forward(*args, **each.kwargs)


def recorded(each: Tensor, args: list[Any]) -> Tensor:
    """A node recorded again in float64."""
    return args[0] if each.function is astype else recorded_again(each, args)


@dataclass
class Disturbed:
    """Computes a node again with everything in it wrong by a relative `size`, times random numbers.

    Numbers that underflow are wrong by a fraction of the `smallest` normal one. Logits are moved by
    `size` itself: what a stable function rounds inside, e^z first of all, is off as if they were.
    """

    size: float
    smallest: float
    rng: np.random.Generator

    def off(self, value: Any) -> Any:
        """value times 1 + size·N(0, 1), entry by entry, in float64."""
        value = np.asarray(value, dtype=np.float64)
        return value * (1.0 + self._moves(value))

    def __call__(self, each: Tensor, args: list[Any]) -> Any:
        """The value of a node, off; so are its constants, but for an exponent."""
        for i, (arg, old) in enumerate(zip(args, each.args, strict=True)):
            floats = isinstance(arg, np.ndarray | np.generic) and arg.dtype.kind == "f"
            exponent = each.function is np.power and i
            if floats and not exponent and not isinstance(old, Tensor):
                args[i] = self.off(arg)
        if each.function in OF_LOGITS:
            args[0] = args[0] + self._moves(args[0])
        value = self.off(in_floats(each, args))
        return value + self.smallest * self._moves(value)

    def _moves(self, value: Any) -> Any:
        return self.size * self.rng.normal(size=np.shape(value))
