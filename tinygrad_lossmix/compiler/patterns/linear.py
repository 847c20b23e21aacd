"""What a cost is linear in: weights on the values of nodes, passed down from a sum to its terms.

The reverse sweep with numbers and constant arrays apart, so that the labels at the end are the very
arrays that were put in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.calls import number, product, reduced, scalar
from tinygrad_lossmix.compiler.patterns.structure import contraction
from tinygrad_lossmix.engine.rules import filled, getitem, lift
from tinygrad_lossmix.engine.table import TABLE
from tinygrad_lossmix.engine.tensor import Tensor

UNARY = (np.negative, np.positive, np.sum, np.mean, np.reshape, np.transpose, getitem)


class Weight(NamedTuple):
    """of x: up/down · Σ w·x; w None: all ones."""

    up: float = 1.0
    down: float = 1.0
    w: Any = None

    @property
    def lost(self) -> bool:
        """Whether the constants that it is made of over- or underflowed on the way."""
        return math.isnan(self.up) or math.isnan(self.down)

    def whole(self, like: Tensor) -> Any:
        """As one array, in a Tensor's shape and dtype."""
        w, factor = _floats(self.w, like), self.up / self.down
        return w if factor == 1.0 else w * like.dtype.type(factor)

    def plus(self, other: Weight, like: Tensor) -> Weight:
        """The sum of two weights on the same Tensor."""
        if self.w is None and other.w is None:
            up = product(self.up, other.down) + product(other.up, self.down)
            return Weight(up, product(self.down, other.down))
        if (self.up, self.down) == (other.up, other.down):
            return Weight(self.up, self.down, _floats(self.w, like) + _floats(other.w, like))
        return Weight(w=self.whole(like) + other.whole(like))

    def times(self, c: Any, x: Tensor) -> Weight:
        """On x, of a weight on c·x."""
        if (k := number(c)) is not None:
            return self._replace(up=product(self.up, k))
        if getattr(c, "shape", None) != x.shape:
            c = np.broadcast_to(c, x.shape)
        return self._replace(w=c if self.w is None else _floats(self.w, x) * _floats(c, x))

    def over(self, c: Any, x: Tensor) -> Weight:
        """On x, of a weight on x/c."""
        if k := number(c):
            return self._replace(down=product(self.down, k))
        return self.times(np.divide(1.0, c), x)

    def summed(self, x: Any, axes: tuple[int, ...]) -> Weight:
        """On x, of a weight on a sum over axes of it."""
        return self if self.w is None else self._replace(w=filled(lift(self.w, x, axes), x.shape))

    def unary(self, node: Tensor) -> Weight:
        """On x, of a weight on a function of it that moves, adds or negates entries."""
        function, x, w = node.function, node.args[0], self.w
        if function is np.negative:
            return self._replace(up=-self.up)
        if function in (np.sum, np.mean):
            n = x.size / node.size if function is np.mean else 1.0
            return self._replace(down=self.down * n).summed(x, reduced(node))
        if function is getitem:
            w = _floats(w, node)
        rule = TABLE[function].rules[0]
        return self._replace(w=None if w is None else rule(w, node, x, **node.kwargs))


Terms = list[tuple[Tensor, Callable[[Weight], Weight]]]


def _floats(w: Any, like: Tensor) -> Any:
    """A weight as numbers to calculate with, of a mask too; ones for None."""
    if w is None:
        return np.ones(like.shape, like.dtype)
    return w if w.dtype.kind == "f" else w.astype(like.dtype)


class Linear:
    """The linear nodes of a recording. `times` knows products that are not spelled as such."""

    def __init__(self, times: dict[Tensor, tuple[Any, Tensor]]) -> None:
        self.times = times

    def operands(self, node: Tensor) -> Terms:
        """The Tensors that a node is linear in, each with the way from its weight to theirs.

        None where it is not linear in all.
        """
        function, args = node.function, node.args
        if function in (np.add, np.subtract):
            fit = [x.shape == node.shape if type(x) is Tensor else scalar(x) == 0.0 for x in args]
            signed = zip((1.0, -1.0 if function is np.subtract else 1.0), args, strict=True)
            terms: Terms = [
                (x, partial(Weight.times, c=c, x=x)) for c, x in signed if type(x) is Tensor
            ]
            return terms if all(fit) else []
        if function in UNARY:
            return [(args[0], lambda weight: weight.unary(node))] if args[0].size else []
        if found := contraction(node):
            x, c, axes, _ = found
            return [(x, lambda weight: weight.summed(x, axes).times(c, x))]
        if node in self.times:
            c, x = self.times[node]
        elif function in (np.multiply, np.divide):
            x, c = args[::-1] if function is np.multiply and type(args[1]) is Tensor else args
        elif function is np.where and node.ndim and scalar(args[2]) == 0.0:
            c, x, _ = args
        else:
            return []
        if type(x) is not Tensor or x.shape != node.shape or type(c) is Tensor:
            return []
        return [(x, partial(Weight.over if function is np.divide else Weight.times, c=c, x=x))]

    def terms(
        self, top: Tensor, weight: Weight, ends: Callable[[Tensor], bool]
    ) -> Iterator[tuple[Tensor, Weight]]:
        """The nodes where `ends` is true, or linearity ends, that a node is a sum of."""
        pending = {top.order: (top, weight)}
        newest = [-top.order]
        while newest:
            node, weight = pending.pop(-heappop(newest))
            operands = [] if ends(node) else self.operands(node)
            if not operands:
                yield node, weight
            for x, way in operands:
                part = way(weight)
                if x.order in pending:
                    part = pending[x.order][1].plus(part, x)
                else:
                    heappush(newest, -x.order)
                pending[x.order] = x, part
