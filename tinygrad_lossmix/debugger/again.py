"""A recording made again, with Tensors in place of some of its nodes.

>>> z = Tensor([2.0, 1.0], name="z")
>>> cost = (z * z).sum()
>>> again(cost, {z: Tensor([0.0, 0.0])})[cost]
Tensor(0., by=sum)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.table import TABLE, Array
from tinygrad_lossmix.engine.tensor import Tensor, recorded_again, tick


def again(
    cost: Tensor,
    replaced: Mapping[Tensor, Tensor],
    held: bool = False,
    arrays: Mapping[int, Array] | None = None,
) -> dict[Tensor, Tensor]:
    """The same recording, names and groups included, with Tensors in place of some of its nodes.

    Args:
        cost: the recording.
        replaced: what takes the place of a node.
        held: what is not differentiated keeps its recorded value, as it does for a gradient.
        arrays: what takes the place of a constant array, by its id.

    Returns:
        the new node for each old one.
    """
    new: dict[Tensor, Tensor] = dict(replaced)
    arrays = arrays or {}

    def other(arg: Any) -> Any:
        return new.get(arg, arg) if isinstance(arg, Tensor) else arrays.get(id(arg), arg)

    every = nodes(cost)
    starts = sorted({start for each in every for *_, start in each.groups}, reverse=True)
    moved: dict[int, int] = {}
    for each in every:
        while starts and starts[-1] < each.order:
            moved[starts.pop()] = tick()
        if each not in new:
            new[each] = _again(each, other, held)
            new[each].groups = tuple(
                (name, tuple(map(other, args)), moved[start]) for name, args, start in each.groups
            )
    return new


def _again(each: Tensor, other: Callable[[Any], Any], held: bool) -> Tensor:
    if each.function is None:
        return Tensor(each.data, name=each.name)
    rules = TABLE[each.function].rules
    args = [
        arg.data if held and isinstance(arg, Tensor) and rules[i] is None else other(arg)
        for i, arg in enumerate(each.args)
    ]
    result = recorded_again(each, args)
    result.name = each.name
    return result
