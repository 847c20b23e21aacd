"""Commands on two walks in lock-step."""

from rich.text import Text

from tinygrad_lossmix.debugger import show
from tinygrad_lossmix.debugger.commands.session import Session, command
from tinygrad_lossmix.debugger.layout import aligned
from tinygrad_lossmix.debugger.lockstep import Lockstep


@command("look", "p", repeats=True, on="two")
def part(session: Session[Lockstep], arg: str) -> Text:
    """go on to the next quantity, C, a or z, whose gradients differ"""
    return session.moved(session.steps.part(), "no further gradients differ")


@command("look", "d", on="two")
def delta(session: Session[Lockstep], arg: str) -> Text:
    """the gradients of C, a and z on both sides, and their max difference"""
    steps, rows = session.steps, [("", "left", "right", "difference")]
    for each in steps.meetings:
        apart = "equal" if each.same else f"{each.gap:.4g}"
        left, right = (session.focus.on(steps.left.reading, x) for x in (each.left, each.right))
        rows.append((f"dC/d{each.name}", left, right, apart))
    return aligned(rows, ("quiet", "flow", "flow", ""), "")


@command("look", "w", on="two")
def where(session: Session[Lockstep], arg: str) -> Text:
    """on each side the path to the cost, with the local Jacobians and their product"""
    return show.on_both(session.steps, lambda walk: show.path_to_cost(walk, session.focus))


@command("look", "l", on="two")
def list_(session: Session[Lockstep], arg: str) -> Text:
    """the nodes of each side with values and gradients; -> marks the current one"""
    return show.on_both(session.steps, lambda walk: show.listing(walk, session.focus))
