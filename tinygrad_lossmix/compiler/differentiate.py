"""A function of arrays as a program: recorded, stabilised and differentiated by the engine itself.

The engine runs as it always does, on traced arrays; what they note is the program.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.ir.program import TracedProgram
from tinygrad_lossmix.compiler.ir.trace import Traced
from tinygrad_lossmix.compiler.stabilize import stabilize
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.refusals import cut
from tinygrad_lossmix.engine.sweep import Step, accumulated, seed_of, sweep
from tinygrad_lossmix.engine.tensor import Tensor, node


@np.errstate(all="ignore")  # of constants
def differentiated(
    f: Callable[..., Any],
    arrays: Sequence[Any],
    wrt: Sequence[int],
    lowered: Mapping[Any, Callable[..., Any]],
    keywords: Sequence[str] = (),
) -> tuple[TracedProgram, Any, list[Any]]:
    """The program of f's value and gradients.

    Args:
        f: as for `value_and_grad`.
        arrays: what it is called with: only shapes and dtypes of arrays matter.
        wrt: positions of the arguments to differentiate.
        lowered: see `TracedProgram`.
        keywords: names of the last arrays, if these are given by name.

    Returns:
        the program, and value and gradients in it: traced arrays, or constants.
    """
    program = TracedProgram(getattr(inspect.unwrap(f), "__code__", None), lowered)
    arguments: list[Any] = []
    count = len(arrays) - len(keywords)
    for name, x in zip([*parameter_names(f, count), *keywords], arrays, strict=True):
        is_array = type(x) is np.ndarray
        traced = program.argument(name, x if is_array else np.zeros(()))
        arguments.append(traced if is_array else x)
    for i in wrt:
        if not -count <= i < count:
            raise ValueError(f"wrt={i}, but the function got {count} arguments")
    positions = [i % count for i in wrt]
    for i in dict.fromkeys(positions):
        leaf = node(None, (), (), (), False, value=arguments[i])
        leaf.name = arguments[i].name
        arguments[i] = leaf
    leaves = [arguments[i] for i in positions]
    by_name = dict(zip(keywords, arguments[count:], strict=True))
    cost = named(f, *arguments[:count], **by_name)
    if not isinstance(cost, Tensor):
        raise cut("the value", cost)
    seed = seed_of(cost, None)
    cost = stabilize(cost)
    for each in nodes(cost):
        _name(each._value, each.name)
    _name(cost._value, "cost")
    found = _swept(program, cost, seed)
    gradients = [found.get(x, np.zeros(x.shape, x.dtype)).astype(x.dtype) for x in leaves]
    for leaf, gradient in zip(leaves, gradients, strict=True):
        _name(gradient, f"d{leaf.name}")
    return program, cost._value, gradients


def _swept(program: TracedProgram, cost: Tensor, seed: Any) -> dict[Tensor, Any]:
    """The gradient of every node, its value named after the node."""
    found = accumulated(cost, seed, _noted(program, sweep(cost, seed)))
    for each, gradient in found.items():
        name = each.name or getattr(each._value, "name", None)
        if name and getattr(gradient, "backward", False):
            _name(gradient, f"d{name}")
    return found


def _noted(program: TracedProgram, steps: Iterable[Step]) -> Iterator[Step]:
    """The steps of a sweep, their calls noted with the line of the function they go back to."""
    before = len(program.calls)
    for step in steps:
        for call in program.calls[before:]:
            call.line, call.backward = getattr(step[0]._value, "line", 0), True
        before = len(program.calls)
        yield step


def _name(value: Any, name: str | None) -> None:
    """Give a traced array a name, unless it has one."""
    if isinstance(value, Traced) and not value.name:
        value.name = name


def parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    """A name for each argument."""
    names = [f"x{i}" for i in range(count)]
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return names
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [p.name for p in parameters if p.kind in by_position]
    return [*positional[:count], *names[len(positional) :]]


def named(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """f(*args, **kwargs); its local variables as it returned name the traced arrays in them.

    A name given by the user, or an earlier one, stays.
    """
    code = getattr(inspect.unwrap(f), "__code__", None)
    found: dict[str, Any] = {}

    def watch(frame: FrameType, event: str, arg: Any) -> None:
        if event == "return" and frame.f_code is code:
            found.update(frame.f_locals)

    before = sys.getprofile()
    if not (before is None or callable(before)):  # cProfile's, which cannot be put back
        return f(*args, **kwargs)
    sys.setprofile(watch)
    try:
        result = f(*args, **kwargs)
    finally:
        sys.setprofile(before)
    for name, value in found.items():
        is_tensor = isinstance(value, Tensor)
        _name(value._value if is_tensor else value, (value.name if is_tensor else None) or name)
    return result
