"""The prompt on two walks in lock-step."""

from __future__ import annotations

from typing import IO, ClassVar

from rich.text import Text

from tinygrad_lossmix.debugger import sidebyside, wording
from tinygrad_lossmix.debugger.asking import Asking
from tinygrad_lossmix.debugger.beside import Pair
from tinygrad_lossmix.debugger.names import Mistake


class PairPrompt(Asking):
    """The commands on a pair.

    Args:
        pair: what is walked.
        stdout: where the answers go.
    """

    short: ClassVar[dict[str, str]] = {
        **Asking.short,
        "n": "next",
        "d": "delta",
        "p": "part",
        "w": "where",
        "l": "list",
    }

    def __init__(self, pair: Pair, stdout: IO[str] | None = None) -> None:
        super().__init__(stdout)
        self._pair = pair

    def run(self, first: str = "") -> None:
        """Say what is to be walked, then ask for commands."""
        self._say(
            Text(
                "in lock-step; `part` goes to where the gradients differ, `help` lists the commands"
            )
        )
        self._view()
        super().run(first)

    def do_next(self, arg: str) -> None:
        """take the next product on both sides; the first at a or z waits for the other"""
        self._alone("next", arg)
        self._moved(
            "next", self._pair.next(), "at the end of both: type `back`, `start`, `delta` or `quit`"
        )

    def do_back(self, arg: str) -> None:
        """undo the last step on both sides"""
        self._alone("back", arg)
        self._moved("back", self._pair.back(), "at the start: type `next` for the first products")

    def do_part(self, arg: str) -> None:
        """go on to the next quantity, C, a or z, whose gradients differ"""
        self._alone("part", arg)
        self._moved("part", self._pair.part(), "no further gradients differ")

    def do_goto(self, arg: str) -> None:
        """goto N: go to the step of that number"""
        if not arg.isascii() or not arg.isdecimal() or len(arg) > 9 or int(arg) > len(self._pair):
            raise Mistake(f"goto takes the number of a step, 0 to {len(self._pair)}")
        self._pair.goto(int(arg))
        self._view()

    def do_start(self, arg: str) -> None:
        """go to the seeds"""
        self._alone("start", arg)
        self._pair.start()
        self._view()

    def do_end(self, arg: str) -> None:
        """go to the end, where every gradient is complete"""
        self._alone("end", arg)
        self._pair.end()
        self._view()

    def do_delta(self, arg: str) -> None:
        """the gradients of C, a and z on both sides, and their max difference"""
        self._alone("delta", arg)
        self._say(sidebyside.meetings(self._pair))

    def do_where(self, arg: str) -> None:
        """on each side the path to the cost, with the local Jacobians and their product"""
        self._alone("where", arg)
        self._say(sidebyside.both(self._pair, wording.where))

    def do_list(self, arg: str) -> None:
        """the nodes of each side with values and gradients; -> marks the current one"""
        self._alone("list", arg)
        self._say(sidebyside.both(self._pair, wording.listing))

    def _moved(self, movement: str, moved: bool, otherwise: str) -> None:
        self._movement = movement
        if moved:
            self._view()
        else:
            self._say(Text(otherwise))

    def _view(self) -> None:
        self._say(sidebyside.view(self._pair))
