"""A function of arrays as loops that numba compiles: its value and gradients in machine code.

What the loops cannot do but NumPy can, with the arguments alone, is done before: integer classes
become labels. Machine code is kept in numba's cache folder, under a name made of all it depends on.
"""

import builtins
import functools
import hashlib
import inspect
import itertools
import os
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import along
from tinygrad_lossmix.compiler.differentiate import differentiated
from tinygrad_lossmix.compiler.ir.emit import executed, is_name, needed, together
from tinygrad_lossmix.compiler.ir.program import TracedProgram
from tinygrad_lossmix.compiler.ir.trace import Traced, operands
from tinygrad_lossmix.compiler.loops.identifiers import Names
from tinygrad_lossmix.compiler.loops.operations import MODULES, literal, supported
from tinygrad_lossmix.compiler.loops.schedule import Schedule, Unsupported
from tinygrad_lossmix.compiler.loops.statements import loops
from tinygrad_lossmix.compiler.loops.threads import rows_of
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
    around, given = _module(program, before, text, gradients, value.dtype, several)
    kinds = [*text.inputs.values(), *text.outputs.values(), *text.working.values()]
    types = tuple((x.dtype, len(x.shape)) for x in kinds)
    types += ((np.dtype(float), 1),) * text.shared
    code = machine_code(_imports(source) + "\n\n" + source, types, len(text.numbers))
    given["loops"] = code
    [run] = executed(_imports(around) + "\n\n" + around, given, ["value_and_gradient"])
    if before:
        run = quiet(run)
    working = tuple(text.working.values())
    whole = source + "\n\n" + around
    return run, lambda: [np.empty(*kind) for kind in working], _imports(whole) + "\n\n" + whole


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


def _module(
    program: TracedProgram,
    before: Sequence[Traced],
    text: Names,
    gradients: Sequence[Any],
    dtype: Any,
    several: bool,
) -> tuple[str, dict[str, Any]]:
    """The text of the function around the loops, and what it is handed."""
    names = {id(x): name for name, x in text.inputs.items()}
    taken = {*names.values(), *text.outputs, *text.working, "value", "loops"}
    given = {name: x for name, x in text.inputs.items() if type(x) is np.ndarray}

    def name(x: Any, stem: str = "c") -> str:
        if id(x) not in names:
            number = next(i for i in itertools.count(1) if f"{stem}{i}" not in taken)
            names[id(x)] = f"{stem}{number}"
            taken.add(names[id(x)])
            if not isinstance(x, Traced):
                given[names[id(x)]] = x
        return names[id(x)]

    def part(x: Any) -> str:
        if isinstance(x, tuple) and any(isinstance(y, Traced) for y in x):
            return together([*map(part, x)])
        return f"[{', '.join(map(part, x))}]" if isinstance(x, list) else name(x)

    arguments = [name(x, "x") for x in program.arguments]
    body = []
    for call in before:
        parts = [part(x) for x in call.args] + [f"{k}={part(v)}" for k, v in call.kwargs.items()]
        called = getattr(call.function, "__name__", "")
        function = name(call.function, called if is_name(called) else "function")
        body.append(f"{name(call, 't')} = {function}({', '.join(parts)})")
    body += [f"{x} = empty({y.shape}, {y.dtype})" for x, y in text.outputs.items()]
    handed = [
        f"{'ascontiguousarray' if x.shape else 'asarray'}({n})" for n, x in text.inputs.items()
    ]
    handed += [*text.outputs, *text.working]
    numbers = [*map(literal, text.numbers.values())]
    if text.shared:
        shape = text.schedule.items[0].shape
        rows, sums = (shape[0], rows_of(shape)), len(text.sums)
        arrays, others = map(together, (handed, numbers))
        body.append(f"value = by_blocks(loops, {rows}, {arrays}, {text.cut}, {sums}, {others})")
    else:
        body.append(f"value = loops({', '.join([*handed, *numbers])})")
    outputs = iter(text.outputs)
    found = [next(outputs) if isinstance(x, Traced) else f"array({name(x)})" for x in gradients]
    body.append(f"return {dtype}(value), {together(found) if several else found[0]}")
    parameters = ", ".join([*arguments, *text.working])
    around = [f"def value_and_gradient({parameters}):", *[f"    {line}" for line in body], ""]
    return "\n".join(around), given


def _imports(text: str) -> str:
    """The lines that import what a text uses."""
    used = set(re.findall(r"[a-z]\w*", text))
    lines = []
    for module, names in MODULES.items():
        if found := [name for name in names if name in used]:
            lines.append(f"from {module} import {', '.join(found)}")
    return "\n".join(lines) + "\n"


@functools.lru_cache(KEPT_LOOPS)
def machine_code(source: str, types: tuple[tuple[Any, int], ...], numbers: int) -> Any:
    """The loops of a text, compiled for arrays of these dtypes and axes, and numbers after them.

    The text tells neither shapes nor most numbers, and serves whatever function it comes from.
    """
    try:
        path: Path | None = _cached(source)
        return _entry(_loops(source, path), types, numbers, path is not None)
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
