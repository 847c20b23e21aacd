"""Is a mix sound? A verdict, computed when it is asked for, with the numbers that show it.

>>> from tinygrad_lossmix.mixes.mix import Mix
>>> found = verdict(Mix("sigmoid", "ll"), 3)
>>> found.proper, found.convex, found.a_minus_y
(False, True, False)
>>> [fault.name for fault in found.faults][1:]
['no wrong class is ever pushed down']
"""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tinygrad_lossmix.mixes import wording
from tinygrad_lossmix.mixes.evidence import Evidence, gather
from tinygrad_lossmix.mixes.expected import Pair
from tinygrad_lossmix.mixes.wording import Fault
from tinygrad_lossmix.records import plain

MOST = 50  # classes: the Hessians of more take longer than anybody waits


@dataclass(frozen=True)
class Verdict:
    """What a mix with K outputs does, and what to use instead."""

    mix: str
    classes: int
    proper: bool  # a strictly proper score: the expected cost is least at the true probabilities
    convex: bool  # in z
    a_minus_y: bool  # δ = a - y where one answer is right
    several: bool  # of multi-label targets, too, the outputs find each probability
    condition: str  # for which labels δ = a - y, or what it is instead
    failure: str  # the problems, "nothing" where there are none
    advice: str
    faults: tuple[Fault, ...]  # the problems, each with its numbers
    evidence: Evidence

    def text(self, width: int = 88) -> str:
        """All of it, on lines of at most that many columns."""
        e = self.evidence
        shown = wording.minimum(wording.telling(e.minima))
        if self.proper:
            worst = max(minimum.error for minimum in e.minima)
            shown += f"; {len(e.minima)} searches end within {wording.number(worst)} of the truth"
        rows = [
            ("strictly proper", f"{wording.yes(self.proper)}, {shown}"),
            ("convex in z", f"{wording.yes(self.convex)}, {wording.bending(e)}"),
            ("delta = a - y", f"{wording.yes(self.a_minus_y)}, {self.condition}"),
        ]
        if self.classes > 1:
            shown = wording.minimum(wording.telling(e.separate))
            rows.append(("multi-label", f"{wording.yes(self.several)}, {shown}"))
        rows += [("problem", f"{fault.name}: {fault.shown}") for fault in self.faults]
        rows.append(("advice", self.advice))
        of = "one output" if self.classes == 1 else f"{self.classes} classes"
        problems = self.failure if self.faults else "no problems"
        lines = textwrap.wrap(f"{self.mix}, {of}: {problems}", max(width, 40))
        for name, said in rows:
            lines += textwrap.wrap(
                said,
                max(width, 40),
                initial_indent=f"  {name:17}",
                subsequent_indent=" " * 19,
                break_on_hyphens=False,
            )
        return "\n".join(lines)

    def record(self) -> dict[str, Any]:
        """All of it as plain values; numbers that are not finite are None."""
        found: dict[str, Any] = plain(asdict(self))
        found["faults"] = [fault._asdict() for fault in self.faults]
        return found

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__


def verdict(mix: Pair, classes: int) -> Verdict:
    """Compute the verdict on a mix.

    Args:
        mix: a Mix, or anything with its activate, cost, composed, delta and hessian.
        classes: K, the number of outputs; with one, its labels are 0 and 1.

    Raises:
        ValueError: K is not a whole number from 1 to 50.

    >>> from tinygrad_lossmix.mixes.mix import Mix
    >>> verdict(Mix("softmax", "ce"), 2).condition
    'never: delta = 2 (a - y) for one-hot labels'
    """
    if type(classes) is bool or not isinstance(classes, int | np.integer):
        raise ValueError(f"classes are a whole number, not {classes!r}")
    if not 1 <= classes <= MOST:
        raise ValueError(f"a verdict is for 1 to {MOST} classes, not {classes}")
    found = gather(mix, int(classes))
    faults = tuple(wording.faults(found))
    return Verdict(
        mix=str(mix),
        classes=found.classes,
        proper=found.proper,
        convex=found.convex,
        a_minus_y=found.a_minus_y,
        several=found.several,
        condition=wording.condition(found),
        failure="; ".join(fault.name for fault in faults) or "nothing",
        advice=wording.advice(found),
        faults=faults,
        evidence=found,
    )
