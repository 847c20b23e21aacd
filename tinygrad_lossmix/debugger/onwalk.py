"""A prompt on one walk: what its commands share."""

from __future__ import annotations

from typing import IO, Any

from rich.text import Text

from tinygrad_lossmix.debugger import wording
from tinygrad_lossmix.debugger.asking import Asking
from tinygrad_lossmix.debugger.names import Names
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.tensor import Tensor


class OnWalk(Asking):
    """Commands about a walk.

    Args:
        walk: what is walked.
        stdout: where the answers go.
    """

    def __init__(self, walk: Walk, stdout: IO[str] | None = None) -> None:
        super().__init__(stdout)
        self._take(walk)

    def _take(self, walk: Walk) -> None:
        """Walk this from now on."""
        self._walk = walk
        self._names = Names(walk.reading)

    def _node(self, arg: str) -> Tensor:
        """The node of that name; without a name the one we are at."""
        return self._names.node(arg) if arg else self._walk.current

    def _operation(self, arg: str) -> Tensor:
        """The same, but without a name the one whose product was taken last."""
        stop = self._walk.stop
        return stop.node if stop and not arg else self._node(arg)

    def _view(self, words: str = "") -> None:
        if words:
            self._say(Text(words, wording.QUIET))
        self._say(wording.view(self._walk))

    def _complete(self, text: str, *_: Any) -> list[str]:
        """The names that begin like that."""
        return [name for name in self._names.known if name.startswith(text)]
