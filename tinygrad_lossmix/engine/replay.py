"""A recording played again: in other numbers, in numbers of another kind, as a new recording.

>>> z = Tensor([2.0, 1.0, 0.0], name="z")
>>> cost = z.exp().sum().log()
>>> replay(cost, {z: Tensor([0.0, 0.0, 0.0])}, recorded)[cost]
Tensor(1.09861229, by=log)
>>> replay(cost, {z: z.data + 1.0}, computed)[cost]
np.float64(3.4076059644443806)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.table import TABLE
from tinygrad_lossmix.engine.tensor import Tensor, node


def replay(
    cost: Tensor,
    known: Mapping[Tensor, Any],
    compute: Callable[[Tensor, list[Any]], Any],
    held: Callable[[Tensor], Any] | None = None,
) -> dict[Tensor, Any]:
    """What each node of a recording is for other values of some, along the recorded branch.

    Args:
        cost: the recording.
        known: what some nodes are, leaves first of all.
        compute: what another node is, from the node and what its arguments are; a leaf has none.
        held: what a Tensor is where it is not differentiated; without it, what it is elsewhere.
    """
    found = dict(known)
    for each in nodes(cost):
        if each not in found:
            args = [found[arg] if type(arg) is Tensor else arg for arg in each.args]
            if held is not None:
                for i in undifferentiated(each):
                    args[i] = held(each.args[i])
            found[each] = compute(each, args)
    return found


def undifferentiated(each: Tensor) -> list[int]:
    """The positions of the Tensors by which a node is not differentiated."""
    return [i for i in each.positions if TABLE[each.function].rules[i] is None]


def computed(old: Tensor, args: Sequence[Any]) -> Any:
    """The value of a node for other values of its arguments; a leaf keeps its own."""
    found = TABLE[old.function].forward(*args, **old.kwargs) if old.function else old.data
    return found[0] if type(found) is tuple else found


def recorded(old: Tensor, args: Sequence[Any]) -> Tensor:
    """A node recorded again, of arguments that nobody else can change; a leaf is itself."""
    if old.function is None:
        return old
    values = tuple([arg._value if type(arg) is Tensor else arg for arg in args])
    positions = tuple([i for i, arg in enumerate(args) if type(arg) is Tensor])
    new = node(old.function, args, values, positions, False, old.kwargs)
    new.values, new.line = new.values if old.values else (), old.line
    return new
