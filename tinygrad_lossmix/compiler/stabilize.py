"""`stabilize`: the same recording with stable nodes in place of unstable patterns.

>>> z = Tensor([1000.0, 0.0, -1000.0], name="z")
>>> with np.errstate(all="ignore"):
...     cost = -np.log(np.exp(z) / np.exp(z).sum())[1]
...     print(cost, grad(cost, z))
Tensor(inf, by=negative) [nan nan nan]
>>> stabilize(cost), grad(stabilize(cost), z)
(Tensor(1000., by=softmax_ll), array([ 1., -1.,  0.]))
"""

from __future__ import annotations

import warnings
from bisect import bisect_left
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.patterns.fuse import fused
from tinygrad_lossmix.compiler.patterns.mispairings import WrongPairing, wrong_pairings
from tinygrad_lossmix.compiler.patterns.published import Pattern
from tinygrad_lossmix.compiler.patterns.stable_rules import StableRules
from tinygrad_lossmix.engine.gradient import grad as grad
from tinygrad_lossmix.engine.graph import names, nodes
from tinygrad_lossmix.engine.replay import recorded, replay
from tinygrad_lossmix.engine.tensor import Tensor, tick
from tinygrad_lossmix.mixes.layers import PAIR_OF, cost_node


class Replacement(NamedTuple):
    """An unstable pattern that was found."""

    pattern: Pattern
    where: str  # the name of what was replaced
    before: Tensor
    after: Tensor


class Rewritten(NamedTuple):
    """A recording made stable."""

    after: Tensor  # the cost itself where nothing was found
    replacements: tuple[Replacement, ...]
    pairings: tuple[str, ...]  # wrong ones, and the plateau to expect of each


def stabilize(cost: Tensor) -> Tensor:
    """The same recording with stable nodes in place of unstable patterns.

    What is looked for is the table that `published.table()` prints: softmax, sigmoid and
    their logarithms spelled out in exponentials, in any spelling, found by structure. The recording
    is rewritten before it is differentiated, on the same leaves: value and gradient are finite and
    right where those of the plain one overflow, underflow or lose the tail. Whatever depends on a
    node that is replaced is computed again.

    Args:
        cost: a Tensor of any shape.

    Returns:
        a Tensor of its shape and dtype; `cost` itself where there is nothing to replace. A whole
        cost that is one of the six mixes becomes one node, times a number.

    Raises:
        TypeError: cost is not a Tensor.

    Warns:
        WrongPairing: an output layer is applied to what another one gave.

    >>> z = Tensor([40.0, 0.0])
    >>> a = np.exp(z) / np.exp(z).sum()
    >>> grad(-np.log(a[0]), z), grad(stabilize(-np.log(a[0])), z)
    (array([0.00000000e+00, 4.24835426e-18]), array([-4.24835426e-18,  4.24835426e-18]))
    """
    found = rewritten(cost)
    for pairing in found.pairings:
        warnings.warn(pairing, WrongPairing, stacklevel=2)
    return found.after


def rewritten(cost: Tensor) -> Rewritten:
    """`stabilize`, with what was replaced and what is wrong; nothing is warned of."""
    if not isinstance(cost, Tensor):
        raise TypeError(
            f"the cost is a {type(cost).__name__}, not a Tensor: it was computed from plain "
            "arrays; wrap what you differentiate, z = Tensor(z)"
        )
    with np.errstate(all="ignore"):  # the caller has been warned when it was recorded
        return _Pass(cost).result()


class _Pass:
    """One walk over a recording, in the order of its creation."""

    def __init__(self, cost: Tensor) -> None:
        self.cost = cost
        self.rules = StableRules()
        self.new: dict[Tensor, Tensor] = {}
        self.found: list[tuple[Pattern, Tensor, Tensor]] = []
        self.orders: list[int] = []  # of the nodes so far, and when each was come to
        self.moments: list[int] = []

    def result(self) -> Rewritten:
        """The whole of it."""
        self.new = replay(self.cost, {}, self._visit)
        after = self.new[self.cost]
        whole = fused(after, self.rules)
        if whole is not None:
            after, pattern = whole
            self.found.append((pattern, self.cost, after))
            self.new[self.cost] = self._named(self.cost, after)
        if not self.found:
            return Rewritten(self.cost, (), wrong_pairings(self.cost, self.rules.idioms))
        self._group(set(nodes(after)))
        called = names(self.cost)
        replacements = tuple(Replacement(p, called[old], old, new) for p, old, new in self.found)
        return Rewritten(after, replacements, wrong_pairings(after, self.rules.idioms))

    def _visit(self, old: Tensor, args: list[Any]) -> Tensor:
        self.orders.append(old.order)
        self.moments.append(tick())
        new = old
        if any(arg is not before for arg, before in zip(args, old.args, strict=True)):
            pair = PAIR_OF.get(old.function)
            new = cost_node(pair, *args) if pair else recorded(old, args)
        self.rules.learn(new, self.moments[-1])
        found = self.rules.stable(new)
        if found is not None:
            new, pattern = found
            self.rules.learn(new, self.moments[-1])
            self.found.append((pattern, old, new))
        return self._named(old, new)

    def _named(self, old: Tensor, new: Tensor) -> Tensor:
        if new.order > self.moments[-1] and new.name is None:
            new.name = old.name
        return new

    def _group(self, alive: set[Tensor]) -> None:
        """Give the groups of what was replaced to what took its place, where their inputs are."""
        for old, new in self.new.items():
            if new is old or new not in alive:
                continue
            for name, args, start in old.groups:
                kept = tuple(self.new.get(arg, arg) if type(arg) is Tensor else arg for arg in args)
                if all(arg in alive for arg in kept if type(arg) is Tensor):
                    begun = self.moments[bisect_left(self.orders, start)]
                    new.groups += ((name, kept, begun),)
