"""Where the axes of logits went: indices, reshapes, transposes, sums that keep or drop an axis.

Labels say, for each axis of a node, which axis of the logits u it runs along; None: none, the node
is the same all along it. `e / e.sum(axis=1)[:, None]` and `(e.T / e.sum(axis=1)).T` have the same.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import along, parts, relabels
from tinygrad_lossmix.engine.table import Array, is_duck
from tinygrad_lossmix.engine.tensor import Tensor

Labels = tuple[int | None, ...]
Shape = tuple[int, ...]


def moved(node: Tensor, labels: Labels) -> Labels | None:
    """The labels of a node from those of its argument; None: it does more than move axes."""
    if not relabels(node):
        return None
    return tuple(None if i is None else labels[i] for i in along(node) or ())


def aligned(x: Labels, total: Labels, axes: tuple[int, ...], shape: Shape) -> bool:
    """Whether a total over `axes` of u, of that shape, meets the entries of x it was taken of."""
    if len(total) > len(x):
        return False
    total = (None,) * (len(x) - len(total)) + total
    return all(
        _long(b, shape) == (None if a in axes else _long(a, shape))
        for a, b in zip(x, total, strict=True)
    )


def meets(s: Any, shift: Any, labels: Labels, ndim: int) -> bool:
    """Whether s lies along a total of those labels as `shift` lies along its logits, ndim axes."""
    given, taken = (getattr(x, "shape", ()) for x in (s, shift))
    if len(given) > len(labels):
        return False
    given = (1,) * (len(labels) - len(given)) + tuple(given)
    taken = (1,) * (ndim - len(taken)) + tuple(taken)
    long = [label for label in labels if label is not None]
    return long == sorted(long) and all(
        n == (1 if label is None else taken[label]) for n, label in zip(given, labels, strict=True)
    )


def laid(x: Any, labels: Labels, shape: Shape) -> Any:
    """x, whose axes are those of u or of length one, with the axes as labelled, in `shape`."""
    places = [_long(label, x.shape) for label in labels]
    order = [i for i in places if i is not None]
    if order != sorted(order):
        x = np.transpose(x, (*order, *(i for i in range(x.ndim) if i not in order)))
    thin = tuple(1 if i is None else n for n, i in zip(shape, places, strict=True))
    if x.shape != thin:
        x = np.reshape(x, thin)
    return x if x.shape == shape else np.broadcast_to(x, shape)


def _long(label: int | None, shape: Shape) -> int | None:
    return None if label is None or shape[label] == 1 else label


def over(function: Callable[..., Tensor], u: Tensor, axes: tuple[int, ...]) -> Tensor:
    """A function of entries or of one axis over several: u's shape, or length one along them."""
    if axes in ((), (u.ndim - 1,)):
        result = function(u)
    else:
        result = function(u, axis=axes if len(axes) > 1 else axes[0])
    kept = tuple(1 if i in axes else n for i, n in enumerate(u.shape))
    return result if result.ndim == u.ndim else result.reshape(kept)


def picks_its_row(key: Any, u: Tensor, axes: tuple[int, ...], labels: Labels, shape: Shape) -> bool:
    """Whether u[key] meets, entry by entry, the total over `axes` of its own row.

    labels, shape: of that total.
    """
    kept = tuple(1 if i in axes else n for i, n in enumerate(u.shape))
    rows: Array = np.arange(math.prod(kept)).reshape(kept)
    if any(map(is_duck, parts(key))):  # not known yet; which entry of its row it is does not matter
        places = [part for part in parts(key) if part is not None and part is not Ellipsis]
        if len(places) < max(len(parts(key)), u.ndim):
            return False
        entry = np.zeros((), np.intp)
        key = tuple(
            np.broadcast_to(entry, part.shape) if is_duck(part) and i in axes else part
            for i, part in enumerate(places)
        )
        if any(map(is_duck, key)):
            return False
    picked = np.broadcast_to(rows, u.shape)[key]
    met = laid(rows, labels, shape)
    whole = np.broadcast_shapes(picked.shape, shape) == picked.shape
    return whole and bool((picked == met).all())
