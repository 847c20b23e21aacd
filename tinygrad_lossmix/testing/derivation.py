"""The output delta of a mix as formulas: the engine's own sweep on a recording of symbols.

>>> derive("sigmoid", "log_likelihood", 1).error
(a0*y0 - a0,)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

from tinygrad_lossmix.engine.sweep import sweep
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes import book
from tinygrad_lossmix.testing.symbolic import Expression, Symbolic, expressions, sympy, variable


class Derivation(NamedTuple):
    """δ of one example, in terms of its outputs and labels."""

    output: str
    a: tuple[Expression, ...]  # the outputs, as symbols: all positive, 1 together under softmax
    y: tuple[Expression, ...]  # the labels, as symbols: any real numbers
    total: Expression  # Σ e^z, as a symbol: what the outputs of softmax do not tell about z
    raw: tuple[Expression, ...]  # δ as the table gives it
    a_minus_y: tuple[Expression, ...]  # of the outputs that the output layer computed
    error: tuple[Expression, ...]  # δ - (a - y), in lowest terms


def derive(output: str, cost: str, classes: int) -> Derivation:
    """Run the table of derivatives on the book's output layer and cost.

    The logits are z = ln E with E > 0, so that all is rational in E; then E is replaced by what it
    is in terms of the outputs a: a/(1 - a) for sigmoid, a·ΣE for softmax.
    """
    e, a = (sympy.symbols(f"{name}:{classes}", positive=True) for name in "Ea")
    y = sympy.symbols(f"y:{classes}", real=True)
    total = sympy.Symbol("T", positive=True)
    z, labels = variable([sympy.log(each) for each in e]), variable(y)
    outputs = getattr(book, output)(z)
    delta: Any = None
    for node, place, _, _, received in sweep(_cost(cost)(outputs, labels), Symbolic(sympy.S.One)):
        if node.args[place] is z:
            delta = received
    if output == "softmax":
        known = {each: out * total for each, out in zip(e, a, strict=True)}
        known |= {sum(e): total, -sum(e): -total}
    else:
        known = {each: out / (1 - out) for each, out in zip(e, a, strict=True)}
    raw = [entry.xreplace(known) for entry in expressions(delta)]
    layer = [sympy.cancel(entry.xreplace(known)) for entry in expressions(outputs)]
    a_minus_y = [out - label for out, label in zip(layer, y, strict=True)]
    error = [sympy.cancel(d - e) for d, e in zip(raw, a_minus_y, strict=True)]
    return Derivation(output, a, y, total, tuple(raw), tuple(a_minus_y), tuple(error))


def _cost(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """A cost of the book, its very code, but with labels taken as they are.

    Symbols are no numbers, which labels are checked to be, and no constant that can be recorded:
    they enter as a variable.
    """
    code = inspect.unwrap(getattr(book, name)).__code__
    return FunctionType(code, vars(book) | {"labels": lambda y, a: y})
