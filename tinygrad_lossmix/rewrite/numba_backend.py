"""A function of arrays as loops that numba compiles: value and gradients in one pass of machine code.

What the loops cannot do but NumPy can, with the arguments alone, is done before: integer classes
become labels. Machine code is kept in numba's cache folder, under a name made of all it depends on.
"""

from __future__ import annotations

import hashlib
import itertools
import linecache
import math
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.rewrite.differentiate import differentiated
from tinygrad_lossmix.rewrite.emit import _needed
from tinygrad_lossmix.rewrite.loop_forms import LOOPED
from tinygrad_lossmix.rewrite.loop_operations import NAMES, supported
from tinygrad_lossmix.rewrite.loop_text import Loops, loops
from tinygrad_lossmix.rewrite.loops import Schedule, Unsupported, is_view
from tinygrad_lossmix.rewrite.program import Program
from tinygrad_lossmix.rewrite.trace import Traced, operands

Array = Any


class NotCompiledWarning(UserWarning):
    """There are no compiled loops for a function: the straight-line NumPy form runs."""


class Machine(NamedTuple):
    """A compiled function: it takes the arguments and the working arrays."""

    run: Callable[..., tuple[Any, Any]]
    make: Callable[[], list[Array]]
    source: str


def machine(
    f: Callable[..., Any], arrays: Sequence[Any], wrt: Sequence[int], several: bool
) -> Machine | None:
    """The value and gradients of f as machine code; None, with a warning, where there is none.

    Args:
        f, arrays, wrt: as for `differentiated`.
        several: whether gradients come as a tuple.
    """
    try:
        import numba

        program, value, gradients = differentiated(f, arrays, wrt, LOOPED)
        return _compiled(program, value, gradients, several)
    except ImportError as error:
        missing = error.name or "scipy"
        reason = f'{missing} is missing: pip install "tinygrad_lossmix[fast]"'
    except (Unsupported, numba.core.errors.NumbaError) as error:
        reason = f"there are no loops for {str(error).splitlines()[0]}"
    warnings.warn(f"NumPy runs instead of numba: {reason}", NotCompiledWarning, stacklevel=5)
    return None


def _compiled(program: Program, value: Any, gradients: Sequence[Any], several: bool) -> Machine:
    if not isinstance(value, Traced):
        raise Unsupported("a constant")
    before, calls = _split(_needed([value, *gradients]))
    schedule = Schedule(calls, value, [x for x in gradients if isinstance(x, Traced)])
    text = loops(program, "loops", schedule)
    source, given = _module(program, before, text, gradients, value.dtype, several)
    space = _executed(source, given)
    space["loops"] = _machine_code(space["loops"], text)
    run = space["value_and_gradient"]
    if before:
        run = np.errstate(all="ignore")(run)
    kinds = list(text.working.values())

    def make() -> list[Array]:
        return [np.empty(kind.shape, kind.dtype) for kind in kinds]

    return Machine(run, make, source)


def _split(calls: Sequence[Traced]) -> tuple[list[Traced], list[Traced]]:
    """The calls that Python makes before the loops, of arguments alone, and the others."""
    before: list[Traced] = []
    early: set[Traced] = set()
    late: list[Traced] = []
    for call in calls:
        ready = all(x.function is None or x in early for x in operands(call))
        if ready and not is_view(call) and not supported(call) and call.function is not np.matmul:
            before.append(call)
            early.add(call)
        else:
            late.append(call)
    return before, late


def _module(
    program: Program,
    before: Sequence[Traced],
    text: Loops,
    gradients: Sequence[Any],
    dtype: Any,
    several: bool,
) -> tuple[str, dict[str, Any]]:
    """The text of the loops and of the function around them, and what it is handed."""
    names = {id(x): name for name, x in text.inputs.items()}
    taken = {*names.values(), *text.outputs, *text.working, *NAMES}
    given = {name: x for name, x in text.inputs.items() if isinstance(x, np.ndarray)}

    def name(x: Any, stem: str = "c") -> str:
        if id(x) not in names:
            number = next(i for i in itertools.count(1) if f"{stem}{i}" not in taken)
            names[id(x)] = f"{stem}{number}"
            taken.add(names[id(x)])
            if not isinstance(x, Traced):
                given[names[id(x)]] = x
        return names[id(x)]

    def part(x: Any) -> str:
        return f"[{', '.join(map(part, x))}]" if isinstance(x, list) else name(x)

    arguments = [name(x, "x") for x in program.arguments]
    body = []
    for call in before:
        parts = [part(x) for x in call.args] + [f"{k}={part(v)}" for k, v in call.kwargs.items()]
        stem = getattr(call.function, "__name__", "function")
        body.append(f"{name(call, 't')} = {name(call.function, stem)}({', '.join(parts)})")
    body += [f"{x} = empty({y.shape}, {y.dtype})" for x, y in text.outputs.items()]
    handed = [f"ascontiguousarray({n})" if x.shape else n for n, x in text.inputs.items()]
    body.append(f"value = loops({', '.join([*handed, *text.outputs, *text.working])})")
    outputs = iter(text.outputs)
    found = [next(outputs) if isinstance(x, Traced) else f"{name(x)}.copy()" for x in gradients]
    all_of_them = f"({', '.join(found)}{',' * (len(found) == 1)})" if several else found[0]
    body.append(f"return {dtype}(value), {all_of_them}")
    parameters = ", ".join([*arguments, *text.working])
    around = [f"def value_and_gradient({parameters}):", *[f"    {line}" for line in body], ""]
    written = "\n".join([text.source, "", *around])
    return _imports(written) + "\n\n" + written, given


def _imports(text: str) -> str:
    """The lines that import what a text uses."""
    from tinygrad_lossmix.rewrite import numba_math

    used = set(re.findall(r"[a-z]\w*", text))
    lines = []
    for module, names in (
        ("math", "cos expm1 inf nan sin sqrt tanh".split()),
        ("numpy", "ascontiguousarray dot empty float32 float64".split()),
        (numba_math.__name__, numba_math.__all__),
    ):
        found = [name for name in names if name in used]
        lines += [f"from {module} import {', '.join(found)}"] if found else []
    return "\n".join(lines) + "\n"


def _machine_code(function: Callable[..., Any], text: Loops) -> Callable[..., Any]:
    """A function compiled for the arrays it takes: its entry, without a choice by type."""
    import numba

    kinds = [*text.inputs.values(), *text.outputs.values(), *text.working.values()]
    signature = tuple(
        numba.types.Array(numba.from_dtype(x.dtype), len(x.shape), "C") for x in kinds
    )
    options = {"error_model": "numpy", "fastmath": {"contract"}, "nogil": True}
    dispatcher = numba.njit(**options)(function)

    def apart(flags: Any) -> Any:
        """Nothing that is written shares memory with another array: loops need not ask."""
        flags.noalias = True
        return flags

    dispatcher._compiler._customize_flags = apart
    dispatcher.compile(signature)
    [code] = dispatcher.overloads.values()
    return code.entry_point  # type: ignore[no-any-return]


def _executed(source: str, given: dict[str, Any]) -> dict[str, Any]:
    filename = f"<loops {hashlib.sha256(source.encode()).hexdigest()[:16]}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    space = dict(given)
    exec(compile(source, filename, "exec"), space)
    return space
