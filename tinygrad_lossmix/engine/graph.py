"""Reading a recording: its nodes in order, their names, and the functions they belong to.

>>> z = Tensor([2.0, 1.0], name="z")
>>> cost = z.exp().sum()
>>> [names(cost)[node] for node in nodes(cost)]
['z', 'n1', 'n2']
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from tinygrad_lossmix.engine.freeze import freeze
from tinygrad_lossmix.engine.tensor import Tensor, tick


class Group(NamedTuple):
    """A call of a named function: softmax, cross-entropy …"""

    name: str
    args: tuple[Any, ...]  # Tensors and constants; None for anything else
    output: Tensor
    members: tuple[Tensor, ...]  # what the call recorded, its output included

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The Tensors among its arguments."""
        return tuple(arg for arg in self.args if isinstance(arg, Tensor))


def nodes(cost: Tensor) -> list[Tensor]:
    """Every Tensor that a cost was computed from, and the cost, in the order of their creation."""
    return since(0, cost)


def since(start: int, output: Tensor) -> list[Tensor]:
    """What an output was computed from, as far as it was created after a moment."""
    seen = {output}
    waiting, found = [output], []
    while waiting:
        node = waiting.pop()
        found.append(node)
        parents = [arg for arg in node.args if isinstance(arg, Tensor)]
        fresh = {arg for arg in parents if arg.order >= start and arg not in seen}
        seen |= fresh
        waiting += fresh
    return sorted(found, key=lambda node: node.order)


def names(cost: Tensor, known: Mapping[str, Any] | None = None) -> dict[Tensor, str]:
    """A name for each node, none twice.

    Args:
        cost: the recording to name.
        known: the caller's names for Tensors, such as `locals()`; other values in it are ignored.

    Returns:
        for each node the caller's name, of several the first, else its `name`, else n0, n1 … by
        position; a name that is taken already gets a number behind it.
    """
    of_tensors = [(x, key) for key, x in (known or {}).items() if isinstance(x, Tensor)]
    given = dict(reversed(of_tensors))
    every = nodes(cost)
    called = (given.get(node) or node.name or f"n{i}" for i, node in enumerate(every))
    return dict(zip(every, distinct(called), strict=True))


def distinct(names: Iterable[str]) -> list[str]:
    """The same names, a number behind each one that is taken already."""
    taken: dict[str, None] = {}
    for stem in names:
        name, again = stem, 2
        while name in taken:
            name = f"{stem}_{again}"
            again += 1
        taken[name] = None
    return list(taken)


def groups(cost: Tensor) -> list[Group]:
    """The calls of named functions in a recording, inner ones before outer ones."""
    found = []
    for node in nodes(cost):
        for name, args, start in node.groups:
            found.append(Group(name, args, node, tuple(since(start, node))))
    return found


def group(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Record every call of the decorated function as one group of that name.

    Raises:
        TypeError: the name is none, as where the decorator is used without one.

    >>> @group("square")
    ... def square(x):
    ...     return x * x
    >>> [g.name for g in groups(square(Tensor(3.0)))]
    ['square']
    """

    if not isinstance(name, str):
        raise TypeError(f'a group has a name, as in @group("softmax"), not {name!r:.80}')

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(function):
            raise TypeError(f"a group is a function, not {type(function).__name__}")

        @functools.wraps(function)
        def grouped(*args: Any, **kwargs: Any) -> Any:
            start = tick()
            output = function(*args, **kwargs)
            if type(output) is Tensor and output.order > start:
                kept = tuple(map(_kept, (*args, *kwargs.values())))
                output.groups += ((name, kept, start),)
            return output

        return grouped

    return decorate


def _kept(arg: Any) -> Any:
    """Tensors and constants; None for anything else."""
    if type(arg) is Tensor:
        return arg
    try:
        return freeze(arg)
    except TypeError:
        return None
