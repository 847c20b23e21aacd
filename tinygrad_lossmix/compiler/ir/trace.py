"""`Traced`: stands for an array while a function is compiled, and notes what is done with it.

It has a shape and a dtype but no numbers. NumPy calls on it go to a `TracedProgram`; so the engine,
its rules of differentiation and the reverse sweep run on it as they are, and what is noted is the
forward and the backward pass in plain NumPy. What would need a number raises: a number seen now
would be baked into what is compiled. Shape and dtype of a call follow from those of its arguments:

>>> kind_of(np.add, (np.zeros((2, 1)), np.zeros(3, np.float32)), {})
Kind(shape=(2, 3), dtype=dtype('float64'))
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tinygrad_lossmix.compiler.calls import parts
from tinygrad_lossmix.engine.rules import astype, getitem
from tinygrad_lossmix.engine.table import NUMPYS, TABLE, definition, is_duck
from tinygrad_lossmix.engine.tensor import Tensor


class NumbersAsked(TypeError):
    """While a function is compiled it asks for numbers, or for a shape that depends on some."""


@dataclass(eq=False, repr=False, slots=True)
class Traced(NDArrayOperatorsMixin):
    """The result of a call, or an argument of the function that is compiled."""

    program: Any  # the `TracedProgram` that notes its calls
    function: Any  # None: an argument
    args: tuple[Any, ...]  # of the call: traced arrays, constants, options
    kwargs: Mapping[str, Any]
    shape: tuple[int, ...]
    dtype: Any
    order: int
    line: int  # of the traced function's source; 0: not known
    known: Any = None  # its numbers for the arguments of the trace, if they were asked for
    name: str | None = None  # what the user calls it
    backward: bool = False  # whether it belongs to the backward pass of its line

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """An array's: the answer that `isinstance` in the traced function gets without a trace."""
        return np.ndarray

    ndim = property(lambda self: len(self.shape), doc="The number of axes.")
    size = property(lambda self: math.prod(self.shape), doc="The number of elements.")
    T = property(lambda self: np.transpose(self), doc="All axes reversed.")
    mT = property(lambda self: np.swapaxes(self, -1, -2), doc="The last two axes exchanged.")

    def numbers(self) -> Any:
        """What it is for the arguments that the function is traced with."""
        for x in needed([self]) if self.known is None else []:
            if x.known is None:
                options = {k: numbers_of(v) for k, v in x.kwargs.items()}
                x.known = x.function(*numbers_of(x.args), **options)
        return self.known

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(type(x) is Tensor for x in inputs):
            return NotImplemented
        _refuse_out(ufunc, kwargs)
        if not kwargs.keys() - {"axis", "keepdims"} and (known := definition(ufunc, method)):
            return known(*inputs, **kwargs)
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.program.call(function, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if Tensor in types or Tensor in map(type, args) or _followed(func):
            return NotImplemented
        if (answer := of_shapes(func, args, kwargs)) is not None:
            return answer
        _refuse_out(func, kwargs)
        return self.program.call(func, args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self.program.call(getitem, (self,), {"key": key})

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise TypeError(
            "an array cannot be assigned to in a compiled function: build a new one, "
            "np.where(mask, x, y)"
        )

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def astype(self, dtype: Any, order: str = "K", **_: Any) -> Any:
        """The same values in another dtype."""
        return self.program.call(astype, (self,), {"dtype": np.dtype(dtype)})

    def reshape(self, *shape: Any) -> Any:
        """`np.reshape`."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)  # type: ignore[call-overload]

    def transpose(self, *axes: Any) -> Any:
        """`np.transpose`."""
        one = len(axes) == 1 and (axes[0] is None or isinstance(axes[0], tuple | list))
        return np.transpose(self, axes[0] if one else axes or None)  # type: ignore[call-overload]

    def copy(self) -> Traced:
        """Itself: nothing changes it."""
        return self

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise NumbersAsked(
            "a number of this array was asked for (.data, float, bool, int, item, an index, if): "
            "in a compiled function it is not known yet and would be baked in; use np.where for a "
            "choice, or value_and_grad, which does not compile"
        )

    __bool__ = __float__ = __int__ = __index__ = __complex__ = item = tolist = _refuse
    __array__ = __reduce_ex__ = _refuse
    data = property(_refuse)
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        ufunc = getattr(self.function, "__self__", None)
        what = self.name or getattr(self.function, "__name__", self.function)
        of = f"{ufunc.__name__}." if isinstance(ufunc, np.ufunc) and not self.name else ""
        return f"traced({of}{what}, {self.shape}, {self.dtype})"


for _function in (
    np.sum, np.prod, np.mean, np.max, np.min, np.var, np.std, np.all, np.any, np.clip, np.round,
    np.take, np.dot, np.ravel, np.squeeze, np.swapaxes, np.repeat, np.diagonal, np.trace,
    np.argmax, np.argmin, np.argsort, np.cumsum, np.cumprod,
):  # fmt: skip
    setattr(Traced, _function.__name__, _function)
Traced.flatten = Traced.ravel  # type: ignore[attr-defined]


def _followed(function: Any) -> bool:
    """Whether it is not NumPy's and yet spelled out in NumPy: its own calls are noted."""
    other = not isinstance(function, NUMPYS) and function in TABLE
    return other and TABLE[function].forward is not function


def operands(value: Traced) -> list[Traced]:
    """The traced arrays that a call uses."""
    found: list[Traced] = []
    waiting = [*value.args, *value.kwargs.values()]
    while waiting:
        x = waiting.pop(0)
        if isinstance(x, Traced):
            found.append(x)
        elif isinstance(x, list | tuple):
            waiting += x
    return found


def needed(results: Sequence[Any]) -> list[Traced]:
    """The calls that results depend on, in order."""
    found: set[Traced] = set()
    waiting = [x for x in results if isinstance(x, Traced)]
    while waiting:
        value = waiting.pop()
        if value not in found:
            found.add(value)
            waiting += operands(value)
    return sorted((v for v in found if v.function is not None), key=lambda v: v.order)


def _refuse_out(function: Any, kwargs: Mapping[str, Any]) -> None:
    out = kwargs.get("out")
    if any(each is not None for each in (out if isinstance(out, tuple) else (out,))):
        raise TypeError(
            f"{function.__name__}(…, out=…) cannot be compiled: drop out=, and write x = x + y for "
            "x += y"
        )


class Kind(NamedTuple):
    """What is known of an array before it has numbers."""

    shape: tuple[int, ...]
    dtype: Any


# what these give follows from shapes and dtypes: no call is noted
OF_SHAPES = {
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj,
    np.zeros_like, np.ones_like, np.empty_like, np.shares_memory, np.may_share_memory,
}  # fmt: skip
# the shape of their result depends on numbers
OF_NUMBERS = {
    np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.compress, np.extract, np.trim_zeros,
    np.setdiff1d, np.intersect1d, np.union1d, np.bincount,
}  # fmt: skip


def of_shapes(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The answer of a function that asks for no numbers; None: it does."""
    if function not in OF_SHAPES:
        return None
    return function(*map(stand_in, args), **{k: stand_in(v) for k, v in kwargs.items()})


def stand_in(value: Any) -> Any:
    """An array of this shape and dtype, in the memory of one number."""
    return _replaced(value, lambda x: np.broadcast_to(x.dtype.type(), x.shape))


def kind_of(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Kind:
    """Shape and dtype of `function(*args, **kwargs)`.

    Raises:
        NumbersAsked: its shape depends on numbers.
        TypeError: the result is not one array.
        ValueError: the shapes do not go together.
    """
    if isinstance(function, np.ufunc) and function.signature is None and not kwargs:
        return elementwise(function, args)[0]
    if function is np.matmul and not kwargs:
        return _product(*args)
    masks = [x for x in parts(kwargs.get("key")) if is_duck(x) and x.dtype == bool]
    if function in OF_NUMBERS or masks:
        raise NumbersAsked(
            "the shape of this result depends on the numbers in a mask, which are not known when a "
            "function is compiled: choose with np.where(mask, x, 0) instead of x[mask]"
        )
    # zeros do for what we compute of any numbers, and NumPy; not for an inverse, a user's function
    module = getattr(function, "__module__", None) or "numpy"
    zeros = module == "numpy" or module.startswith("tinygrad_lossmix.")
    like = stand_in if zeros else numbers_of
    result = function(*map(like, args), **{k: like(v) for k, v in kwargs.items()})
    if not isinstance(result, np.ndarray | np.generic):
        name = getattr(function, "__name__", function)
        raise TypeError(f"{name} cannot be compiled: it gives {type(result).__name__}, no array")
    return Kind(result.shape, result.dtype)


def numbers_of(value: Any) -> Any:
    """What a traced array is for the arguments that the function is traced with."""
    return _replaced(value, lambda x: x.numbers())


def _replaced(value: Any, by: Callable[[Any], Any]) -> Any:
    """Something else in place of each traced array."""
    if isinstance(value, list | tuple):
        return type(value)(_replaced(part, by) for part in value)
    return by(value) if is_duck(value) else value


def elementwise(ufunc: np.ufunc, args: tuple[Any, ...]) -> list[Kind]:
    """Of each result of a ufunc."""
    shapes = [x.shape if hasattr(x, "shape") else np.shape(stand_in(x)) for x in args]
    plain = (int, float, complex)  # NumPy adapts these to the dtype of the others
    kinds: list[Any] = [
        type(x) if type(x) in plain else getattr(x, "dtype", np.dtype(bool)) for x in args
    ]
    dtypes = ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))
    shape = np.broadcast_shapes(*shapes)
    return [Kind(shape, dtype) for dtype in dtypes[ufunc.nin :]]


def _product(a: Any, b: Any) -> Kind:
    """Of `a @ b`: told without the time of computing it, unless it is an error."""
    if not (a.ndim and b.ndim and a.shape[-1] == b.shape[max(b.ndim - 2, 0)]):
        np.matmul(stand_in(a), stand_in(b))
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*batch, *a.shape[-2:-1], *(b.shape[-1:] if b.ndim > 1 else ()))
    return Kind(shape, np.matmul.resolve_dtypes((a.dtype, b.dtype, None))[-1])
