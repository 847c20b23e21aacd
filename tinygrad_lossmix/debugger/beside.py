"""Two costs of the same logits, stepped in lock-step: where do their gradients part?

Both walks take a product at a time; at the outputs a and at the logits z the one that is there
first waits for the other.

>>> from tinygrad_lossmix import Mix
>>> z = Tensor([2.0, 1.0, 0.0], name="z")
>>> costs = Mix("softmax", "ll").composed(z, 0), Mix("softmax", "ce").composed(z, 0)
>>> pair = Pair(*map(Walk, costs))
>>> pair.end()
>>> pair.meeting.name, pair.meeting.gap.round(4)
('z', np.float64(0.2814))
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygrad_lossmix.debugger.walk import Walk
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
            return np.float64(np.max(np.abs(self.left - self.right), initial=0.0))

    @property
    def same(self) -> bool:
        """Whether they are the same but for rounding."""
        size = np.max(np.abs(self.left), initial=0.0)
        return bool(self.gap <= 16 * np.finfo(self.left.dtype).eps * size)


class Pair:
    """Two walks in lock-step.

    Args:
        left, right: the walks; they are moved from now on.

    Attributes:
        position: how many steps have been taken: 0 … len(pair).
    """

    def __init__(self, left: Walk, right: Walk) -> None:
        self.left, self.right = left, right
        self._moments = [(0, 0)]
        self._met: dict[int, str] = {0: "C"}
        for name, *goals in _landmarks(left, right):
            here = self._moments[-1]
            steps = max(goal - at for goal, at in zip(goals, here, strict=True))
            for i in range(1, steps + 1):
                p, q = (min(at + i, goal) for at, goal in zip(here, goals, strict=True))
                self._moments.append((p, q))
            if name:
                self._met[len(self._moments) - 1] = name
        self.goto(0)

    def __len__(self) -> int:
        return len(self._moments) - 1

    def next(self) -> bool:
        """Take a step on both sides; False at the end."""
        return self._move(self.position + 1)

    def back(self) -> bool:
        """Undo the last step; False at the start."""
        return self._move(self.position - 1)

    def start(self) -> None:
        """Go to where only the costs have their gradients, 1."""
        self.goto(0)

    def end(self) -> None:
        """Go to the end, where every gradient is complete on both sides."""
        self.goto(len(self))

    def part(self) -> bool:
        """Go on to the next quantity whose gradients differ; False: there is none."""
        for position in self._met:
            if position > self.position and not self._meeting(position).same:
                return self._move(position)
        return False

    def goto(self, position: int) -> None:
        """Go anywhere.

        Raises:
            ValueError: there is no such position.
        """
        if not self._move(position):
            raise ValueError(f"positions are 0 … {len(self)}, not {position}")

    def _move(self, position: int) -> bool:
        if not 0 <= position <= len(self):
            return False
        self.position = position
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
        name = self._met[position]
        sides = zip((self.left, self.right), self._moments[position], strict=True)
        found = [walk.at(at).gradient(quantities(walk)[name]) for walk, at in sides]
        return Meeting(name, *map(np.asarray, found))


def quantities(walk: Walk) -> dict[str, Tensor]:
    """The cost, the outputs and the logits of a walk, as far as a mix is recorded in it."""
    symbols = walk.reading.symbols
    found = {"C": walk.cost}
    if symbols is not None:
        found |= {"a": symbols.a} if symbols.a is not None else {}
        found["z"] = symbols.z
    return found


def _landmarks(left: Walk, right: Walk) -> list[tuple[str, int, int]]:
    """Where each side has the whole gradient of a and of z; then the ends."""
    ours, theirs = quantities(left), quantities(right)
    marks = []
    for name in ("a", "z"):
        if name in ours and name in theirs:
            p, q = left.complete(ours[name]), right.complete(theirs[name])
            if p is not None and q is not None:
                marks.append((name, p, q))
    return [*marks, ("", len(left), len(right))]
