"""Formulas that NumPy computes with, so that the engine runs on symbols as it does on numbers.

>>> import numpy as np
>>> x = variable(sympy.symbols("x:2", positive=True))
>>> expressions(np.log(x * x / 2.0))
[log(x0**2/2), log(x1**2/2)]
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.tensor import Tensor, node

try:
    import sympy as sympy
except ImportError as error:
    raise ImportError(
        'proofs are computed by SymPy: pip install "tinygrad_lossmix[prove]"'
    ) from error

Expression = Any  # SymPy's


class Symbolic:
    """A SymPy expression with the methods that NumPy asks the entries of an object array for.

    It passes for a NumPy scalar, since a reduction of an object array hands out the bare entry.
    """

    __slots__ = ("expression",)

    shape: tuple[int, ...] = ()
    ndim, size = 0, 1
    dtype = np.dtype(object)

    def __init__(self, expression: Expression) -> None:
        self.expression = expression

    def exp(self) -> Symbolic:
        """What `np.exp` calls."""
        return Symbolic(sympy.exp(self.expression))

    def log(self) -> Symbolic:
        """What `np.log` calls."""
        return Symbolic(sympy.log(self.expression))

    def __neg__(self) -> Symbolic:
        return Symbolic(-self.expression)

    def __repr__(self) -> str:
        return str(self.expression)


def _exact(number: Any) -> Expression:
    """The expression, or the fraction that a float is."""
    return number.expression if isinstance(number, Symbolic) else sympy.Rational(number)


def _operator(name: str, of: Callable[[Any, Any], Any]) -> None:
    """A binary operator with the symbol on its left, and on its right; arrays are NumPy's."""

    def left(self: Symbolic, other: Any) -> Any:
        if isinstance(other, np.ndarray | Tensor):
            return NotImplemented
        return Symbolic(of(self.expression, _exact(other)))

    def right(self: Symbolic, other: Any) -> Symbolic:
        return Symbolic(of(_exact(other), self.expression))

    setattr(Symbolic, f"__{name}__", left)
    setattr(Symbolic, f"__r{name}__", right)


for _name in ("add", "sub", "mul", "truediv", "pow"):
    _operator(_name, getattr(operator, _name))


def variable(entries: Sequence[Expression]) -> Tensor:
    """A Tensor of one axis with these entries; `Tensor(…)` takes floats only."""
    array = np.empty(len(entries), object)
    array[:] = [Symbolic(entry) for entry in entries]
    return node(array, None, (), (), {})


def expressions(array: Any) -> list[Expression]:
    """The entries of an array of symbols, or of a Tensor of them."""
    values = array._value if isinstance(array, Tensor) else array
    return [entry.expression for entry in values]
