"""How a sum, or a search for the largest, is written: before, in and behind the loops."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.rewrite.loops.names import Names
from tinygrad_lossmix.rewrite.loops.operations import REDUCTIONS, converted
from tinygrad_lossmix.rewrite.loops.schedule import Nest
from tinygrad_lossmix.rewrite.program.trace import Traced

LONG_ROW = 4096  # a sum of more numbers in single precision is taken in double precision


class Sum(NamedTuple):
    """Lines around the loops, and the text of what is added to in them."""

    before: list[str]
    row_before: list[str]
    into: str
    row_after: list[str]
    after: list[str]


def sum_of(call: Traced, nest: Nest, names: Names, element: str, one_row: bool) -> Sum:
    """The text of a reduction.

    Args:
        element: of the array that the result is kept in, if it is.
        one_row: whether the whole nest is one loop.
    """
    start, _ = step_of(call)
    zero = converted(start, None, call.dtype)
    if call in nest.after and call.shape:
        return Sum([f"{names.name(call)}.fill({zero})"], [], element, [], [])
    adds = start == "0.0"
    local, exact = names.local(call), names.own(call, "sum")
    long = call in nest.after or nest.shape[-1] > LONG_ROW
    wide = adds and call.dtype != np.float64 and long
    total = exact if wide else local
    begin = [f"{total} = {f'float64({start})' if wide else zero}"]
    end = [f"{local} = {call.dtype}({total})"] if wide else []
    if call in names.schedule.stored:
        end.append(f"{element} = {local}")
    if call not in nest.after:
        return Sum([], begin, total, end, [])
    if adds and call in nest.inner and not one_row:  # row by row: more exact, and in vectors
        part = names.own(call, "part")
        return Sum(begin, [f"{part} = {zero}"], part, [f"{total} += {part}"], end)
    return Sum(begin, [], total, [], end)


def step_of(call: Traced) -> tuple[str, Any]:
    """What a reduction starts with, and its step; the product of two arrays is added up."""
    return REDUCTIONS.get(call.function, REDUCTIONS[np.add.reduce])
