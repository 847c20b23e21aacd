"""What a walk hands out: a product, a part of a path to the cost, how far delta has come."""

from __future__ import annotations

from typing import NamedTuple

from tinygrad_lossmix.debugger.local import Local, local
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.mix import Mix


class Stop(NamedTuple):
    """One vector-Jacobian product, from a node to one of its arguments."""

    node: Tensor
    place: int  # of the argument among node.args
    argument: Tensor
    g: Array  # upstream: the gradient of the node
    contribution: Array  # downstream: to the gradient of the argument
    total: Array  # what that has accumulated so far
    received: int  # contributions, this one included
    expected: int


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


class Delta(NamedTuple):
    """The gradient of the logits of a mix, so far, beside a - y."""

    mix: Mix
    logits: Tensor
    gradient: Array | None  # None: not computed yet
    received: int
    expected: int
    a_minus_y: Array  # divided by the number of examples, as the gradient is
