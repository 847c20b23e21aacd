"""A recording with everything that a view needs to put it into words.

Names come from users, and may hold anything; what is shown is one short line of printable text.

>>> z = Tensor([2.0, 1.0], name="z")
>>> [Reading(x).formula(x) for x in (1.0 / z, z.sum(axis=0, keepdims=True))]
['1 / z', 'sum(z, axis=0, keepdims=True)']
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.engine import graph
from tinygrad_lossmix.engine.rules import getitem
from tinygrad_lossmix.engine.sweep import Step, sweep
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import LONGEST, brief, clean, short, shorten
from tinygrad_lossmix.views import symbols

OPERATORS = {
    np.add: "+",
    np.subtract: "-",
    np.multiply: "*",
    np.divide: "/",
    np.power: "**",
    np.matmul: "@",
}
INTERNAL = {"ends"}  # options that the engine made, not the caller


def is_array(arg: Any) -> bool:
    """Whether an argument is a constant that is shown by itself; single numbers are not."""
    return isinstance(arg, np.ndarray) and arg.ndim > 0


def constants(reading: Reading) -> list[Any]:
    """The constant arrays in a recording, those that a named function was called with included."""
    every = [arg for node in reading.nodes for arg in node.args]
    every += [arg for node in reading.nodes for _, args, _ in node.groups for arg in args]
    return list(filter(is_array, every))


class Reading:
    """The nodes of a cost with their names, formulas and the book's symbols.

    Args:
        cost: the recording, a Tensor.
        known: the caller's names for Tensors and constant arrays, such as `locals()`; those with a
            leading underscore are ignored.

    Attributes:
        cost: as it was given.
        known: the names that count.

    Raises:
        TypeError: cost is not a Tensor, or known not a mapping.
    """

    def __init__(self, cost: Tensor, known: Mapping[str, Any] | None = None) -> None:
        if not isinstance(cost, Tensor):
            raise TypeError(
                f"the cost is {type(cost).__name__}, not a Tensor: compute it from what you "
                "differentiate, wrapped, z = Tensor(z)"
            )
        if known is not None and not isinstance(known, Mapping):
            raise TypeError(f"names are a mapping such as locals(), not {type(known).__name__}")
        self.cost = cost
        self.known = {key: x for key, x in (known or {}).items() if not key.startswith("_")}

    @property
    def title(self) -> str:
        """What is recorded: `softmax + cross-entropy: C = 1.25`."""
        mix = f"{self.symbols.mix}: " if self.symbols else ""
        return f"{mix}{self.call(self.cost)} = {short(self.cost.data)}"

    # found when first asked for: a walk that is only walked needs none of them

    @cached_property
    def nodes(self) -> list[Tensor]:
        """The nodes in the order they were computed."""
        return graph.nodes(self.cost)

    @cached_property
    def symbols(self) -> symbols.Symbols | None:
        """What the book calls some of them; None where no mix is recorded."""
        return symbols.find(self.cost)

    @cached_property
    def full_names(self) -> dict[Tensor, str]:
        """A name for each, cleaned, however long: the caller's, else its own, else the book's."""
        given: dict[str, Any] = {}
        if (found := self.symbols) is not None:
            for letter, node in (("z", found.z), ("a", found.a), ("C", found.cost)):
                if node is not None and node.name is None:
                    given[letter] = node
        named = graph.names(self.cost, given | self.known)
        return {node: clean(name) for node, name in named.items()}

    @cached_property
    def names(self) -> dict[Tensor, str]:
        """Their names short enough to be shown, none twice."""
        result: dict[Tensor, str] = {}
        taken: set[str] = set()
        for node, name in self.full_names.items():
            stem = text = shorten(name)
            again = 2
            while text in taken:
                text = f"{stem}_{again}"
                again += 1
            taken.add(text)
            result[node] = text
        return result

    def call(self, arg: Any) -> str:
        """What an argument of a node is called; '' for a constant without a name."""
        if isinstance(arg, Tensor):
            return self.names[arg]
        return self._constant(arg) if is_array(arg) else ""

    def _constant(self, x: Array) -> str:
        """`y`, `1 - y`, the one variable of the caller's that holds the same; or ''."""
        if self.symbols is not None:
            if _same(x, self.symbols.y):
                return "y"
            if _same(x, 1.0 - self.symbols.y):
                return "1 - y"
        arrays = {key: value for key, value in self.known.items() if isinstance(value, np.ndarray)}
        equal = [key for key, value in arrays.items() if _same(x, value)]
        return brief(equal[0]) if len(equal) == 1 else ""

    def full_name(self, node: Tensor) -> str:
        """The whole name of a node that is shown shortened; '' of another."""
        name = self.full_names[node]
        return name if len(name) > LONGEST else ""

    def formula(self, node: Tensor) -> str:
        """What a node was computed from, `n1 / n2`; '' for a leaf."""
        function = node.function
        if function is None:
            return ""
        args = [self.call(arg) or _numbers(arg) for arg in node.args]
        if function in OPERATORS and len(args) == 2:
            left, right = (f"({arg})" if " - " in arg else arg for arg in args)
            return f"{left} {OPERATORS[function]} {right}"
        if function is np.negative:
            return f"-{args[0]}"
        if function is getitem:
            return f"{args[0]}[{_key(node.kwargs['key'])}]"
        options = [
            f"{key}={_option(value)}"
            for key, value in node.kwargs.items()
            if value is not None and value is not False and key not in INTERNAL
        ]
        return f"{clean(function.__name__)}({', '.join(args + options)})"

    def defined(self, node: Tensor) -> str:
        """`n3 = n1 / n2`; the name alone of a leaf."""
        text = self.formula(node)
        return f"{self.call(node)} = {text}" if text else self.call(node)

    def derivative(self, node: Tensor) -> str:
        """What the gradient of a node is called: `dC/da`, `delta = dC/dz`."""
        delta = self.symbols.delta_at(node) if self.symbols else ""
        name = f"d{self.call(self.cost)}/d{self.call(node)}"
        return f"{delta} = {name}" if delta else name

    def equation(self, node: Tensor) -> str:
        """The book's words for a node; '' where it has none."""
        return self.symbols.equation(node) if self.symbols else ""


def _same(x: Array, y: Array) -> bool:
    return x.shape == y.shape and x.dtype == y.dtype and bool(np.array_equal(x, y))


def _numbers(x: Any) -> str:
    return short(x) if np.ndim(x) < 2 else f"array of {np.shape(x)}"


def _key(key: Any) -> str:
    if isinstance(key, tuple):
        return ", ".join(map(_key, key))
    if isinstance(key, slice):
        ends = ["" if end is None else str(end) for end in (key.start, key.stop, key.step)]
        return ":".join(ends if ends[2] else ends[:2])
    return "..." if key is Ellipsis else _option(key)


def _option(value: Any) -> str:
    return _numbers(value) if isinstance(value, np.ndarray) else clean(str(value))


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
    with np.errstate(all="ignore"):  # whatever there is to warn of, backward() has
        return collected(cost, seed, sweep(cost, seed))


def collected(cost: Tensor, seed: Array, steps: Iterable[Step]) -> Gradients:
    """Those of the first steps of a sweep: copies."""
    found = Gradients({cost: np.array(seed)}, {})
    for node, position, _, contribution, total in steps:
        found.downstream[node, position] = np.array(contribution)
        found.of[node.args[position]] = np.array(total)
    return found
