"""The chain rule: one product along each path to the cost, and their sum.

>>> from tinygrad_lossmix.engine.sweep import sweep
>>> z = Tensor([2.0, 1.0], name="z")
>>> cost = (z * z).sum()
>>> links = [Link(node, place) for node, place, *_ in sweep(cost, np.array(1.0))]
>>> count_paths(links, z, cost), [product for _, product in paths(links, z, np.array(1.0))]
(2, [array([2., 1.]), array([2., 1.])])
>>> cost.backward(), z.grad
(None, array([4., 2.]))
>>> difference(cost, z).round(6)
array([4., 2.])
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.debugger.local_derivative import Local, downstream, local_jacobian
from tinygrad_lossmix.engine.replay import computed, replay
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.methods import numerical_gradient

MOVED = 64  # entries of a node that are moved one by one
DIRECTIONS, SEED = 5, 0  # in which a larger one is moved


def largest(x: Any) -> float:
    """The largest magnitude in an array; 0 of an empty one."""
    return float(np.max(np.abs(x), initial=0.0))


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
    f, x = _of_one(cost, at)
    with np.errstate(all="ignore"):
        return numerical_gradient(f, x)


def slopes_along(cost: Tensor, at: Tensor, gradient: Array) -> tuple[Array, Array]:
    """The slopes of a cost where all entries of a node are moved at once, each by ± the same step.

    Returns:
        for each of a few random choices of signs: what the gradient says, and the central finite
        difference.
    """
    f, x = _of_one(cost, at)
    rng = np.random.default_rng(SEED)

    def along_one() -> tuple[Any, Array]:
        signs = rng.integers(0, 2, x.shape, np.int8) * x.dtype.type(2) - x.dtype.type(1)
        slope = numerical_gradient(lambda t: f(x + t * signs), np.zeros((), x.dtype))
        return np.vdot(signs, gradient), slope

    with np.errstate(all="ignore"):
        expected, found = np.array([along_one() for _ in range(DIRECTIONS)]).T
    return expected, found


def _of_one(cost: Tensor, at: Tensor) -> tuple[Callable[[Array], Any], Array]:
    """A cost as a function of one of its nodes, and the value of that."""

    def moved(x: Array) -> Any:
        return replay(cost, {at: x}, computed, attrgetter("data"))[cost]

    # the cost of large logits is rounded by more in float32 than a step changes it
    wide = at.data.astype(np.result_type(at.dtype, np.float64))
    with np.errstate(all="ignore"):
        return moved, wide if moved(wide).dtype == wide.dtype else at.data
