"""What you import in your own tests: derivatives that the engine has no part in."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_lossmix.testing.gradcheck import gradcheck
from tinygrad_lossmix.testing.report import GradcheckReport

if TYPE_CHECKING:
    from tinygrad_lossmix.testing import strategies as strategies
    from tinygrad_lossmix.testing.proof import prove

__all__ = ["GradcheckReport", "gradcheck", "prove", "strategies"]


def __getattr__(name: str) -> Any:
    """`prove` needs SymPy and `strategies` Hypothesis: loaded when first asked for."""
    if name == "prove":
        return import_module(f"{__name__}.proof").prove
    if name == "strategies":
        return import_module(f"{__name__}.strategies")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
