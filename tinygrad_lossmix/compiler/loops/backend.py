"""A function of arrays as loops that numba compiles: its value and gradients in machine code.

What the loops cannot do but NumPy can, with the arguments alone, is done before: integer classes
become labels. Machine code is kept in numba's cache folder, under a name made of all it depends on.
"""

import builtins
import functools
import hashlib
import inspect
import os
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import along
from tinygrad_lossmix.compiler.differentiate import differentiated
from tinygrad_lossmix.compiler.ir.emit import Text, executed, together
from tinygrad_lossmix.compiler.ir.program import TracedProgram
from tinygrad_lossmix.compiler.ir.trace import Traced, needed, operands
from tinygrad_lossmix.compiler.loops.identifiers import Names
from tinygrad_lossmix.compiler.loops.operations import MODULES, supported
from tinygrad_lossmix.compiler.loops.schedule import Schedule, Unsupported
from tinygrad_lossmix.compiler.loops.statements import loops
from tinygrad_lossmix.compiler.loops.threads import by_blocks, rows_of
from tinygrad_lossmix.compiler.lowering import LOOPED
from tinygrad_lossmix.engine.table import INTEGER, Array
from tinygrad_lossmix.files import write
from tinygrad_lossmix.installation import install
from tinygrad_lossmix.quiet import quiet

KEPT_LOOPS = 128  # compiled texts of all functions; what was not used for the longest time goes
Machine = tuple[Callable[..., tuple[Any, Any]], Callable[[], list[Array]], str]


class NotCompiledWarning(UserWarning):
    """There are no compiled loops for a function: the straight-line NumPy form runs."""


def machine(
    f: Callable[..., Any],
    arrays: Sequence[Any],
    wrt: Sequence[int],
    several: bool,
    keywords: Sequence[str] = (),
) -> Machine | None:
    """The value and gradients of f as machine code; None, with a warning, where there is none.

    Args:
        f, arrays, wrt, keywords: as for `differentiated`.
        several: whether gradients come as a tuple.

    Returns:
        a function of the arguments and working arrays, one that makes these, and the text.
    """
    program, value, gradients = differentiated(f, arrays, wrt, LOOPED, keywords)
    try:
        return _compiled(program, value, gradients, several)
    except ImportError as error:
        reason = f"{error.name or 'scipy'} is missing: {install('fast')}"
    except Unsupported as error:
        reason = f"there are no loops for {error}"
    except Exception as error:  # numba's are of many kinds
        reason = f"numba fails with {type(error).__name__}"
    warnings.warn(f"NumPy runs instead of numba: {reason}", NotCompiledWarning, stacklevel=5)
    return None


def _compiled(
    program: TracedProgram, value: Any, gradients: Sequence[Any], several: bool
) -> Machine:
    if not isinstance(value, Traced):
        raise Unsupported("a constant")
    before, calls = _split(needed([value, *gradients]))
    schedule = Schedule(calls, value, [x for x in gradients if isinstance(x, Traced)])
    source, text = loops(program, "loops", schedule)
    kinds = [*text.inputs.values(), *text.outputs.values(), *text.working.values()]
    types = tuple((x.dtype, len(x.shape)) for x in kinds)
    types += ((np.dtype(float), 1),) * text.shared
    source = _importing(source)
    code = machine_code(source, types, len(text.numbers))
    around, given = _around(program, before, text, gradients, value.dtype, several, code)
    [run] = executed(around, given, ["value_and_gradient"])
    if before:
        run = quiet(run)
    working = tuple(text.working.values())
    made = lambda: [np.empty(*kind) for kind in working]
    return run, made, source + "\n\n" + around


def _split(calls: Sequence[Traced]) -> tuple[list[Traced], list[Traced]]:
    """The calls that Python makes before the loops, of arguments alone, and the others."""
    before: dict[Traced, None] = {}
    late: list[Traced] = []
    for call in calls:
        ready = all(x.function is None or x in before for x in operands(call))
        lone = along(call) is not None or call.function in (np.matmul, np.reshape)
        if ready and not supported(call) and not (lone and call.dtype.kind not in INTEGER):
            before[call] = None
        else:
            late.append(call)
    return list(before), late


def _around(
    program: TracedProgram,
    before: Sequence[Traced],
    text: Names,
    gradients: Sequence[Any],
    dtype: Any,
    several: bool,
    code: Any,
) -> tuple[str, dict[str, Any]]:
    """The text of the function around the loops, and what it is handed."""
    around = Text(program)
    value, loops = map(around.fresh, ("value", "loops"))
    around.given[loops] = code
    body = [f"{around.name(x)} = {around.expression(x, None)}" for x in before]
    given = []
    for x in text.inputs.values():
        whole = around.numpy("ascontiguousarray" if x.shape else "asarray")
        given.append(f"{whole}({around.operand(x)})")
    outputs = []
    for x in text.outputs.values():
        outputs.append(around.name(x))
        made = f"{around.numpy('empty')}({x.shape}, {around.numpy(str(x.dtype))})"
        body.append(f"{outputs[-1]} = {made}")
    working = [*map(around.fresh, text.working)]
    given += outputs + working
    numbers = [*map(around.operand, text.numbers.values())]
    if text.shared:
        shape = text.schedule.items[0].shape
        rows, sums = (shape[0], rows_of(shape)), len(text.sums)
        shared = around.function_name(by_blocks)
        arrays, others = map(together, (given, numbers))
        body.append(f"{value} = {shared}({loops}, {rows}, {arrays}, {text.cut}, {sums}, {others})")
    else:
        body.append(f"{value} = {loops}({', '.join([*given, *numbers])})")
    new = iter(outputs)
    found = [
        next(new) if isinstance(x, Traced) else f"{around.numpy('array')}({around.operand(x)})"
        for x in gradients
    ]
    number = f"{around.numpy(str(dtype))}({value})"
    body.append(f"return {number}, {together(found) if several else found[0]}")
    return around.module("value_and_gradient", working, body), around.given


def _importing(text: str) -> str:
    """A text behind the lines that import what it uses."""
    used = set(re.findall(r"[a-z]\w*", text))
    lines = []
    for module, names in MODULES.items():
        if found := [name for name in names if name in used]:
            lines.append(f"from {module} import {', '.join(found)}")
    return "\n".join([*lines, "", "", text]).lstrip()


@functools.lru_cache(KEPT_LOOPS)
def machine_code(source: str, types: tuple[tuple[Any, int], ...], numbers: int) -> Any:
    """The loops of a text, compiled for arrays of these dtypes and axes, and numbers after them.

    The text tells neither shapes nor most numbers, and serves whatever function it comes from.
    """
    try:
        return _entry(_loops(source, _cached(source)), types, numbers, True)
    except Exception:  # a folder that cannot be written, a file that is cut off
        return _entry(_loops(source, None), types, numbers, False)


def _loops(source: str, path: Path | None) -> Callable[..., Any]:
    space: dict[str, Any] = {"__name__": __name__}
    exec(builtins.compile(source, str(path or "<loops>"), "exec"), space)
    return space["loops"]  # type: ignore[no-any-return]


def _entry(function: Callable[..., Any], types: Any, numbers: int, cache: bool) -> Any:
    """A function compiled for these arguments, without the choice of a form by their types."""
    import numba

    arrays = [numba.types.Array(numba.from_dtype(kind), ndim, "C") for kind, ndim in types]
    jit = numba.njit(error_model="numpy", fastmath={"contract"}, nogil=True, cache=cache)
    dispatcher: Any = jit(function)

    def apart(flags: Any) -> Any:
        """What is written shares memory with no other array: loops need not ask."""
        flags.noalias = True
        return flags

    dispatcher._compiler._customize_flags = apart
    dispatcher.compile((*arrays, *[numba.float64] * numbers))
    [code] = dispatcher.overloads.values()
    return code.entry_point


def _cached(source: str) -> Path:
    """The file of a text, made if it is not there: numba keeps machine code for source files."""
    import numba
    from numba.misc.appdirs import AppDirs

    from tinygrad_lossmix.compiler.loops import vector_math

    depends_on = source + inspect.getsource(vector_math) + numba.__version__
    digest = hashlib.sha256(depends_on.encode()).hexdigest()[:24]
    folder = os.environ.get("NUMBA_CACHE_DIR") or AppDirs("numba", False).user_cache_dir  # type: ignore[no-untyped-call]
    path = Path(folder, "tinygrad_lossmix", f"loops_{digest}.py")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, source.encode())
    return path
