"""`compile`: a function of arrays into straight-line NumPy for its value and its gradients.

What you can do here: train as with `value_and_grad`, in less time, and read what is done.

>>> def loss(w, x, y):
...     return Mix("softmax", "ll").cost(x @ w, y)
>>> step = compile(loss)
>>> value, gradient = step(np.zeros((2, 3)), np.ones((4, 2)), np.array([0, 1, 2, 0]))
>>> gradient
array([[-0.16666667,  0.08333333,  0.08333333],
       [-0.16666667,  0.08333333,  0.08333333]])
>>> "dot(x, w" in step.source
True

Two calls may use the same code only if all that is baked into it is the same: types too, all the
way down.

>>> kind((2, None)) == kind((2, None)), kind((2,)) == kind((2.0,)), kind(0.0) == kind(-0.0)
(True, False, False)
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from types import BuiltinFunctionType, EllipsisType, FunctionType, ModuleType, NoneType
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.differentiate import differentiated, parameter_names
from tinygrad_lossmix.compiler.ir.emit import emit, executed
from tinygrad_lossmix.compiler.lowering import LOWERED
from tinygrad_lossmix.compiler.stabilize import rewritten
from tinygrad_lossmix.engine.freeze import as_floats
from tinygrad_lossmix.engine.gradient import value_and_grad
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.mix import Mix as Mix
from tinygrad_lossmix.quiet import quiet

KEPT = 64  # specialisations of one function; the one unused for the longest time goes first
Arguments = tuple[Any, ...]
BY_VALUE = {bool, int, str, bytes, NoneType, EllipsisType, Mix}  # how constants are compared
BY_IDENTITY = (
    FunctionType, BuiltinFunctionType, ModuleType, type, Enum, np.dtype, np.ufunc, type(np.sum),
)  # fmt: skip


@dataclass(eq=False)
class Specialisation:
    """A function compiled for arguments of certain kinds."""

    run: Any  # None: the interpreted form answers
    make: Callable[[], list[Any]]  # new arrays to work in; none: an empty list
    source: str
    spare: list[list[Any]] = field(default_factory=list)  # those that no thread is using
    names: tuple[str, ...] | None = None  # of the arguments given by keyword, the last
    matches: Any = None  # the guard; both are None until an answer has been compared

    def answer(self, given: Arguments) -> tuple[Any, Any]:
        """Value and gradients, computed in arrays that no other thread works in meanwhile."""
        try:
            kept = self.spare.pop()
        except IndexError:
            kept = self.make()
        answer = self.run(*given, *kept)
        self.spare.append(kept)
        return answer  # type: ignore[no-any-return]


def compile(
    f: Callable[..., Any], wrt: int | tuple[int, ...] = 0, backend: str = "numpy"
) -> Compiled:
    """Turn f into g, with g(*arrays) = (the value of f, its gradient), as `value_and_grad` does.

    f is recorded once for each combination of shapes and dtypes of its arguments, stabilised,
    differentiated, simplified and written as one function without loops, which works in arrays
    that it keeps. Arrays are arguments; numbers, strings, None, functions and tuples of them are
    constants, compared by type and value: for each value f is recorded again (the last 64
    specialisations are kept). The first finite answer of each is compared with the interpreted
    one. What f reads from elsewhere is read once.

    Args:
        f: a function of arrays that returns a scalar; its choices must not depend on numbers in
            them (np.where chooses; `if`, `float`, `.data` raise TypeError).
        wrt: the position of an argument that is differentiated, or a tuple of positions.
        backend: "numpy", or "numba" (the extra `fast`), which compiles fused loops to machine code
            and takes a second for it, kept on disk for the next time.

    Returns:
        g; `g.source` is the text of what was compiled last. Where the value is not finite, the
        interpreted form of `stabilize(f)` answers. No floating-point warnings are given.

    Raises:
        TypeError, ValueError: as `value_and_grad`; another backend; what cannot be recorded; an
            argument that may change without a trace.

    Warns:
        NotCompiledWarning: numba is missing or has no loops for something, and NumPy runs instead;
            the answers differ, and the interpreted form answers.

    >>> def squares(w):
    ...     return (w * w).sum()
    >>> square = compile(squares)
    >>> square(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    >>> print(square.source)
    from numpy import add, vdot
    <BLANKLINE>
    <BLANKLINE>
    def value_and_gradient(w):
        # return (w * w).sum()
        cost = vdot(w, w)
        # backward of: return (w * w).sum()
        dw = add(w, w)
        return cost, dw
    <BLANKLINE>
    """
    return Compiled(f, wrt, backend)


class Compiled:
    """What `compile` returns: a function, with its `source`."""

    def __init__(self, f: Callable[..., Any], wrt: Any, backend: str) -> None:
        if not callable(f):
            raise TypeError(f"compile takes a function of arrays, not {type(f).__name__}")
        if backend not in ("numpy", "numba"):
            raise ValueError(f"there is no backend {backend!r}: choose numpy or numba")
        interpreted = value_and_grad(lambda *a, **k: _stable(f(*a, **k)), wrt)
        self._interpreted: Callable[..., tuple[Any, Any]] = np.errstate(all="ignore")(interpreted)
        self._f = f
        self._several = isinstance(wrt, tuple)
        self._wrt = wrt if self._several else (wrt,)
        self._backend = backend
        self._specialisations: dict[Any, Specialisation] = {}
        self._latest = Specialisation(None, list, "")

    def __call__(self, *arrays: Any, **options: Any) -> tuple[Any, Any]:
        """The value of f, and its gradient or a tuple of them, as new arrays."""
        names = tuple(options)
        given = arrays + tuple(options.values()) if options else arrays
        latest = self._latest
        if latest.names != names or not latest.matches(given):
            given, latest = self._specialised(given, names)
            if latest.names is None:
                return self._compared(latest, given, arrays, options)
        value, gradients = latest.answer(given)
        if not math.isfinite(value):
            return self._interpreted(*arrays, **options)
        return value, gradients

    def __repr__(self) -> str:
        names = parameter_names(self._f, max(0, *self._wrt) + 1)
        by = ", ".join(names[i] if i >= 0 else f"argument {i}" for i in self._wrt)
        count = len(self._specialisations)
        return (
            f"<compiled {getattr(self._f, '__name__', type(self._f).__name__)}: value and gradient "
            f"by {by}; backend {self._backend}, "
            f"{count} specialisation{'s' * (count != 1)}>"
        )

    @property
    def source(self) -> str:
        """The text of the function that ran last.

        Raises ValueError before the first call: shapes and dtypes are not known yet.
        """
        if not self._latest.source:
            raise ValueError("nothing is compiled yet: call it once, with the arrays it is for")
        return self._latest.source

    def _compared(
        self, new: Specialisation, given: Arguments, arrays: Arguments, options: dict[str, Any]
    ) -> tuple[Any, Any]:
        """The answer of a specialisation that is not trusted yet: what it baked in may not hold."""
        expected = self._interpreted(*arrays, **options)
        answer = new.answer(given) if new.run else expected
        if not new.run or not math.isfinite(answer[0]):
            return expected
        if agree(answer, expected):
            new.matches, new.names = guard(given), tuple(options)
            return answer
        if self._is_rounding(answer, expected, arrays, options):
            return expected  # at a minimum, say: whether they are one is seen at the next arguments
        from tinygrad_lossmix.compiler.loops.backend import NotCompiledWarning

        new.run, new.source = None, "# the interpreted form answers\n" + new.source
        warnings.warn(
            "value_and_grad runs instead of what was compiled, which gives another answer: the "
            "function may draw random numbers, change what it reads, or ask what its arguments are",
            NotCompiledWarning,
            stacklevel=3,
        )
        return expected

    def _is_rounding(self, ours: Any, theirs: Any, arrays: Arguments, options: Any) -> bool:
        """Whether two answers differ by no more than last bits of the arguments change them."""
        floats = self._of_floats(len(arrays))
        moved = [nudged(x) if i in floats else x for i, x in enumerate(arrays)]
        again = self._interpreted(*arrays, **options)
        random = [x.tobytes() for x in _flat(again)] != [x.tobytes() for x in _flat(theirs)]
        return not random and agree(ours, theirs, self._interpreted(*moved, **options))

    def _of_floats(self, positional: int) -> set[int]:
        """The positions that are differentiated, of so many."""
        return {i % positional for i in self._wrt if -positional <= i < positional}

    def _specialised(self, given: Arguments, names: tuple[str, ...]) -> tuple[Arguments, Any]:
        """The arguments as code takes them, and the code for such, made if there is none."""
        of_floats = self._of_floats(len(given) - len(names))
        arguments = tuple(
            np.asarray(as_floats(x, copy=False)) if i in of_floats else constant(i, x)
            for i, x in enumerate(given)
        )
        kinds = [
            (type(x), a.shape, a.dtype) if type(a) is np.ndarray else kind(a)
            for x, a in zip(given, arguments, strict=True)
        ]
        key = names, *kinds
        found = self._specialisations.pop(key, None) or self._compiled(arguments, names)
        self._specialisations[key] = self._latest = found
        while len(self._specialisations) > KEPT:
            self._specialisations.pop(next(iter(self._specialisations)), None)
        return arguments, found

    def _compiled(self, arrays: Arguments, names: tuple[str, ...]) -> Specialisation:
        if self._backend == "numba":
            from tinygrad_lossmix.compiler.loops.backend import machine

            if found := machine(self._f, arrays, self._wrt, self._several, names):
                return Specialisation(*found)
        program, value, gradients = differentiated(self._f, arrays, self._wrt, LOWERED, names)
        source, known = emit(program, "value_and_gradient", value, gradients, self._several)
        functions = "value_and_gradient", "working_arrays"
        run, make = executed(source, {"working_arrays": list, **known}, functions)
        return Specialisation(quiet(run), make, source)


def constant(position: int, x: Any) -> Any:
    """An argument that is not differentiated, as the code gets it: arrays, and lists as arrays.

    Raises TypeError for an array of a class of its own, and for what is not made of numbers.
    """
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"argument {position} is masked: fill the masked entries, x.filled(0)")
    if not isinstance(x, np.ndarray | np.generic | list):
        return x
    array, of = np.asarray(x), type(x)
    known = of in (np.ndarray, np.memmap, list) or isinstance(x, np.generic)
    if not known or array.dtype.kind not in "biufc":
        raise TypeError(
            f"argument {position} is a {of.__name__} of {array.dtype}: a compiled function takes "
            "plain arrays of numbers, np.asarray(x, dtype=float)"
        )
    return array


def kind(x: Any, within: str = "") -> Any:
    """What a constant has in common with all those that the same code serves, compared by ==.

    Raises TypeError for an object that may change: nobody could tell whether it had.
    """
    of = type(x)
    if of in BY_VALUE or isinstance(x, BY_IDENTITY):
        return of, x
    if of is float or of is complex:
        return of, repr(x)  # NaN is the same again, -0.0 is not 0.0
    if isinstance(x, np.generic):
        return of, x.dtype, x.tobytes()
    if of is slice:
        return of, kind(x.start), kind(x.stop), kind(x.step)
    if of is tuple or (isinstance(x, tuple) and hasattr(of, "_fields")):
        return of, *[kind(part, " in a tuple") for part in x]
    raise TypeError(
        f"{of.__name__}{within} cannot be an argument of a compiled function: whether it changed "
        "between two calls cannot be told. Pass arrays, each as an argument of its own, numbers, "
        "strings, None, functions, or tuples of those"
    )


def guard(arguments: Arguments) -> Callable[[Arguments], bool]:
    """Whether arguments are like these: as text, since it is asked at every call."""
    names = [f"a{i}" for i in range(len(arguments))]
    tests: list[str] = []
    given: dict[str, Any] = {"ndarray": np.ndarray}
    for name, x in zip(names, arguments, strict=True):
        if type(x) is np.ndarray:
            given[f"{name}_dtype"] = x.dtype
            tests.append(f"type({name}) is ndarray")
            tests.append(f"{name}.shape == {x.shape} and {name}.dtype is {name}_dtype")
        else:
            given[f"{name}_value"] = x
            tests.append(f"{name} is {name}_value")
    source = f"""def matches(args):
    if len(args) == {len(arguments)}:
        {"".join(f"{name}, " for name in names) + "= args" if names else "pass"}
        return {" and ".join(tests) or True}
    return False
"""
    exec(source, given)
    return given["matches"]  # type: ignore[no-any-return]


def _stable(cost: Any) -> Any:
    return rewritten(cost).after if isinstance(cost, Tensor) else cost


@np.errstate(all="ignore")
def agree(ours: Any, theirs: Any, moved: Any = None) -> bool:
    """Whether two answers are one but for rounding, amplified by what was computed, at most.

    They may be as far apart as `moved`, the answer at arguments whose last bits differ, is from it.
    """
    mine, exact, beside = map(_flat, (ours, theirs, moved or theirs))
    largest = max(float(np.abs(b[np.isfinite(b)]).max(initial=0.0)) for b in map(np.asarray, exact))
    for a, b, c in zip(mine, exact, beside, strict=True):
        loose = 0.1 if b.dtype == np.float16 else 1e-3
        room = loose * 1e-3 * largest + np.fmax.reduce(np.abs(c - b), None, initial=0.0)  # no NaN
        if a.dtype != b.dtype or not np.allclose(a, b, loose, room, equal_nan=True):
            return False
    return True


def nudged(x: Any) -> Any:
    """Numbers changed by some of the last bits of the largest, each in its own way."""
    x = np.asarray(as_floats(x, copy=False))
    bits = 16 * np.finfo(x.dtype).eps * np.abs(x).max(initial=1.0)
    return x + (bits * np.cos(np.arange(x.size))).reshape(x.shape).astype(x.dtype)


def _flat(answer: tuple[Any, Any]) -> list[Any]:
    value, gradients = answer
    return [value, *gradients] if isinstance(gradients, tuple) else [value, gradients]
