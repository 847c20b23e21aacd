"""Commands that go on as far as something happens: breakpoints and watched gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, ClassVar, NamedTuple

from rich.text import Text

from tinygrad_lossmix.debugger import wording
from tinygrad_lossmix.debugger.breakpoints import Stops, breakpoint, has_nan, watchpoint
from tinygrad_lossmix.debugger.names import Mistake, Names
from tinygrad_lossmix.debugger.onwalk import OnWalk
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.printing import clean, shorten
from tinygrad_lossmix.views.numbers import short


class Point(NamedTuple):
    """A place to stop, as it was typed: names mean what they mean in the recording at hand."""

    kind: str  # break or watch
    text: str
    meaning: Callable[[str, Walk, Names], Stops]

    def __str__(self) -> str:
        return f"{self.kind} {shorten(clean(self.text))}"


class Stopping(OnWalk):
    """Places to stop at."""

    short: ClassVar[dict[str, str]] = {
        **OnWalk.short,
        "c": "continue",
        "rc": "rcontinue",
        "b": "break",
    }

    def __init__(self, walk: Walk, stdout: IO[str] | None = None) -> None:
        super().__init__(walk, stdout)
        self._points: dict[int, Point] = {}
        self._last = 0

    def do_continue(self, arg: str) -> None:
        """go on to the next breakpoint or watched gradient, or to the end"""
        self._alone("continue", arg)
        self._movement = "continue"
        self._run(1)

    def do_rcontinue(self, arg: str) -> None:
        """go back to the last breakpoint or watched gradient, or to the start"""
        self._alone("rcontinue", arg)
        self._movement = "rcontinue"
        self._run(-1)

    def do_break(self, arg: str) -> None:
        """break NODE, FUNCTION, forward, backward, nan or z.grad > 1; break alone: list them"""
        if arg:
            self._add(Point("break", arg, breakpoint))
            if arg == "nan" and self._walk.first == 0 and has_nan(self._walk.cost.data):
                self._say(Text("the cost is NaN: `forward;;continue` finds where it arises"))
        else:
            self._list()

    def do_watch(self, arg: str) -> None:
        """watch NAME.grad: stop where it is written; watch z.grad > 1: where that changes"""
        self._add(Point("watch", arg, watchpoint))

    def do_clear(self, arg: str) -> None:
        """clear N: forget that breakpoint; clear: forget all"""
        if not arg:
            self._points.clear()
        elif not arg.isascii() or not arg.isdecimal() or int(arg[:9]) not in self._points:
            raise Mistake("clear takes the number of a breakpoint; break lists them")
        else:
            del self._points[int(arg)]

    complete_break = complete_watch = OnWalk._complete

    def _add(self, point: Point) -> None:
        point.meaning(point.text, self._walk, self._names)  # a mistake in it is said now
        self._last += 1
        self._points[self._last] = point
        self._say(Text(f"{self._last}: {point}"))

    def _list(self) -> None:
        rows = [(str(number), str(point)) for number, point in self._points.items()]
        self._say(wording.columns(rows, (wording.NAME, "")) if rows else Text("no breakpoints"))

    def _run(self, step: int) -> None:
        live: dict[int, Stops] = {}
        for number, point in self._points.items():
            try:
                live[number] = point.meaning(point.text, self._walk, self._names)
            except Mistake as mistake:  # it was of another recording, before `set`
                self._say(Text(f"{number}: {point} does not apply: {mistake}"))
        walk = self._walk
        before = walk.position
        if walk.run(lambda walk: any(stops(walk) for stops in live.values()), step):
            fired = [number for number, stops in live.items() if stops(walk)]
            self._view("; ".join(self._reason(number) for number in fired))
        elif walk.position != before:
            self._view()
        else:
            self._say(Text("at the end" if step > 0 else "at the start"))

    def _reason(self, number: int) -> str:
        point, stop = self._points[number], self._walk.stop
        words = f"{number}: {point}"
        if point.kind != "watch" or stop is None:
            return words
        before = self._walk.at(self._walk.position - 1).gradient(stop.argument)
        was = "none" if before is None else short(before)
        writer = self._walk.reading.call(stop.node)
        return f"{words}, {was} -> {short(stop.total)}, written by {writer}"
