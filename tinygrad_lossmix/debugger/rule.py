"""The rule that the engine uses at a node, as it stands in the table of derivatives.

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

from tinygrad_lossmix.engine.table import TABLE
from tinygrad_lossmix.engine.tensor import Tensor


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
