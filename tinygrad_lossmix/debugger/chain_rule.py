"""The chain rule: local Jacobians, one product along each path to the cost, and their sum.

>>> z = Tensor([2.0, 1.0], name="z")
>>> local_jacobian(np.square(z), 0)
Local(values=array([4., 2.]), diagonal=True)
>>> cost = (z * z).sum()
>>> links = [Link(node, place) for node, place, *_ in sweep(cost, np.array(1.0))]
>>> count_paths(links, z, cost), [product for _, product in paths(links, z, np.array(1.0))]
(2, [array([2., 1.]), array([2., 1.])])
>>> cost.backward(), z.grad
(None, array([4., 2.]))
>>> difference(cost, z).round(6)
array([4., 2.])
"""

from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.engine.replay import computed, replay
from tinygrad_lossmix.engine.sweep import sweep
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.methods import numerical_gradient

LARGEST = 16  # entries of a node or of an argument whose Jacobian is shown
MOVED = 64  # entries of a node whose differences are taken


def largest(x: Any) -> float:
    """The largest magnitude in an array; 0 of an empty one."""
    return float(np.max(np.abs(x), initial=0.0))


class Local(NamedTuple):
    """A Jacobian of shape node.shape + argument.shape; or what stands on its diagonal."""

    values: Array
    diagonal: bool


def local_jacobian(node: Tensor, position: int) -> Local | None:
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
        beside = elementwise(node) and np.isnan(jacobian).any()  # 0 * inf there means nothing
        if beside or np.array_equal(jacobian, np.diag(diagonal), equal_nan=True):
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
        return local_jacobian(self.node, self.place)


class Product(NamedTuple):
    """One vector-Jacobian product, from a node to one of its arguments."""

    node: Tensor
    place: int  # of the argument among node.args
    argument: Tensor
    g: Array  # upstream: the gradient of the node
    contribution: Array  # downstream: to the gradient of the argument
    total: Array  # what that has accumulated so far
    received: int  # contributions, this one included
    expected: int

    @property
    def local(self) -> Local | None:
        """The local Jacobian; None where it is too large to show."""
        return Link(self.node, self.place).local


Path = list[Link]  # from a node to the cost


def products_along(path: Path, seed: Array) -> list[Array]:
    """The seed multiplied by the local Jacobians of a path, from the cost down.

    Returns:
        what has come to the argument of each link, in the order of the links.
    """
    products = []
    with np.errstate(all="ignore"):
        for node, place in reversed(path):
            seed = downstream(node, place, seed)
            products.append(seed)
    return products[::-1]


def count_paths(links: Path, node: Tensor, cost: Tensor) -> int:
    """How many paths there are from a node to the cost, by these links, in the order of a sweep."""
    found = {cost: 1}
    for link in links:
        found[link.argument] = found.get(link.argument, 0) + found[link.node]
    return found.get(node, 0)


def paths(links: Path, node: Tensor, seed: Array) -> list[tuple[Path, Array]]:
    """Each of these paths with the product along it; the gradient so far is their sum."""
    onwards: dict[Tensor, Path] = {}
    for link in links:
        onwards.setdefault(link.argument, []).append(link)
    unfinished: list[Path] = [[link] for link in onwards.get(node, [])]
    found = []
    while unfinished:
        path = unfinished.pop(0)
        further = onwards.get(path[-1].node)
        if further is None:  # at the cost
            found.append((path, products_along(path, seed)[0]))
        unfinished += [[*path, link] for link in further or []]
    return found


def difference(cost: Tensor, at: Tensor) -> Array | None:
    """The central finite difference of a cost by each entry of a node, all else held.

    Returns:
        an array of the node's shape, float64 where that can be; None where the node is too large.
    """
    if at.size > MOVED:
        return None

    def moved(x: Array) -> Any:
        return replay(cost, {at: x}, computed, attrgetter("data"))[cost]

    with np.errstate(all="ignore"):
        # the cost of large logits is rounded by more in float32 than a step changes it
        wide = at.data.astype(np.result_type(at.dtype, np.float64))
        return numerical_gradient(moved, wide if moved(wide).dtype == wide.dtype else at.data)
