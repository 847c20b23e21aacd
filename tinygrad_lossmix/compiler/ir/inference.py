"""The shape and dtype of a call's result, from those of its arguments.

>>> kind_of(np.add, (np.zeros((2, 1)), np.zeros(3, np.float32)), {})
Kind(shape=(2, 3), dtype=dtype('float64'))
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.calls import parts
from tinygrad_lossmix.compiler.indexing import OF_CLASSES, added, taken
from tinygrad_lossmix.engine.rules import astype, getitem, scatter
from tinygrad_lossmix.engine.table import is_duck


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


OF_ANY = (astype, getitem, scatter, taken, added, *OF_CLASSES)  # the same for zeros


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
        TypeError: the result is not one array, or its shape depends on numbers.
        ValueError: the shapes do not go together.
    """
    if isinstance(function, np.ufunc) and function.signature is None and not kwargs:
        return elementwise(function, args)[0]
    if function is np.matmul and not kwargs:
        return _product(*args)
    if function in OF_NUMBERS or _is_mask(kwargs.get("key")):
        raise TypeError(
            "the shape of this result depends on the numbers in a mask, which are not known when a "
            "function is compiled: choose with np.where(mask, x, 0) instead of x[mask]"
        )
    # zeros do for what NumPy computes of any numbers, not for an inverse, or a user's function
    like = stand_in if _takes_zeros(function) else numbers_of
    result = applied(function, *map(like, args), **{k: like(v) for k, v in kwargs.items()})
    if not isinstance(result, np.ndarray | np.generic):
        name = getattr(function, "__name__", function)
        raise TypeError(f"{name} cannot be compiled: it gives {type(result).__name__}, no array")
    return Kind(result.shape, result.dtype)


def _takes_zeros(function: Any) -> bool:
    module = getattr(function, "__module__", None) or "numpy"
    return module == "numpy" or function in OF_ANY


def applied(function: Any, *args: Any, **kwargs: Any) -> Any:
    """The value of a call of a program on arrays."""
    if function is np.reshape:  # whose keyword has another name before NumPy 2.1
        return args[0].reshape(kwargs["shape"])
    return function(*args, **kwargs)


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
    plain = (bool, int, float, complex)  # NumPy adapts these to the dtype of the others
    kinds: list[Any] = [
        type(x) if type(x) in plain[1:] else getattr(x, "dtype", np.dtype(bool)) for x in args
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


def _is_mask(key: Any) -> bool:
    return any(is_duck(part) and part.dtype == bool for part in parts(key))
