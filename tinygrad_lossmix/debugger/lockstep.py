"""Two costs of the same logits, stepped in lock-step: where do their gradients part?

Both walks take a product at a time; at the outputs a and at the logits z the one that is there
first waits for the other.

>>> from tinygrad_lossmix import Mix
>>> z = Tensor([2.0, 1.0, 0.0], name="z")
>>> costs = Mix("softmax", "ll").composed(z, 0), Mix("softmax", "ce").composed(z, 0)
>>> both = Lockstep(*map(Walk, costs))
>>> both.end()
>>> both.meeting.name, round(both.meeting.gap, 4)
('z', 0.2814)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygrad_lossmix.debugger.chain_rule import largest
from tinygrad_lossmix.debugger.walk import Steps, Walk
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor


class Meeting(NamedTuple):
    """A place where both walks have the whole gradient of the same quantity."""

    name: str  # C, a or z
    left: Array
    right: Array

    @property
    def gap(self) -> float:
        """The max difference of the gradients; infinity where their shapes differ."""
        if self.left.shape != self.right.shape:
            return np.inf
        with np.errstate(all="ignore"):
            return largest(self.left - self.right)

    @property
    def same(self) -> bool:
        """Whether they are the same but for rounding."""
        return bool(self.gap <= 16 * np.finfo(self.left.dtype).eps * largest(self.left))


class Lockstep(Steps):
    """Two walks in lock-step.

    Args:
        left, right: the walks; they are moved from now on.
    """

    def __init__(self, left: Walk, right: Walk) -> None:
        self.left, self.right = left, right
        self._moments = [(0, 0)]
        self._met: dict[int, tuple[str, Tensor, Tensor]] = {0: ("C", left.cost, right.cost)}
        theirs = _landmarks(right)
        for name, (node, end) in _landmarks(left).items():
            if name in theirs:
                other, its_end = theirs[name]
                self._reach(end, its_end)
                self._met[len(self)] = name, node, other
        self._reach(len(left), len(right))
        self.goto(0)

    def _reach(self, *ends: int) -> None:
        """Plan steps, a product on each side, until both are there; the first waits."""
        while self._moments[-1] != ends:
            p, q = (min(at + 1, end) for at, end in zip(self._moments[-1], ends, strict=True))
            self._moments.append((p, q))

    def __len__(self) -> int:
        return len(self._moments) - 1

    def part(self) -> bool:
        """Go on to the next quantity whose gradients differ; False: there is none."""
        for position in self._met:
            if position > self.position and not self._meeting(position).same:
                return self._move(position)
        return False

    def _move(self, position: int) -> bool:
        if not super()._move(position):
            return False
        self.left.position, self.right.position = self._moments[position]
        return True

    @property
    def meeting(self) -> Meeting | None:
        """The quantity whose gradients are both complete here; None elsewhere."""
        return self._meeting(self.position) if self.position in self._met else None

    @property
    def meetings(self) -> list[Meeting]:
        """All of them, from the cost to the logits."""
        return [self._meeting(position) for position in self._met]

    def _meeting(self, position: int) -> Meeting:
        name, *nodes = self._met[position]
        sides = zip((self.left, self.right), self._moments[position], nodes, strict=True)
        found = [walk.at(at).gradient(node) for walk, at, node in sides]
        return Meeting(name, *map(np.asarray, found))


def _landmarks(walk: Walk) -> dict[str, tuple[Tensor, int]]:
    """The outputs and the logits of a mix, and where they have all their gradient."""
    symbols = walk.reading.symbols
    nodes = {"a": symbols.a, "z": symbols.z} if symbols else {}
    found = {name: (node, walk.complete(node)) for name, node in nodes.items() if node is not None}
    return {name: (node, end) for name, (node, end) in found.items() if end is not None}
