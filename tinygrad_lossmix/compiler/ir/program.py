"""A straight-line program: NumPy calls in the order they are made, each made once.

`call` is the only way in. It brings a call to one spelling, simplifies it, finds the shape and
dtype of its result, and returns the value that has it already if there is one. What does not
depend on a traced array never comes here: NumPy computes it on the way.

>>> program = TracedProgram()
>>> x = program.argument("x", np.zeros(3))
>>> np.exp(x) is np.exp(x)
True
>>> np.exp(x).sum()
traced(add.reduce, (), float64)
"""

import operator
import sys
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import Numbering
from tinygrad_lossmix.compiler.ir.canonical import COMPOSED_ALIKE, canonical
from tinygrad_lossmix.compiler.ir.simplify import simpler
from tinygrad_lossmix.compiler.ir.trace import Kind, Traced, elementwise, kind_of, operands
from tinygrad_lossmix.engine.table import COMPOSED

Lowering = Callable[..., Any]


class TracedProgram:
    """The calls made on traced arrays.

    Args:
        code: the function whose lines are noted with the calls, if any.
        lowered: definitions in plain NumPy, to be traced in place of a function's own.
    """

    def __init__(
        self, code: CodeType | None = None, lowered: Mapping[Any, Lowering] | None = None
    ) -> None:
        self.calls: list[Traced] = []
        self.arguments: list[Traced] = []
        self.code = code
        self._lowered = lowered or {}
        self._known: dict[Any, Traced] = {}
        self._numbering = Numbering(Traced)

    def argument(self, name: str, like: Any) -> Traced:
        """A value that is given when the program runs, of like's shape and dtype."""
        order = len(self.arguments)
        value = Traced(self, None, (), {}, like.shape, like.dtype, order, 0, like, name)
        self.arguments.append(value)
        self._numbering.of[value] = order
        return value

    def call(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """The value of a call: of NumPy, or of another function, whose lowered form is traced."""
        lowered = self._lowered.get(function)
        if lowered and (found := lowered(*args, **kwargs)) is not None:
            return found
        if function in COMPOSED_ALIKE and function in COMPOSED:
            return COMPOSED[function](*args, **kwargs)
        function, args, kwargs = canonical(function, args, kwargs)
        args = tuple(map(self.constant, args))
        kwargs = {name: self.constant(value) for name, value in kwargs.items()}
        if getattr(function, "nout", 1) == 2 and not kwargs:
            return self.pair(function, *elementwise(function, args), *args)
        shorter = simpler(function, args, kwargs)
        return self._made(function, args, kwargs) if shorter is None else shorter

    def seen(self, function: Any, *args: Any) -> Traced | None:
        """The value of an elementwise call, if it was made before."""
        return self._known.get((function, *map(self._numbering.key, (args, {}))))

    def pair(self, function: Any, first: Kind, second: Kind, *args: Any) -> tuple[Traced, Traced]:
        """The values of a function that returns two arrays."""
        both = self._made(function, tuple(map(self.constant, args)), {}, Kind((), None))
        one, other = [
            self._made(operator.getitem, (both, i), {}, kind)
            for i, kind in enumerate((first, second))
        ]
        return one, other

    def _made(self, function: Any, args: Any, kwargs: Any, kind: Kind | None = None) -> Traced:
        """The value of a call that is made once."""
        key = (function, *map(self._numbering.key, (args, kwargs)))
        if key not in self._known:
            kind = kind or kind_of(function, args, kwargs)
            order = len(self.arguments) + len(self.calls)
            value = Traced(self, function, args, kwargs, *kind, order, self._line())
            if not value.line:  # rewritten since it was traced: where the last of its operands is
                value.line = max([x.line for x in operands(value)], default=0)
            self.calls.append(value)
            self._numbering.of[value] = order
            self._known[key] = value
        return self._known[key]

    def _line(self) -> int:
        """Where in the traced function we are; 0 outside of it."""
        frame = sys._getframe(1) if self.code else None
        while frame is not None:
            if frame.f_code is self.code:
                return frame.f_lineno
            frame = frame.f_back
        return 0

    def constant(self, value: Any) -> Any:
        """A constant as it is kept: a copy of an array, one for all that are equal."""
        if isinstance(value, list | tuple):
            return type(value)(map(self.constant, value))
        if type(value) is not np.ndarray:
            return value
        kept = value.copy()
        kept.flags.writeable = False
        return self._numbering.array(kept)
