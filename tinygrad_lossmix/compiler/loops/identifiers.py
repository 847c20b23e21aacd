"""The names in the text of the loops: arrays, numbers, working arrays."""

from typing import Any

from tinygrad_lossmix.compiler.ir.emit import is_name, unused
from tinygrad_lossmix.compiler.ir.program import TracedProgram
from tinygrad_lossmix.compiler.ir.trace import Kind, Traced
from tinygrad_lossmix.compiler.loops.operations import MODULES, literal
from tinygrad_lossmix.compiler.loops.schedule import AXES, Schedule

PLAIN = {"0.0", "0.5", "1.0", "2.0", "inf", "nan", "True", "False"}  # numbers written as they are


class Names:
    """Gives each thing one name; what is no result and not computed becomes an input."""

    def __init__(self, program: TracedProgram, schedule: Schedule) -> None:
        self.schedule = schedule
        self.inputs: dict[str, Any] = {}  # arguments, what is computed before, constant arrays
        self.working: dict[str, Kind] = {}
        self.numbers: dict[str, float] = {}  # parameters, so that the text serves for others
        self.as_rows: dict[str, str] = {}  # arrays whose places are run through as one row
        self.shared = False  # whether the rows of the first nest are shared among threads
        self.sums: list[str] = []  # added to in it
        self.uses: dict[str, set[bool | None]] = {}  # of an array, whether by its rows there
        self._known: dict[Any, str] = {}
        self._taken = {name for names in MODULES.values() for name in names}
        self._taken |= {"abs", "loops", "range", "sums", "value", *AXES}
        for argument in program.arguments:
            self.name(argument)
        self.outputs = {self.name(x): x for x in schedule.gradients}

    def name(self, value: Traced) -> str:
        """The array of a value, or its variable where it has no array."""
        named = value.name if value.name and is_name(value.name) else None
        return self._once(value, named or f"t{len(self._known)}")

    def local(self, value: Traced) -> str:
        """The number of a value at the present place."""
        if value not in self.schedule.stored:
            return self.name(value)
        return self.own(value, "")

    def own(self, value: Traced, what: str) -> str:
        """Another variable of a value."""
        return self._once((what, value), f"{self.name(value)}_{what}")

    @property
    def cut(self) -> list[bool | None]:
        """Of each array, whether blocks of rows have theirs of it; None: one row to work in."""
        arrays = [*self.inputs, *self.outputs, *self.working]
        return [next(iter(self.uses[x])) if x in self.uses else None for x in arrays]

    def array(self, x: Any) -> str:
        """A whole array."""
        if isinstance(x, Traced):
            name = self.name(x)
            if x not in self.schedule.home:
                self.inputs[name] = x
            return name
        name = self._once(id(x), "c1")
        self.inputs[name] = x
        return name

    def number(self, x: Any, call: Traced) -> str:
        """A constant of a call: as it is written, or a parameter."""
        text = literal(x)
        if text.lstrip("-") in PLAIN:
            return text
        name = self._once(("number", call, text), "k1")
        self.numbers[name] = float(x)
        return name

    def row(self, value: Traced, length: int) -> str:
        """A working array for the numbers of one row."""
        name = self.own(value, "row")
        self.working[name] = Kind((length,), value.dtype)
        return name

    def as_row(self, name: str) -> str:
        """An array in the shape of one row."""
        if name not in self.as_rows:
            self.as_rows[name] = unused(f"{name}_flat", self._taken)
        return self.as_rows[name]

    def _once(self, key: Any, stem: str) -> str:
        if key not in self._known:
            self._known[key] = unused(stem, self._taken)
        return self._known[key]
