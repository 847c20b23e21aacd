"""Logits and labels as the costs take them: checked once, at the door."""

import functools
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.freeze import native
from tinygrad_lossmix.engine.table import INTEGER, REAL, Array, dispatched, is_duck
from tinygrad_lossmix.engine.tensor import Tensor

_places = functools.lru_cache(32)(functools.partial(np.indices, sparse=True))


def logits(z: Any, output: str = "") -> Any:
    """Logits as a Tensor or a float array of at least one axis; integers become float64.

    Of an `output` layer that runs over the classes, softmax, a batch with one class is taken for
    what it is: a column, of classes.

    Raises:
        TypeError: not real numbers.
        ValueError: no axis of classes; softmax of a column.
    """
    if type(z) is not Tensor:
        z = numbers("logits", z)
    shape = z.shape
    if not shape or not shape[-1]:
        raise ValueError(
            "logits have at least one axis, the last one over the K ≥ 1 classes: z of (K,), not "
            f"{shape}"
        )
    if shape[-1] == 1 and output and z.size > 1:
        raise ValueError(
            f"{output} runs over the last axis, which has one entry in z of shape {shape}: every "
            "output is 1. Classes go along the last axis: z[:, 0] of a column of logits, z.T of "
            "several side by side"
        )
    return z


def numbers(what: str, x: Any) -> Array:
    """A float array of plain numbers; integers become float64. TypeError: not real, or masked;
    ValueError: rows of different length.
    """
    if is_duck(x):
        return x if x.dtype.kind == "f" else x.astype(np.float64)
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{what} cannot be masked: fill the masked entries, x.filled(0)")
    try:
        x = np.asarray(x)
    except ValueError:
        raise ValueError(f"{what} are a rectangular list: its rows differ in length") from None
    if x.dtype.kind in INTEGER:
        x = np.asarray(x, np.float64)
    if x.dtype.kind != "f":
        raise TypeError(f"{what} are real numbers, not {x.dtype}: convert with x.astype(float)")
    return native(x)


def labels(y: Any, like: Any) -> Array:
    """Labels as a new array in C order: of the logits' or outputs' shape and dtype, or classes.

    Args:
        y: an array of that shape (one-hot, soft, multi-hot; any real dtype), or classes 0 … K-1 of
            integer dtype, one for each row: shape without the last axis, K ≥ 2.
        like: the logits or outputs they belong to, a Tensor or an array.

    Returns:
        labels in shape and dtype of `like`; classes as they are, as indices (np.intp).

    Raises:
        ValueError: anything else, with what was given and what was expected.

    >>> labels([2, 0], np.zeros((2, 3)))
    array([2, 0])
    """
    shape = like.shape
    if type(y) is not np.ndarray:
        y = _as_array(y)
    if y.shape == shape and y.dtype is like.dtype:
        return y.copy()
    if y.dtype.kind not in REAL and y.dtype != like.dtype:
        way = "np.unique(y, return_inverse=True)[1]" if y.dtype.kind in "US" else "y.astype(float)"
        raise ValueError(f"labels are real numbers, not {y.dtype}: use {way}")
    if y.shape == shape:
        with np.errstate(over="ignore"):
            return y.astype(like.dtype, "C")
    if not shape or y.shape != shape[:-1]:
        more = f", or integer classes of shape {shape[:-1]}" if shape else ""
        raise ValueError(
            f"labels of shape {y.shape} do not belong to outputs of shape {shape}: "
            f"expected {shape}{more}"
        )
    k = shape[-1]
    if y.dtype.kind not in INTEGER:
        raise ValueError(
            f"classes are integers, not {y.dtype}: use y.astype(int), or labels of shape {shape}"
        )
    if k < 2:
        raise ValueError(f"classes need K ≥ 2 outputs, not {k}: give labels of shape {shape}")
    return classes(y, k)


@dispatched
def classes(y: Array, k: int) -> Array:
    """Classes 0 … K-1 as a new array of indices, ValueError for others."""
    if y.size and not 0 <= y.item(y.argmin()) <= y.item(y.argmax()) < k:  # y.min() takes ten times
        raise ValueError(
            f"classes are 0 … {k - 1} for {k} outputs, but y holds {y[(y < 0) | (y >= k)][0]}"
        )
    return y.astype(np.intp, "C")


def dense(y: Any, like: Any) -> Array:
    """Labels as `labels` takes them, in shape and dtype of what they belong to: classes as one-hot.

    >>> dense([2, 0], np.zeros((2, 3)))
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    y = labels(y, like)
    return y if y.ndim == len(like.shape) else one_hot(y, like.shape, like.dtype)


@dispatched
def one_hot(y: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """Labels of a shape for classes, known to be 0 … K-1."""
    found = np.zeros(shape, dtype)
    found[(*_places(y.shape), y)] = 1
    return found


def _as_array(y: Any) -> Array:
    if is_duck(y):
        return y
    if type(y) is Tensor:
        raise ValueError("labels are constants, not a Tensor: pass y.data")
    if isinstance(y, np.ma.MaskedArray):
        raise ValueError("labels cannot be masked: fill the masked entries, y.filled(0)")
    try:
        return np.asarray(y)
    except TypeError:
        raise ValueError(
            "labels are constants, not a list of Tensors: pass t.data of each"
        ) from None
    except ValueError:
        raise ValueError("labels are a rectangular list: its rows differ in length") from None


def require_finite(y: Array) -> Array:
    """Labels as they are; ValueError where they hold NaN or infinity."""
    if not is_duck(y) and not np.isfinite(y).all():
        raise ValueError(
            "labels are finite numbers, but y holds NaN or infinity: leave such rows out"
        )
    return y
