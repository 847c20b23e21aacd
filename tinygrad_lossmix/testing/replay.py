"""A recording computed again in other numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.rules import astype
from tinygrad_lossmix.engine.table import TABLE
from tinygrad_lossmix.engine.tensor import Tensor, recorded_again

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
        each.function is constant or any(_held(each, i) for i in range(len(each.args)))
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
