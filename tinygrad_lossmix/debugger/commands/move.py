"""Commands that move: by a product, by a call, to a place; and those that say where to stop.

>>> z = Tensor([2.0, 1.0], name="z")
>>> walk = Walk((z * z).sum())
>>> walk.run(breakpoint("multiply", walk)), str(walk)
(True, '[2/3] n1 → z: [2, 1]')
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger.commands.session import TABLE, Command, Session, command
from tinygrad_lossmix.debugger.expressions import (
    ENTRY,
    CommandError,
    find_node,
    holds,
    is_condition,
    named,
    node_or_current,
    unknown,
    whole_number,
)
from tinygrad_lossmix.debugger.layout import aligned, lined
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.refusals import plain
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import brief, short

Trigger = Callable[[Walk], bool]  # whether to stop at the position of a walk


@command("move", "n", takes="text", repeats=True, on="either")
def next_(session: Session[Any], arg: str) -> Text:
    """take the next vector-Jacobian product: from a node to one of its arguments; next N: take N"""
    return _several(session, "next", arg, 1)


@command("move", takes="text", repeats=True, on="either")
def back(session: Session[Any], arg: str) -> Text:
    """undo the last step; back N: undo N"""
    return _several(session, "back", arg, -1)


TABLE.append(Command("step", "move", "the same as next", next_, "s", "text", True, "either"))
TABLE.append(Command("rstep", "move", "the same as back", back, "", "text", True, "either"))


@command("move", takes="text", on="either")
def goto(session: Session[Any], arg: str) -> Text:
    """goto N: go to the stop of that number, as in [3/8]"""
    last = len(session.steps)
    words = f"goto takes the number of a stop, 0 to {last}"
    session.steps.goto(whole_number(arg, range(last + 1), words))
    return session.here()


@command("move", on="either")
def start(session: Session[Any], arg: str) -> Text:
    """go to the seed, where only the cost has a gradient"""
    session.steps.start()
    return session.here()


@command("move", on="either")
def end(session: Session[Any], arg: str) -> Text:
    """go to the end, where every gradient is complete"""
    session.steps.end()
    return session.here()


@command("move", repeats=True)
def over(session: Session[Walk], arg: str) -> Text:
    """next, but a function such as softmax that begins here is one step"""
    return session.moved(session.steps.over())


@command("move", "r")
def return_(session: Session[Walk], arg: str) -> Text:
    """go to the end of the current function, such as softmax"""
    if not session.steps.finish():
        raise CommandError("not inside a function such as softmax")
    return session.here()


@command("move", takes="name")
def until(session: Session[Walk], arg: str) -> Text:
    """until NAME: go on until that node has its value, then until its gradient is complete"""
    walk, node = session.steps, node_or_current(arg, session.steps)
    words = f"{walk.reading.call(node)} gets no further contribution"
    return session.moved(walk.until(node), words)


@command("move")
def forward(session: Session[Walk], arg: str) -> Text:
    """go to the forward pass: the values, then the seed and the products"""
    session.steps.forward()
    return session.here()


def _several(session: Session[Any], name: str, arg: str, way: int) -> Text:
    """Move so many steps forwards, 1, or back, -1, as far as it goes."""
    steps, before = session.steps, session.steps.position
    words = f"{name} takes a number of steps, or nothing for one"
    there = before + way * whole_number(arg or "1", range(1, 10**9), words)
    steps.goto(min(max(there, steps.first), len(steps)))
    return session.moved(steps.position != before)


@command("stop", "c", repeats=True)
def continue_(session: Session[Walk], arg: str) -> Text:
    """go on to the next breakpoint or watched gradient, or to the end"""
    return _run(session, 1)


@command("stop", "rc", repeats=True)
def rcontinue(session: Session[Walk], arg: str) -> Text:
    """go back to the last breakpoint or watched gradient, or to the start"""
    return _run(session, -1)


@command("stop", "b", takes="name")
def break_(session: Session[Walk], arg: str) -> Text:
    """break NODE, FUNCTION, forward, backward, nan or z.grad > 1; break alone: list them"""
    if not arg:
        rows = [(str(number), _typed(*each)) for number, each in session.breakpoints.items()]
        return aligned(rows, ("name", "")) if rows else Text("no breakpoints")
    text, walk = _add(session, "break", arg), session.steps
    if arg == "nan" and walk.first == 0 and has_nan(walk.cost.data):
        text.append("\nthe cost is NaN: `forward;;continue` finds where it arises")
    return text


@command("stop", takes="name")
def watch(session: Session[Walk], arg: str) -> Text:
    """watch NAME.grad: stop where it is written; watch z.grad > 1: where that changes"""
    return _add(session, "watch", arg)


@command("stop", takes="text")
def clear(session: Session[Walk], arg: str) -> None:
    """clear N: forget that breakpoint; clear: forget all"""
    if not arg:
        session.breakpoints.clear()
    else:
        words = "clear takes the number of a breakpoint; `break` lists them"
        del session.breakpoints[whole_number(arg, session.breakpoints, words)]


def _add(session: Session[Walk], kind: str, text: str) -> Text:
    TRIGGERS[kind](text, session.steps)  # an error in it is said now
    session.numbered += 1
    session.breakpoints[session.numbered] = kind, text
    return Text(f"{session.numbered}: {_typed(kind, text)}")


def _typed(kind: str, text: str) -> str:
    return f"{kind} {brief(text)}"


def _run(session: Session[Walk], step: int) -> Text:
    """Go on, or back, to where a breakpoint stops us; say which."""
    walk, before = session.steps, session.steps.position
    said, triggers = list[Text](), dict[int, Trigger]()
    for number, each in session.breakpoints.items():
        try:
            triggers[number] = TRIGGERS[each[0]](each[1], walk)  # as it is named in this recording
        except CommandError as error:  # it was of another recording, before `set`
            said.append(Text(f"{number}: {_typed(*each)} does not apply: {error}"))
    if walk.run(lambda walk: any(stops(walk) for stops in triggers.values()), step):
        fired = [number for number, stops in triggers.items() if stops(walk)]
        words = "; ".join(f"{i}: {_reason(*session.breakpoints[i], walk)}" for i in fired)
        said.append(Text(words, "quiet"))
    moved = walk.position != before
    return lined(*said, session.moved(moved, "at the end" if step > 0 else "at the start"))


def _reason(kind: str, text: str, walk: Walk) -> str:
    words, stop = _typed(kind, text), walk.stop
    if kind != "watch" or stop is None:
        return words
    before = walk.at(walk.position - 1).gradient(stop.argument)
    was = "none" if before is None else short(before)
    return f"{words}, {was} -> {short(stop.total)}, written by {walk.reading.call(stop.node)}"


def breakpoint(text: str, walk: Walk) -> Trigger:
    """Whether to stop at a position.

    Args:
        text: a node: where it has its value, where it has all its gradient; a function such as exp
            or softmax: where its first product is taken; `forward` or `backward`: where that phase
            begins; `nan`: where NaN comes of numbers; a condition: where it holds.
        walk: what it is asked for.
    """
    if isinstance(node := walk.known.get(named(text, walk)), Tensor):
        return lambda walk: walk.computed is node or 0 <= walk.position == walk.complete(node)
    if text == "nan":
        return _makes_nan
    if text in ("forward", "backward"):
        return lambda walk: walk.position == (walk.first if text == "forward" else 0)
    if is_condition(text):
        holds(text, walk)  # an error in it is said now
        return lambda walk: holds(text, walk)
    functions = {node.function.__name__ for node in walk.reading.nodes if node.function}
    if text in functions | {name for node in walk.reading.nodes for name, *_ in node.groups}:
        return lambda walk: _begins(walk, text)
    if not text:
        raise CommandError("break takes a node, a function, forward, backward, nan or a condition")
    raise unknown(text, walk)


def watchpoint(text: str, walk: Walk) -> Trigger:
    """Whether a gradient was written here, or a condition became true or false."""
    if not text:
        raise CommandError("watch takes a gradient, as in z.grad, or a condition")
    if is_condition(text) and text not in walk.known:
        holds(text, walk)
        return lambda walk: (
            walk.position > walk.first
            and holds(text, walk) != holds(text, walk.at(walk.position - 1))
        )
    entry = None if named(text, walk) else ENTRY.fullmatch(text)  # written with all the others
    node = find_node(entry[1] if entry else text, walk)
    return lambda walk: walk.stop is not None and walk.stop.argument is node


TRIGGERS = {"break": breakpoint, "watch": watchpoint}


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
        return has_nan(node.data) and not any(map(has_nan, plain(node.args)))
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
