"""A schedule as the text of a function of arrays: the loops, line by line.

It computes into arrays that it is given: results and working arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.rewrite.loops.names import Names
from tinygrad_lossmix.rewrite.loops.nest import nest_text
from tinygrad_lossmix.rewrite.loops.schedule import Nest, Schedule, is_product
from tinygrad_lossmix.rewrite.program.emit import comment_of
from tinygrad_lossmix.rewrite.program.inference import Kind
from tinygrad_lossmix.rewrite.program.program import Program
from tinygrad_lossmix.rewrite.program.trace import Traced


class Loops(NamedTuple):
    """The text of a function, and its parameters."""

    source: str
    inputs: dict[str, Any]  # arguments and what was computed from them before; constant arrays
    outputs: dict[str, Traced]
    working: dict[str, Kind]
    numbers: dict[str, float]


def loops(program: Program, name: str, schedule: Schedule) -> Loops:
    """The function that returns a schedule's value and writes its gradients into arrays."""
    names = Names(program, schedule)
    outputs = {names.name(x): x for x in schedule.gradients}
    body = []
    for item in schedule.items:
        body += _comments(program, item.calls if isinstance(item, Nest) else [item])
        body += nest_text(item, names) if isinstance(item, Nest) else [_alone(item, names)]
    for x in schedule.stored:
        if names.name(x) not in outputs and x.function is not np.reshape:
            names.working[names.name(x)] = Kind(x.shape, x.dtype)
    body.append(f"return {names.local(schedule.value)}")
    parameters = ", ".join([*names.inputs, *outputs, *names.working, *names.numbers])
    source = "\n".join([f"def {name}({parameters}):", *[f"    {line}" for line in body], ""])
    return Loops(source, names.inputs, outputs, names.working, names.numbers)


def _comments(program: Program, calls: Sequence[Traced]) -> list[str]:
    """The lines of the user's source that calls come from."""
    said = dict.fromkeys(comment_of(program, call) for call in calls)
    return [f"# {line}" for line in said if line]


def _alone(call: Traced, names: Names) -> str:
    """A product of matrices, or an array in another shape."""
    factors = [_factor(x, names) for x in names.schedule.factors[call]]
    if not is_product(call):
        return f"{names.name(call)} = {factors[0]}.reshape({call.shape})"
    if not call.args[0].size:
        return f"{names.name(call)}.fill(0.0)"
    return f"dot({', '.join(factors)}, {names.name(call)})"


def _factor(x: Any, names: Names) -> str:
    turned = isinstance(x, Traced) and x.function is np.transpose
    return f"{names.array(x.args[0])}.T" if turned else names.array(x)
