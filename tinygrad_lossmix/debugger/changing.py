"""Commands that change the recording and make it again, and one that asks you."""

from __future__ import annotations

from typing import IO

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger import wording
from tinygrad_lossmix.debugger.changes import (
    Changed,
    with_entry,
    with_labels,
    with_mix,
    with_value,
)
from tinygrad_lossmix.debugger.names import Mistake
from tinygrad_lossmix.debugger.onwalk import OnWalk
from tinygrad_lossmix.debugger.typed import assignment, numbers
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import clean, shorten
from tinygrad_lossmix.views.numbers import short

CLOSE = 0.005  # of the largest entry: how far a prediction may be off


class Changing(OnWalk):
    """What if: other values, and back again."""

    def __init__(self, walk: Walk, stdout: IO[str] | None = None) -> None:
        super().__init__(walk, stdout)
        self._walks = [walk]
        self._now = 0
        self._score = [0, 0]
        self._asked: tuple[Walk, int] | None = None

    def do_set(self, arg: str) -> None:
        """set z 2,1,0; set z[0] 5; set y 1; set mix softmax ce: record again with that"""
        changed = self._changed(arg)
        known = self._walk.reading.known.items()
        constants = {name: x for name, x in known if not isinstance(x, Tensor)}
        new = type(self._walk)(changed.cost, constants | changed.names)
        new.first = -len(new.reading.nodes) if self._walk.first else 0
        if len(new) == len(self._walk):
            new.position = self._walk.position
        self._walks[self._now + 1 :] = [new]
        self._turn(self._now + 1)

    complete_set = OnWalk._complete

    def do_undo(self, arg: str) -> None:
        """take back the last set"""
        self._alone("undo", arg)
        if self._now == 0:
            raise Mistake("nothing was set")
        self._turn(self._now - 1)

    def do_redo(self, arg: str) -> None:
        """set again what was taken back"""
        self._alone("redo", arg)
        if self._now + 1 == len(self._walks):
            raise Mistake("nothing was taken back")
        self._turn(self._now + 1)

    def do_diff(self, arg: str) -> None:
        """what the last set changed: the cost, the inputs and their gradients"""
        self._alone("diff", arg)
        if self._now == 0:
            raise Mistake("nothing was set")
        self._say(wording.changed(self._walks[self._now - 1], self._walk))

    def do_quiz(self, arg: str) -> None:
        """ask for the next product before it is shown"""
        self._alone("quiz", arg)
        walk = self._walk
        if walk.position < 0 or walk.at_end:
            raise Mistake("no product comes next here: type `start`, then `quiz`")
        self._asked = walk, walk.position
        self._say(wording.question(walk.at(walk.position + 1)))

    def do_answer(self, arg: str) -> None:
        """answer 0.5,0,0: your answer to quiz, to two digits; answer alone: show it"""
        if self._asked != (self._walk, self._walk.position):
            raise Mistake("no question pending; type `quiz`")
        stop = self._walk.at(self._walk.position + 1).stop
        assert stop is not None
        if arg:
            guess = numbers(arg, stop.contribution.shape)
            largest = float(np.max(np.abs(stop.contribution), initial=0.0))
            right = np.allclose(guess, stop.contribution, 0.0, CLOSE * largest, equal_nan=True)
            self._score = [self._score[0] + right, self._score[1] + 1]
            words = "right" if right else f"no, it is {short(stop.contribution)}"
            self._say(Text(f"{words}; {self._score[0]} of {self._score[1]} right so far"))
        self._asked = None
        self._walk.next()
        self._view()

    def _changed(self, arg: str) -> Changed:
        reading, known = self._walk.reading, self._names.known
        name, place, value = assignment(arg, known)
        found = known.get(name)
        if not isinstance(found, Tensor):
            if name == "mix":
                return with_mix(reading, _mix(value))
            if name in ("y", "1 - y") and (reading.symbols or found is None):
                if name != "y" or place:
                    raise Mistake("labels are set all at once: set y and a class, or all of them")
                return with_labels(reading, value)
        if found is None:
            raise self._names.missing(name)
        if place:
            return with_entry(reading, name, found, place, value)
        return with_value(reading, name, found, numbers(value, found.shape))

    def _turn(self, to: int) -> None:
        self._now = to
        self._take(self._walks[to])
        self._view()


def _mix(words: str) -> Mix:
    try:
        return Mix(*words.split(maxsplit=1))
    except (ValueError, TypeError):
        asked = shorten(clean(words))
        raise Mistake(f"there is no mix {asked}: choose one as in softmax ce") from None
