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

from collections.abc import Callable
from functools import partial
from math import prod
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.calls import axes_of, left
from tinygrad_lossmix.engine.replay import computed, recorded, replay
from tinygrad_lossmix.engine.sweep import sweep
from tinygrad_lossmix.engine.table import TABLE, Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.methods import numerical_gradient

LARGEST = 16  # entries of a node or of an argument whose Jacobian is shown
CORNER = 8  # entries along each axis that tell whether a rule is elementwise
MOVED = 64  # entries of a node that are moved one by one
DIRECTIONS, SEED = 5, 0  # in which a larger one is moved


def largest(x: Any) -> float:
    """The largest magnitude in an array; 0 of an empty one."""
    return float(np.max(np.abs(x), initial=0.0))


Passed = Callable[[Array], Any]  # of a gradient at a node: what comes to another one, linear in it


class Local(NamedTuple):
    """A Jacobian of shape node.shape + argument.shape; or what stands on its diagonal."""

    values: Array
    diagonal: bool


def local_jacobian(node: Tensor, position: int) -> Local | None:
    """The derivative of a node by the argument at a position; None where it is too large to show.

    It is what the engine's own rule makes of each unit gradient at the node.
    """
    return derivative_by(node.args[position], node, partial(downstream, node, position))


def derivative_by(x: Tensor, node: Tensor, passed_back: Passed) -> Local | None:
    """The derivative of a node by what it was computed from, from what is passed back for each g.

    Where the node is elementwise and of x's shape, its diagonal, however large.
    """
    slopes = multiplied(passed_back, node) if node.shape == x.shape else None
    if slopes is not None and node.size > 1:
        return Local(slopes, True)
    if not 0 < node.size <= LARGEST or not 0 < x.size <= LARGEST:
        return None
    units = np.eye(node.size, dtype=node.dtype).reshape(node.size, *node.shape)
    with np.errstate(all="ignore"):
        rows = [passed_back(unit) for unit in units]
    return Local(np.stack(rows).reshape(node.shape + x.shape), False)


def entrywise(node: Tensor, position: int) -> Array | None:
    """By what the gradient of each entry is multiplied, in the shape of the node.

    Before the sum over what was broadcast. None where the rule does more than that.
    """
    rule, kwargs = TABLE[node.function].rules[position], node.kwargs
    if node.residual is not None:
        kwargs = {**kwargs, "residual": node.residual}
    return multiplied(lambda g: rule(g, node.data, *node.values, **kwargs), node)


def is_elementwise(node: Tensor, position: int) -> bool:
    """Whether there is such an answer; a corner of the arrays tells, however large they are."""
    try:
        args = [x[(slice(CORNER),) * np.ndim(x)] if np.ndim(x) else x for x in node.values]
        args[position] = Tensor(args[position])
        with np.errstate(all="ignore"):
            return entrywise(recorded(node, args), position) is not None
    except Exception:  # of a function, a rule or an option for this shape only
        return entrywise(node, position) is not None


def gathered(node: Tensor, position: int) -> Array | None:
    """The derivative by each entry of an argument that goes to one entry of the node, as in a sum.

    None where they go to several, or where to is not known.
    """
    passed_back, shape = partial(downstream, node, position), lifted(node, position)
    if prod(shape) != node.size:
        return None
    with np.errstate(all="ignore"):
        slopes = passed_back(np.ones(node.shape, node.dtype))
    alike = node.size == 1 or _gives(passed_back, node, lambda g: g.reshape(shape) * slopes)
    return slopes if alike else None


def lifted(node: Tensor, position: int) -> tuple[int, ...]:
    """The shape of what gathers entries with the axes that it has lost back, of length one."""
    argument = node.args[position]
    axes = axes_of(argument.ndim, None if node.size == 1 else node.kwargs.get("axis", -1))
    return left(argument.shape, axes, True, 1)


def rowwise(node: Tensor, position: int) -> Array | None:
    """The Jacobian of each row of a node by that row of its argument, as of the softmax of a batch.

    Returns:
        an array of shape node.shape + (entries of a row,); None where rows are long, or mixed.
    """
    passed_back, shape = partial(downstream, node, position), node.shape
    if node.ndim < 2 or shape != node.args[position].shape or not 0 < shape[-1] <= LARGEST:
        return None
    units = np.eye(shape[-1], dtype=node.dtype)
    with np.errstate(all="ignore"):
        rows = np.stack([passed_back(np.broadcast_to(unit, shape)) for unit in units], axis=-2)
    alike = _gives(passed_back, node, lambda g: np.einsum("...j,...jk->...k", g, rows))
    return rows if alike else None


def _gives(passed_back: Passed, node: Tensor, made: Passed) -> bool:
    """Whether what a gradient without any regularity gives is what is made of it."""
    g = np.random.default_rng(SEED).uniform(1.0, 2.0, node.shape).astype(node.dtype)
    close = 1e3 * np.finfo(node.dtype).eps
    with np.errstate(all="ignore"):
        return np.allclose(passed_back(g), made(g), close, close, equal_nan=True)


def multiplied(passed_back: Passed, node: Tensor) -> Array | None:
    """By what a linear function of the gradient of a node multiplies each entry; None: it does not.

    If it multiplies entry by entry a gradient without any regularity, it does so with every one.
    That one holds powers of two, by which products are exact.
    """
    powers = np.random.default_rng(SEED).integers(0, 16, node.shape, np.int8)
    powers.flat[:16] = range(min(node.size, 16))  # of few entries no two are the same
    g = np.ldexp(node.dtype.type(1), powers)
    with np.errstate(all="ignore"):
        slopes, scaled = np.asarray(passed_back(np.ones_like(g))), np.asarray(passed_back(g))
        same = slopes.shape == node.shape and np.array_equal(scaled, g * slopes, equal_nan=True)
        return slopes if same else None


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
