"""Two costs of the same logits, stepped in lock-step: where do their gradients part?

Both walks take a product at a time; at the outputs a and at the logits z the one that is there
first waits for the other.

>>> from tinygrad_lossmix import Mix, Tensor
>>> z = Tensor([2.0, 1.0, 0.0], name="z")
>>> costs = Mix("softmax", "ll").composed(z, 0), Mix("softmax", "ce").composed(z, 0)
>>> both = Lockstep(*map(Walk, costs))
>>> both.end()
>>> both.meeting.name, round(both.meeting.gap, 4)
('z', 0.2814)
"""

from typing import NamedTuple

import numpy as np

from tinygrad_lossmix.debugger.chain_rule import largest
from tinygrad_lossmix.debugger.walk import Steps, Walk
from tinygrad_lossmix.engine.table import Array


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

    def __str__(self) -> str:
        words = "are equal" if self.same else f"differ by up to {self.gap:.4g}"
        return f"dC/d{self.name} is complete on both sides; they {words}"


class Lockstep(Steps):
    """Two walks in lock-step.

    Args:
        left, right: the walks; they are moved from now on.

    Attributes:
        moments: where the two are at each position.
        met: the quantities whose gradients are both complete, each at the position where they are.
    """

    def __init__(self, left: Walk, right: Walk) -> None:
        self.left, self.right = left, right
        self.moments = [(0, 0)]
        self.met: dict[int, Meeting] = {}
        theirs = _landmarks(right)
        for name, (end, gradient) in _landmarks(left).items():
            if name in theirs:
                its_end, its_gradient = theirs[name]
                self._reach(end, its_end)
                self.met[len(self)] = Meeting(name, gradient, its_gradient)
        self._reach(len(left), len(right))
        self.goto(0)

    def _reach(self, *ends: int) -> None:
        """Plan steps, a product on each side, until both are there; the first waits."""
        while self.moments[-1] != ends:
            p, q = (min(at + 1, end) for at, end in zip(self.moments[-1], ends, strict=True))
            self.moments.append((p, q))

    def __len__(self) -> int:
        return len(self.moments) - 1

    def _move(self, position: int) -> bool:
        if not super()._move(position):
            return False
        self.left.position, self.right.position = self.moments[position]
        return True

    def part(self) -> bool:
        """Go on to the next quantity whose gradients differ; False: there is none."""
        ahead = (at for at, each in self.met.items() if at > self.position and not each.same)
        return self._move(next(ahead, len(self) + 1))

    @property
    def meeting(self) -> Meeting | None:
        """The quantity whose gradients are both complete here; None elsewhere."""
        return self.met.get(self.position)


def walks_of(steps: Walk | Lockstep) -> list[Walk]:
    """Both that are in lock-step, or the one."""
    return [steps.left, steps.right] if isinstance(steps, Lockstep) else [steps]


def _landmarks(walk: Walk) -> dict[str, tuple[int, Array]]:
    """Where the cost, the outputs and the logits have all their gradient, and that gradient."""
    symbols, found = walk.reading.symbols, dict[str, tuple[int, Array]]()
    nodes = {"C": walk.cost} | ({"a": symbols.a, "z": symbols.z} if symbols else {})
    for name, node in nodes.items():
        if node is not None and (end := walk.complete(node)) is not None:
            found[name] = end, np.asarray(walk.at(end).gradient(node))
    return found
