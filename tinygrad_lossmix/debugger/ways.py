"""Ways from a node to the cost: the chain rule, one product along each, and their sum.

>>> z = Tensor([2.0, 1.0], name="z")
>>> walk = Walk((z * z).sum())
>>> walk.end()
>>> walk.where()[0].argument is z, along(walk, walk.where())
(True, [array([2., 1.]), array([1., 1.])])
>>> number(walk, z), [passed for _, passed in every(walk, z)]
(2, [array([2., 1.]), array([2., 1.])])
>>> walk.gradient(z)
array([4., 2.])
"""

from __future__ import annotations

import numpy as np

from tinygrad_lossmix.debugger.local import passed_back
from tinygrad_lossmix.debugger.stops import Link
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor

Way = list[Link]  # from a node to the cost


def along(walk: Walk, way: Way) -> list[Array]:
    """The seed multiplied by the local derivatives of a way, from the cost down.

    Returns:
        what has come to the argument of each link, in the order of the links.
    """
    products = []
    g: Array = np.asarray(walk.at(0).gradient(walk.cost))
    with np.errstate(all="ignore"):
        for node, place in reversed(way):
            g = passed_back(node, place, g)
            products.append(g)
    return products[::-1]


def number(walk: Walk, node: Tensor) -> int:
    """How many ways there are from a node to the cost, by the products taken so far."""
    ways = {walk.cost: 1}
    for link in walk.taken:
        ways[link.argument] = ways.get(link.argument, 0) + ways[link.node]
    return ways.get(node, 0)


def every(walk: Walk, node: Tensor) -> list[tuple[Way, Array]]:
    """Each of these ways with the product along it; the gradient so far is the sum of these."""
    onwards: dict[Tensor, Way] = {}
    for link in walk.taken:
        onwards.setdefault(link.argument, []).append(link)
    unfinished: list[Way] = [[link] for link in onwards.get(node, [])]
    ways = []
    while unfinished:
        way = unfinished.pop(0)
        if (last := way[-1].node) is walk.cost:
            ways.append(way)
        unfinished += [[*way, link] for link in onwards.get(last, [])]
    return [(way, along(walk, way)[0]) for way in ways]
