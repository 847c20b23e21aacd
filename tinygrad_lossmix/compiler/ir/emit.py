"""A program as the text of a Python module: the forward and the backward pass, line by line.

No text of the user's enters but names that are identifiers, and lines of source as comments.
Arrays that are constants, and not small ones, are handed over beside the text.
"""

import builtins
import inspect
import itertools
import keyword
import linecache
import operator
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.ir.program import TracedProgram
from tinygrad_lossmix.compiler.ir.storage import is_new, plan, reducing, takes_out
from tinygrad_lossmix.compiler.ir.trace import Traced, needed, operands
from tinygrad_lossmix.engine.rules import astype, getitem

_count = itertools.count(1)
INLINE = (np.transpose, np.reshape)  # written where it is used, if that is once
INFIX = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}
TEMPLATES = {
    np.reshape: "{}.reshape({shape})",
    operator.getitem: "{}[{}]",
    getitem: "{}[{key}]",
    astype: "{}.astype({dtype})",
}
WORDS = {1.0: "one", 2.0: "two", 0.5: "half", 0.0: "zero", -1.0: "minus_one"}


def emit(
    program: TracedProgram, name: str, value: Any, gradients: Sequence[Any], several: bool
) -> tuple[str, dict[str, Any]]:
    """The function that computes value and gradients from the program's arguments.

    Returns its text, and the functions and arrays that the text does not define, by name.
    """
    text = Text(program)
    results = [value, *gradients]
    calls = needed(results)
    places = plan(calls, results)
    kept = [text.fresh(f"s{i}") for i in range(1, len(places.kept) + 1)]
    body, said = [], ""
    uses = Counter(x for call in calls for x in operands(call))
    for call in calls:
        if call.function in INLINE and uses[call] == 1:
            text.names[call] = text.expression(call, None)
            continue
        comment = comment_of(program, call)
        if comment not in ("", said):
            body.append(f"# {comment}")
            said = comment
        place = places.out.get(call)
        out = kept[place] if isinstance(place, int) else text.names.get(place)
        expression = text.expression(call, out)
        body.append(f"{text.name(call)} = {expression}")
    body.append("return " + text.returned(value, gradients, several))
    working = []
    if kept:
        empty = text.numpy("empty")
        made = [f"        {empty}({x.shape}, {str(x.dtype)!r})," for x in places.kept]
        working = ["", "", "def working_arrays():", "    return [", *made, "    ]"]
    return text.module(name, kept, body, working), text.given


def executed(source: str, given: dict[str, Any], names: Iterable[str]) -> list[Any]:
    """Functions of a text, by name; while the first lives, tracebacks and pdb find its lines.

    >>> [double] = executed("def double(x):\\n    return two * x\\n", {"two": 2}, ["double"])
    >>> double(21)
    42
    """
    filename = f"<compiled {next(_count)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    space = dict(given)
    exec(builtins.compile(source, filename, "exec"), space)
    functions = [space.pop(name) for name in names]
    weakref.finalize(functions[0], linecache.cache.pop, filename, None)
    return functions


class Text:
    """The names in the text of a program, and what its lines say."""

    def __init__(self, program: TracedProgram) -> None:
        self.count = 0
        self.imports: dict[str, set[str]] = {}
        self.constants: dict[str, str] = {}
        self.given: dict[str, Any] = {}
        self.names: dict[Any, str] = {}  # of values, functions and constants
        self.taken = {name for name in dir(np) if callable(getattr(np, name))} - {*WORDS.values()}
        self.arguments = [*map(self.name, program.arguments)]

    def module(
        self, name: str, kept: Sequence[str], body: Iterable[str], above: Iterable[str] = ()
    ) -> str:
        """The whole: imports, constants, lines above, and a function, which also takes `kept`."""
        lines = [
            f"from {module} import {', '.join(sorted(names))}"
            for module, names in sorted(self.imports.items())
        ]
        lines += ["", *self.constants.values()] if self.constants else []
        lines += [*above, "", "", f"def {name}({', '.join([*self.arguments, *kept])}):"]
        return "\n".join([*lines, *[f"    {each}" for each in body], ""])

    def name(self, value: Traced) -> str:
        """The variable of a value: the user's name for it, else a number."""
        if value not in self.names:
            named = value.name if value.name and is_name(value.name) else None
            self.count += named is None
            self.names[value] = self.fresh(named or f"t{self.count}")
        return self.names[value]

    def fresh(self, stem: str) -> str:
        return unused(stem, self.taken)

    def numpy(self, name: str) -> str:
        """A function of NumPy, imported by the text."""
        self.imports.setdefault("numpy", set()).add(name)
        return name

    def function_name(self, function: Any) -> str:
        name = getattr(function, "__name__", "function")
        if getattr(np, name, None) is function:
            return self.numpy(name)
        if function in self.names:
            return self.names[function]
        module = getattr(function, "__module__", None) or ""
        ours = module.startswith("tinygrad_lossmix.") and name not in self.taken
        if ours and getattr(sys.modules[module], name, None) is function:
            self.imports.setdefault(module, set()).add(name)
            self.taken.add(name)
        else:
            name = self.fresh(name if is_name(name) else "function")
            self.given[name] = function
        self.names[function] = name
        return name

    def expression(self, call: Traced, out: str | None) -> str:
        if call.function in SPECIAL:
            return SPECIAL[call.function](self, call, out)
        if call.function in TEMPLATES:
            options = {k: self.operand(v) for k, v in call.kwargs.items()}
            return TEMPLATES[call.function].format(*map(self.operand, call.args), **options)
        if (ufunc := reducing(call)) is not None:
            return self.reduction(ufunc, call, out)
        if call.function in INFIX and not call.shape:
            a, b = [self.number(x, call) for x in call.args]
            return f"{a} {INFIX[call.function]} {b}"
        kind = call.dtype if isinstance(call.function, np.ufunc) and call.shape else None
        args = [self.operand(x, call, kind) for x in call.args]
        return self.called(self.function_name(call.function), args, call.kwargs, out)

    def called(
        self, function: str, args: Iterable[str], options: Mapping[str, Any], out: str | None
    ) -> str:
        parts = [*args, *[f"{k}={self.operand(v)}" for k, v in options.items()]]
        return f"{function}({', '.join([*parts, f'out={out}'] if out else parts)})"

    def reduction(self, ufunc: np.ufunc, call: Traced, out: str | None) -> str:
        (x,), axis = call.args, call.kwargs["axis"]
        plain = not call.kwargs.keys() - {"axis", "keepdims"}
        if ufunc is np.add and x.dtype.kind == "f" and plain:
            # a product with ones takes a third of the time of add.reduce on small arrays
            if x.ndim == 2 and axis == (1,):
                shape = (x.shape[1], 1) if call.ndim == 2 else (x.shape[1],)
                return self.product(self.name(x), self.ones(shape, x.dtype), out)
            if x.ndim == 2 and axis == (0,) and call.ndim == 1:
                return self.product(self.ones((x.shape[0],), x.dtype), self.name(x), out)
            if axis is None and x.size <= 4096 and not call.shape:
                return f"{self.numpy('vdot')}({self.name(x)}, {self.ones(x.shape, x.dtype)})"
        options = {**call.kwargs, "axis": axis[0] if axis and len(axis) == 1 else axis}
        return self.called(f"{self.function_name(ufunc)}.reduce", [self.name(x)], options, out)

    def product(self, a: str, b: str, out: str | None) -> str:
        return self.called(self.numpy("dot"), [a, b], {}, out)

    def ones(self, shape: tuple[int, ...], dtype: Any) -> str:
        text = f"{self.numpy('ones')}({shape}, {str(dtype)!r})"
        return self.defined(("ones", shape, dtype), f"ones_{'x'.join(map(str, shape))}", text)

    def defined(self, key: Any, stem: str, text: str) -> str:
        """The name of a constant that the text defines."""
        if key not in self.names:
            name = self.names[key] = self.fresh(stem)
            self.constants[name] = f"{name} = {text}"
        return self.names[key]

    def operand(self, x: Any, call: Traced | None = None, kind: Any = None) -> str:
        """A value, a constant or an option, as it is written."""
        if isinstance(x, Traced):
            return self.name(x)
        if isinstance(x, list | tuple):
            parts = [self.operand(y) for y in x]
            return together(parts) if isinstance(x, tuple) else f"[{', '.join(parts)}]"
        if isinstance(x, slice):
            return f"slice({self.operand(x.start)}, {self.operand(x.stop)}, {self.operand(x.step)})"
        if x is None or x is Ellipsis or type(x) in (bool, str):
            return repr(x)
        if inspect.isfunction(x):
            return self.function_name(x)
        if isinstance(x, np.dtype):
            return repr(str(x)) if x.isbuiltin else self.constant(x)
        number = type(x) in (int, float) or (isinstance(x, np.generic) and x.dtype == kind)
        if number and call is not None and kind is not None:
            return self.scalar(x, call)
        if type(x) is int or (type(x) is float and np.isfinite(x)):
            return repr(x)
        return self.constant(x)

    def number(self, x: Any, call: Traced) -> str:
        """An operand of a calculation with single numbers."""
        doubles = all(y.dtype == np.float64 for y in operands(call))  # else it would change dtype
        plain = doubles and type(x) is np.float64 and np.isfinite(x)
        return repr(float(x)) if plain else self.operand(x)

    def scalar(self, x: Any, call: Traced) -> str:
        """A number beside an array: as an array without axes it takes half the time."""
        kinds = {y.dtype for y in call.args if hasattr(y, "dtype")}
        kind = kinds.pop() if len(kinds) == 1 else None
        if kind is None or kind.kind != "f" or not np.isfinite(x) or float(x) != x:
            return repr(x) if type(x) in (int, float) and np.isfinite(x) else self.constant(x)
        stem = WORDS.get(float(x), "c1") if kind == np.float64 else "c1"
        text = f"{self.numpy('array')}({float(x)!r}, {str(kind)!r})"
        return self.defined(("scalar", text), stem, text)

    def constant(self, x: Any) -> str:
        key = ("constant", id(x))
        if key not in self.names:
            stem, text = _recognised(x)
            if text:
                self.numpy(text.partition("(")[0].rpartition(" ")[2])
                self.defined(key, stem, text)
            else:
                name = self.names[key] = self.fresh(stem)
                self.given[name] = x
                kind = f"{x.dtype} {x.shape}" if hasattr(x, "dtype") else type(x).__name__
                self.constants[name] = f"# {name}: {kind}, given"
        return self.names[key]

    def returned(self, value: Any, gradients: Sequence[Any], several: bool) -> str:
        parts = []
        for i, x in enumerate(gradients):
            text = self.operand(x)
            fresh = _is_fresh(x) and x.shape and not any(x is y for y in gradients[:i])
            parts.append(text if fresh else f"{self.numpy('array')}({text})")
        number = self.operand(value) + ("" if _is_fresh(value) else "[()]")
        return f"{number}, {together(parts) if several else parts[0]}"


def together(parts: Sequence[str]) -> str:
    """A tuple as it is written."""
    return f"({', '.join(parts)}{',' * (len(parts) == 1)})"


def _is_fresh(x: Any) -> bool:
    """Whether a result shows the memory of nothing else."""
    return isinstance(x, Traced) and (is_new(x) or x.function is operator.getitem)


def _recognised(x: Any) -> tuple[str, str]:
    """A name and an expression for a constant; no expression: it is handed over."""
    if isinstance(x, np.float32 | np.float64) and np.isfinite(x):
        return "c1", f"{x.dtype}({x.item()!r})"
    if type(x) is np.ndarray and x.size and x.dtype.isnative and x.dtype.kind in "biuf":
        for name, text in _spellings(x, repr(str(x.dtype))):
            made = eval(text, vars(np))
            if (made.shape, made.dtype, made.tobytes()) == (x.shape, x.dtype, x.tobytes()):
                return name, text
    return "c1", ""


def _spellings(x: Any, kind: str) -> Iterator[tuple[str, str]]:
    """Names and expressions that an array may have; what they give is compared with it."""
    if x.ndim:
        yield f"zeros_{'x'.join(map(str, x.shape))}", f"zeros({x.shape}, {kind})"
    if x.ndim == 2 and x.shape[0] == x.shape[1]:
        yield "off_diagonal", f"1 - eye({len(x)}, dtype={kind})"
    if x.ndim == 1 and x.size > 1 and x.dtype == np.int64 and x[1]:
        yield "starts", f"arange(0, {int(x[1]) * x.size}, {x[1]})"
    if x.size <= 16 and x.itemsize <= 8 and np.isfinite(x).all():  # else repr is no text
        yield "c1", f"array({x.tolist()!r}, {kind})"


def unused(stem: str, taken: set[str]) -> str:
    """A name that is not taken, and now is: the stem, or the stem with a number behind it."""
    name, again = stem, 2
    while name in taken:
        name, again = f"{stem}_{again}", again + 1
    taken.add(name)
    return name


def is_name(name: str) -> bool:
    """Whether it can stand as a variable in the text, in plain letters."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


def comment_of(program: TracedProgram, call: Traced) -> str:
    """The line of source that a call belongs to."""
    if not call.line or program.code is None:
        return ""
    text = " ".join(linecache.getline(program.code.co_filename, call.line).split())
    text = "".join(c if c.isprintable() else "?" for c in text)[:80] or f"line {call.line}"
    return f"backward of: {text}" if call.backward else text


def _matmul(text: Text, call: Traced, out: str | None) -> str:
    a, b = map(text.operand, call.args)
    if takes_out(call) and call.size <= 4096:
        return text.product(a, b, out)  # saves half a microsecond, but fills `out` with zeros first
    return text.called(text.numpy("matmul"), [a, b], {}, out)


def _transpose(text: Text, call: Traced, out: str | None) -> str:
    (x,), axes = call.args, call.kwargs["axes"]
    reverse = axes == tuple(range(x.ndim))[::-1]
    return f"{text.name(x)}.T" if reverse else f"{text.name(x)}.transpose({axes})"


def _take(text: Text, call: Traced, out: str | None) -> str:
    if call.kwargs or len(call.args) != 2 or not isinstance(call.args[0], Traced):
        return text.called(text.numpy("take"), map(text.operand, call.args), call.kwargs, None)
    return f"{text.name(call.args[0])}.take({text.operand(call.args[1])})"


SPECIAL: dict[Any, Callable[[Text, Traced, str | None], str]] = {
    np.matmul: _matmul,
    np.transpose: _transpose,
    np.take: _take,
}
