"""Commands that move: a product, a call, as far as something happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text

from tinygrad_lossmix.debugger.names import Mistake
from tinygrad_lossmix.debugger.onwalk import OnWalk

AT_THE_END = "at the end, every gradient is complete: type `back`, `start`, `delta` or `quit`"
AT_THE_START = "at the start: type `next` for the first product, `forward` for the forward pass"
AT_THE_FIRST = "at the first value: type `next`"


class Moving(OnWalk):
    """Movements; those that can be repeated are repeated by an empty line."""

    short: ClassVar[dict[str, str]] = {**OnWalk.short, "n": "next", "s": "step", "r": "return"}

    def do_next(self, arg: str) -> None:
        """take the next vector-Jacobian product: from a node to one of its arguments"""
        self._alone("next", arg)
        self._ahead("next", self._walk.next())

    def do_back(self, arg: str) -> None:
        """undo the last product"""
        self._alone("back", arg)
        self._behind("back", self._walk.back())

    def do_step(self, arg: str) -> None:
        """step N: take N products, one if N is left out"""
        moved = self._many("step", arg, self._walk.next)
        self._ahead(f"step {arg}".strip(), moved)

    def do_rstep(self, arg: str) -> None:
        """rstep N: undo N products, one if N is left out"""
        moved = self._many("rstep", arg, self._walk.back)
        self._behind(f"rstep {arg}".strip(), moved)

    def do_over(self, arg: str) -> None:
        """next, but a function such as softmax that begins here is one step"""
        self._alone("over", arg)
        self._ahead("over", self._walk.over())

    def do_return(self, arg: str) -> None:
        """go to the end of the current function, such as softmax"""
        self._alone("return", arg)
        if not self._walk.finish():
            raise Mistake("not inside a function such as softmax")
        self._view()

    def do_until(self, arg: str) -> None:
        """until NAME: go on until that node has its value, then until its gradient is complete"""
        node = self._node(arg)
        if self._walk.until(node):
            self._view()
        else:
            self._say(Text(f"{self._walk.reading.call(node)} gets no further contribution"))

    complete_until = OnWalk._complete

    def do_goto(self, arg: str) -> None:
        """goto N: go to the stop of that number, as in [3/8]"""
        # a number longer than that of the last stop is not even read
        if not arg.isascii() or not arg.isdecimal() or len(arg) > 9 or int(arg) > len(self._walk):
            raise Mistake(f"goto takes the number of a stop, 0 to {len(self._walk)}")
        self._walk.goto(int(arg))
        self._view()

    def do_forward(self, arg: str) -> None:
        """go to the forward pass: the values, then the seed and the products"""
        self._alone("forward", arg)
        self._walk.forward()
        self._view()

    def do_start(self, arg: str) -> None:
        """go to the seed, where only the cost has a gradient"""
        self._alone("start", arg)
        self._walk.start()
        self._view()

    def do_end(self, arg: str) -> None:
        """go to the end, where every gradient is complete"""
        self._alone("end", arg)
        self._walk.end()
        self._view()

    def _many(self, command: str, arg: str, move: Callable[[], bool]) -> bool:
        """Move so many times, as far as it goes; False: not at all."""
        if arg and (not arg.isascii() or not arg.isdecimal() or len(arg) > 9 or int(arg) == 0):
            raise Mistake(f"{command} takes a number of products, or nothing for one")
        before = self._walk.position
        for _ in range(int(arg or 1)):
            if not move():
                break
        return self._walk.position != before

    def _ahead(self, movement: str, moved: bool) -> None:
        self._movement = movement
        if moved:
            self._view()
        else:
            self._say(Text(AT_THE_END))

    def _behind(self, movement: str, moved: bool) -> None:
        self._movement = movement
        if moved:
            self._view()
        else:
            self._say(Text(AT_THE_START if self._walk.first == 0 else AT_THE_FIRST))
