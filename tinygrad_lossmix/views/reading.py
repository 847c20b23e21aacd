"""A recording with everything that a view needs to put it into words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_lossmix.engine import graph
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import LONGEST
from tinygrad_lossmix.views import names, symbols
from tinygrad_lossmix.views.formula import formula


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
        known: the caller's names for Tensors and constant arrays, such as `locals()`.

    Attributes:
        cost, known: as they were given.

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
        self.known = dict(known or {})

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
        """Their names, however long."""
        return names.full(self.cost, self.symbols, self.known)

    @cached_property
    def names(self) -> dict[Tensor, str]:
        """Their names as they are shown, none twice."""
        return names.shown(self.full_names)

    def call(self, arg: Any) -> str:
        """What an argument of a node is called; '' for a constant without a name."""
        if isinstance(arg, Tensor):
            return self.names[arg]
        if is_array(arg):
            return names.constant(arg, self.symbols, self.known)
        return ""

    def full_name(self, node: Tensor) -> str:
        """The whole name of a node that is shown shortened; '' of another."""
        name = self.full_names[node]
        return name if len(name) > LONGEST else ""

    def formula(self, node: Tensor) -> str:
        """`n1 / n2`; '' for a leaf."""
        return formula(node, self.call)

    def equation(self, node: Tensor) -> str:
        """The book's words for a node; '' where it has none."""
        return self.symbols.equation(node) if self.symbols else ""
