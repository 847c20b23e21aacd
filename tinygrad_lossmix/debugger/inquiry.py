"""Answers about one node: its arguments, its local Jacobian, its rule, who wrote its gradient.

Each function puts one answer into lines of text, as those of `wording` do.

>>> z = Tensor([2.0, 1.0], name="z")
>>> rule_of(z * z, 1)
Rule(text='g * x', letters=('g', 'z', 'x', 'y'))
>>> rule_of(z.sum(), 0).text
'sum_rule: g, for every entry.'
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger.chain import elementwise, local
from tinygrad_lossmix.debugger.changes import difference
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.debugger.wording import (
    BOOK,
    FLOW,
    MOST,
    NAME,
    QUIET,
    columns,
    count,
    local_text,
)
from tinygrad_lossmix.engine.table import TABLE, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import shaped, short

TERMS = 20  # contributions that are listed


def arguments(walk: Walk, node: Tensor) -> Text:
    """What a node was computed from."""
    if node.function is None:
        return Text(f"{walk.reading.call(node)} is an input: it has no arguments")
    rows = [(walk.reading.defined(node), shaped(node.data, MOST), "")]
    for arg in node.args:
        tensor = isinstance(arg, Tensor)
        value = shaped(arg.data if tensor else np.asarray(arg), MOST)
        about = walk.reading.defined(arg) if tensor else walk.reading.call(arg)
        rows.append((f"  {about or value}", value, "" if tensor else "constant"))
    return columns(rows, (NAME, FLOW, QUIET), "")


def local_derivatives(walk: Walk, node: Tensor) -> Text:
    """The local Jacobian of a node by each of its arguments, in short where it is diagonal."""
    call = walk.reading.call
    rows = []
    for i, argument in _differentiated(node):
        found = local(node, i)
        shape = f"shape {node.shape + argument.shape}"
        rows.append((f"d{call(node)}/d{call(argument)}", local_text(found), shape))
    if not rows:
        return Text(f"{call(node)} has no argument that is differentiated")
    return columns(rows, (NAME, FLOW, QUIET), "")


def contributions(walk: Walk, node: Tensor) -> Text:
    """The terms of a gradient so far: who wrote what, and where."""
    terms = walk.terms(node)
    received, expected = walk.progress(node)
    if not expected:
        own = "it is the seed" if node is walk.cost else "nothing contributes to it"
        return Text(f"{walk.reading.derivative(node)}: {own}")
    rows = [
        (
            walk.at(at).place,
            f"from {walk.reading.defined(stop.node)}",
            short(stop.contribution, MOST),
        )
        for at, stop in terms[:TERMS]
    ]
    if received > TERMS:
        rows.append(("", f"and {received - TERMS:,} more", ""))
    so_far = f"{received} of {count(expected, 'contribution')}"
    total = walk.gradient(node)
    rows.append(("accumulated", so_far, "none yet" if total is None else short(total, MOST)))
    heading = Text().append(walk.reading.derivative(node), NAME).append("\n")
    return heading.append(columns(rows, (QUIET, "", FLOW)))


def check(walk: Walk, node: Tensor) -> Text:
    """The finished gradient of a node beside the finite difference of the cost."""
    call, at = walk.reading.call, walk.complete(node)
    if at is None:
        return Text(f"{call(node)} has no gradient to check: none reaches it")
    slopes = difference(walk.cost, node)
    if slopes is None:
        return Text(f"{call(node)} has {node.size:,} entries, too many for finite differences")
    found = walk.at(at).gradient(node)
    with np.errstate(all="ignore"):
        gap = float(np.max(np.abs(slopes - found), initial=0.0))
    size = float(np.max(np.abs(slopes), initial=1.0))
    near = gap <= size * np.finfo(node.dtype).eps ** 0.4
    when = "" if walk.position >= at else f", as it will be at {walk.at(at).place}"
    verdict = "ok" if near else "NOT ok: the gradient is wrong, or the cost has a kink here"
    if not np.isfinite(gap):
        verdict = "cannot be compared: NaN or infinity"
    rows = [
        (walk.reading.derivative(node), short(np.asarray(found), MOST), f"by the rules{when}"),
        ("finite difference", short(slopes, MOST), ""),
        ("max difference", f"{gap:.4g}", verdict),
    ]
    return columns(rows, (NAME, FLOW, BOOK if near else "bold"), "")


def explanation(walk: Walk, node: Tensor) -> Text:
    """The rules of a node as they stand in the table, and what their letters are here."""
    call, reading, symbols = walk.reading.call, walk.reading, walk.reading.symbols
    if node.function is None:
        return Text(f"{call(node)} is an input: no rule, its gradient is the sum of contributions")
    text = Text().append(walk.reading.defined(node), NAME)
    if equation := reading.equation(node):
        text.append(f"  {equation}", BOOK)
    legend: dict[str, str] = {}
    for i, argument in _differentiated(node):
        rule = rule_of(node, i)
        one_node = symbols is not None and node is symbols.cost and argument is symbols.z
        product = rule.text
        if symbols and one_node:
            product = f"g * {symbols.scaled('delta')}{symbols.n}, delta = {symbols.mix.formula}"
        text.append(f"\n  → {call(argument)}: ").append(product, FLOW)
        if argument.shape != node.shape and elementwise(node):
            text.append(f", summed to shape {argument.shape}", QUIET)
        meanings = [walk.reading.derivative(node), call(node)]
        meanings += [call(arg) or shaped(np.asarray(arg)) for arg in node.args]
        legend |= dict(zip(rule.letters, meanings, strict=False))
    words = ", ".join(f"{letter} = {meaning}" for letter, meaning in legend.items())
    return text.append(f"\n  table row {spelling(node.function)}: {words}", QUIET)


class Rule(NamedTuple):
    """The product for one argument, in the letters of the table."""

    text: str  # the expression, or the name of the rule with the line that describes it
    letters: tuple[str, ...]  # of the gradient, the node and, where it reads them, its arguments


def rule_of(node: Tensor, position: int) -> Rule:
    """The rule for the argument of a node at a position.

    Read from the source of the table; where there is none, as of a rule typed in a session, that
    is what the text says.
    """
    rule: Any = TABLE[node.function].rules[position]
    parameters = inspect.signature(rule).parameters.values()
    letters = tuple(each.name for each in parameters if each.default is each.empty)
    written = rule.func if isinstance(rule, partial) else rule
    return Rule(_text(written), letters[: 2 + len(node.args)])


def _text(rule: Any) -> str:
    name = getattr(rule, "__name__", "")
    if name != "<lambda>":
        described = (inspect.getdoc(rule) or "").partition("\n")[0]
        return f"{name}: {described}" if described else f"{name}"
    try:
        source = inspect.getsource(rule)
        tree = ast.parse(textwrap.dedent(source))
    except (OSError, SyntaxError):
        return "a rule whose source is not at hand"
    lambdas = [each for each in ast.walk(tree) if isinstance(each, ast.Lambda)]
    if len(lambdas) > 1:
        indent = len(source) - len(source.lstrip())
        line, column = max(_places(rule))
        line -= rule.__code__.co_firstlineno - 1
        lambdas = [
            each
            for each in lambdas
            if (each.lineno, each.col_offset + indent)
            <= (line, column)
            <= (each.end_lineno or 0, (each.end_col_offset or 0) + indent)
        ]
    return ast.unparse(lambdas[0].body) if lambdas else "a rule whose source is not at hand"


def _places(rule: Any) -> list[tuple[int, int]]:
    """The lines and columns of what the rule computes."""
    return [(line, col) for line, _, col, _ in rule.__code__.co_positions() if line and col]


def _differentiated(node: Tensor) -> list[tuple[int, Tensor]]:
    """The arguments by which a node is differentiated, with their places."""
    return [
        (i, arg)
        for i, arg in enumerate(node.args)
        if isinstance(arg, Tensor) and TABLE[node.function].rules[i] is not None
    ]
