"""What a cost is linear in: weights on the values of nodes, passed down from a sum to its terms.

The reverse sweep with numbers and constant arrays apart, so that the labels at the end are the very
arrays that were put in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.engine.rules import scatter
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor, getitem
from tinygrad_lossmix.rewrite.matching.contraction import contraction
from tinygrad_lossmix.rewrite.matching.structure import normal, reduced, scalar, sides

PLAIN_PARTS = (int, slice, np.ndarray, type(None), type(Ellipsis))


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


def product(a: float, b: float) -> float:
    """a·b; NaN where it over- or underflows."""
    return a * b if normal(a * b) or a == 0.0 or b == 0.0 else math.nan


class Linear:
    """The linear nodes of a recording. `times` knows products that are not spelled as such."""

    def __init__(self, times: dict[Tensor, tuple[Any, Tensor]]) -> None:
        self.times = times

    def operands(self, node: Tensor) -> list[Tensor]:
        """The Tensors that a node is linear in; none where it is not linear in all."""
        function, args = node.function, node.args
        if node in self.times:
            x, log = self.times[node]
            return [log] if log.shape == node.shape else []
        if function in (np.negative, np.positive, np.sum, np.mean, np.reshape, np.transpose):
            return [args[0]] if args[0].size else []
        if function is getitem:
            key = node.kwargs["key"]
            parts = key if isinstance(key, tuple) else (key,)
            return [args[0]] if all(isinstance(part, PLAIN_PARTS) for part in parts) else []
        if function in (np.add, np.subtract):
            tensors = [arg for arg in args if type(arg) is Tensor]
            rest = [arg for arg in args if type(arg) is not Tensor]
            fit = all(arg.shape == node.shape for arg in tensors)
            return tensors if fit and all(scalar(arg) == 0.0 for arg in rest) else []
        if found := contraction(node):
            return [found.x]
        if function is np.where and type(args[1]) is Tensor and scalar(args[2]) == 0.0:
            return [args[1]] if args[1].shape == node.shape else []
        if function in (np.multiply, np.divide):
            for x, c in sides(node) if function is np.multiply else [tuple(args)]:
                if type(x) is Tensor and x.shape == node.shape and type(c) is not Tensor:
                    return [x]
        return []

    def passed(self, node: Tensor, weight: Weight) -> Iterator[tuple[Tensor, Weight]]:
        """The weights of its operands, of a linear node with this weight."""
        function, args, (up, down, w) = node.function, node.args, weight
        if node in self.times:
            c, log = self.times[node]
            yield log, _times(weight, c, log)
        elif function in (np.add, np.subtract):
            for position, x in enumerate(args):
                if type(x) is Tensor:
                    sign = -1.0 if position and function is np.subtract else 1.0
                    yield x, Weight(sign * up, down, w)
        elif function is np.where:
            yield args[1], _times(weight, args[0], args[1])
        elif function in (np.multiply, np.divide):
            x, c = args if type(args[0]) is Tensor else args[::-1]
            yield x, _times(weight, c, x) if function is np.multiply else _over(weight, c, x)
        else:
            x = args[0] if type(args[0]) is Tensor else args[1]
            yield x, self._unary(node, x, weight)

    def _unary(self, node: Tensor, x: Tensor, weight: Weight) -> Weight:
        function, (up, down, w) = node.function, weight
        if function is np.negative:
            return Weight(-up, down, w)
        if function in (np.sum, np.mean):
            down = down * (x.size / node.size) if function is np.mean else down
            return Weight(up, down, _spread(w, x, reduced(node)))
        if function in (np.matmul, np.einsum):
            found = contraction(node)
            assert found is not None
            return _times(Weight(up, down, _spread(w, x, found.axes)), found.w, x)
        if w is None and function is not getitem:
            return weight
        if function is np.reshape:
            return Weight(up, down, w.reshape(x.shape))
        if function is np.transpose:
            axes = node.kwargs.get("axes")
            back = None if axes is None else tuple(np.argsort([i % x.ndim for i in axes]))
            return Weight(up, down, w.transpose(back))
        if function is getitem:
            w = np.ones(node.shape, x.dtype) if w is None else _floats(w, x)
            return Weight(up, down, scatter(w, node.kwargs["key"], x.shape))
        return weight

    def terms(
        self, top: Tensor, weight: Weight, ends: Callable[[Tensor], bool]
    ) -> Iterator[tuple[Tensor, Weight]]:
        """The nodes where `ends` is true, or linearity ends, that a node is a sum of."""
        pending = {top.order: (top, weight)}
        newest = [-top.order]
        while newest:
            node, weight = pending.pop(-heappop(newest))
            if ends(node) or not self.operands(node):
                yield node, weight
                continue
            for x, part in self.passed(node, weight):
                if x.order in pending:
                    part = pending[x.order][1].plus(part, x)
                else:
                    heappush(newest, -x.order)
                pending[x.order] = x, part


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


def _spread(w: Array, x: Tensor, axes: tuple[int, ...]) -> Any:
    """A weight on a sum over axes of x, as one on x."""
    if w is None:
        return None
    return np.broadcast_to(
        w.reshape(tuple(1 if i in axes else n for i, n in enumerate(x.shape))), x.shape
    )
