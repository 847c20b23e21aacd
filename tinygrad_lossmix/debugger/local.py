"""The local Jacobian of a node: its derivative by one of its arguments, all else held.

>>> z = Tensor([2.0, 1.0], name="z")
>>> local(np.square(z), 0)
Local(values=array([4., 2.]), diagonal=True)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygrad_lossmix.engine.sweep import sweep
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor

LARGEST = 16  # entries of a node or of an argument


class Local(NamedTuple):
    """A Jacobian of shape node.shape + argument.shape; or what stands on its diagonal."""

    values: Array
    diagonal: bool


def local(node: Tensor, position: int) -> Local | None:
    """The derivative of a node by the argument at a position; None where it is too large to show.

    It is what the engine's own rule makes of each unit gradient at the node.
    """
    argument = node.args[position]
    if not 0 < node.size <= LARGEST or not 0 < argument.size <= LARGEST:
        return None
    units = np.eye(node.size, dtype=node.dtype).reshape(node.size, *node.shape)
    with np.errstate(all="ignore"):
        rows = [downstream(node, position, unit) for unit in units]
    jacobian = np.stack(rows).reshape(node.size, argument.size)
    if node.shape == argument.shape and node.size > 1:
        diagonal = np.diagonal(jacobian)
        if elementwise(node) and np.isnan(jacobian).any():  # 0 * inf beside it means nothing
            return Local(diagonal.reshape(node.shape), True)
        if np.array_equal(jacobian, np.diag(diagonal), equal_nan=True):
            return Local(diagonal.reshape(node.shape), True)
    return Local(jacobian.reshape(node.shape + argument.shape), False)


def elementwise(node: Tensor) -> bool:
    """Whether each entry of a node comes of one entry of each argument."""
    return isinstance(node.function, np.ufunc) and node.function.signature is None


def downstream(node: Tensor, position: int, g: Array) -> Array:
    """The product for one argument of a node: a sweep from it begins with its own products."""
    return next(
        contribution for _, place, _, contribution, _ in sweep(node, g) if place == position
    )


class Link(NamedTuple):
    """A part of a path to the cost: from an argument to the node that was computed from it."""

    node: Tensor
    place: int

    @property
    def argument(self) -> Tensor:
        """Where this part begins."""
        argument: Tensor = self.node.args[self.place]
        return argument

    @property
    def local(self) -> Local | None:
        """The local Jacobian; None where it is too large to show."""
        return local(self.node, self.place)
