"""A claim, and what comes out when it is computed.

>>> @claim("an answer", "one and one are two", expected="2", verdict="right")
... def sum_of_ones() -> Finding:
...     return Finding(f"{1 + 1}", 1 + 1 == 2)
>>> sum_of_ones.answer().holds
True
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Finding(NamedTuple):
    """What came out, and whether that is what was expected."""

    obtained: str
    holds: bool


class Answer(NamedTuple):
    """A claim with what came out."""

    claim: str
    by: str
    expected: str
    obtained: str
    verdict: str  # on the claim; it stands if holds
    holds: bool


@dataclass(frozen=True)
class Claim:
    """Who said what, what is expected to come out, and how to compute it."""

    by: str
    said: str
    expected: str
    verdict: str
    check: Callable[[], Finding]

    def answer(self) -> Answer:
        """Compute it."""
        found = self.check()
        return Answer(
            self.said, self.by, self.expected, found.obtained, self.verdict, bool(found.holds)
        )


def claim(
    by: str, said: str, *, expected: str, verdict: str
) -> Callable[[Callable[[], Finding]], Claim]:
    """Make a claim of the function below it, which computes what comes out."""
    return lambda check: Claim(by, said, expected, verdict, check)
