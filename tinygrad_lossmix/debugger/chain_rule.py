"""The chain rule: local derivatives, a product along each path to the cost, and their sum.

>>> z = Tensor([2.0, 1.0], name="z")
>>> local_jacobian(np.square(z), 0)
Local(values=array([4., 2.]), diagonal=True)
>>> x, w = Tensor(np.ones((4, 3)), name="x"), Tensor(np.ones((3, 5)), name="w")
>>> sign, left, right, local = factors(x @ w, 1, np.ones((4, 5)))
>>> left.shape, sign, right.shape, ("left", "right")[local]
((3, 4), '@', (4, 5), 'left')
>>> cost = (z * z).sum()
>>> links = [Link(node, place) for node, place, *_ in sweep(cost, np.array(1.0))]
>>> count_paths(links, z, cost), [product for _, product in paths(links, z, np.array(1.0))]
(2, [array([2., 1.]), array([2., 1.])])
>>> cost.backward(), z.grad
(None, array([4., 2.]))
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.calls import axes_of, left
from tinygrad_lossmix.engine.refusals import plain
from tinygrad_lossmix.engine.replay import recorded
from tinygrad_lossmix.engine.sweep import sweep
from tinygrad_lossmix.engine.table import TABLE, Array
from tinygrad_lossmix.engine.tensor import Tensor

LARGEST = 16  # entries of a node or of an argument whose Jacobian is shown
CORNER = 8  # entries along each axis that tell whether a rule is elementwise
SEED = 0  # of a gradient without any regularity

Passed = Callable[[Array], Any]  # of a gradient at a node: what comes to another one, linear in it


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
    return multiplied(lambda g: rule(g, node.data, *node.values, **kwargs), node)


def is_elementwise(node: Tensor, position: int) -> bool:
    """Whether there is such an answer; a corner of the arrays tells, however large they are."""
    with suppress(Exception), np.errstate(all="ignore"):  # a function or a rule for this shape only
        args = [x[(slice(CORNER),) * np.ndim(x)] if np.ndim(x) else x for x in plain(node.args)]
        args[position] = Tensor(args[position])
        corner = recorded(node, args)
        if corner.shape == tuple(min(n, CORNER) for n in node.shape):  # not so of a join
            return entrywise(corner, position) is not None
    return entrywise(node, position) is not None


def gathered(node: Tensor, position: int) -> Array | None:
    """The derivative by each entry of an argument that goes to one entry of the node, as in a sum.

    None where they go to several, or where to is not known.
    """
    passed_back, shape = partial(downstream, node, position), lifted(node, position)
    if prod(shape) != node.size:
        return None
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
    rows = np.stack([passed_back(np.broadcast_to(unit, shape)) for unit in units], axis=-2)
    alike = _gives(passed_back, node, lambda g: np.einsum("...j,...jk->...k", g, rows))
    return rows if alike else None


def _gives(passed_back: Passed, node: Tensor, made: Passed) -> bool:
    """Whether what a gradient without any regularity gives is what is made of it."""
    g = np.random.default_rng(SEED).uniform(1.0, 2.0, node.shape).astype(node.dtype)
    close = 1e3 * np.finfo(node.dtype).eps
    with np.errstate(all="ignore"):
        return np.allclose(passed_back(g), made(g), close, close, equal_nan=True)


@np.errstate(all="ignore")
def multiplied(passed_back: Passed, node: Tensor) -> Array | None:
    """By what a linear function of the gradient of a node multiplies each entry; None: it does not.

    If it multiplies entry by entry a gradient without any regularity, it does so with every one.
    That one holds powers of two, by which products are exact.
    """
    powers = np.random.default_rng(SEED).integers(0, 16, node.shape, np.int8)
    powers.flat[:16] = range(min(node.size, 16))  # of few entries no two are the same
    g = np.ldexp(node.dtype.type(1), powers)
    slopes, scaled = np.asarray(passed_back(np.ones_like(g))), np.asarray(passed_back(g))
    same = slopes.shape == node.shape and np.array_equal(scaled, g * slopes, equal_nan=True)
    return slopes if same else None


@np.errstate(all="ignore")
def downstream(node: Tensor, position: int, g: Array) -> Array:
    """The product for one argument of a node: a sweep from it begins with its own products."""
    return next(contribution for _, i, _, contribution, _ in sweep(node, g) if i == position)


class Factors(NamedTuple):
    """Two arrays whose product is the downstream gradient."""

    sign: str  # "@" of matrices, "∘" entry by entry, summed where the argument was broadcast
    left: Array
    right: Array
    local: int  # which of them is the local derivative; the other is the upstream gradient


def factors(node: Tensor, place: int, g: Array) -> Factors | None:
    """The factors of the product with a gradient g; None: a Jacobian too large to show.

    A matrix product is one of two matrices again; what is elementwise is so entry by entry, and
    what reduces an axis repeats the upstream gradient along it; else the entries of the upstream
    gradient, in a row, are multiplied by the local Jacobian.
    """
    if node.function is np.matmul and all(np.ndim(x) < 3 for x in node.values):
        x, y = map(np.asarray, node.values)
        x, y = np.atleast_2d(x), y if y.ndim == 2 else y[:, None]
        g = g.reshape(len(x), y.shape[1])
        return Factors("@", x.T, g, 0) if place else Factors("@", g, y.T, 1)
    if (slopes := entrywise(node, place)) is not None:
        return Factors("∘", g, slopes, 1)
    if (slopes := gathered(node, place)) is not None:
        return Factors("∘", g.reshape(lifted(node, place)), slopes, 1)
    if (local := local_jacobian(node, place)) is None:
        return None
    return Factors("@", g.reshape(1, -1), local.values.reshape(g.size, -1), 1)


class Link(NamedTuple):
    """A part of a path to the cost: from an argument to the node that was computed from it."""

    node: Tensor
    place: int

    @property
    def argument(self) -> Tensor:
        """Where this part begins."""
        return self.node.args[self.place]


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


Path = list[Link]  # from a node to the cost


def products_along(path: Path, seed: Array) -> list[Array]:
    """The seed multiplied by the local Jacobians of a path, from the cost down.

    Returns:
        what has come to the argument of each link, in the order of the links.
    """
    products = []
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
