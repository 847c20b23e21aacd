"""A recording made again, with Tensors in place of some of its nodes.

>>> z = Tensor([2.0, 1.0], name="z")
>>> cost = (z * z).sum()
>>> again(cost, {z: Tensor([0.0, 0.0])})[cost]
Tensor(0., by=sum)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.replay import recorded, replay
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor, tick


def again(
    cost: Tensor, replaced: Mapping[Tensor, Tensor], arrays: Mapping[int, Array] | None = None
) -> dict[Tensor, Tensor]:
    """The same recording, names and groups included, with Tensors in place of some of its nodes.

    Args:
        cost: the recording.
        replaced: what takes the place of a node.
        arrays: what takes the place of a constant array, by its id.

    Returns:
        the new node for each old one.
    """
    every, arrays = nodes(cost), arrays or {}
    starts = sorted({start for each in every for *_, start in each.groups}, reverse=True)
    moved: dict[int, int] = {}

    def compute(each: Tensor, args: list[Any]) -> Tensor:
        while starts and starts[-1] < each.order:
            moved[starts.pop()] = tick()
        args = [arrays.get(id(arg), arg) for arg in args]
        result = recorded(each, args) if each.function else Tensor(each.data)
        result.name = each.name
        return result

    def other(arg: Any) -> Any:
        return new.get(arg, arg) if isinstance(arg, Tensor) else arrays.get(id(arg), arg)

    new = replay(cost, replaced, compute)
    for each in every:
        if each not in replaced:
            new[each].groups = tuple(
                (name, tuple(map(other, args)), moved[start]) for name, args, start in each.groups
            )
    return new
