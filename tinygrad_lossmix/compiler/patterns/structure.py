"""What a recording says about itself: which nodes are the same, a + b·x, a quotient, a view.

Questions of structure only: the values of Tensors are never looked at, those of constants where
they are plain numbers.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.calls import (
    Affine,
    Numbering,
    normal,
    reduced,
    relabels,
    scalar,
    step,
)
from tinygrad_lossmix.engine.rules import getitem
from tinygrad_lossmix.engine.table import NUMPYS, Array
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
        for above, (a, b, x) in reversed(path):
            shift, slope = b * below[0], b * below[1]
            total = a + shift
            if not normal(slope) or total - a != shift or total - shift != a:
                total, slope, below = a, b, (0.0, 1.0, x)  # a constant would be lost
            self._affine[above] = below = total, slope, below[2]
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
    if u.function is np.negative:
        back: Tensor = u.args[0]
        return back
    return -u


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
