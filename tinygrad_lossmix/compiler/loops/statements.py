"""A schedule as the text of a function of arrays: the loops, line by line.

It computes into arrays that it is given: results and working arrays. A nest is a loop over the
rows, and loops along a row, phase by phase.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.ir.emit import comment_of, together
from tinygrad_lossmix.compiler.ir.program import TracedProgram
from tinygrad_lossmix.compiler.ir.trace import Kind, Traced, operands
from tinygrad_lossmix.compiler.loops.identifiers import Names
from tinygrad_lossmix.compiler.loops.operations import (
    FLOATS,
    REDUCTIONS,
    converted,
    expression,
    literal,
)
from tinygrad_lossmix.compiler.loops.schedule import (
    SCATTERS,
    Index,
    Nest,
    Schedule,
    base_of,
    entries,
    is_product,
    place,
    reduces,
)
from tinygrad_lossmix.compiler.loops.threads import BLOCK
from tinygrad_lossmix.compiler.lowering import OF_CLASSES, added, is_class, of_class, taken
from tinygrad_lossmix.engine.rules import scatter
from tinygrad_lossmix.mixes.labels import one_hot

SHORT_ROW = 256  # whole arrays with shorter rows are run through as one row
LONG_ROW = 4096  # a sum of more numbers in single precision is taken in double precision


def loops(
    program: TracedProgram, name: str, schedule: Schedule, share: bool = True
) -> tuple[str, Names]:
    """The function that returns a schedule's value and writes its gradients into arrays.

    If rows may be shared among threads, it takes blocks of them, and sums that it adds to.
    """
    names = Names(program, schedule)
    first, *others = schedule.items
    names.shared = share and isinstance(first, Nest) and first.is_divisible(2 * BLOCK)
    names.shared &= all(isinstance(x, Nest) and not x.shape for x in others)
    body = []
    for item in schedule.items:
        body += _comments(program, item.calls if isinstance(item, Nest) else [item])
        body += _NestLines(item, names).lines() if isinstance(item, Nest) else _alone(item, names)
    for x in schedule.stored:
        if names.name(x) not in names.outputs and x.function is not np.reshape:
            names.working[names.name(x)] = Kind(x.shape, x.dtype)
    body.append(f"return {names.local(schedule.value)}")
    if names.shared and any(use not in ({True}, {False}) for use in names.uses.values()):
        return loops(program, name, schedule, share=False)
    sums = ["sums"] * names.shared
    parameters = ", ".join([*names.inputs, *names.outputs, *names.working, *sums, *names.numbers])
    return "\n".join([f"def {name}({parameters}):", *[f"    {line}" for line in body], ""]), names


def _comments(program: TracedProgram, calls: Sequence[Traced]) -> list[str]:
    """The lines of the user's source that calls come from."""
    said = dict.fromkeys(comment_of(program, call) for call in calls)
    return [f"# {line}" for line in said if line]


def _alone(call: Traced, names: Names) -> list[str]:
    """A product of matrices, an array in another shape, or arrays put together."""
    factors = [_factor(x, names) for x in names.schedule.factors[call]]
    name = names.name(call)
    if call.function is np.concatenate:
        return [f"{name}[...] = concatenate({together(factors)}, {call.kwargs['axis']})"]
    if not is_product(call):
        turned = factors[0].endswith(".T")  # numba reshapes what lies in one piece
        whole = f"ascontiguousarray({factors[0]})" if turned else factors[0]
        return [f"{name} = {whole}.reshape({call.shape})"]
    if not call.args[0].size:
        return [f"{name}.fill(0.0)"]
    return [f"dot({', '.join(factors)}, {name})"]


def _factor(x: Any, names: Names) -> str:
    turned = isinstance(x, Traced) and x.function is np.transpose
    return f"{names.array(x.args[0])}.T" if turned else names.array(x)


class Sum(NamedTuple):
    """Lines around the loops, and the text of what is added to in them."""

    before: list[str]
    row_before: list[str]
    into: str
    row_after: list[str]
    after: list[str]


class _NestLines:
    """The lines of one nest."""

    def __init__(self, nest: Nest, names: Names) -> None:
        self.nest = nest
        self.names = names
        self.stored = names.schedule.stored
        self.one_row = self.is_one_row()
        self.known_rows = len(names.as_rows)
        self.sizes = dict(zip(nest.axes, nest.shape, strict=True))
        self.lengths = {x: str(n) for x, n in self.sizes.items()}
        self.at_hand: set[Traced] = set()  # in the present phase, at the present place
        self.reloads: list[str] = []
        self.lent: dict[Traced, Traced] = {}  # gradients whose rows keep a value meanwhile
        self.sums = {
            call: self.sum_of(call)
            for call in nest.calls
            if reduces(call) or call.function in SCATTERS
        }

    def lines(self) -> list[str]:
        nest = self.nest
        before = [line for each in self.sums.values() for line in each.before]
        outer = [] if self.one_row else [x for x in nest.axes[:-1] if x != "0"]
        body, indent = [], "    " * len(outer)
        for phase in range(max(nest.phase.values()) + 1):
            calls = [call for call in nest.calls if nest.phase[call] == phase]
            once = [call for call in calls if call not in nest.inner]
            body += [indent + line for call in once for line in self.statement(call)]
            inner = [call for call in calls if call in nest.inner and call.function is not is_class]
            body += [indent + line for line in (self.row(inner) if inner else [])]
        after = [line for each in self.sums.values() for line in each.after]
        heads = [f"{'    ' * i}for {x} in range({self.lengths[x]}):" for i, x in enumerate(outer)]
        new = list(self.names.as_rows.items())[self.known_rows :]
        rows = [f"{row} = {name}.reshape({name}.size)" for name, row in new]
        return [*rows, *before, *heads, *body, *after]

    def row(self, calls: Sequence[Traced]) -> list[str]:
        """A loop along a row, for one phase."""
        self.at_hand = set()
        statements = []
        for call in calls:
            lines = self.statement(call)
            statements += [*self.reloads, *lines]
            self.reloads.clear()
            self.at_hand.add(call)
        if self.one_row or self.nest.axes[-1:] not in ((), ("0",)):
            loop = f"for j in range({self.lengths['j']}):"
            statements = [loop, *[f"    {line}" for line in statements]]
        sums = [self.sums[call] for call in calls if call in self.sums]
        before = [line for each in sums for line in each.row_before]
        after = [line for each in sums for line in each.row_after]
        return [*before, *statements, *after]

    def statement(self, call: Traced) -> list[str]:
        """A call at one place, or once for a row."""
        texts = self.texts(call, call)
        if call.function is added:
            return [f"{self.names.as_row(self.names.name(call))}[{texts[1][0]}] += {texts[0][0]}"]
        if call.function is scatter:
            return [f"{self.sums[call].into} = {texts[0][0]}"]
        if call in self.sums:
            return [self.summed(call, texts)]
        name = self.names.local(call)
        lines = [f"{name} = {expression(call, texts)}"]
        if call in self.stored:
            lines.append(f"{self.element(call)} = {name}")
        elif self.buffered(call):
            lines.append(f"{self.buffer(call)} = {name}")
        return lines

    def texts(self, call: Traced, user: Traced) -> list[tuple[str, Any]]:
        """The texts of a call's operands, and their dtypes, in the phase of a user of it."""
        at = self.nest.places(call)
        rows = at[:-1] if call.function in OF_CLASSES else at
        texts = [self.operand(x, rows, user) for x in entries(call)]
        if call.function in (is_class, one_hot):  # in 32 bits: as many at a time as of float32
            return [(f"int32({at[-1]}) == int32({texts[0][0]})", None)]
        if call.function is of_class:
            entry = self.subscript(*base_of(call.args[0], (*rows, "@")))
            return [(entry.replace("@", f"int32({texts[0][0]})"), call.dtype)]
        if call.function is taken:
            name = self.names.array(self.names.schedule.factors[call][0])
            self.used(name, ())
            return [(f"{self.names.as_row(name)}[{texts[0][0]}]", call.dtype)]
        return texts

    def sum_of(self, call: Traced) -> Sum:
        """The text of a reduction."""
        start, _ = step_of(call)
        element = self.element(call) if call in self.stored else ""
        zero = converted(start, None, call.dtype)
        if call in self.nest.after and call.shape:
            return Sum([f"{self.names.name(call)}.fill({zero})"], [], element, [], [])
        adds = start == "0.0"
        local, exact = self.names.local(call), self.names.own(call, "sum")
        long = call in self.nest.after or self.nest.shape[-1] > LONG_ROW
        wide = adds and call.dtype != np.float64 and long
        total = exact if wide else local
        begin = [f"{total} = {f'float64({start})' if wide else zero}"]
        end = [f"{local} = {call.dtype}({total})"] if wide else []
        if call in self.stored:
            end.append(f"{element} = {local}")
        if call not in self.nest.after:
            return Sum([], begin, total, end, [])
        if self.names.shared and self.nest.shape:
            place_of = f"sums[{len(self.names.sums)}]"
            self.names.sums.append(total)
            begin, end = [f"{total} = {place_of}"], [f"{place_of} = {total}", *end]
        if adds and call in self.nest.inner and not self.one_row:  # row by row: exact, in vectors
            part = self.names.own(call, "part")
            return Sum(begin, [f"{part} = {zero}"], part, [f"{total} += {part}"], end)
        return Sum(begin, [], total, [], end)

    def summed(self, call: Traced, texts: Sequence[tuple[str, Any]]) -> str:
        into, (_, step) = self.sums[call].into, step_of(call)
        term = converted(*texts[0], call.dtype)
        if call.function not in REDUCTIONS:
            term = f"{texts[0][0]} * {texts[1][0]}"
        return f"{into} = {step.format(into, term)}"

    def operand(self, x: Any, at: Index, call: Traced) -> tuple[str, Any]:
        """The text of an operand at a place, and its dtype."""
        if type(x) is np.ndarray and x.shape:
            return self.subscript(x, place(x.shape, at)), x.dtype
        if not isinstance(x, Traced):
            exponent = call.function is np.power  # known, it may be a multiplication
            text = literal(x) if exponent else self.names.number(x, call)
            return text, np.dtype(bool) if isinstance(x, bool | np.bool) else None
        (base, index), nest = base_of(x, place(x.shape, at)), self.nest
        if base.function is is_class:  # where it is asked for, no line of its own
            return expression(base, self.texts(base, call)), base.dtype
        if base in nest.phase and base not in nest.after:
            if nest.everywhere(base) and nest.phase[base] < nest.phase[call]:
                self.reload(base, call)
            return self.names.local(base), base.dtype
        if base in self.names.schedule.home and not base.shape:
            return self.names.local(base), base.dtype
        return self.subscript(base, index), base.dtype

    def reload(self, value: Traced, call: Traced) -> None:
        """Have a value of an earlier phase at hand in this one."""
        if value in self.at_hand:
            return
        self.at_hand.add(value)
        if value in self.stored:
            text = self.element(value)
        elif self.buffered(value):
            text = self.buffer(value)
        else:
            text = expression(value, self.texts(value, call))
        self.reloads.append(f"{self.names.local(value)} = {text}")

    def buffered(self, value: Traced) -> bool:
        """Whether later phases read it from a row that is kept; else they compute it again."""
        nest = self.nest
        if value not in nest.inner or value in self.stored or value.dtype not in FLOATS:
            return False
        used_later = any(
            nest.phase[call] > nest.phase[value] and self.needs(call, value) for call in nest.calls
        )
        return used_later and not self.cheap(value)

    def needs(self, call: Traced, value: Traced) -> bool:
        """Whether a call uses a value, or what is computed again from it."""
        for x in operands(call):
            base, _ = base_of(x)
            if base is value:
                return True
            again = self.nest.everywhere(base) and base not in self.stored
            again = again and self.nest.phase[base] < self.nest.phase[call]
            again = again and (base.dtype not in FLOATS or self.cheap(base))
            if again and self.needs(base, value):
                return True
        return False

    def cheap(self, value: Traced) -> bool:
        """Whether it is one subtraction or the like away from what is at hand anyway."""
        if value.function is one_hot:
            return True
        if value.function not in (np.add, np.subtract, np.negative):
            return False
        return not any(self.nest.everywhere(base_of(x)[0]) for x in operands(value))

    def buffer(self, value: Traced) -> str:
        """The place of a value in the row that it is kept in.

        One of a gradient, if the value is not read any more where that is written.
        """
        nest, phase = self.nest, self.nest.phase
        read = max((phase[x], x.order) for x in nest.calls if self.needs(x, value))
        for x in self.names.schedule.gradients:
            alike = nest.index.get(x) == nest.axes and x.dtype == value.dtype
            free = alike and phase[x] > phase[value] and (phase[x], x.order) >= read
            if free and self.lent.setdefault(x, value) is value:
                return self.element(x)
        return f"{self.names.row(value, nest.shape[-1])}[{nest.axes[-1]}]"

    def element(self, value: Traced) -> str:
        return self.subscript(value, self.nest.index[value])

    def subscript(self, array: Any, index: Index) -> str:
        name = self.names.array(array)
        self.used(name, index)
        if self.one_row and index:
            row = self.names.as_row(name)
            self.lengths["j"] = f"{row}.size"
            return f"{row}[j]"
        for axis, x in enumerate(index):  # no constants: the text serves for other shapes as well
            if x != "0" and array.shape[axis] == self.sizes.get(x):
                self.lengths[x] = f"{name}.shape[{axis}]"
        return f"{name}[{', '.join(index) or '()'}]"

    def used(self, name: str, index: Index) -> None:
        """Take note of whether an array is used by the rows of this nest."""
        first, *_ = self.nest.axes or ("-",)
        said = [bool(re.search(rf"\b{first}\b", x)) for x in index]
        alone = sum(said) == (index[:1] == (first,))
        self.names.uses.setdefault(name, set()).add(any(said) if alone else None)

    def is_one_row(self) -> bool:
        """Whether all arrays can be run through as one row."""
        nest = self.nest
        if sum(n != 1 for n in nest.shape) < 2 or nest.shape[-1] >= SHORT_ROW:
            return False
        return all(
            call in nest.inner
            and nest.index[call] in ((), nest.axes)
            and call.shape == (() if reduces(call) else nest.shape)
            and all(self.is_whole(x) for x in entries(call))
            for call in nest.calls
        )

    def is_whole(self, x: Any) -> bool:
        """Whether an operand has the nest's own places, in its order, or is a number."""
        if not isinstance(x, Traced):
            return type(x) is not np.ndarray or x.shape in ((), self.nest.shape)
        base, index = base_of(x, place(x.shape, self.nest.axes))
        return not base.shape or (base.shape == self.nest.shape and index == self.nest.axes)


def step_of(call: Traced) -> tuple[str, Any]:
    """What a reduction starts with, and its step; the product of two arrays is added up."""
    return REDUCTIONS.get(call.function, REDUCTIONS[np.add.reduce])
