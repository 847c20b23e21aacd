"""A program as loops: which calls are computed together, row by row, and what is kept in arrays.

A `Nest` runs over the places of one shape: over its leading axes, a row at a time, and within a row
along the last axis, once for each phase. A call joins a nest if all it needs of it is at the same
place, or is a number of the same row that an earlier phase has found. Products of matrices stand
between nests.

>>> from tinygrad_lossmix.rewrite.program import Program
>>> program = Program()
>>> x = program.argument("x", np.zeros((4, 3)))
>>> e = np.exp(x - x.max(axis=-1, keepdims=True))
>>> a = e / e.sum(axis=-1, keepdims=True)
>>> [nest] = Schedule(program.calls, [a]).items
>>> nest.shape, [nest.phase[call] for call in nest.calls]
((4, 3), [0, 1, 1, 1, 2])
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.tensor import getitem
from tinygrad_lossmix.rewrite.inference import Kind
from tinygrad_lossmix.rewrite.loop_operations import REDUCTIONS, supported
from tinygrad_lossmix.rewrite.trace import Traced, operands

Index = tuple[str, ...]
AXES = "defghij"


class Unsupported(Exception):
    """There are no loops for a program."""


class Nest:
    """Calls that are computed together, in order."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        if len(shape) > len(AXES):
            raise Unsupported(f"{len(shape)} axes")
        self.shape = shape
        names = AXES[len(AXES) - len(shape) :]
        self.axes: Index = tuple("0" if n == 1 else x for n, x in zip(shape, names, strict=True))
        self.calls: list[Traced] = []
        self.phase: dict[Traced, int] = {}  # in which a call is made
        self.inner: set[Traced] = set()  # calls made at every place; others once in a row
        self.index: dict[Traced, Index] = {}  # of the result
        self.after: set[Traced] = set()  # complete only when the nest has run: sums over rows

    def known(self, value: Traced) -> int:
        """The first phase that can use a value; 0 for one from elsewhere."""
        if value not in self.phase:
            return 0
        return self.phase[value] + (value in self.inner and not self.everywhere(value))

    def everywhere(self, value: Traced) -> bool:
        """Whether there is a number of it at every place."""
        return value in self.inner and not reduces(value)

    def accept(self, call: Traced) -> bool:
        """Add a call, if it can be computed here."""
        shape, rows = loop_shape(call), self.shape[:-1]
        inner = shape == self.shape
        if not inner and not (self.shape and shape in (rows, (*rows, 1))):
            return False
        at = self.axes if inner else (*self.axes[:-1], "0")[: len(shape)]
        used = [base_of(x, place(x.shape, at)) for x in operands(call)]
        mine = [(base, index) for base, index in used if base in self.phase]
        for base, index in mine:
            if base in self.after or self.index[base] != index:
                return False
        if not inner and (not mine or any(self.everywhere(base) for base, _ in mine)):
            return False
        self.phase[call] = max([self.known(base) for base, _ in mine], default=0)
        self.index[call] = at
        if inner:
            self.inner.add(call)
        if reduces(call):
            axes, kept = reduced(call), call.kwargs.get("keepdims")
            self.index[call] = tuple(
                "0" if i in axes else x for i, x in enumerate(at) if kept or i not in axes
            )
            if not (inner and axes == (len(shape) - 1,)):
                self.after.add(call)
        self.calls.append(call)
        return True


class Schedule:
    """Nests, and calls that stand alone (products of matrices, reshaped arrays), in order.

    Args:
        calls: of the program, in order.
        results: each becomes an array of its own, or a copy in `results`.

    Raises Unsupported for a call that there are no loops for.
    """

    def __init__(self, calls: Sequence[Traced], results: Iterable[Traced]) -> None:
        self.items: list[Nest | Traced] = []
        self.home: dict[Traced, int] = {}
        self.stored: dict[Traced, None] = {}  # values that are kept in arrays
        self.factors: dict[Traced, list[Traced]] = {}  # arrays that a lone call takes
        for call in calls:
            self._place(call)
        self.results: list[Traced] = []
        for result in results:
            fresh = base_of(result)[0] is result and result in self.home
            alone = fresh and result not in self.results and self.items[self.home[result]] != result
            self.results.append(result if alone else self._copied(result))
        self.stored |= dict.fromkeys(x for x in self.results if x.shape)
        for place, item in enumerate(self.items):
            if isinstance(item, Nest):
                self._store(place, item)

    def array(self, value: Traced) -> Traced:
        """The value, or a copy of it, that is a whole array in C order."""
        if base_of(value)[0] is not value:
            value = self._copied(value)
        if value in self.home:
            self.stored[value] = None
        return value

    def _copied(self, value: Traced) -> Traced:
        kind = Kind(value.shape, value.dtype)
        copy = Traced(value.program, np.positive, (value,), {}, kind, value.order, value.line)
        copy.name, copy.backward = value.name, value.backward
        self._place(copy)
        return copy

    def _place(self, call: Traced) -> None:
        if is_view(call):
            return
        if call.function is np.reshape or call.function is np.matmul:
            if call.function is np.matmul and not supported(call):
                raise Unsupported(call)
            self.factors[call] = [self._factor(x) for x in operands(call)]
            self.home[call] = len(self.items)
            self.items.append(call)
            self.stored[call] = None
            return
        if not supported(call):
            raise Unsupported(call)
        start = max([self.home.get(base_of(x)[0], 0) for x in operands(call)], default=0)
        for i, item in enumerate(self.items[start:], start):
            if isinstance(item, Nest) and item.accept(call):
                self.home[call] = i
                return
        nest = Nest(loop_shape(call))
        nest.accept(call)
        self.home[call] = len(self.items)
        self.items.append(nest)

    def _factor(self, value: Traced) -> Traced:
        if value.function is np.transpose and value.ndim == 2:
            self.array(value.args[0])
        ...

    def _store(self, here: int, nest: Nest) -> None:
        """Keep what a nest needs of others, and what it adds up over rows."""
        self.stored |= dict.fromkeys(x for x in nest.after if x.shape)
        for call in nest.calls:
            for x in operands(call):
                base, _ = base_of(x)
                if self.home.get(base, here) != here and base.shape:
                    self.stored[base] = None
