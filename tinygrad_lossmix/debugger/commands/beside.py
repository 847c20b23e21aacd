"""Commands on two walks in lock-step."""

from rich.text import Text

from tinygrad_lossmix.debugger import show
from tinygrad_lossmix.debugger.commands.session import Group, Session, command
from tinygrad_lossmix.debugger.layout import FLOW, QUIET, aligned
from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.debugger.show import entries

BESIDE: Group = []


@command(BESIDE, "p", repeats=True)
def part(session: Session[Lockstep], arg: str) -> Text:
    """go on to the next quantity, C, a or z, whose gradients differ"""
    return session.moved(session.steps.part(), "no further gradients differ")


@command(BESIDE, "d")
def delta(session: Session[Lockstep], arg: str) -> Text:
    """the gradients of C, a and z on both sides, and their max difference"""
    rows = []
    for each in session.steps.meetings:
        apart = "equal" if each.same else f"max difference {each.gap:.4g}"
        rows.append((f"dC/d{each.name}", entries(each.left), entries(each.right), apart))
    return aligned(rows, (QUIET, FLOW, FLOW, ""), "")


@command(BESIDE, "w")
def where(session: Session[Lockstep], arg: str) -> Text:
    """on each side the path to the cost, with the local Jacobians and their product"""
    return show.on_both(session.steps, show.path_to_cost)


@command(BESIDE, "l")
def list_(session: Session[Lockstep], arg: str) -> Text:
    """the nodes of each side with values and gradients; -> marks the current one"""
    return show.on_both(session.steps, show.listing)
