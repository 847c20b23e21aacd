"""What a node is, of logits u: e^u, its sum over axes, a softmax, a sigmoid, their logarithms.

>>> z = Tensor([2.0, 1.0])
>>> e = np.exp(z)
>>> found = Idioms(Structure()).find(e / e.sum())
>>> found.kind, found.u is z, found.axes
('softmax', True, (0,))
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.calls import left, reduced, scalar
from tinygrad_lossmix.compiler.patterns.published import STABLE, Pattern
from tinygrad_lossmix.compiler.patterns.structure import (
    Labels,
    Shape,
    Structure,
    aligned,
    laid,
    moved,
    negative,
    over,
    quotients,
    shift_of,
    sides,
)
from tinygrad_lossmix.engine.rules import astype, getitem
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.layers import LAYERS

Found = tuple[Tensor, Pattern]

VIEWS = {np.transpose, np.reshape, np.broadcast_to, getitem, astype}
ELEMENTWISE = {"exp", "tanh", *(name for name in LAYERS if not LAYERS[name].distribution)}
KINDS = {f: f.__name__ for layer in LAYERS.values() for f in layer.rows}
KINDS |= {np.exp: "exp", np.expm1: "exp", np.tanh: "tanh"}  # the rest of expm1: `Structure.affine`
OVER_AN_AXIS = {f for layer in LAYERS.values() if layer.distribution for f in layer.rows}


class Idiom(NamedTuple):
    """What a node is."""

    kind: str
    u: Tensor
    axes: tuple[int, ...]  # of u: those it was taken over
    labels: Labels  # for each axis of the node the one of u that it runs along

    def stable(self, what: str, shape: Shape) -> Found | None:
        """What takes the place of x, 1 - x … for a node x of this kind; None where nothing does."""
        if (what, self.kind) not in STABLE:
            return None
        function, pattern = STABLE[what, self.kind]
        return self.replaced_by(function, shape), pattern

    def replaced_by(self, function: Callable[..., Tensor], shape: Shape) -> Tensor:
        """A function of u, over the axes if there are any, laid out like the node."""
        return laid(over(function, self.u, self.axes), self.labels, shape)

    def logits(self, shape: Shape) -> Tensor:
        """u as the node has it, for an idiom of entries."""
        return laid(self.u, self.labels, shape)


class Idioms:
    """The idioms of the nodes of one recording, each found once.

    Asked of nodes in the order of their creation, it never goes deeper than a few.
    """

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self._known: dict[Tensor, Idiom | None] = {}
        self._rules: dict[Any, Callable[[Tensor], Idiom | None]] = {
            np.sum: self._sum,
            np.mean: self._sum,  # the rest of it is in `Structure.affine`
            **dict.fromkeys((np.divide, np.power, np.reciprocal), self._quotient),
            np.multiply: self._product,
            **dict.fromkeys(VIEWS, self._view),
            **dict.fromkeys(KINDS, self._row),
        }

    def find(self, node: Any) -> Idiom | None:
        """What a node is; None for anything else."""
        if type(node) is not Tensor:
            return None
        a, b, core = self.structure.affine(node)
        return self.core(core) if a == 0.0 and b == 1.0 else None

    def core(self, node: Tensor) -> Idiom | None:
        """What the x of `Structure.affine` is."""
        if node not in self._known:
            rule = self._rules.get(node.function)
            self._known[node] = rule(node) if rule else None
        return self._known[node]

    def note(self, node: Tensor, idiom: Idiom) -> None:
        """Take note of what a node is, that was made to be it."""
        self._known[node] = idiom

    def is_a(self, node: Any, *kinds: str) -> Idiom | None:
        """The idiom of a node that is one of these kinds."""
        found = self.find(node)
        return found if found and found.kind in kinds else None

    def one_plus_exp(self, node: Any) -> tuple[float, Tensor] | None:
        """c, v with node = c(1 + e^v)."""
        if type(node) is not Tensor:
            return None
        a, b, x = self.structure.affine(node)
        found = self.core(x) if a == b != 0.0 else None
        return (a, found.logits(x.shape)) if found and found.kind == "exp" else None

    def one_plus_tanh(self, a: float, b: float, x: Tensor) -> Tensor | None:
        """u with a + b·x = 2a·sigmoid(u), where x is tanh(w) and b = ±a: 2w or -2w."""
        found = self.core(x) if a == abs(b) > 0.0 else None
        if not found or found.kind != "tanh":
            return None
        u = found.logits(x.shape)
        slope, half, whole = self.structure.affine(u)
        if slope == 0.0 and abs(half) == 0.5:
            return whole if b * half > 0.0 else negative(whole)
        return 2.0 * u if b > 0.0 else negative(2.0 * u)

    def _row(self, node: Tensor) -> Idiom | None:
        """A function of entries, or of one axis, as it is."""
        u, *axis = node.args
        kind, of = KINDS[node.function], self.find(u)
        if kind == "exp" and of and of.kind in ("log_softmax", "log_sigmoid"):
            return of._replace(kind=of.kind.removeprefix("log_"))
        found = entries(kind, u)
        if node.function in OVER_AN_AXIS:
            found = found._replace(axes=((axis or [node.kwargs.get("axis", -1)])[0] % u.ndim,))
        if kind == "logsumexp":
            found = found._replace(labels=left(found.labels, found.axes, node.ndim == u.ndim, None))
        return found

    def _view(self, node: Tensor) -> Idiom | None:
        found = self.find(node.args[0])
        if found is None:
            return None
        if node.function is astype:
            return found._replace(u=found.u.astype(node.dtype))
        labels = moved(node, found.labels)
        if labels is not None:
            return found._replace(labels=labels)
        if found.kind not in ELEMENTWISE:
            return None
        u = found.logits(node.args[0].shape)
        u = u[node.kwargs["key"]] if node.function is getitem else u.reshape(node.shape)
        return entries(found.kind, u)

    def _sum(self, node: Tensor) -> Idiom | None:
        x = node.args[0]
        found = self.is_a(x, "exp")
        if found is None or not x.size:
            return None
        summed = reduced(node)
        axes = [label for i in summed if (label := found.labels[i]) is not None]
        if not axes or len(axes) < len(summed):
            return None
        labels = left(found.labels, summed, node.ndim == x.ndim, None)
        return Idiom("total", found.u, tuple(sorted(axes)), labels)

    def _quotient(self, node: Tensor) -> Idiom | None:
        for x, y in quotients(node):
            found = self._softmax(x, y) if fits(x, node) else None
            if found is None and fits(y, node):
                found = self._sigmoid(x, y) or self._inverse(x, y)
            if found is not None:
                return found
        return None

    def _product(self, node: Tensor) -> Idiom | None:
        """Also e^u·sigmoid(-u), where 1/(1 + e^u) has become a sigmoid already."""
        for x, y in sides(node):
            e, s = self.is_a(x, "exp"), self.is_a(y, "sigmoid")
            if e and s and x.shape == y.shape == node.shape:
                u = e.logits(x.shape)
                if self.structure.same(u, negative(s.logits(y.shape))):
                    return entries("sigmoid", u)
        return self._quotient(node)

    def _softmax(self, x: Any, y: Any) -> Idiom | None:
        e, total = self.is_a(x, "exp"), self.is_a(y, "total")
        if not e or not total or not self.structure.same(e.u, total.u):
            return None
        if not aligned(e.labels, total.labels, total.axes, e.u.shape):
            return None
        return e._replace(kind="softmax", u=unshifted(e.u, total.axes), axes=total.axes)

    def _sigmoid(self, x: Any, y: Any) -> Idiom | None:
        """1/(1 + e^v) and e^v/(1 + e^v)."""
        below = self.one_plus_exp(y)
        if below is None:
            return None
        c, v = below
        if scalar(x) == c:
            return entries("sigmoid", negative(v))
        e = self.is_a(x, "exp") if c == 1.0 and np.shape(x) == y.shape else None
        if e is None or not self.structure.same(e.logits(v.shape), v):
            return None
        return entries("sigmoid", v)

    def _inverse(self, x: Any, y: Any) -> Idiom | None:
        """1/e^v."""
        e = self.is_a(y, "exp")
        return e._replace(u=negative(e.u)) if e and scalar(x) == 1.0 else None


def entries(kind: str, u: Tensor) -> Idiom:
    """A function of each entry of u."""
    return Idiom(kind, u, (), tuple(range(u.ndim)))


def fits(x: Any, node: Tensor) -> bool:
    """Whether an operand has the shape of the result."""
    return type(x) is Tensor and x.shape == node.shape


def unshifted(u: Tensor, axes: tuple[int, ...]) -> Tensor:
    """u without what was added all along the axes: a softmax does not change by it."""
    while (found := shift_of(u, axes)) is not None:
        u = found[0]
    return u
