"""A schedule as the text of a function of arrays: the loops, line by line.

It computes into arrays that it is given: results and working arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.rewrite.emit import _comment, is_name
from tinygrad_lossmix.rewrite.inference import Kind
from tinygrad_lossmix.rewrite.loop_operations import (
    COMPARISONS,
    FLOATS,
    NAMES,
    LOGIC,
    REDUCTIONS,
    converted,
    expression,
    literal,
)
from tinygrad_lossmix.rewrite.loops import (
    Index,
    Nest,
    Schedule,
    base_of,
    is_product,
    loop_shape,
    place,
    reduces,
)
from tinygrad_lossmix.rewrite.program import Program
from tinygrad_lossmix.rewrite.trace import Traced, operands

SHORT_ROW = 256  # whole arrays with shorter rows are run through as one row


class Loops(NamedTuple):
    """The text of a function, and its parameters."""

    source: str
    inputs: dict[str, Any]  # arguments and what was computed from them before; constant arrays
    outputs: dict[str, Traced]
    working: dict[str, Kind]


def loops(program: Program, name: str, schedule: Schedule) -> Loops:
    """The function that returns a schedule's value and writes its gradients into arrays."""
    return _Text(program, schedule).function(name)


class _Text:
    def __init__(self, program: Program, schedule: Schedule) -> None:
        self.program = program
        self.schedule = schedule
        self.names: dict[Any, str] = {}
        self.taken = {"empty", "ascontiguousarray", *NAMES}
        self.inputs: dict[str, Any] = {}
        self.working: dict[str, Kind] = {}
        self.lines: dict[str, str] = {}  # arrays as one row
        self.body: list[str] = []
        for argument in program.arguments:
            self.name(argument)

    def function(self, name: str) -> Loops:
        outputs = {self.name(x): x for x in self.schedule.gradients}
        for item in self.schedule.items:
            self.comments(item.calls if isinstance(item, Nest) else [item])
            if isinstance(item, Nest):
                _Loop(self, item).write()
            else:
                self.lone(item)
        for x in self.schedule.stored:
            if self.name(x) not in outputs and x.function is not np.reshape:
                self.working[self.name(x)] = Kind(x.shape, x.dtype)
        result = self.local(self.schedule.value)
        views = [f"{line} = flat({array})" for array, line in self.lines.items()]
        parameters = ", ".join([*self.inputs, *outputs, *self.working])
        body = [f"    {each}" for each in [*views, *self.body, f"return {result}"]]
        source = "\n".join([f"def {name}({parameters}):", *body, ""])
        return Loops(source, self.inputs, outputs, self.working)

    def name(self, value: Traced) -> str:
        """The array of a value, or its variable where it has no array."""
        if value not in self.names:
            named = value.name if value.name and is_name(value.name) else None
            self.names[value] = self.fresh(named or f"t{len(self.names)}")
        return self.names[value]

    def local(self, value: Traced) -> str:
        """The number of a value at the present place."""
        if value not in self.schedule.stored:
            return self.name(value)
        key = ("local", value)
        if key not in self.names:
            self.names[key] = self.fresh(f"{self.name(value)}_")
        return self.names[key]

    def fresh(self, stem: str) -> str:
        name, again = stem, 2
        while name in self.taken:
            name, again = f"{stem}_{again}", again + 1
        self.taken.add(name)
        return name

    def array(self, x: Any) -> str:
        """A whole array."""
        if not isinstance(x, Traced):
            if id(x) not in self.names:
                self.names[id(x)] = self.fresh("c1")
                self.inputs[self.names[id(x)]] = x
            return self.names[id(x)]
        if x not in self.schedule.home:
            self.inputs[self.name(x)] = x
        return self.name(x)

    def comments(self, calls: Sequence[Traced]) -> None:
        """The lines of the user's source that calls come from."""
        said = dict.fromkeys(_comment(self.program, call) for call in calls)
        self.body += [f"# {line}" for line in said if line]

    def lone(self, call: Traced) -> None:
        """A product of matrices, or an array in another shape."""
        factors = [self.factor(x) for x in self.schedule.factors[call]]
        if is_product(call) and not call.args[0].size:
            self.body.append(f"{self.name(call)}.fill(0.0)")
        elif is_product(call):
            self.body.append(f"dot({', '.join(factors)}, {self.name(call)})")
        else:
            self.body.append(f"{self.name(call)} = {factors[0]}.reshape({call.shape})")

    def factor(self, x: Any) -> str:
        turned = isinstance(x, Traced) and x.function is np.transpose
        return f"{self.array(x.args[0])}.T" if turned else self.array(x)


class _Loop:
    """The text of one nest."""

    def __init__(self, text: _Text, nest: Nest) -> None:
        self.text = text
        self.nest = nest
        self.stored = text.schedule.stored
        self.at_hand: set[Traced] = set()  # in the present phase, at the present place
        self.buffers: dict[Traced, str] = {}  # rows of what later phases need
        self.reloads: list[str] = []
        self.flat = self.is_flat()
        self.length = str(nest.shape[-1]) if nest.shape else ""

    def write(self) -> None:
        nest, body = self.nest, self.text.body
        for call in nest.calls:
            if call in nest.after:
                body.append(self.begun(call))
        indent = ""
        if not self.flat:
            for name, n in zip(nest.axes[:-1], nest.shape[:-1], strict=True):
                if name != "0":
                    body.append(f"{indent}for {name} in range({n}):")
                    indent += "    "
        for phase in range(max(nest.phase.values()) + 1):
            calls = [call for call in nest.calls if nest.phase[call] == phase]
            for call in calls:
                if call not in nest.inner:
                    body += [indent + line for line in self.statement(call)]
            inner = [call for call in calls if call in nest.inner]
            if inner:
                self.row(inner, indent)
        for call in nest.calls:
            if call in nest.after and not call.shape:
                body += self.ended(call)

    def row(self, calls: Sequence[Traced], indent: str) -> None:
        """A loop along a row, for one phase."""
        body, nest = self.text.body, self.nest
        self.at_hand = set()
        sums = [call for call in calls if reduces(call)]
        sums = [call for call in sums if call not in nest.after or self.in_parts(call)]
        body += [f"{indent}{self.part(call)} = {self.start(call)}" for call in sums]
        statements = []
        for call in calls:
            lines = self.statement(call)
            statements += [*self.reloads, *lines]
            self.reloads.clear()
            self.at_hand.add(call)
        inside = indent
        if self.flat or nest.axes[-1:] not in ((), ("0",)):
            body.append(f"{indent}for j in range({self.length}):")
            inside += "    "
        body += [inside + line for line in statements]
        for call in sums:
            if call in nest.after:
                body.append(f"{indent}{self.total(call)} += {self.part(call)}")
            elif call in self.stored:
                body.append(f"{indent}{self.element(call)} = {self.part(call)}")

    def statement(self, call: Traced) -> list[str]:
        """A call at one place, or once for a row."""
        at = self.nest.axes if call in self.nest.inner else self.row_index(call)
        texts = [self.operand(x, at, call) for x in call.args]
        if reduces(call):
            if call.function in REDUCTIONS:
                step = REDUCTIONS[call.function][1]
                term = converted(*texts[0], call.dtype)
            else:
                step = "plus({}, {})"
                term = f"{texts[0][0]} * {texts[1][0]}"
            into = self.accumulator(call)
            return [f"{into} = {step.format(into, term)}"]
        name = self.text.local(call)
        lines = [f"{name} = {expression(call, texts)}"]
        if call in self.stored:
            lines.append(f"{self.element(call)} = {name}")
        elif self.buffered(call):
            lines.append(f"{self.buffer(call)}[{self.nest.axes[-1]}] = {name}")
        return lines

    def operand(self, x: Any, at: Index, call: Traced) -> tuple[str, Any]:
        """The text of an operand at a place, and its dtype."""
        if isinstance(x, np.ndarray) and x.shape:
            return self.subscript(x, place(x.shape, at)), x.dtype
        if not isinstance(x, Traced):
            return literal(x), np.dtype(bool) if isinstance(x, bool | np.bool) else None
        base, index = base_of(x, place(x.shape, at))
        nest = self.nest
        if base in nest.phase and base not in nest.after:
            if nest.everywhere(base) and nest.phase[base] < nest.phase[call]:
                self.reload(base, call)
            return self.text.local(base), base.dtype
        if base in self.text.schedule.home and not base.shape:
            return self.text.local(base), base.dtype
        return self.subscript(base, index), base.dtype

    def reload(self, value: Traced, call: Traced) -> None:
        """Have a value of an earlier phase at hand in this one."""
        if value in self.at_hand:
            return
        self.at_hand.add(value)
        if value in self.stored:
            text = self.element(value)
        elif self.buffered(value):
            text = f"{self.buffer(value)}[{self.nest.axes[-1]}]"
        else:
            text = expression(value, [self.operand(x, self.nest.axes, call) for x in value.args])
        self.reloads.append(f"{self.text.local(value)} = {text}")

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
            again = base in self.nest.inner and base not in self.stored and not reduces(base)
            if again and self.nest.phase[base] < self.nest.phase[call]:
                if (base.dtype not in FLOATS or self.cheap(base)) and self.needs(base, value):
                    return True
        return False

    def cheap(self, value: Traced) -> bool:
        """Whether it is one subtraction or the like away from what is at hand anyway."""
        if value.function not in (np.add, np.subtract, np.negative):
            return False
        return not any(self.nest.everywhere(base_of(x)[0]) for x in operands(value))

    def buffer(self, value: Traced) -> str:
        if value not in self.buffers:
            name = self.buffers[value] = self.text.fresh(f"{self.text.name(value)}_row")
            self.text.working[name] = Kind(self.nest.shape[-1:], value.dtype)
        return self.buffers[value]

    def element(self, value: Traced) -> str:
        return self.subscript(value, self.nest.index[value])

    def subscript(self, array: Any, index: Index) -> str:
        name = self.text.array(array)
        if self.flat and index:
            if name not in self.text.lines:
                self.text.lines[name] = self.text.fresh(f"{name}_flat")
            self.length = f"{self.text.lines[name]}.size"
            return f"{self.text.lines[name]}[j]"
        if "j" in index:  # an array knows the length that a constant would have unrolled
            self.length = f"{name}.shape[{index.index('j')}]"
        return f"{name}[{', '.join(index) or '()'}]"

    def row_index(self, call: Traced) -> Index:
        return (*self.nest.axes[:-1], "0")[: len(loop_shape(call))]

    def is_flat(self) -> bool:
        """Whether all arrays can be run through as one row."""
        nest = self.nest
        if sum(n != 1 for n in nest.shape) < 2 or nest.shape[-1] >= SHORT_ROW:
            return False
        for call in nest.calls:
            if call not in nest.inner or nest.index[call] not in ((), nest.axes):
                return False
            for x in call.args:
                if isinstance(x, np.ndarray) and x.shape not in ((), nest.shape):
                    return False
                if isinstance(x, Traced) and x.shape:
                    base, index = base_of(x, place(x.shape, nest.axes))
                    if base.shape != nest.shape or index != nest.axes:
                        return False
        return True

    def begun(self, call: Traced) -> str:
        """What a sum over rows starts with."""
        if call.shape:
            return f"{self.text.name(call)}.fill({self.start(call)})"
        start = REDUCTIONS[kind_of_sum(call)][0]
        start = f"float64({start})" if self.widened(call) else self.start(call)
        return f"{self.total(call)} = {start}"

    def start(self, call: Traced) -> str:
        return converted(REDUCTIONS[kind_of_sum(call)][0], None, call.dtype)

    def accumulator(self, call: Traced) -> str:
        if call not in self.nest.after or self.in_parts(call):
            return self.part(call)
        return self.element(call) if call.shape else self.total(call)

    def in_parts(self, call: Traced) -> bool:
        """Whether a sum over everything is taken row by row: it is more exact, and a vector."""
        sums = kind_of_sum(call) is np.add.reduce and not call.shape
        return sums and call in self.nest.inner and not self.flat

    def part(self, call: Traced) -> str:
        return self.own_name(call, "part") if self.in_parts(call) else self.text.local(call)

    def total(self, call: Traced) -> str:
        return self.own_name(call, "sum") if self.widened(call) else self.text.local(call)

    def own_name(self, call: Traced, what: str) -> str:
        key = (what, call)
        if key not in self.text.names:
            self.text.names[key] = self.text.fresh(f"{self.text.name(call)}_{what}")
        return self.text.names[key]

    def widened(self, call: Traced) -> bool:
        """Whether a sum over everything is taken in double precision."""
        sums = call in self.nest.after and kind_of_sum(call) is np.add.reduce
        return sums and not call.shape and call.dtype != np.float64

    def ended(self, call: Traced) -> list[str]:
        """What is done with a number that is known when the nest has run."""
        lines = []
        if self.widened(call):
            lines.append(f"{self.text.local(call)} = {call.dtype}({self.total(call)})")
        if call in self.stored:
            lines.append(f"{self.element(call)} = {self.text.local(call)}")
        return lines


def kind_of_sum(call: Traced) -> Any:
    """The reduction of a call; of the products of two arrays, it is their sum."""
    return call.function if call.function in REDUCTIONS else np.add.reduce
