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

from tinygrad_lossmix.compiler.calls import product, reduced, scalar
from tinygrad_lossmix.compiler.patterns.structure import contraction
from tinygrad_lossmix.engine.rules import scatter
from tinygrad_lossmix.engine.tensor import Tensor, getitem

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


def _floats(w: Any, like: Tensor) -> Any:
    """A weight as numbers to calculate with, of a mask too; ones for None."""
    if w is None:
        return np.ones(like.shape, like.dtype)
    return w if w.dtype.kind == "f" else w.astype(like.dtype)


class Linear:
    """The linear nodes of a recording. `times` knows products that are not spelled as such."""

    def __init__(self, times: dict[Tensor, tuple[Any, Tensor]]) -> None:
        self.times = times

    def operands(self, node: Tensor) -> list[tuple[Tensor, Callable[[Weight], Weight]]]:
        """The Tensors that a node is linear in, each with the way from its weight to theirs.

        None where it is not linear in all.
        """
        function, args = node.function, node.args
        if function in (np.add, np.subtract):
            fit = [x.shape == node.shape if type(x) is Tensor else scalar(x) == 0.0 for x in args]
            signed = zip((1.0, -1.0 if function is np.subtract else 1.0), args, strict=True)
            if not all(fit):
                return []
            return [(x, partial(_signed, sign)) for sign, x in signed if type(x) is Tensor]
        if function in UNARY:
            return [(args[0], partial(_unary, node, args[0]))] if args[0].size else []
        if found := contraction(node):
            x, c, axes, _ = found
            return [(x, lambda weight: _times(_spread(weight, x, axes), c, x))]
        if node in self.times:
            c, x = self.times[node]
        elif function in (np.multiply, np.divide):
            x, c = args[::-1] if function is np.multiply and type(args[1]) is Tensor else args
        elif function is np.where and scalar(args[2]) == 0.0:
            c, x, _ = args
        else:
            return []
        if type(x) is not Tensor or x.shape != node.shape or type(c) is Tensor:
            return []
        way = _over if function is np.divide else _times
        return [(x, lambda weight: way(weight, c, x))]

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


def _signed(sign: float, weight: Weight) -> Weight:
    return weight._replace(up=sign * weight.up)


def _unary(node: Tensor, x: Tensor, weight: Weight) -> Weight:
    """On x, of a weight on a function of it that moves, adds or negates entries."""
    function, w = node.function, weight.w
    if function is np.negative:
        return _signed(-1.0, weight)
    if function in (np.sum, np.mean):
        n = x.size / node.size if function is np.mean else 1.0
        return _spread(weight._replace(down=weight.down * n), x, reduced(node))
    if function is getitem:
        w = np.ones(node.shape, x.dtype) if w is None else _floats(w, x)
        return weight._replace(w=scatter(w, node.kwargs["key"], x.shape))
    if w is not None and function is np.reshape:
        w = w.reshape(x.shape)
    elif w is not None and function is np.transpose:
        axes = node.kwargs.get("axes")
        w = w.transpose(None if axes is None else tuple(np.argsort([i % x.ndim for i in axes])))
    return weight._replace(w=w)


def _times(weight: Weight, c: Any, x: Tensor) -> Weight:
    """On x, of a weight on c·x."""
    number = None if np.ndim(c) else scalar(c)
    if number is not None and np.isfinite(number):
        return weight._replace(up=product(weight.up, number))
    if getattr(c, "shape", None) != x.shape:
        c = np.broadcast_to(c, x.shape)
    return weight._replace(w=c if weight.w is None else _floats(weight.w, x) * _floats(c, x))


def _over(weight: Weight, c: Any, x: Tensor) -> Weight:
    """On x, of a weight on x/c."""
    number = None if np.ndim(c) else scalar(c)
    if number is not None and np.isfinite(number) and number:
        return weight._replace(down=product(weight.down, number))
    return _times(weight, np.divide(1.0, c), x)


def _spread(weight: Weight, x: Tensor, axes: tuple[int, ...]) -> Weight:
    """On x, of a weight on a sum over axes of it."""
    if weight.w is None:
        return weight
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return weight._replace(w=np.broadcast_to(weight.w.reshape(kept), x.shape))
