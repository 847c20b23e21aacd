"""What may enter a recording, and how: nothing that is recorded can be changed afterwards."""

import copy
import operator
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.refusals import NoArray
from tinygrad_lossmix.engine.table import INTEGER, REAL, is_duck

FLOATS = {np.dtype(code) for code in "efdg"}  # in this machine's byte order
NATIVE = FLOATS | {np.dtype(code) for code in "?bhilqBHILQ"}


def as_floats(data: Any, copy: bool) -> Any:
    """The array of a new variable: float arrays keep their dtype, numbers and lists are float64.

    Raises:
        TypeError: not made of real floats.
    """
    if type(data) is np.ndarray and data.dtype in FLOATS:
        return np.array(data) if copy else data.view()
    if type(data) is int or type(data) is float:
        return np.float64(data)
    if type(data) is np.ndarray or isinstance(data, np.generic):
        array = data
    elif isinstance(data, list | tuple):
        array = _from_list(data)
        array = np.asarray(array, np.float64) if array.dtype.kind in INTEGER else array
    else:
        advice = {"MaskedArray": "fill the masked entries", "Tensor": "take t.data"}
        kind = type(data).__name__
        raise TypeError(
            f"a Tensor is made of a number, a list of numbers or a float array, not of {kind}: "
            f"{advice.get(kind, 'convert it')} first, e.g. np.asarray(x, dtype=float)"
        )
    if array.dtype.kind != "f":
        raise TypeError(
            f"a Tensor holds floats, not {array.dtype}: convert with x.astype(float), "
            "or leave it a plain array if it is a constant (labels, indices, a mask)"
        )
    return native(array)


def native(array: Any) -> Any:
    """An array in this machine's byte order, as everything behind the door is."""
    return array if array.dtype.isnative else array.astype(array.dtype.type)


def freeze(value: Any) -> Any:
    """A constant as it is recorded: an array is copied, so that changing it later does no harm.

    Raises:
        TypeError: not a real number, nor an array or list of them.
    """
    kind = type(value)
    if kind is float or kind is int or kind is bool:
        return value
    if kind is np.ndarray and value.dtype in NATIVE:
        value = np.array(value)
        value.setflags(False)
        return value
    if kind is list or kind is tuple:
        value = _from_list(value)
    if is_duck(value):
        return value
    if isinstance(value, np.ndarray | np.generic) and not isinstance(value, np.ma.MaskedArray):
        if value.dtype.kind in REAL:
            return value if isinstance(value, np.generic) else freeze(native(np.array(value)))
        kind = f"{kind.__name__} of {value.dtype}"  # type: ignore[assignment]
    hint = " (a .grad is None until backward() has filled it)" if value is None else ""
    raise TypeError(
        "a Tensor can be combined with real numbers and plain arrays of them, "
        f"not with {getattr(kind, '__name__', kind)}{hint}"
    )


def freeze_option(option: Any) -> Any:
    """An option such as an axis or a shape, as it is recorded: what can be changed is copied.

    What NumPy takes for an integer, `np.int64(1)` or anything with `__index__`, becomes one.

    Raises:
        TypeError: there is a Tensor in it, or something that cannot be copied.
    """
    if option is None or type(option) in (int, float, bool, str):
        return option
    if isinstance(option, NoArray):
        raise TypeError("a Tensor cannot be an option: pass operands by position")
    if type(option) is tuple:
        return tuple(map(freeze_option, option))
    if hasattr(option, "__index__") and not isinstance(option, np.ndarray | np.bool):
        return operator.index(option)
    try:
        return copy.deepcopy(option)
    except TypeError as error:
        if "pickle" not in str(error):
            raise
        raise TypeError(f"an option such as an axis is not {type(option).__name__}") from None


def integers(numbers: tuple[Any, ...]) -> Any:
    """A shape or axes as a tuple: `f(2, 3)`, `f((2, 3))` and `f([2, 3])` mean the same.

    Raises:
        TypeError: not integers.
    """
    first = numbers[0] if len(numbers) == 1 else numbers
    try:
        return tuple(map(operator.index, first if np.iterable(first) else (first,)))
    except TypeError:
        raise TypeError(f"integers or a tuple of them, not {type(first).__name__}") from None


def freeze_index(key: Any) -> Any:
    """Any index that NumPy takes, as it is recorded: arrays and lists in it become new arrays.

    Raises:
        TypeError: there is a Tensor in it.
    """
    return tuple(map(_freeze_part, key)) if isinstance(key, tuple) else _freeze_part(key)


def _freeze_part(part: Any) -> Any:
    if part is None or part is Ellipsis or type(part) is int or is_duck(part):
        return part
    if isinstance(part, slice):
        bounds = (part.start, part.stop, part.step)
        return slice(*[b if b is None else operator.index(b) for b in bounds])
    if isinstance(part, NoArray):
        raise TypeError(
            "a Tensor cannot be an index: use integers, or a mask such as t > 0 in t[t > 0]"
        )
    index = np.array(part)
    if isinstance(part, list) and not index.size:
        index = index.astype(np.intp)
    if index.dtype == object and hasattr(part, "__index__"):
        return operator.index(part)
    index.setflags(write=False)
    return index


def _from_list(numbers: Any) -> np.ndarray[Any, Any]:
    try:
        return np.array(numbers)
    except ValueError:
        raise TypeError(
            "a list of numbers must be rectangular: its rows differ in length"
        ) from None
