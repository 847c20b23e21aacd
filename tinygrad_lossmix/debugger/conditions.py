"""Names and comparisons, as they are typed: `z.grad > 1 and position >= 3`.

They are split at the comparison and looked up; nothing is evaluated as Python.

>>> z = Tensor([2.0, 1.0], name="z")
>>> walk = Walk((z * z).sum())
>>> condition = Condition("z.grad >= 4")
>>> names = Names(walk.reading)
>>> condition.holds(walk, names), condition.holds(walk.at(len(walk)), names)
(False, True)
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.debugger.names import Mistake, Names
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
HERE = {
    "position": lambda walk: walk.position,
    "upstream": lambda walk: walk.stop and walk.stop.g,
    "downstream": lambda walk: walk.stop and walk.stop.contribution,
    "accumulated": lambda walk: walk.stop and walk.stop.total,
}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?|[+-]?inf", re.ASCII | re.IGNORECASE)


class Comparison(NamedTuple):
    """`left symbol right`."""

    left: str
    symbol: str
    right: str

    def result(self, walk: Walk, names: Names) -> Array | None:
        """True or False for each entry; None as long as a side has no value.

        Raises:
            Mistake: a side is not known, or the shapes do not belong together.
        """
        left, right = quantity(self.left, walk, names), quantity(self.right, walk, names)
        if left is None or right is None:
            return None
        try:
            return np.asarray(OPERATORS[self.symbol](left, right))
        except ValueError:
            shapes = f"{np.shape(left)} and {np.shape(right)}"
            raise Mistake(f"arrays of shapes {shapes} cannot be compared") from None


class Condition:
    """Comparisons joined by `and`; of an array it is enough that one entry fulfils one.

    Raises:
        Mistake: not made of comparisons.
    """

    def __init__(self, text: str) -> None:
        self.comparisons = [comparison(part) for part in re.split(r"\sand\b", text)]

    def holds(self, walk: Walk, names: Names) -> bool:
        """Whether every comparison holds here; not as long as a quantity has no value."""
        results = [each.result(walk, names) for each in self.comparisons]
        return all(result is not None and bool(result.any()) for result in results)


def is_condition(text: str) -> bool:
    """Whether there is a comparison in it."""
    return any(symbol in text for symbol in OPERATORS)


def comparison(text: str) -> Comparison:
    """`z.grad > 1` in its parts.

    Raises:
        Mistake: not one comparison.
    """
    parts = [part.strip() for part in re.split("(<=|>=|==|!=|<|>)", text)]
    if len(parts) != 3 or not parts[0] or not parts[2]:
        raise Mistake("a condition compares names and numbers: z.grad > 1 and position < 5")
    return Comparison(*parts)


def quantity(text: str, walk: Walk, names: Names) -> Any:
    """A number, a name, NAME.grad, or what is at this stop; None as long as it has no value.

    Raises:
        Mistake: none of these.
    """
    if text in names.known:
        found = names.known[text]
        return walk.value(found) if isinstance(found, Tensor) else found
    if text.endswith(".grad") and text.removesuffix(".grad") in names.known:
        return walk.gradient(names.node(text.removesuffix(".grad")))
    if NUMBER.fullmatch(text):
        return float(text)
    if text in HERE:
        return HERE[text](walk)
    raise names.missing(text)
