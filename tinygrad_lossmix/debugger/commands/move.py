"""Commands that move: by a product, by a call, to a place."""

from collections.abc import Callable
from typing import Any

from rich.text import Text

from tinygrad_lossmix.debugger.commands.session import Session, command
from tinygrad_lossmix.debugger.expressions import CommandError, node_or_current, whole_number
from tinygrad_lossmix.debugger.walk import Walk


@command("move", "n", repeats=True, on="either")
def next_(session: Session[Any], arg: str) -> Text:
    """take the next vector-Jacobian product: from a node to one of its arguments"""
    return session.moved(session.steps.next())


@command("move", repeats=True, on="either")
def back(session: Session[Any], arg: str) -> Text:
    """undo the last step"""
    return session.moved(session.steps.back())


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


@command("move", "s", takes="text", repeats=True)
def step(session: Session[Walk], arg: str) -> Text:
    """step N: take N products, one if N is left out"""
    return _several(session, "step", arg, session.steps.next)


@command("move", takes="text", repeats=True)
def rstep(session: Session[Walk], arg: str) -> Text:
    """rstep N: undo N products, one if N is left out"""
    return _several(session, "rstep", arg, session.steps.back)


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
    return session.moved(
        walk.until(node), f"{walk.reading.call(node)} gets no further contribution"
    )


@command("move")
def forward(session: Session[Walk], arg: str) -> Text:
    """go to the forward pass: the values, then the seed and the products"""
    session.steps.forward()
    return session.here()


def _several(session: Session[Walk], name: str, arg: str, move: Callable[[], bool]) -> Text:
    """Move so many times, as far as it goes."""
    words = f"{name} takes a number of products, or nothing for one"
    before = session.steps.position
    for _ in range(whole_number(arg or "1", range(1, 10**9), words)):
        if not move():
            break
    return session.moved(session.steps.position != before)
