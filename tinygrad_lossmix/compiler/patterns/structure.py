"""What a recording says about itself: which nodes are the same, a + b·x, a quotient, a view.

Questions of structure only: the values of Tensors are never looked at, those of constants where
they are plain numbers.

Labels say, for each axis of a node, which axis of the logits u it runs along; None: none, the node
is the same all along it. `e / e.sum(axis=1)[:, None]` and `(e.T / e.sum(axis=1)).T` have the same.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.calls import (
    Affine,
    Numbering,
    along,
    left,
    normal,
    parts,
    reduced,
    relabels,
    scalar,
    step,
)
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.rules import getitem
from tinygrad_lossmix.engine.table import NUMPYS, Array, is_duck
from tinygrad_lossmix.engine.tensor import Tensor

COMMUTATIVE = {np.add, np.multiply, np.maximum, np.minimum, np.logaddexp}
REDUCTIONS = {np.sum, np.mean, np.prod, np.max, np.min, np.var}
_PRODUCTS = {np.sum: (np.multiply,), np.matmul: (np.matmul,), np.einsum: (np.einsum,)}
_INVERSES: dict[Any, Callable[..., Any]] = {
    np.reciprocal: lambda y: y,
    np.divide: lambda x, y: y if scalar(x) == 1.0 else None,
    np.power: lambda y, x: y if scalar(x) == -1.0 else None,
}
Pairs = list[tuple[Any, Any]]
Labels = tuple[int | None, ...]
Shape = tuple[int, ...]


class Structure:
    """Answers about the nodes of one recording, each found once."""

    def __init__(self) -> None:
        self._numbering = Numbering(Tensor)
        self._numbers: dict[Any, int] = {}  # by function, numbers of the arguments, options
        self._affine: dict[Tensor, Affine] = {}

    def same(self, x: Tensor, y: Tensor) -> bool:
        """Whether two nodes hold the same numbers because they were computed in the same way."""
        return x is y or (x.shape == y.shape and self.number(x) == self.number(y))

    def same_rows(self, x: Any, y: Any) -> bool:
        """`same`, but for axes of length one; of constants too."""
        return x is y or self._row(x) == self._row(y)

    def affine(self, node: Tensor) -> Affine:
        """a, b, x with node = a + b·x; of e^u - 1 and of a mean, x stands for e^u and the sum."""
        path = []
        while node not in self._affine:
            found = step(node)
            if found is None or found[2] is node:
                self._affine[node] = found or (0.0, 1.0, node)
            else:
                path.append((node, found))
                node = found[2]
        below = self._affine[node]
        for above, (a, b, _) in reversed(path):
            shift, slope, x = b * below[0], b * below[1], below[2]
            total = a + shift
            if not normal(slope) or total - a != shift or total - shift != a:
                total, slope, x = 0.0, 1.0, above  # a constant would be lost
            self._affine[above] = below = total, slope, x
        return below

    def number(self, node: Tensor) -> int:
        """Equal for nodes that were computed in the same way from the same leaves."""
        of, waiting = self._numbering.of, [node]
        while waiting:
            last = waiting[-1]
            missing = [arg for arg in last.args if type(arg) is Tensor and arg not in of]
            if last in of or not missing:
                waiting.pop()
                if last not in of:
                    of[last] = self._numbers.setdefault(self._key(last), len(self._numbers))
            else:
                waiting += missing
        return of[node]

    def _key(self, node: Tensor, loose: bool = False) -> Any:
        """What a node is known by; `loose`: whatever became of the axes that were reduced."""
        if not repeats(node.function):
            return id(node)
        args = list(map(self._numbering.key, node.args))
        if node.function in COMMUTATIVE:
            args.sort(key=repr)
        options = dict(node.kwargs)
        if node.function in REDUCTIONS:
            options["axis"] = reduced(node)
            if loose:
                del options["keepdims"]
        options = {k: v for k, v in options.items() if v is not None and v is not False}
        return node.function, tuple(args), self._numbering.key(options)

    def _row(self, x: Any) -> Any:
        if type(x) is not Tensor:
            return self._numbering.key(x.squeeze() if type(x) is np.ndarray else x)
        while x.function in (np.reshape, getitem) and relabels(x):
            x = x.args[0]
        number = self.number(x)
        return self._key(x, loose=True) if x.function in REDUCTIONS else number


def repeats(function: Any) -> bool:
    """Whether a function gives the same value twice: NumPy's and ours; of others nobody knows."""
    module = getattr(function, "__module__", None) or ""
    return isinstance(function, NUMPYS) or module.startswith("tinygrad_lossmix.")


def sides(node: Tensor) -> Pairs:
    """The operands of a sum or product in either order."""
    x, y = node.args
    return [(x, y), (y, x)]


def quotients(node: Tensor) -> Pairs:
    """x, y with node = x / y, also where it is x · (1/y), x · y^-1 or y^-1 alone."""
    if node.function is np.divide:
        return sides(node)[:1]
    products = sides(node) if node.function is np.multiply else [(1.0, node)]
    return [(x, y) for x, factor in products if (y := inverted(factor)) is not None]


def inverted(node: Any) -> Tensor | None:
    """y where node is 1/y."""
    if type(node) is not Tensor or node.function not in _INVERSES:
        return None
    y = _INVERSES[node.function](*node.args)
    return y if type(y) is Tensor and y.shape == node.shape else None


def differences(node: Tensor) -> Pairs:
    """x, y with node = x - y, also where it is x + -y; of a sum or difference."""
    if node.function is np.subtract:
        return sides(node)[:1]
    negated = [(x, y) for x, y in sides(node) if type(y) is Tensor and y.function is np.negative]
    return [(x, y.args[0]) for x, y in negated]


def negative(u: Tensor) -> Tensor:
    """-u, and u of -u."""
    return u.args[0] if u.function is np.negative else -u


def shift_of(u: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Any, bool] | None:
    """x, s, and whether u = x + s rather than x - s, with s the same all along the axes."""
    if u.function not in (np.add, np.subtract):
        return None
    for x, s in sides(u) if u.function is np.add else sides(u)[:1]:
        if type(x) is Tensor and x.shape == u.shape:
            shape = getattr(s, "shape", ())
            shape = (1,) * (u.ndim - len(shape)) + tuple(shape)
            if all(shape[i] == 1 for i in axes):
                return x, s, u.function is np.add
    return None


class Contraction(NamedTuple):
    """Σ w·x over axes of x."""

    x: Tensor
    w: Any  # a constant
    axes: tuple[int, ...]
    keepdims: bool


def contraction(node: Tensor) -> Contraction | None:
    """Σ w·x with x of the product's shape, summed, dotted or by einsum; None for anything else."""
    product = node.args[0] if node.function is np.sum else node
    if product.function not in _PRODUCTS.get(node.function, ()) or len(product.args) != 2:
        return None
    x, w = product.args if type(product.args[0]) is Tensor else product.args[::-1]
    if type(w) is Tensor:
        return None
    if node.function is np.sum:
        fits = x.shape == product.shape
        return Contraction(x, w, reduced(node), node.ndim == x.ndim) if fits else None
    if node.function is np.matmul:
        return Contraction(x, w, (0,), False) if node.ndim == 0 else None
    terms, out = node.kwargs["subscripts"].split("->")
    one, other = terms.split(",")
    once = one == other and len(set(one)) == len(one) and "".join(c for c in one if c in out) == out
    if not once or x.shape != getattr(w, "shape", ()):
        return None
    return Contraction(x, w, tuple(i for i, c in enumerate(one) if c not in out), False)


def one_hot(found: Contraction) -> Array | None:
    """Where w is 1, if it picks one entry of each sum; None where it does not, or is not known."""
    w = found.w
    if type(w) is not np.ndarray or w.shape != found.x.shape or not found.axes:
        return None
    mask = w == 1
    if not (mask | (w == 0)).all() or not (mask.sum(axis=found.axes) == 1).all():
        return None
    return mask


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
    return result if result.ndim == u.ndim else result.reshape(left(u.shape, axes, True, 1))


def picks_its_row(key: Any, u: Tensor, axes: tuple[int, ...], labels: Labels, shape: Shape) -> bool:
    """Whether u[key] meets, entry by entry, the total over `axes` of its own row.

    labels, shape: of that total.
    """
    kept = left(u.shape, axes, True, 1)
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


def regroup(cost: Tensor, new: Mapping[Any, Any], moments: Mapping[Tensor, int]) -> None:
    """Give the groups of a recording to what takes the place of its nodes, if their inputs do.

    Args:
        new: what takes the place of each node, and of constant arrays by their ids.
        moments: for each node that is recorded again, in order, when that was begun.
    """
    alive, begun = set(nodes(new[cost])), [*moments.values()]
    orders = [before.order for before in moments]
    for before in moments:
        after = new[before]
        if after is before or after not in alive:
            continue
        for name, args, start in before.groups:
            kept = tuple(new.get(x if type(x) is Tensor else id(x), x) for x in args)
            if all(x in alive for x in kept if type(x) is Tensor):
                after.groups += ((name, kept, begun[bisect_left(orders, start)]),)
