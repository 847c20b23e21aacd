"""A recording with everything that a view needs to put it into words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_lossmix.engine import graph
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.views import names, symbols
from tinygrad_lossmix.views.formula import formula


def is_array(arg: Any) -> bool:
    """Whether an argument is a constant that is shown by itself; single numbers are not."""
    return isinstance(arg, np.ndarray) and arg.ndim > 0


class Reading:
    """The nodes of a cost with their names, formulas and the book's symbols.

    Args:
        cost: the recording, a Tensor.
        known: the caller's names for Tensors and constant arrays, such as `locals()`.

    Raises:
        TypeError: cost is not a Tensor.
    """

    def __init__(self, cost: Tensor, known: Mapping[str, Any] | None = None) -> None:
        if not isinstance(cost, Tensor):
            raise TypeError(
                f"the cost is a {type(cost).__name__}, not a Tensor: it was computed from plain "
                "arrays; wrap what you differentiate, z = Tensor(z)"
            )
        self.cost = cost
        self.nodes = graph.nodes(cost)
        self.symbols = symbols.find(cost)
        self.names = names.shown(cost, self.symbols, known)
        self._known = known

    def call(self, arg: Any) -> str:
        """What an argument of a node is called; '' for a constant without a name."""
        if isinstance(arg, Tensor):
            return self.names[arg]
        if is_array(arg):
            return names.constant(arg, self.symbols, self._known)
        return ""

    def formula(self, node: Tensor) -> str:
        """`n1 / n2`; '' for a leaf."""
        return formula(node, self.call)

    def equation(self, node: Tensor) -> str:
        """The book's words for a node; '' where it has none."""
        return self.symbols.equation(node) if self.symbols else ""
