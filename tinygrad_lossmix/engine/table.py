"""Where the engine keeps what it knows of each function: rules, value, spelling.

`derivatives.py` fills these tables, `tensor.py` and `sweep.py` read them. Keys are the functions
themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = Any  # an ndarray, or the NumPy scalar that NumPy returns in place of a 0-d one
Rule = Callable[..., Any]


class Row(NamedTuple):
    """One function: a rule per positional argument, and how to compute its value."""

    rules: Any  # indexed by the argument's position; None: not differentiated
    forward: Callable[..., Any]


TABLE: dict[Any, Row] = {}
COMPOSED: dict[Any, Callable[..., Any]] = {}  # NumPy functions spelled out in others of the table
PLAIN: set[Any] = set()  # functions without a derivative: plain arrays and values come out
REDUCTIONS: dict[Any, Any] = {}  # ufunc -> the NumPy function that is its `reduce`


def spelling(function: Any) -> str:
    """How a user writes the name of a function: `np.exp`, `softmax`."""
    name = getattr(function, "__name__", repr(function))
    if vars(np).get(name) is function:  # a ufunc does not say where it is from
        return f"np.{name}"
    module = getattr(function, "__module__", None) or ""
    parts = module.split(".") if module.startswith("numpy") else []
    public = [part for part in parts[1:] if not part.startswith("_")]
    return ".".join(["np", *public, name] if parts else [name])
