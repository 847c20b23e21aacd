"""Commands that move: a product, a call, as far as something happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, ClassVar, NamedTuple

from rich.text import Text

from tinygrad_lossmix.debugger import wording
from tinygrad_lossmix.debugger.asking import Stepping, typed_number
from tinygrad_lossmix.debugger.breakpoints import Stops, breakpoint, has_nan, watchpoint
from tinygrad_lossmix.debugger.expressions import Mistake, Names
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import clean, shorten
from tinygrad_lossmix.views.numbers import short


class Point(NamedTuple):
    """A place to stop, as it was typed: names mean what they mean in the recording at hand."""

    kind: str  # break or watch
    text: str
    meaning: Callable[[str, Walk, Names], Stops]

    def __str__(self) -> str:
        return f"{self.kind} {shorten(clean(self.text))}"


class Moving(Stepping):
    """A prompt on one walk: how it moves.

    Args:
        walk: what is walked.
        stdout: where the answers go.
    """

    short: ClassVar[dict[str, str]] = {
        **Stepping.short,
        "s": "step",
        "r": "return",
        "c": "continue",
        "rc": "rcontinue",
        "b": "break",
    }

    def __init__(self, walk: Walk, stdout: IO[str] | None = None) -> None:
        super().__init__(walk, stdout)
        self._points: dict[int, Point] = {}
        self._last = 0
        self._take(walk)

    def _take(self, walk: Walk) -> None:
        """Walk this from now on."""
        self._walk = self._steps = walk
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

    def do_step(self, arg: str) -> None:
        """step N: take N products, one if N is left out"""
        self._many("step", arg, self._walk.next)

    def do_rstep(self, arg: str) -> None:
        """rstep N: undo N products, one if N is left out"""
        self._many("rstep", arg, self._walk.back)

    def do_over(self, arg: str) -> None:
        """next, but a function such as softmax that begins here is one step"""
        self._moved("over", self._walk.over())

    def do_return(self, arg: str) -> None:
        """go to the end of the current function, such as softmax"""
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

    complete_until = _complete

    def do_forward(self, arg: str) -> None:
        """go to the forward pass: the values, then the seed and the products"""
        self._walk.forward()
        self._view()

    def _many(self, command: str, arg: str, move: Callable[[], bool]) -> None:
        """Move so many times, as far as it goes."""
        words = f"{command} takes a number of products, or nothing for one"
        before = self._walk.position
        for _ in range(typed_number(arg or "1", range(1, 10**9), words)):
            if not move():
                break
        self._moved(f"{command} {arg}".strip(), self._walk.position != before)

    def do_continue(self, arg: str) -> None:
        """go on to the next breakpoint or watched gradient, or to the end"""
        self._run("continue", 1)

    def do_rcontinue(self, arg: str) -> None:
        """go back to the last breakpoint or watched gradient, or to the start"""
        self._run("rcontinue", -1)

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
        else:
            words = "clear takes the number of a breakpoint; `break` lists them"
            del self._points[typed_number(arg, self._points, words)]

    complete_break = complete_watch = _complete

    def _add(self, point: Point) -> None:
        point.meaning(point.text, self._walk, self._names)  # a mistake in it is said now
        self._last += 1
        self._points[self._last] = point
        self._say(Text(f"{self._last}: {point}"))

    def _list(self) -> None:
        rows = [(str(number), str(point)) for number, point in self._points.items()]
        self._say(wording.columns(rows, (wording.NAME, "")) if rows else Text("no breakpoints"))

    def _run(self, movement: str, step: int) -> None:
        self._movement = movement
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
