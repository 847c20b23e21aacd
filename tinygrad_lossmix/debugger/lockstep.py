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

from collections.abc import Callable
from typing import IO, ClassVar, NamedTuple

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger.asking import Stepping
from tinygrad_lossmix.debugger.walk import Steps, Walk
from tinygrad_lossmix.debugger.wording import FLOW, MOST, QUIET, columns, listing, product, where
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import short


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


class Pair(Steps):
    """Two walks in lock-step.

    Args:
        left, right: the walks; they are moved from now on.
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


def view(pair: Pair) -> Text:
    """Where both are: a column for each."""
    sides = pair.left, pair.right
    cells = [{f"[{pair.position}/{len(pair)}]": _mix(walk), **_column(walk)} for walk in sides]
    rows = [(part, *(side.get(part, "") for side in cells)) for part in cells[0] | cells[1]]
    text = columns([row for row in rows if any(row[1:])], (QUIET, FLOW, FLOW), "")
    return text.append(f"\n{_apart(pair.meeting)}") if pair.meeting else text


def both(pair: Pair, answer: Callable[[Walk], Text]) -> Text:
    """What is said about each walk, one below the other."""
    parts = []
    for side, walk in (("left", pair.left), ("right", pair.right)):
        heading = f"{side}: {_mix(walk)}" if _mix(walk) else side
        parts.append(Text(f"{heading}  {walk.place}\n", QUIET).append_text(answer(walk)))
    return Text("\n").join(parts)


def meetings(pair: Pair) -> Text:
    """The gradients of each quantity that both sides have, from the cost to the logits."""
    rows = []
    for each in pair.meetings:
        apart = "equal" if each.same else f"max difference {each.gap:.4g}"
        rows.append((f"dC/d{each.name}", short(each.left, MOST), short(each.right, MOST), apart))
    return columns(rows, (QUIET, FLOW, FLOW, ""), "")


def _mix(walk: Walk) -> str:
    return str(walk.reading.symbols.mix) if walk.reading.symbols else ""


def _column(walk: Walk) -> dict[str, str]:
    stop, reading = walk.stop, walk.reading
    if stop is None:
        return {"": f"{walk.place} {reading.defined(walk.cost)}", "upstream": "1"}
    way = f"{reading.defined(stop.node)} → {reading.call(stop.argument)}"
    return {"": f"{walk.place} {way}", **dict(product(stop))}


def _apart(meeting: Meeting) -> str:
    words = "are equal" if meeting.same else f"differ by up to {meeting.gap:.4g}"
    return f"dC/d{meeting.name} is complete on both sides; they {words}"


class PairPrompt(Stepping):
    """The commands on a pair."""

    short: ClassVar[dict[str, str]] = Stepping.short | {"p": "part"}

    def __init__(self, pair: Pair, stdout: IO[str] | None = None) -> None:
        super().__init__(pair, stdout)
        self._pair = pair

    def _introduction(self) -> Text:
        words = "in lock-step, the first at a or z waits; `part` goes to where the gradients differ"
        return Text(words)

    def do_part(self, arg: str) -> None:
        """go on to the next quantity, C, a or z, whose gradients differ"""
        self._moved("part", self._pair.part(), "no further gradients differ")

    def do_delta(self, arg: str) -> None:
        """the gradients of C, a and z on both sides, and their max difference"""
        self._say(meetings(self._pair))

    def do_where(self, arg: str) -> None:
        """on each side the path to the cost, with the local Jacobians and their product"""
        self._say(both(self._pair, where))

    def do_list(self, arg: str) -> None:
        """the nodes of each side with values and gradients; -> marks the current one"""
        self._say(both(self._pair, listing))

    def _view(self) -> None:
        self._say(view(self._pair))
