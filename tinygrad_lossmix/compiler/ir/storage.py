"""Where each value of a program is kept: which call may write over what is no longer needed.

`plan` walks the calls once. A call whose NumPy function takes `out=` writes into an array that is
kept from run to run, or over an operand of its own that dies there; a result is in a new array.
"""

import operator
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.ir.trace import Kind, Traced, operands
from tinygrad_lossmix.engine.rules import scatter

# like every ufunc: a new array; operator.getitem takes one of two that a function made
NEW = {np.where, np.take, np.concatenate, np.vdot, scatter, operator.getitem}


class Plan(NamedTuple):
    """Kinds of the arrays to keep, and which of them each call writes into."""

    kept: list[Kind]
    out: Mapping[Traced, Any]  # the index of a kept array, or the value to write over


def plan(calls: Sequence[Traced], results: Sequence[Any]) -> Plan:
    """Decide for every call, in order.

    Args:
        calls: what is computed, in this order.
        results: what leaves the program, and is never overwritten.
    """
    dies = _deaths(calls)
    forever = shown([x for x in results if isinstance(x, Traced)])
    kept: list[Kind] = []
    free: dict[Kind, list[int]] = defaultdict(list)
    out: dict[Traced, Any] = {}
    for i, value in enumerate(calls):
        dying = [x for x in dies[i] if x not in forever and (x in out or _owned(x))]
        if takes_out(value):
            leaves = value in forever  # then it may take the memory of a new array, no kept one
            fit = [x for x in dying if _in_place(value, x) and not (leaves and x in out)]
            over = next(iter(fit), None)
            if over is not None:
                out[value] = out.get(over, over)
                dying = [x for x in dying if x is not over]
            elif not leaves:
                kind = Kind(value.shape, value.dtype)
                if not free[kind]:
                    free[kind].append(len(kept))
                    kept.append(kind)
                out[value] = free[kind].pop()
        for x in dying:
            if isinstance(out.get(x), int):
                free[Kind(x.shape, x.dtype)].append(out[x])
    return Plan(kept, out)


def _deaths(calls: Sequence[Traced]) -> dict[int, list[Traced]]:
    """What is used for the last time by each call."""
    last: dict[Traced, int] = {}
    for i, value in enumerate(calls):
        last |= dict.fromkeys(memory(value) | shown(operands(value)), i)
    deaths: dict[int, list[Traced]] = defaultdict(list)
    for x, i in sorted(last.items(), key=lambda each: each[0].order):
        deaths[i].append(x)
    return deaths


def is_new(value: Traced) -> bool:
    """Whether its memory is its own: it may show that of no other array."""
    function = value.function
    return isinstance(function, np.ufunc) or reducing(value) is not None or function in NEW


def memory(value: Traced) -> set[Traced]:
    """The values whose memory this one may show, as far as can be told without running it."""
    return {value} if is_new(value) else {value} | shown(operands(value))


def shown(values: Iterable[Traced]) -> set[Traced]:
    """The memory of several."""
    return set().union(*map(memory, values))


def takes_out(value: Traced) -> bool:
    """Whether the call is made with `out=`."""
    if not value.shape or value.kwargs.keys() - {"axis", "keepdims"}:
        return False
    if value.function is np.matmul:
        a, b = value.args
        return bool(a.ndim <= 2 and b.ndim <= 2 and a.dtype == b.dtype == value.dtype)
    return isinstance(value.function, np.ufunc) or reducing(value) is not None


def reducing(value: Traced) -> np.ufunc | None:
    """The ufunc of a reduction."""
    function = value.function
    return function.__self__ if getattr(function, "__name__", "") == "reduce" else None


def _owned(x: Traced) -> bool:
    """Whether a value without kept memory is an array that nobody else holds."""
    return x.function in NEW and bool(x.shape)


def _in_place(value: Traced, x: Traced) -> bool:
    elementwise = isinstance(value.function, np.ufunc) and value.function.signature is None
    same = x.shape == value.shape and x.dtype == value.dtype
    return elementwise and same and any(y is x for y in value.args)
