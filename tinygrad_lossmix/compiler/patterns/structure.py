"""What a recording says about itself: which nodes are the same, a + b·x, a quotient, a view.

Questions of structure only: the values of Tensors are never looked at, those of constants where
they are plain numbers.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.engine.freeze import traced
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor, getitem

COMMUTATIVE = {np.add, np.multiply, np.maximum, np.minimum, np.logaddexp}
REDUCTIONS = {np.sum, np.mean, np.prod, np.max, np.min, np.var}
_PRODUCTS = {np.sum: (np.multiply,), np.matmul: (np.matmul,), np.einsum: (np.einsum,)}
Affine = tuple[float, float, Tensor]
Pairs = list[tuple[Any, Any]]


class Structure:
    """Answers about the nodes of one recording, each found once."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}  # by function, numbers of the arguments, options
        self._of: dict[Tensor, int] = {}
        self._arrays: dict[Any, list[tuple[Array, int]]] = {}
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
            step = _step(node)
            if step is None or step[2] is node:
                self._affine[node] = step or (0.0, 1.0, node)
            else:
                path.append((node, step))
                node = step[2]
        found = self._affine[node]
        for above, (a, b, below) in reversed(path):
            shift, slope = b * found[0], b * found[1]
            total = a + shift
            if not normal(slope) or total - a != shift or total - shift != a:
                total, slope, found = a, b, (0.0, 1.0, below)  # a constant would be lost
            self._affine[above] = found = total, slope, found[2]
        return found

    def number(self, node: Tensor) -> int:
        """Equal for nodes that were computed in the same way from the same leaves."""
        waiting = [node]
        while waiting:
            last = waiting[-1]
            missing = [arg for arg in last.args if type(arg) is Tensor and arg not in self._of]
            if last in self._of or not missing:
                waiting.pop()
                self._of.setdefault(last, self._fresh(self._key(last)))
            else:
                waiting += missing
        return self._of[node]

    def _fresh(self, key: Any) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def _key(self, node: Tensor, loose: bool = False) -> Any:
        """What a node is known by; `loose`: whatever became of the axes that were reduced."""
        if not repeats(node.function):
            return id(node)
        args = [self._of[x] if type(x) is Tensor else self._option(x) for x in node.args]
        if node.function in COMMUTATIVE:
            args.sort(key=repr)
        options = dict(node.kwargs)
        if node.function in REDUCTIONS:
            options["axis"] = reduced(node)
            if loose:
                del options["keepdims"]
        options = {k: v for k, v in options.items() if v is not None and v is not False}
        kept = tuple((name, self._option(options[name])) for name in sorted(options))
        return node.function, tuple(args), kept

    def _row(self, x: Any) -> Any:
        if type(x) is not Tensor:
            return self._option(x.squeeze() if type(x) is np.ndarray else x)
        while x.function in (np.reshape, getitem) and _only_axes(x):
            x = x.args[0]
        self.number(x)
        return self._key(x, loose=True) if x.function in REDUCTIONS else self._of[x]

    def _option(self, value: Any) -> Any:
        """A constant or an option as something to compare by."""
        if isinstance(value, tuple):
            return tuple(map(self._option, value))
        if isinstance(value, slice):
            return "slice", value.start, value.stop, value.step
        if isinstance(value, float):
            return type(value), repr(value)  # -0.0 is not 0.0
        if value is None or isinstance(value, int | str | np.dtype | type(Ellipsis)):
            return type(value), value
        if not traced(value) and isinstance(value, np.ndarray | np.generic):
            return "array", self._array(np.asarray(value))
        return "identity", id(value)

    def _array(self, x: Array) -> int:
        """The number of a constant array: looked up by a few entries, then compared."""
        few = x.flat[:: max(x.size // 8, 1)].tobytes()
        alike = self._arrays.setdefault((x.dtype, x.shape, few), [])
        for other, number in alike:
            if x.tobytes() == other.tobytes():
                return number
        alike.append((x, self._fresh(("array", len(self._numbers)))))
        return alike[-1][1]


def repeats(function: Any) -> bool:
    """Whether a function gives the same value twice: NumPy's and ours; of others nobody knows."""
    name, module = (getattr(function, of, None) or "" for of in ("__name__", "__module__"))
    known = isinstance(function, np.ufunc) or vars(np).get(name, ()) is function
    return known or module.startswith("tinygrad_lossmix.")


def scalar(arg: Any) -> float | None:
    """The number that a constant is, or is full of; None for anything else."""
    if not traced(arg) and isinstance(arg, int | float | np.number | np.bool_):
        return float(arg)
    if type(arg) is not np.ndarray or not arg.size:
        return None
    first = arg.flat[0]
    if first != arg.flat[-1] or not (arg == first).all():
        return None
    return float(first)


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
    if type(node) is not Tensor or node.function not in (np.divide, np.power, np.reciprocal):
        return None
    x, *rest = node.args
    if node.function is np.divide and scalar(x) == 1.0:
        x = rest[0]
    elif node.function is np.divide or (node.function is np.power and scalar(rest[0]) != -1.0):
        return None
    return x if type(x) is Tensor and x.shape == node.shape else None


def differences(node: Tensor) -> Pairs:
    """x, y with node = x - y, also where it is x + -y; of a sum or difference."""
    if node.function is np.subtract:
        return sides(node)[:1]
    negated = [(x, y) for x, y in sides(node) if type(y) is Tensor and y.function is np.negative]
    return [(x, y.args[0]) for x, y in negated]


def _step(node: Tensor) -> Affine | None:
    """`Structure.affine`, one node deep."""
    function, args = node.function, node.args
    if function is np.negative:
        return 0.0, -1.0, args[0]
    if function is np.expm1:
        return -1.0, 1.0, node
    if function is np.mean and args[0].size:
        return 0.0, node.size / args[0].size, node
    if function not in (np.add, np.subtract, np.multiply, np.divide):
        return None
    x, y = args
    c, x, flipped = (scalar(y), x, False) if type(x) is Tensor else (scalar(x), y, True)
    if c is None or not np.isfinite(c) or x.shape != node.shape:
        return None
    if function is np.add:
        return c, 1.0, x
    if function is np.subtract:
        return (c, -1.0, x) if flipped else (-c, 1.0, x)
    if function is np.multiply:
        return 0.0, c, x
    return (0.0, 1.0 / c, x) if not flipped and c and normal(1.0 / c) else None


def normal(k: float) -> bool:
    """Whether a factor made of several is one: no number that over- or underflowed on the way."""
    return float(np.finfo(float).tiny) <= abs(k) < math.inf


def reduced(node: Tensor) -> tuple[int, ...]:
    """The axes that a reduction was taken over, from the first on."""
    n, axis = node.args[0].ndim, node.kwargs.get("axis")
    axes = range(n) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(sorted(i % n for i in axes))


def plain_key(key: Any, numbers: bool = False) -> bool:
    """Whether an index only gives the axes other places, or takes the one entry of some."""
    return all(
        part is None
        or part is Ellipsis
        or (isinstance(part, slice) and part == slice(None))
        or (numbers and type(part) is int)
        for part in (key if isinstance(key, tuple) else (key,))
    )


def _only_axes(node: Tensor) -> bool:
    """Whether a reshape or an index adds or drops axes of length one, and no more."""
    long = [[n for n in shape if n != 1] for shape in (node.args[0].shape, node.shape)]
    plain = node.function is np.reshape or plain_key(node.kwargs["key"], numbers=True)
    return long[0] == long[1] and plain


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
    if product.function not in _PRODUCTS.get(node.function, ()):
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
