"""What is said of a NumPy call that cannot be recorded, and what to do instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_lossmix.engine.table import spelling


def refuse_out(function: Any, kwargs: Mapping[str, Any]) -> None:
    """Raise TypeError where a call names an array to write into."""
    if kwargs.get("out") is not None:
        raise TypeError(
            f"{spelling(function)}(…, out=…) would overwrite values that gradients need: "
            "drop out=, or work on t.data"
        )


def no_rule(function: Any, arity: int) -> TypeError:
    """The error for a function that the table does not know, with the line that would add it."""
    name, arguments = spelling(function), ", ".join("xyuvw"[:arity])
    rules = ", ".join([f"lambda g, z, {arguments}: …"] * arity)
    return TypeError(
        f"{name} has no derivative rule: add one with lm.derivative({name}, {rules}), where g is "
        f"the gradient arriving at the output z, or compute a plain value with {name}(t.data)"
    )
