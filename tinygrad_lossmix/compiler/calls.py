"""What one call says about itself, be it in a recording or in a program, and what it is known by.

A Tensor of a recording and a traced array of a program both hold the function that was called, its
arguments and options, and a shape. Nothing is asked of the numbers of either; of constants only
whether they are one number, or equal.

>>> x = Tensor(np.zeros((2, 1, 3)))
>>> reduced(x.sum(axis=-1)), along(x.T), along(x[:, 0, None, 1:])
((2,), (2, 1, 0), (0, None, 2))
>>> step(2.5 - x) == (2.5, -1.0, x)
True
>>> key = Numbering(Tensor).key
>>> key((1, np.zeros(2))) == key((1, np.zeros(2))), key(0.0) == key(-0.0), key([1]) == key([1.0])
(True, False, False)
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_lossmix.engine.rules import getitem
from tinygrad_lossmix.engine.table import INTEGER, Array
from tinygrad_lossmix.engine.tensor import Tensor as Tensor

Call = Any  # a Tensor, or a traced array
Affine = tuple[float, float, Call]
Along = tuple[int | None, ...]


def uniform(x: Any) -> Any:
    """The entry that all of a constant array are, to the bit; None where they differ."""
    if type(x) is not np.ndarray or not x.size:
        return None
    first = x.flat[0]
    if first != x.flat[-1] or not (x == first).all():
        return None
    same = first or x.tobytes() == np.full(x.shape, first, x.dtype).tobytes()  # 0.0 is not -0.0
    return first if same else None


def scalar(x: Any) -> float | None:
    """The number that a constant is, or is full of; None for anything else.

    None for one between two of float64's, too: a longdouble, a large integer.
    """
    if not isinstance(x, int | float | np.number | np.bool_):
        x = uniform(x)
    return None if x is None or (c := float(x)) != x == x else c


def number(x: Any) -> float | None:
    """The finite number that a constant is; None for anything else, arrays full of one too."""
    c = None if getattr(x, "ndim", 0) else scalar(x)
    return c if c is not None and math.isfinite(c) else None


def axes_of(ndim: int, axis: Any) -> tuple[int, ...]:
    """The axes that an option `axis` means, in order, counted from the first; None: all.

    Raises NumPy's AxisError for an axis that is not there.
    """
    given = range(ndim) if axis is None else axis  # NumPy lets a number have an axis to sum over
    return tuple(sorted(normalize_axis_tuple(given, max(ndim, 1))))[:ndim]


def reduced(call: Call) -> tuple[int, ...]:
    """The axes that a reduction is taken over, counted from the first."""
    x = call.args[0]
    return axes_of(x.ndim if hasattr(x, "ndim") else np.ndim(x), call.kwargs.get("axis"))


def left(places: tuple[Any, ...], axes: tuple[int, ...], keepdims: Any, gone: Any) -> Any:
    """What the axes of a reduction have of what those of its argument have; `gone` if reduced."""
    kept = enumerate(places)
    return tuple(gone if i in axes else place for i, place in kept if keepdims or i not in axes)


def repeated(given: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes over which a product of one shape is summed for an argument of another."""
    extra = len(given) - len(shape)
    return tuple(i for i, n in enumerate(given) if i < extra or n != shape[i - extra])


def parts(key: Any) -> tuple[Any, ...]:
    """What an index is made of."""
    return key if isinstance(key, tuple) else (key,)


def spelled_out(key: Any, ndim: int) -> tuple[Any, ...]:
    """The parts of an index, one for each of ndim axes, and None."""
    given = (*parts(key), ...)
    i = next(i for i, part in enumerate(given) if part is ...)
    rest = [part for part in given if part is not ...]
    whole = ndim - sum(part is not None for part in rest)
    return (*rest[:i], *[slice(None)] * whole, *rest[i:])


def is_plain(key: Any) -> bool:
    """Whether an index is made of slices and numbers, which are known."""
    return all(
        part is None
        or part is Ellipsis
        or type(part) in (slice, int)
        or isinstance(part, np.integer)
        or (type(part) is np.ndarray and not part.shape and part.dtype.kind in INTEGER)
        for part in parts(key)
    )


def along(view: Call) -> Along | None:
    """For each axis of a view the axis of its argument that it runs along; None: it is a new one.

    None in place of all where the call is no view: it does more than name, move and cut axes.
    """
    if not view.args:
        return None
    function, x = view.function, view.args[0]
    if function is np.transpose:
        axes = view.kwargs.get("axes")
        every = range(x.ndim)
        return tuple(every[::-1] if axes is None else [every[i] for i in np.atleast_1d(axes)])
    if function is np.broadcast_to:
        new = view.ndim - x.ndim
        repeated = np.not_equal(x.shape, view.shape[new:])
        return (*[None] * new, *[None if again else i for i, again in enumerate(repeated)])
    if function is np.reshape:
        if view.shape == x.shape:
            return tuple(range(x.ndim))
        if [n for n in view.shape if n != 1] != [n for n in x.shape if n != 1]:
            return None
        long = iter([i for i, n in enumerate(x.shape) if n != 1])
        return tuple(next(long) if n != 1 else None for n in view.shape)
    if function is not getitem or not is_plain(view.kwargs["key"]):
        return None
    found: list[int | None] = []
    axis = 0
    for part in spelled_out(view.kwargs["key"], x.ndim):
        if part is None or isinstance(part, slice):
            found.append(None if part is None else axis)
        axis += part is not None
    return tuple(found)


def relabels(view: Call) -> bool:
    """Whether a view shows all entries of its argument, in their order, if more than once."""
    if view.function is getitem and view.size == view.args[0].size:
        key = parts(view.kwargs["key"])
        forward = all(part.step is None or part.step > 0 for part in key if type(part) is slice)
        return forward and is_plain(key)
    return view.function is not getitem and along(view) is not None


def step(call: Call) -> Affine | None:
    """a, b, x with call = a + b·x, for numbers a and b; of e^u - 1 and of a mean, x is the call.

    None where it is nothing of the kind. Not for b·x that would over- or underflow.
    """
    function, args = call.function, call.args
    if function is np.negative:
        return 0.0, -1.0, args[0]
    if function is np.expm1:
        return -1.0, 1.0, call
    if function is np.mean and args[0].size:
        return 0.0, call.size / args[0].size, call
    if function not in (np.add, np.subtract, np.multiply, np.divide):
        return None
    (x, c), flipped = (args, False) if scalar(args[0]) is None else (args[::-1], True)
    c = scalar(c)
    if c is None or not math.isfinite(c) or x.shape != call.shape:
        return None
    if function is np.add:
        return c, 1.0, x
    if function is np.subtract:
        return (c, -1.0, x) if flipped else (-c, 1.0, x)
    if function is np.multiply:
        return 0.0, c, x
    return (0.0, 1.0 / c, x) if not flipped and c and normal(1.0 / c) else None


def normal(k: float, dtype: Any = np.float64) -> bool:
    """Whether a factor made of several is one: no number that over- or underflowed on the way."""
    limits = np.finfo(dtype)
    return bool(limits.tiny <= abs(k) <= limits.max)


def product(a: float, b: float) -> float:
    """a·b; NaN where it over- or underflows."""
    return a * b if normal(a * b) or a == 0.0 or b == 0.0 else math.nan


class Numbering:
    """Keys for what is in one recording or program: two things that are equal have the same.

    Args:
        kind: the type of its calls; each is known by the number it has in `of`.
    """

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.of: dict[Any, int] = {}
        self._arrays: dict[Any, list[Array]] = {}

    def key(self, value: Any) -> Any:
        """Something to compare and to look up by."""
        kind = type(value)
        if kind is self.kind:
            return self.of[value]
        if kind is np.ndarray:
            return "array", id(self.array(value))
        if isinstance(value, list | tuple):
            return kind, *map(self.key, value)
        if isinstance(value, Mapping):
            return tuple((name, self.key(value[name])) for name in sorted(value))
        if isinstance(value, slice):
            return kind, *map(self.key, (value.start, value.stop, value.step))
        if value is None or value is Ellipsis or isinstance(value, _BY_TEXT):
            return kind, repr(value)
        return "identity", id(value)

    def array(self, x: Array) -> Array:
        """The first array that was equal to this one: looked up by a few entries, then compared."""
        few = x.flat[:: max(x.size // 8, 1)].tobytes()
        alike = self._arrays.setdefault((x.dtype, x.shape, few), [])
        for other in alike:
            if x is other or x.tobytes() == other.tobytes():
                return other
        alike.append(x)
        return x


_BY_TEXT = (int, float, complex, str, np.generic, np.dtype)  # -0.0 is not 0.0, and nan is nan
