"""A program as loops: which calls are computed together, row by row, and what is kept in arrays.

A `Nest` runs over the places of one shape: over its leading axes, a row at a time, and within a row
along the last axis, once for each phase. A call joins a nest if all it needs of it is at the same
place, or is a number of the same row that an earlier phase has found. Products of matrices stand
between nests.

>>> from tinygrad_lossmix.compiler.ir.program import TracedProgram
>>> program = TracedProgram()
>>> x = program.argument("x", np.zeros((4, 3)))
>>> e = np.exp(x - x.max(axis=-1, keepdims=True))
>>> cost = (e / e.sum(axis=-1, keepdims=True)).max()
>>> [nest] = Schedule(program.calls, cost).items
>>> nest.shape, [nest.phase[call] for call in nest.calls]
((4, 3), [0, 1, 1, 1, 2, 2])
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import along, left, reduced, spelled_out
from tinygrad_lossmix.compiler.ir.trace import Traced, operands
from tinygrad_lossmix.compiler.loops.operations import REDUCTIONS, supported
from tinygrad_lossmix.compiler.lowering import LOOKUPS, added, of_class, taken
from tinygrad_lossmix.engine.rules import getitem, scatter

Index = tuple[str, ...]
SCATTERS = (scatter, added)
AXES = ("i6", "i5", "i4", "i3", "i2", "i", "j")


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

    def everywhere(self, value: Traced) -> bool:
        """Whether there is a number of it at every place."""
        return value in self.inner and value not in self.after and not reduces(value)

    def is_divisible(self, least: int) -> bool:
        """Whether it has many rows, no fewer places, and only adds up numbers over the rows."""
        others = REDUCTIONS.keys() - {np.add.reduce}
        added = all(not x.shape and x.function not in others for x in self.after)
        return added and len(self.shape) > 1 < self.shape[0] and math.prod(self.shape) >= least

    def places(self, call: Traced) -> Index:
        """Where a call is computed: all along the rows, or once in each."""
        shape = loop_shape(call)
        return self.axes if shape == self.shape else (*self.axes[:-1], "0")[: len(shape)]

    def accept(self, call: Traced) -> bool:
        """Add a call, if it can be computed here."""
        shape, rows = loop_shape(call), self.shape[:-1]
        inner = shape == self.shape
        if not inner and not (self.shape and shape in (rows, (*rows, 1))):
            return False
        at = self.places(call)
        if call.function is of_class and base_of(call.args[0])[0] in self.phase:
            return False
        used = [base_of(x, place(x.shape, at)) for x in entries(call) if isinstance(x, Traced)]
        mine = [(base, index) for base, index in used if base in self.phase]
        for base, index in mine:
            if base in self.after or self.index[base] != index:
                return False
        if not inner and not mine and call.function is not of_class:
            return False
        if not inner and any(self.everywhere(base) for base, _ in mine):
            return False
        ready = [self.phase[x] + (x in self.inner and reduces(x)) for x, _ in mine]
        self.phase[call] = max(ready, default=0)
        self.index[call] = at
        if inner:
            self.inner.add(call)
        if call.function in SCATTERS:
            plain = call.function is scatter  # what is added at places is in no order
            self.index[call] = _inside(call.shape, call.kwargs["key"], at) if plain else ()
            self.after.add(call)
        elif reduces(call):
            axes = reduced(call)
            self.index[call] = left(at, axes, call.kwargs.get("keepdims"), "0")
            if not (inner and axes == (len(shape) - 1,)):
                self.after.add(call)
        self.calls.append(call)
        return True


class Schedule:
    """Nests, and calls that stand alone (products of matrices, reshaped arrays), in order.

    Args:
        calls: of the program, in order.
        value: a number that leaves it.
        gradients: they become arrays of their own; where they are not, a copy does.

    Raises Unsupported for a call that there are no loops for.
    """

    def __init__(
        self, calls: Sequence[Traced], value: Traced, gradients: Iterable[Traced] = ()
    ) -> None:
        self.items: list[Nest | Traced] = []
        self.home: dict[Traced, int] = {}
        self.stored: dict[Traced, None] = {}  # values that are kept in arrays
        self.factors: dict[Traced, list[Any]] = {}  # what a lone call takes
        for call in calls:
            self._place(call)
        self.value = value if value in self.home else self._copied(value)
        self.gradients: list[Traced] = []
        for x in gradients:
            alone = x in self.home and x.function is not np.reshape and x is not self.value
            again = any(x is y for y in self.gradients)
            self.gradients.append(x if alone and not again else self._copied(x))
        self.stored |= dict.fromkeys(self.gradients)
        for here, item in enumerate(self.items):
            if isinstance(item, Nest):
                self._store(here, item)

    def _place(self, call: Traced) -> None:
        if along(call) is not None:
            return
        if not supported(call):
            raise Unsupported(getattr(call.function, "__qualname__", str(call.function)))
        new: Nest | Traced = call
        after = 0  # the first item that may look entries up, in an array that is whole
        if call.function is taken:
            self.factors[call] = [self._whole(call.args[0])]
            after = self.home.get(self.factors[call][0], -1) + 1
        if call.function in (np.reshape, np.concatenate) or is_product(call):
            given = call.args[0] if call.function is np.concatenate else call.args
            self.factors[call] = [self._factor(x) for x in given]
            self.stored[call] = None
        else:
            start = max([after, *[self.home.get(base_of(x)[0], 0) for x in operands(call)]])
            for i, item in enumerate(self.items[start:], start):
                if isinstance(item, Nest) and item.accept(call):
                    self.home[call] = i
                    return
            new = Nest(loop_shape(call))
            new.accept(call)
        self.home[call] = len(self.items)
        self.items.append(new)

    def _factor(self, value: Any) -> Any:
        """An operand of a lone call: an array, or one to be transposed."""
        if not isinstance(value, Traced):
            return value
        if value.function is np.transpose and value.ndim == 2 and along(value.args[0]) is None:
            self._whole(value.args[0])
            return value
        return self._whole(value)

    def _whole(self, value: Traced) -> Traced:
        """The value, or a copy of it, that is an array in C order."""
        value = self._copied(value) if along(value) is not None else value
        if value in self.home:
            self.stored[value] = None
        return value

    def _copied(self, value: Traced) -> Traced:
        kept = value.shape, value.dtype, value.order, value.line, None, value.name, value.backward
        copy = Traced(value.program, np.positive, (value,), {}, *kept)
        self._place(copy)
        return copy

    def _store(self, here: int, nest: Nest) -> None:
        """Keep in arrays what a nest needs of others, and what it adds up over rows."""
        self.stored |= dict.fromkeys(x for x in nest.calls if x in nest.after and x.shape)
        for call in nest.calls:
            for x in operands(call):
                base, _ = base_of(x)
                if base.shape and self.home.get(base, here) != here:
                    self.stored[base] = None


def loop_shape(call: Traced) -> tuple[int, ...]:
    """The places that a call is computed at."""
    other = reduces(call) or call.function in SCATTERS
    return np.shape(call.args[0]) if other else call.shape


def entries(call: Traced) -> list[Any]:
    """The arguments that it uses one entry of at each place: not where it looks entries up."""
    first = call.function in LOOKUPS
    return [x for x in call.args[first:] if not isinstance(x, tuple | np.dtype)]


def reduces(call: Traced) -> bool:
    """Whether a call adds up, or looks for the largest."""
    inner = call.function is np.matmul and all(np.ndim(x) == 1 for x in call.args)
    return inner or call.function in REDUCTIONS or call.function is np.vdot


def is_product(call: Traced) -> bool:
    """Whether it is left to BLAS."""
    return call.function is np.matmul and not reduces(call)


def place(shape: tuple[int, ...], at: Index) -> Index:
    """Where an operand of that shape is found, at a place of the array it is broadcast to."""
    at = at[len(at) - len(shape) :]
    return tuple("0" if n == 1 else x for n, x in zip(shape, at, strict=True))


def base_of(value: Traced, at: Index | None = None) -> tuple[Traced, Index]:
    """What a view shows, and at which place of it."""
    at = at if at is not None else ("",) * value.ndim
    while (axes := along(value)) is not None:
        of = value.args[0]
        if value.function is getitem:
            at = _inside(of.shape, value.kwargs["key"], at)
        else:
            found = dict(zip(axes, at, strict=True))
            at = tuple(found.get(i, "0") for i in range(of.ndim))
        value = of
    return value, at


def _inside(shape: tuple[int, ...], key: Any, at: Index) -> Index:
    """The place in an array of a place in its part `[key]`."""
    given, lengths, found = iter(at), iter(shape), []
    for part in spelled_out(key, len(shape)):
        if part is None:
            next(given)
        elif isinstance(part, slice):
            start, _, step = part.indices(next(lengths))
            x = next(given)
            if x == "0":
                found.append(str(start))
            elif (start, step) == (0, 1):
                found.append(x)
            else:
                x = x if x.isalnum() else f"({x})"
                found.append(f"{start} + {x if step == 1 else f'{step} * {x}'}")
        else:
            found.append(str(int(part) % next(lengths)))
    return tuple(found)
