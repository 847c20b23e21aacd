"""What you import in your own tests: derivatives that the engine has no part in.

Each name is loaded when first asked for; `prove` needs SymPy, `strategies` Hypothesis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinygrad_lossmix.proof.proof import prove
    from tinygrad_lossmix.testing import strategies as strategies
    from tinygrad_lossmix.testing.check_report import GradcheckReport
    from tinygrad_lossmix.testing.checking import gradcheck
    from tinygrad_lossmix.testing.properties import property_test

__all__ = ["GradcheckReport", "gradcheck", "property_test", "prove", "strategies"]

_LATER = {
    "gradcheck": "testing.checking",
    "GradcheckReport": "testing.check_report",
    "property_test": "testing.properties",
    "prove": "proof.proof",
}


def __getattr__(name: str) -> Any:
    if name == "strategies":
        return import_module(f"{__name__}.strategies")
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"tinygrad_lossmix.{_LATER[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
