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
"""

from __future__ import annotations

import builtins
import functools
import inspect
import itertools
import linecache
import math
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.engine.constants import as_floats
from tinygrad_lossmix.engine.gradient import value_and_grad
from tinygrad_lossmix.mixes.mix import Mix as Mix
from tinygrad_lossmix.rewrite.program.differentiate import differentiated, parameter_names
from tinygrad_lossmix.rewrite.program.emit import emit
from tinygrad_lossmix.rewrite.program.lowering import LOWERED
from tinygrad_lossmix.rewrite.stabilize import stabilize

Arguments = tuple[Any, ...]
_KEPT_FORMS = 64  # of one function; the oldest goes first
_count = itertools.count(1)


class Form(NamedTuple):
    """A function compiled for arguments of certain shapes and dtypes."""

    names: tuple[str, ...]  # of the arguments given by keyword, which come last
    matches: Callable[[Arguments], bool]
    run: Callable[..., tuple[Any, Any]]
    make: Callable[[], list[Any]]  # new arrays to work in; none: an empty list
    spare: list[list[Any]]  # arrays to work in that no thread is using
    source: str


def compile(
    f: Callable[..., Any], wrt: int | tuple[int, ...] = 0, backend: str = "numpy"
) -> Compiled:
    """Turn f into g, with g(*arrays) = (the value of f, its gradient), as `value_and_grad` does.

    f is recorded once for each combination of shapes and dtypes of its arguments, stabilised,
    differentiated, simplified and written as one function without loops, which works in arrays
    that it keeps. Arrays are arguments; Python numbers, strings and None are constants: for each
    value f is recorded again. What f reads from elsewhere is read once.

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
        TypeError, ValueError: as `value_and_grad`; another backend; what cannot be recorded.

    Warns:
        NotCompiledWarning: numba is missing or has no loops for something; NumPy runs instead.

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
        self._interpreted = value_and_grad(lambda *a, **options: stabilize(f(*a, **options)), wrt)
        self._f = f
        self._wrt = wrt
        self._backend = backend
        self._forms: dict[Any, Form] = {}
        self._latest: Form | None = None

    def __call__(self, *arrays: Any, **options: Any) -> tuple[Any, Any]:
        """The value of f, and its gradient or a tuple of them, as new arrays."""
        names = tuple(options)
        given = arrays + tuple(options.values()) if options else arrays
        form = self._latest
        if form is None or form.names != names or not form.matches(given):
            given = tuple(map(self._argument, range(len(given)), given))
            form = self._latest = self._form(given, names)
        try:
            kept = form.spare.pop()
        except IndexError:
            kept = form.make()
        value, gradients = form.run(*given, *kept)
        form.spare.append(kept)
        if not math.isfinite(value):
            with np.errstate(all="ignore"):
                value, gradients = self._interpreted(*arrays, **options)
        return value, gradients

    @property
    def source(self) -> str:
        """The text of the function that ran last.

        Raises ValueError before the first call: shapes and dtypes are not known yet.
        """
        if self._latest is None:
            raise ValueError("nothing is compiled yet: call it once, with the arrays it is for")
        return self._latest.source

    def _argument(self, position: int, x: Any) -> Any:
        """An argument as f gets it: arrays and lists of numbers as arrays."""
        wrt = self._wrt if isinstance(self._wrt, tuple) else (self._wrt,)
        if position in wrt:
            return np.asarray(as_floats(x, copy=False))
        if isinstance(x, np.ma.MaskedArray):
            raise TypeError(f"argument {position} is masked: fill the masked entries, x.filled(0)")
        return np.asarray(x) if isinstance(x, np.ndarray | np.generic | list) else x

    def _form(self, arrays: Arguments, names: tuple[str, ...]) -> Form:
        key = (names, *[_kind(x) for x in arrays])
        if key not in self._forms:
            while len(self._forms) >= _KEPT_FORMS:
                del self._forms[next(iter(self._forms))]
            self._forms[key] = self._compiled(arrays, names)
        return self._forms[key]

    def _compiled(self, arrays: Arguments, names: tuple[str, ...]) -> Form:
        f = _by_position(self._f, len(arrays) - len(names), names) if names else self._f
        several = isinstance(self._wrt, tuple)
        wrt = self._wrt if several else (self._wrt,)
        if self._backend == "numba":
            from tinygrad_lossmix.rewrite.loops.backend import machine

            if found := machine(f, arrays, wrt, several):
                return Form(names, _guard(arrays), found.run, found.make, [], found.source)
        program, value, gradients = differentiated(f, arrays, wrt, LOWERED)
        text = emit(program, "value_and_gradient", value, gradients, several)
        run, make = _executed(text.source, text.given)
        run = np.errstate(all="ignore")(run)
        return Form(names, _guard(arrays), run, make, [], text.source)


def _by_position(f: Callable[..., Any], count: int, names: tuple[str, ...]) -> Callable[..., Any]:
    """f with the arguments of these names after the others, which are count."""

    @functools.wraps(f)
    def call(*args: Any) -> Any:
        return f(*args[:count], **dict(zip(names, args[count:], strict=True)))

    called = [*parameter_names(f, count), *names]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind) for name in called]
    )
    return call


def _kind(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return x.shape, x.dtype
    try:
        hash(x)
    except TypeError:
        raise TypeError(
            f"a {type(x).__name__} cannot be an argument of a compiled function: pass arrays, "
            "numbers, strings or None"
        ) from None
    return type(x), repr(x) if isinstance(x, float) else x


def _guard(arrays: Arguments) -> Callable[[Arguments], bool]:
    """Whether arguments are like these: as text, since it is asked at every call."""
    names = [f"a{i}" for i in range(len(arrays))]
    tests, given = [f"len(args) == {len(arrays)}"], {"ndarray": np.ndarray}
    for name, x in zip(names, arrays, strict=True):
        if isinstance(x, np.ndarray):
            given[f"{name}_dtype"] = x.dtype
            tests.append(f"type({name}) is ndarray")
            tests.append(f"{name}.shape == {x.shape} and {name}.dtype is {name}_dtype")
        else:
            given[f"{name}_value"] = x
            tests.append(f"{name} is {name}_value")
    unpacked = "".join(f"{name}, " for name in names)
    source = f"""def matches(args):
    if {tests[0]}:
        {unpacked + "= args" if names else "pass"}
        return {" and ".join(tests[1:]) or True}
    return False
"""
    space: dict[str, Any] = given
    exec(source, space)
    return space["matches"]  # type: ignore[no-any-return]


def _executed(source: str, given: dict[str, Any]) -> tuple[Callable[..., Any], Callable[[], Any]]:
    """The two functions that a text defines; while they live, tracebacks and pdb find its lines."""
    filename = f"<compiled {next(_count)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    space = dict(given)
    exec(builtins.compile(source, filename, "exec"), space)
    run, make = space.pop("value_and_gradient"), space.pop("working_arrays", list)
    weakref.finalize(run, linecache.cache.pop, filename, None)
    return run, make
