"""Paths from a node to the cost: the chain rule, one product along each, and their sum.

>>> z = Tensor([2.0, 1.0], name="z")
>>> walk = Walk((z * z).sum())
>>> walk.end()
>>> walk.where()[0].argument is z, along(walk, walk.where())
(True, [array([2., 1.]), array([1., 1.])])
>>> number(walk, z), [product for _, product in every(walk, z)]
(2, [array([2., 1.]), array([2., 1.])])
>>> walk.gradient(z)
array([4., 2.])
"""

from __future__ import annotations

import numpy as np

from tinygrad_lossmix.debugger.local import Link, downstream
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor

Path = list[Link]  # from a node to the cost


def along(walk: Walk, path: Path) -> list[Array]:
    """The seed multiplied by the local Jacobians of a path, from the cost down.

    Returns:
        what has come to the argument of each link, in the order of the links.
    """
    products = []
    g: Array = np.asarray(walk.at(0).gradient(walk.cost))
    with np.errstate(all="ignore"):
        for node, place in reversed(path):
            g = downstream(node, place, g)
            products.append(g)
    return products[::-1]


def number(walk: Walk, node: Tensor) -> int:
    """How many paths there are from a node to the cost, by the products taken so far."""
    paths = {walk.cost: 1}
    for link in walk.taken:
        paths[link.argument] = paths.get(link.argument, 0) + paths[link.node]
    return paths.get(node, 0)


def every(walk: Walk, node: Tensor) -> list[tuple[Path, Array]]:
    """Each of these paths with the product along it; the gradient so far is their sum."""
    onwards: dict[Tensor, Path] = {}
    for link in walk.taken:
        onwards.setdefault(link.argument, []).append(link)
    unfinished: list[Path] = [[link] for link in onwards.get(node, [])]
    paths = []
    while unfinished:
        path = unfinished.pop(0)
        if (last := path[-1].node) is walk.cost:
            paths.append(path)
        unfinished += [[*path, link] for link in onwards.get(last, [])]
    return [(path, along(walk, path)[0]) for path in paths]
