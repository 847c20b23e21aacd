"""The rule of a node: as it stands in the table of derivatives, and with the names of a recording.

>>> z = Tensor([2.0, 1.0], name="z")
>>> rule_of(z * z, 1)
Rule(text='g * x', letters=('g', 'z', 'x', 'y'))
>>> rule_of(z.sum(), 0).text
'sum_rule: g, for every entry.'
"""

import ast
import contextlib
import inspect
from functools import partial
from typing import Any, NamedTuple

from rich.text import Text

from tinygrad_lossmix.debugger.chain_rule import elementwise
from tinygrad_lossmix.debugger.show import BOOK, FLOW, NAME, QUIET
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.table import TABLE, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import shaped


def explanation(walk: Walk, node: Tensor) -> Text:
    """The rules of a node as they stand in the table, and what their letters are here."""
    reading, symbols, call = walk.reading, walk.reading.symbols, walk.reading.call
    if node.function is None:
        return Text(f"{call(node)} is an input: no rule, its gradient is the sum of contributions")
    text = Text().append(reading.defined(node), NAME)
    if equation := reading.equation(node):
        text.append(f"  {equation}", BOOK)
    legend: dict[str, str] = {}
    for i, argument in differentiated(node):
        rule = rule_of(node, i)
        product = rule.text
        if symbols and node is symbols.cost and argument is symbols.z:  # one node for the mix
            product = f"g * {symbols.scaled('delta')}{symbols.n}, delta = {symbols.mix.formula}"
        text.append(f"\n  → {call(argument)}: ").append(product, FLOW)
        if argument.shape != node.shape and elementwise(node):
            text.append(f", summed to shape {argument.shape}", QUIET)
        meanings = [reading.derivative(node), call(node)]
        meanings += [call(arg) or shaped(arg) for arg in node.args]
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
    around = []
    with contextlib.suppress(OSError, SyntaxError):
        tree = ast.parse("".join(inspect.findsource(rule)[0]))
        at = max((line, at) for line, _, at, _ in rule.__code__.co_positions() if line and at)
        around = [
            each.body
            for each in ast.walk(tree)
            if isinstance(each, ast.Lambda)
            and (each.lineno, each.col_offset) <= at <= (each.end_lineno, each.end_col_offset)
        ]
    return ast.unparse(around[0]) if around else "a rule whose source is not at hand"


def differentiated(node: Tensor) -> list[tuple[int, Tensor]]:
    """The arguments by which a node is differentiated, with their places."""
    return [
        (i, arg)
        for i, arg in enumerate(node.args)
        if isinstance(arg, Tensor) and TABLE[node.function].rules[i] is not None
    ]
