"""Commands that teach: the rule of a node, its local derivative, and whether it is right."""

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger import rule, show
from tinygrad_lossmix.debugger.chain_rule import difference, largest, local_jacobian
from tinygrad_lossmix.debugger.commands.session import Group, Session, command
from tinygrad_lossmix.debugger.expressions import node_or_current, operation
from tinygrad_lossmix.debugger.show import BOOK, FLOW, NAME, QUIET, aligned, entries
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.table import spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import shaped

LEARN: Group = []


@command(LEARN, takes="name")
def explain(session: Session[Walk], arg: str) -> Text:
    """explain NAME: the rule of a node in the table of derivatives"""
    return explanation(session.steps, operation(arg, session.steps))


def explanation(walk: Walk, node: Tensor) -> Text:
    """The rules of a node as they stand in the table, and what their letters are here."""
    reading, symbols, call = walk.reading, walk.reading.symbols, walk.reading.call
    if node.function is None:
        return Text(f"{call(node)} is an input: no rule, its gradient is the sum of contributions")
    text = Text().append(reading.defined(node), NAME)
    if equation := reading.equation(node):
        text.append(f"  {equation}", BOOK)
    legend: dict[str, str] = {}
    for i, argument in rule.differentiated(node):
        text.append(f"\n  → {call(argument)}: ").append(rule.in_letters(node, i), FLOW)
        if symbols and node is symbols.cost and argument is symbols.z:  # one node for the mix
            text.append(f", {node.function.__name__}_delta = {symbols.mix.formula}", QUIET)
        meanings = [reading.derivative(node), call(node)]
        meanings += [call(arg) or shaped(arg) for arg in node.args]
        legend |= dict(zip(rule.letters(node, i), meanings, strict=False))
    words = ", ".join(f"{letter} = {meaning}" for letter, meaning in legend.items())
    return text.append(f"\n  table row {spelling(node.function)}: {words}", QUIET)


@command(LEARN, takes="name")
def local(session: Session[Walk], arg: str) -> Text:
    """local NAME: the local Jacobian of a node, by each argument"""
    node, call = operation(arg, session.steps), session.steps.reading.call
    rows = []
    for i, argument in rule.differentiated(node):
        slope, shape = f"d{call(node)}/d{call(argument)}", node.shape + argument.shape
        rows.append((slope, show.jacobian(local_jacobian(node, i)), f"shape {shape}"))
    if not rows:
        return Text(f"{call(node)} has no argument that is differentiated")
    return aligned(rows, (NAME, FLOW, QUIET), "")


@command(LEARN, takes="name")
def check(session: Session[Walk], arg: str) -> Text:
    """check NAME: its gradient beside the finite difference"""
    walk, node = session.steps, node_or_current(arg, session.steps)
    call, at = walk.reading.call, walk.complete(node)
    if at is None:
        return Text(f"{call(node)} has no gradient to check: none reaches it")
    slopes = difference(walk.cost, node)
    if slopes is None:
        return Text(f"{call(node)} has {node.size:,} entries, too many for finite differences")
    found = walk.at(at).gradient(node)
    with np.errstate(all="ignore"):
        gap = largest(slopes - found)
    near = gap <= max(1.0, largest(slopes)) * np.finfo(node.dtype).eps ** 0.4
    when = "" if walk.position >= at else f", as it will be at {walk.at(at).place}"
    verdict = "ok" if near else "NOT ok: the gradient is wrong, or the cost has a kink here"
    if not np.isfinite(gap):
        verdict = "cannot be compared: NaN or infinity"
    rows = [
        (walk.reading.derivative(node), entries(found), f"by the rules{when}"),
        ("finite difference", entries(slopes), ""),
        ("max difference", f"{gap:.4g}", verdict),
    ]
    return aligned(rows, (NAME, FLOW, BOOK if near else "bold"), "")
