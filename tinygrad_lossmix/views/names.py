"""What the nodes of a recording are called on a screen.

Names come from users, and may hold anything; what is shown is one short line of printable text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_lossmix.engine import graph
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import clean, shorten
from tinygrad_lossmix.views.symbols import Symbols


def full(
    cost: Tensor, symbols: Symbols | None, known: Mapping[str, Any] | None = None
) -> dict[Tensor, str]:
    """A name for each node of a recording, however long, cleaned.

    Args:
        cost: the recording.
        symbols: what the book calls some of its nodes; used for those without a name.
        known: the caller's variables, such as `locals()`; those with a leading underscore are
            ignored.
    """
    given: dict[str, Any] = {}
    if symbols is not None:
        for letter, node in (("z", symbols.z), ("a", symbols.a), ("C", symbols.cost)):
            if node is not None and node.name is None:
                given[letter] = node
    given |= {key: value for key, value in (known or {}).items() if not key.startswith("_")}
    return {node: clean(name) for node, name in graph.names(cost, given).items()}


def shown(names: Mapping[Tensor, str]) -> dict[Tensor, str]:
    """Names short enough to be shown, none twice."""
    result: dict[Tensor, str] = {}
    taken: set[str] = set()
    for node, name in names.items():
        stem = text = shorten(name)
        again = 2
        while text in taken:
            text = f"{stem}_{again}"
            again += 1
        taken.add(text)
        result[node] = text
    return result


def constant(x: Array, symbols: Symbols | None, known: Mapping[str, Any] | None = None) -> str:
    """What a constant array is called: y, 1 - y, the one variable that holds the same; or ''."""
    if symbols is not None:
        if _same(x, symbols.y):
            return "y"
        if _same(x, 1.0 - symbols.y):
            return "1 - y"
    equal = [
        key
        for key, value in (known or {}).items()
        if not key.startswith("_") and isinstance(value, np.ndarray) and _same(x, value)
    ]
    return shorten(clean(equal[0])) if len(equal) == 1 else ""


def _same(x: Array, y: Array) -> bool:
    return x.shape == y.shape and x.dtype == y.dtype and bool(np.array_equal(x, y))
