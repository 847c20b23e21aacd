"""A recording made once more with other values, and the finite differences that come of it.

>>> z = Tensor([2.0, 1.0], name="z")
>>> cost = (z * z).sum()
>>> again(cost, {z: Tensor([3.0, 0.0], name="z")})[cost]
Tensor(9., by=sum)
>>> difference(cost, z).round(6)
array([4., 2.])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.table import TABLE, Array
from tinygrad_lossmix.engine.tensor import Tensor, node, record, tick

LARGEST = 64  # entries of a node whose differences are taken


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
    rules, forward = TABLE[each.function]
    args = [
        arg.data if held and isinstance(arg, Tensor) and rules[i] is None else other(arg)
        for i, arg in enumerate(each.args)
    ]
    if each.values:
        result = record(each.function, tuple(args), each.kwargs)
    else:  # its rule needs no values, so none were kept
        values = [arg.data if isinstance(arg, Tensor) else arg for arg in args]
        result = node(forward(*values, **each.kwargs), each.function, args, (), each.kwargs)
    result.name = each.name
    return result


def difference(cost: Tensor, at: Tensor) -> Array | None:
    """The central finite difference of a cost by each entry of a node, all else held.

    Returns:
        an array of the node's shape; None where the node is too large.
    """
    if at.size > LARGEST:
        return None
    values = np.array(at.data)
    slopes = np.empty(at.shape, at.dtype)
    step = np.cbrt(np.finfo(at.dtype).eps)
    with np.errstate(all="ignore"):
        for index in np.ndindex(at.shape):
            size = step * max(1.0, abs(float(values[index])))
            up, down = np.array(values), np.array(values)
            up[index] += size
            down[index] -= size
            rise = [float(again(cost, {at: Tensor(x)}, held=True)[cost].data) for x in (up, down)]
            slopes[index] = (rise[0] - rise[1]) / float(up[index] - down[index])
    return slopes
