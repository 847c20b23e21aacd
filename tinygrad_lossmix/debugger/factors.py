"""A product as matrices: the two factors that give the downstream gradient.

>>> x, w = Tensor(np.ones((4, 3)), name="x"), Tensor(np.ones((3, 5)), name="w")
>>> z = x @ w
>>> g, part = np.ones((4, 5)), np.full((3, 5), 4.0)
>>> sign, left, right, local = factors(Product(z, 1, w, g, part, part, 1, 1))
>>> left.shape, sign, right.shape, ("left", "right")[local]
((3, 4), '@', (4, 5), 'left')
"""

from typing import NamedTuple

import numpy as np

from tinygrad_lossmix.debugger.chain_rule import Product, entrywise, gathered, lifted
from tinygrad_lossmix.engine.table import Array


class Factors(NamedTuple):
    """Two arrays whose product is the downstream gradient."""

    sign: str  # "@" of matrices, "∘" entry by entry, summed where the argument was broadcast
    left: Array
    right: Array
    local: int  # which of them is the local derivative; the other is the upstream gradient


def factors(product: Product) -> Factors | None:
    """The factors of a product; None where its local derivative is too large to show.

    A matrix product is one of two matrices again; what is elementwise is so entry by entry, and
    what reduces an axis repeats the upstream gradient along it; else the entries of the upstream
    gradient, in a row, are multiplied by the local Jacobian.
    """
    node, place, _, g = product[:4]
    if node.function is np.matmul and all(np.ndim(x) < 3 for x in node.values):
        x, y = map(np.asarray, node.values)
        x, y = np.atleast_2d(x), y if y.ndim == 2 else y[:, None]
        g = g.reshape(len(x), y.shape[1])
        return Factors("@", x.T, g, 0) if place else Factors("@", g, y.T, 1)
    if (slopes := entrywise(node, place)) is not None:
        return Factors("∘", g, slopes, 1)
    if (slopes := gathered(node, place)) is not None:
        return Factors("∘", g.reshape(lifted(node, place)), slopes, 1)
    if (local := product.local) is None:
        return None
    return Factors("@", g.reshape(1, -1), local.values.reshape(g.size, -1), 1)
