"""What the recording of the function says about a wrong gradient of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.graph import groups, names, nodes
from tinygrad_lossmix.engine.sweep import seed_of, sweep
from tinygrad_lossmix.engine.table import spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.mix import ROWS, Mix

Array = Any

LARGEST = 200  # nodes of a recording that is searched


class Clues:
    """A recording, one of its leaves, and the seed; its own rules are taken to be right."""

    def __init__(self, leaf: Tensor, cost: Tensor, seed: Array) -> None:
        self.leaf, self.cost = _spelled_out(leaf, cost)
        self.seed = seed.reshape(self.cost.shape)
        self.nodes = nodes(self.cost)[:LARGEST]

    def between(self) -> Iterator[tuple[str, Array]]:
        """The gradients of nodes that depend on the leaf, and what is missing in them."""
        called = names(self.cost)
        for each in self.nodes:
            if each.function is None or self.leaf not in set(nodes(each)) or each is self.cost:
                continue
            path = [spelling(n.function) for n in nodes(each) if n.function is not None]
            outer = [group.name for group in groups(self.cost) if group.output is each]
            what = outer[0] if outer else ", ".join(dict.fromkeys(path))
            factor = {"sigmoid": " sigma'(z) = a(1 - a)", "softmax": " of the softmax's Jacobian"}
            missing = factor.get(what, f" of {what}")
            yield (
                f"the factor{missing} is missing: this is the gradient with respect to the output "
                f"of {what} (node {called[each]}), not to its input",
                grad(self.cost, each, self.seed),
            )

    def outputs_of(self, name: str) -> list[Array]:
        """The values of the nodes that are a sigmoid, or another function of that name."""
        found = [group.output for group in groups(self.cost) if group.name == name]
        found += [n for n in self.nodes if n.function and spelling(n.function) == name]
        return [np.asarray(n.data) for n in found]

    def softmax_slopes(self) -> Iterator[tuple[Array, Array]]:
        """The outputs of each softmax of the leaf, and the gradient there."""
        found = [group.output for group in groups(self.cost) if group.name == "softmax"]
        found += [n for n in self.nodes if n.function and spelling(n.function) == "softmax"]
        for each in found:
            if each.shape == self.leaf.shape:
                yield np.asarray(each.data), grad(self.cost, each, self.seed)

    def constants(self, shape: tuple[int, ...]) -> list[Array]:
        """The recorded constants of a shape: labels, for example."""
        every = [arg for n in self.nodes for arg in n.args if isinstance(arg, np.ndarray)]
        return [np.asarray(c, dtype=np.float64) for c in every if c.shape == shape]

    def lengths(self) -> list[int]:
        """The lengths of the axes in it."""
        return sorted({n for each in self.nodes for n in each.shape})

    def contributions(self) -> list[Array]:
        """What is passed back to the leaf, one for each use."""
        steps = sweep(self.cost, seed_of(self.cost, self.seed))
        return [part for n, position, _, part, _ in steps if n.args[position] is self.leaf]


def _spelled_out(leaf: Tensor, cost: Tensor) -> tuple[Tensor, Tensor]:
    """A mix recorded as one node as the book's graph, which shows its inner gradients."""
    pair = next((pair for pair, row in ROWS.items() if cost.function is row[0]), None)
    if pair is None or cost.args[0] is not leaf:
        return leaf, cost
    fresh = Tensor(leaf.data, name=leaf.name)
    spelled = Mix(*pair).composed(fresh, cost.args[1])
    return (fresh, spelled) if np.all(np.isfinite(spelled.data)) else (leaf, cost)
