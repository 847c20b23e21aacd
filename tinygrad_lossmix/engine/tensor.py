"""A `Tensor`, a differentiable variable, and how a NumPy call on one is recorded.

Write NumPy; a plain array is a constant, a call that touches a Tensor is computed and remembered:

>>> z = Tensor([2.0, 1.0, 0.0], name="z")
>>> a = np.exp(z) / np.exp(z).sum()
>>> a
Tensor([0.66524096, 0.24472847, 0.09003057], by=divide)
>>> a.function is np.divide, len(a.args)
(True, 2)
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NoReturn, final

import numpy as np

from tinygrad_lossmix import caller
from tinygrad_lossmix.engine.freeze import as_floats, freeze, freeze_index, freeze_option, integers
from tinygrad_lossmix.engine.refusals import NoArray, Spoken, no_rule, plain, refuse_out, unknown
from tinygrad_lossmix.engine.rules import astype, getitem
from tinygrad_lossmix.engine.sweep import backward
from tinygrad_lossmix.engine.table import (
    COMPOSED,
    NUMPYS,
    PLAIN,
    REDUCTIONS,
    TABLE,
    Array,
    definition,
    is_duck,
    sorted_out,
    spelling,
)

tick = itertools.count().__next__  # the order of creation
_new = object.__new__
_NO_KEYWORDS: Mapping[str, Any] = {}


@functools.cache
def _recorder(ufunc: Any) -> Callable[..., Tensor]:
    """`record` for calls of one ufunc, its operands written out: a small cost takes 15 % less."""

    def one(x: Tensor) -> Tensor:
        return node(ufunc, (x,), (x._value,), (0,), x.line)

    def two(x: Any, y: Any) -> Tensor:
        if type(y) is not Tensor:
            return node(ufunc, (x, y := freeze(y)), (x._value, y), (0,), x.line)
        if type(x) is not Tensor:
            return node(ufunc, (x := freeze(x), y), (x, y._value), (1,), y.line)
        return node(ufunc, (x, y), (x._value, y._value), (0, 1), x.line or y.line)

    one.__doc__ = f"`np.{ufunc.__name__}`."
    return one if ufunc.nin == 1 else two if ufunc.nin == 2 else lambda *xs: record(ufunc, xs)


def _operator(ufunc: Any) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """A binary operator with the Tensor on its left, and with the Tensor on its right."""

    def right(self: Tensor, other: Any) -> Tensor:
        return node(ufunc, (x := freeze(other), self), (x, self._value), (1,), self.line)

    return _recorder(ufunc), right


def _comparison(ufunc: Any) -> Callable[..., Any]:
    def compare(self: Tensor, other: Any) -> Any:
        if isinstance(other, Tensor | np.ndarray | np.generic | int | float | list | tuple):
            return ufunc(self._value, plain(other))
        return NotImplemented

    return compare


def _reduction(function: Any) -> Callable[..., Tensor]:
    def method(self: Tensor, axis: Any = None, keepdims: bool = False, **other: Any) -> Tensor:
        if other:
            raise unknown(f"Tensor.{function.__name__}", other)
        axis = axis if axis is None or type(axis) is int else freeze_option(axis)
        return record(function, (self,), {"axis": axis, "keepdims": keepdims})

    method.__qualname__ = f"Tensor.{function.__name__}"
    method.__doc__ = f"`np.{function.__name__}` over an axis, several, or all."
    return method


def _call(function: Any) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__qualname__ = f"Tensor.{function.__name__}"
    method.__doc__ = f"`np.{function.__name__}`."
    return method


_attribute: Any = lambda get, doc: property(get, doc=doc)


@final
class Tensor(NoArray, metaclass=Spoken):
    """A differentiable array of floats that remembers how it was computed.

    Args:
        data: a number, a (nested) list of numbers: becomes float64; a float array or NumPy float:
            keeps its dtype. Any shape.
        name: what to call it in drawings and at the prompt.
        copy: False shares the caller's array instead of copying it; changing that array
            afterwards then changes recorded values: the caller promises not to.
        lines: this Tensor, and each that is computed from it, knows the file and the line in your
            code that made it: `.line`. Without it `.line` is None.

    Raises:
        TypeError: data is not made of real floats (integer, boolean, complex, object, structured
            or masked arrays; anything else).

    >>> w = Tensor([3.0, 4.0], name="w")
    >>> cost = (w * w).sum()
    >>> cost.backward()
    >>> w.grad
    array([6., 8.])
    """

    __slots__ = (  # noqa: RUF023 - in the order of a reader's questions
        "_value", "grad", "name", "function", "args", "values", "positions", "kwargs", "groups",
        "order", "line", "__weakref__",
    )  # fmt: skip
    _value: Array
    grad: Array | None  # of the same shape after backward(); None: not computed
    name: str | None
    function: Any  # what computed it; None: a leaf
    args: Sequence[Any]  # Tensors and frozen constants, in the order of the call
    values: tuple[Any, ...]  # for its rule: arrays in place of Tensors, then what was kept; or ()
    positions: tuple[int, ...]  # of the Tensors in args
    kwargs: Mapping[str, Any]
    groups: tuple[tuple[str, tuple[Any, ...], int], ...]  # (name, args, start): this is the output
    order: int  # of creation: larger than that of everything it was computed from
    line: tuple[str, int] | None  # the file and the line in the user's code; None: not asked for

    def __init__(
        self, data: Any, name: str | None = None, copy: bool = True, lines: bool = False, **odd: Any
    ) -> None:
        if odd:
            raise unknown("Tensor", odd)
        if name is not None and not isinstance(name, str):
            raise TypeError(f"a Tensor's name is a str, not {type(name).__name__}")
        self._value = as_floats(data, copy)
        self.name = name
        self.args = self.values = self.positions = self.groups = ()
        self.kwargs = _NO_KEYWORDS
        self.function = self.grad = None
        self.order = tick()
        self.line = caller.line() if lines else None

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Tensor cannot be subclassed: write functions of Tensors instead")

    @property
    def data(self) -> np.ndarray[Any, Any]:
        """The values, as a new array that cannot be made writeable: what is recorded is safe."""
        return np.ndarray(self.shape, self.dtype, np.asarray(self._value).tobytes())

    @data.setter
    def data(self, values: Any) -> NoReturn:
        raise AttributeError(
            "the values of a Tensor do not change: write w = Tensor(w.data - 0.1 * w.grad)"
        )

    shape: tuple[int, ...] = _attribute(attrgetter("_value.shape"), "The lengths of the axes.")
    dtype: np.dtype[Any] = _attribute(attrgetter("_value.dtype"), "The type of the elements.")
    ndim: int = _attribute(attrgetter("_value.ndim"), "The number of axes.")
    size: int = _attribute(attrgetter("_value.size"), "The number of elements.")
    T: Tensor = _attribute(lambda t: record(np.transpose, (t,)), "All axes reversed.")
    mT: Tensor = _attribute(lambda t: np.swapaxes(t, -1, -2), "The last two axes exchanged.")

    def backward(self, seed: Any = None) -> None:
        """Fill `.grad` of every Tensor this one was computed from, and its own.

        Args:
            seed: the gradient to start from, of this Tensor's shape; may be left out for a scalar.

        A step is a new variable, w = Tensor(w.data - η * w.grad): w - η * w.grad would be recorded,
        and the recording of every step kept.

        Raises:
            ValueError: no seed for a Tensor that is not a scalar, or a seed of another shape.
        """
        backward(self, seed)

    __add__, __radd__ = _operator(np.add)
    __sub__, __rsub__ = _operator(np.subtract)
    __mul__, __rmul__ = _operator(np.multiply)
    __truediv__, __rtruediv__ = _operator(np.divide)
    __floordiv__, __rfloordiv__ = _operator(np.floor_divide)
    (__mod__, __rmod__), (__pow__, __rpow__) = map(_operator, (np.remainder, np.power))
    __matmul__, __rmatmul__ = _operator(np.matmul)
    __neg__, __pos__, __abs__ = map(_recorder, (np.negative, np.positive, np.absolute))
    __lt__, __le__ = _comparison(np.less), _comparison(np.less_equal)
    __gt__, __ge__ = _comparison(np.greater), _comparison(np.greater_equal)
    __eq__, __ne__ = _comparison(np.equal), _comparison(np.not_equal)
    __hash__ = object.__hash__

    exp, log, sqrt, tanh = map(_recorder, (np.exp, np.log, np.sqrt, np.tanh))
    sum, prod, mean, max, min = map(_reduction, (np.sum, np.prod, np.mean, np.max, np.min))
    var, std, clip, take, dot = map(_call, (np.var, np.std, np.clip, np.take, np.dot))
    cumsum, cumprod, repeat, trace = map(_call, (np.cumsum, np.cumprod, np.repeat, np.trace))
    squeeze, swapaxes, diagonal = map(_call, (np.squeeze, np.swapaxes, np.diagonal))
    argmax, argmin = map(_call, (np.argmax, np.argmin))

    def reshape(self, *shape: Any) -> Tensor:
        """`np.reshape`; the shape as one tuple or as several numbers."""
        return record(np.reshape, (self,), {"shape": integers(shape)})

    def flatten(self) -> Tensor:
        """`np.ravel`."""
        return self.reshape(-1)

    ravel, copy = flatten, _recorder(np.positive)

    def transpose(self, *axes: Any) -> Tensor:
        """`np.transpose`; the axes as one tuple or as several numbers."""
        options = {"axes": integers(axes)} if axes and axes[0] is not None else {}
        return record(np.transpose, (self,), options)

    def astype(self, dtype: Any) -> Tensor:
        """The same values in another float dtype; the gradient comes back in this one.

        Raises:
            TypeError: dtype is not a float dtype.
        """
        if np.dtype(dtype).kind != "f":
            raise TypeError(f"a Tensor holds floats; {np.dtype(dtype)} is not a float dtype")
        return record(astype, (self,), {"dtype": np.dtype(np.dtype(dtype).type)})

    def item(self) -> float:
        """The only element, as a Python float.

        Raises:
            ValueError: there is not exactly one element.
        """
        return float(self._value.item() if self._value.ndim else self._value)

    __float__ = item

    def __bool__(self) -> bool:
        return bool(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Tensor:
        return record(getitem, (self,), {"key": freeze_index(key)})

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self) -> str:
        if is_duck(self._value):
            return f"Tensor({self._value!r})"
        start, data = "Tensor(", np.asarray(self._value)
        about = [np.array2string(data, separator=", ", threshold=40, prefix=start)]
        about += [f"dtype={self.dtype}"] if self.dtype != np.float64 else []
        about += [f"name={self.name!r}"] if self.name is not None else []
        about += [f"by={spelling(self.function).removeprefix('np.')}"] if self.function else []
        return f"{start}{', '.join(about)})"

    def __dir__(self) -> list[str]:
        return dir(Tensor)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not kwargs and method == "__call__" and ufunc in TABLE:
            return _recorder(ufunc)(*inputs)
        refuse_out(ufunc, inputs, kwargs)
        if method == "__call__" and ufunc in PLAIN:
            return ufunc(*map(plain, inputs), **kwargs)
        if method == "reduce" and ufunc in REDUCTIONS:
            return _call_row(REDUCTIONS[ufunc], inputs, {"axis": 0} | kwargs)
        if (spelled_out := definition(ufunc, method)) is not None:
            return spelled_out(*inputs, **kwargs)
        raise no_rule(ufunc, method, kwargs if ufunc in TABLE else ())

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in TABLE and not isinstance(func, NUMPYS):
            return record(func, args, kwargs and {k: freeze_option(v) for k, v in kwargs.items()})
        if func in PLAIN:
            return func(*map(plain, args), **{k: plain(v) for k, v in kwargs.items()})
        refuse_out(func, (), kwargs)
        kwargs.pop("out", None)
        if func in COMPOSED:
            return COMPOSED[func](*args, **kwargs)
        if func in TABLE:
            return _call_row(func, args, kwargs)
        raise no_rule(func)


def record(function: Any, args: Any, kwargs: Mapping[str, Any] = _NO_KEYWORDS) -> Tensor:
    """Compute `function(*args, **kwargs)` of Tensors and constants, and remember it."""
    if len(args) == 1:
        return node(function, args, (args[0]._value,), (0,), args[0].line, kwargs)
    args = tuple([x if type(x) is Tensor else freeze(x) for x in args])
    values = tuple([x._value if type(x) is Tensor else x for x in args])
    positions = tuple([i for i, x in enumerate(args) if type(x) is Tensor])
    return node(function, args, values, positions, any(args[i].line for i in positions), kwargs)


def node(
    function: Any,
    args: Sequence[Any],  # nobody else can change them
    values: tuple[Any, ...],
    positions: tuple[int, ...],
    lined: Any,  # whether it knows its line
    kwargs: Mapping[str, Any] = _NO_KEYWORDS,
    value: Any = None,  # or a pair: with what the rule is to have again
) -> Tensor:
    """A Tensor with these attributes, its value computed unless it is known."""
    if value is None:
        forward = TABLE[function].forward
        value = forward(*values, **kwargs) if kwargs else forward(*values)
    tensor: Tensor = _new(Tensor)
    tensor.grad = tensor.name = None
    if type(value) is tuple:
        value, kept = value
        values = (*values, kept)
    tensor._value = value
    tensor.function = function
    tensor.args = args
    tensor.values = values
    tensor.positions = positions
    tensor.kwargs = kwargs
    tensor.line = caller.line() if lined else None
    tensor.groups = ()
    tensor.order = tick()
    return tensor


def _call_row(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
    """Record a NumPy call as written: operands by position, options by keyword, no others."""
    operands, options, others = sorted_out(function, args, kwargs)
    if others:
        raise unknown(f"{spelling(function)} on a Tensor", others)
    return record(function, operands, {k: freeze_option(v) for k, v in options.items()})
