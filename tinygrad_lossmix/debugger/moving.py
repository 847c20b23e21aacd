"""Commands that move: a product, a call, as far as something happens; and what may happen.

>>> z = Tensor([2.0, 1.0], name="z")
>>> walk = Walk((z * z).sum())
>>> walk.run(breakpoint("multiply", walk, Names(walk.reading))), str(walk)
(True, '[2/3] n1 → z: [2, 1]')
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, NamedTuple

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger import wording
from tinygrad_lossmix.debugger.asking import Stepping, typed_number
from tinygrad_lossmix.debugger.expressions import Condition, Mistake, Names, is_condition
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import brief, short

Stops = Callable[[Walk], bool]


class Point(NamedTuple):
    """A place to stop, as it was typed: names mean what they mean in the recording at hand."""

    kind: str  # break or watch
    text: str
    meaning: Callable[[str, Walk, Names], Stops]

    def __str__(self) -> str:
        return f"{self.kind} {brief(self.text)}"


class Moving(Stepping):
    """A prompt on one walk: how it moves."""

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


def breakpoint(text: str, walk: Walk, names: Names) -> Stops:
    """Whether to stop at a position.

    Args:
        text: a node: where it has its value, where it has all its gradient; a function such as exp
            or softmax: where its first product is taken; `forward` or `backward`: where that phase
            begins; `nan`: where NaN comes of numbers; a condition: where it holds.
        walk: what it is asked for.
        names: those of the recording.

    Raises:
        Mistake: none of these.
    """
    if isinstance(names.known.get(text), Tensor):
        node = names.node(text)
        return lambda walk: walk.computed is node or 0 <= walk.position == walk.complete(node)
    if text == "nan":
        return _makes_nan
    if text in ("forward", "backward"):
        return lambda walk: walk.position == (walk.first if text == "forward" else 0)
    if is_condition(text):
        return _holds(text, walk, names)
    functions = {node.function.__name__ for node in walk.reading.nodes if node.function}
    if text in functions | {name for node in walk.reading.nodes for name, *_ in node.groups}:
        return lambda walk: _begins(walk, text)
    if not text:
        raise Mistake("break takes a node, a function, forward, backward, nan or a condition")
    raise names.missing(text)


def watchpoint(text: str, walk: Walk, names: Names) -> Stops:
    """Whether a gradient was written here, or a condition became true or false.

    Raises:
        Mistake: neither a node nor a condition.
    """
    if not text:
        raise Mistake("watch takes a gradient, as in z.grad, or a condition")
    if is_condition(text) and text not in names.known:
        holds = _holds(text, walk, names)
        return lambda walk: (
            walk.position > walk.first and holds(walk) != holds(walk.at(walk.position - 1))
        )
    node = names.node(text if text in names.known else text.removesuffix(".grad"))
    return lambda walk: walk.stop is not None and walk.stop.argument is node


def _holds(text: str, walk: Walk, names: Names) -> Stops:
    condition = Condition(text)
    condition.holds(walk, names)  # a mistake in it is said now
    return lambda walk: condition.holds(walk, names)


def _begins(walk: Walk, name: str) -> bool:
    node, stop = walk.computed, walk.stop
    if stop is not None:
        node, before = stop.node, walk.at(walk.position - 1).stop
        if before is not None and before.node is node:
            return False
    called = node.function.__name__ if node is not None and node.function else ""
    return name in (called, *walk.entered)


def _makes_nan(walk: Walk) -> bool:
    """Whether NaN came of what had none."""
    if (node := walk.computed) is not None:
        inputs = [arg.data if isinstance(arg, Tensor) else arg for arg in node.args]
        return has_nan(node.data) and not any(map(has_nan, inputs))
    stop = walk.stop
    if stop is None:
        return False
    if has_nan(stop.contribution):
        return not has_nan(stop.g)
    before = walk.at(walk.position - 1).gradient(stop.argument)
    return has_nan(stop.total) and (before is None or not has_nan(before))


def has_nan(x: object) -> bool:
    """Whether there is NaN in an array or number."""
    return bool(np.isnan(np.asarray(x)).any())
