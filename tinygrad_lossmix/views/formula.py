"""A node as a line of mathematics: what it was computed from.

>>> z = Tensor([2.0, 1.0], name="z")
>>> call = {z: "z"}.get
>>> formula(1.0 / z, call), formula(z.sum(axis=0, keepdims=True), call)
('1 / z', 'sum(z, axis=0, keepdims=True)')
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.tensor import Tensor, getitem
from tinygrad_lossmix.printing import clean
from tinygrad_lossmix.views.numbers import short

OPERATORS = {
    np.add: "+",
    np.subtract: "-",
    np.multiply: "*",
    np.divide: "/",
    np.power: "**",
    np.matmul: "@",
}
INTERNAL = {"ends"}  # options that the engine made, not the caller


def formula(node: Tensor, call: Callable[[Any], str | None]) -> str:
    """What a node was computed from; '' for a leaf.

    Args:
        node: the Tensor.
        call: gives the name of an argument; None or '' for a constant without one.
    """
    function = node.function
    if function is None:
        return ""
    args = [call(arg) or _constant(arg) for arg in node.args]
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


def _constant(x: Any) -> str:
    return short(x) if np.ndim(x) < 2 else f"array of {np.shape(x)}"


def _key(key: Any) -> str:
    if isinstance(key, tuple):
        return ", ".join(map(_key, key))
    if isinstance(key, slice):
        ends = ["" if end is None else str(end) for end in (key.start, key.stop, key.step)]
        return ":".join(ends if ends[2] else ends[:2])
    return "..." if key is Ellipsis else _option(key)


def _option(value: Any) -> str:
    return _constant(value) if isinstance(value, np.ndarray) else clean(str(value))
