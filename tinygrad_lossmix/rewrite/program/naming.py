"""Values take the names of the variables that held them in the function that is traced."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.rewrite.program.trace import Traced


def named(f: Callable[..., Any], *args: Any) -> Any:
    """f(*args); the local variables it had when it returned name the traced arrays in them.

    A name given by the user, or an earlier one, stays.
    """
    code = getattr(inspect.unwrap(f), "__code__", None)
    found: dict[str, Any] = {}

    def watch(frame: FrameType, event: str, arg: Any) -> None:
        if event == "return" and frame.f_code is code:
            found.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        result = f(*args)
    finally:
        sys.setprofile(before)
    for name, value in found.items():
        traced = value._value if isinstance(value, Tensor) else value
        if isinstance(traced, Traced) and traced.name is None:
            traced.name = getattr(value, "name", None) or name
    return result
