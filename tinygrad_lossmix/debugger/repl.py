"""The prompt: a stepper walked by commands, in the manner of pdb.

What you can do here: `step(cost)` in a REPL, `lossmix step softmax ll` in a shell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tinygrad_lossmix.debugger import wording
from tinygrad_lossmix.debugger.beside import Pair
from tinygrad_lossmix.debugger.changing import Changing
from tinygrad_lossmix.debugger.looking import Looking
from tinygrad_lossmix.debugger.moving import Moving
from tinygrad_lossmix.debugger.pairprompt import PairPrompt
from tinygrad_lossmix.debugger.stepper import Stepper
from tinygrad_lossmix.debugger.stopping import Stopping
from tinygrad_lossmix.engine.tensor import Tensor


def step(
    cost: Tensor, names: Mapping[str, Any] | None = None, beside: Tensor | None = None
) -> None:
    """Open a prompt that walks back from a cost, one vector-Jacobian product at a time.

    Args:
        cost: a scalar Tensor.
        names: the caller's names for Tensors and constant arrays, such as `locals()`.
        beside: another scalar Tensor, such as another mix of the same logits: both are stepped in
            lock-step.

    Raises:
        TypeError: cost is not a Tensor.
        ValueError: cost is not a scalar.
    """
    walk = Stepper(cost, names)
    if beside is None:
        Prompt(walk).run()
    else:
        PairPrompt(Pair(walk, Stepper(beside, names))).run()


class Prompt(Moving, Stopping, Looking, Changing):
    """The commands on one walk."""

    short: ClassVar[dict[str, str]] = {**Looking.short, **Stopping.short, **Moving.short}

    def run(self, first: str = "") -> None:
        """Say what is to be walked, then ask for commands."""
        self._say(wording.introduction(self._walk))
        self._view()
        super().run(first)
