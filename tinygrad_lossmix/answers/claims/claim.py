"""A claim, and what comes out when it is computed.

>>> @first_answer("one and one are two", expected="2", verdict="right")
... def sum_of_ones() -> Outcome:
...     return f"{1 + 1}", 1 + 1 == 2
>>> sum_of_ones.answer().holds
True
"""

from collections.abc import Callable
from typing import Any, NamedTuple

Outcome = tuple[str, Any]  # what came out, and whether that is what was expected
BY = (
    "the question on mixing layers and costs",
    "its first answer",
    "its second answer",
    "a comment on its second answer",
    "its third answer",
    "a comment on its third answer",
    "the general rule",
)


class Answer(NamedTuple):
    """A claim with what came out."""

    claim: str
    by: str
    expected: str
    obtained: str
    verdict: str  # on the claim; it stands if holds
    holds: bool


class Claim(NamedTuple):
    """Who said what, what is expected to come out, and how to compute it."""

    by: str
    said: str
    expected: str
    verdict: str
    check: Callable[[], Outcome]

    def answer(self) -> Answer:
        obtained, holds = self.check()
        return Answer(self.said, self.by, self.expected, obtained, self.verdict, bool(holds))


def _of(by: str) -> Callable[..., Callable[[Callable[[], Outcome]], Claim]]:
    """Makes a claim of the function below it, which computes what comes out."""
    return lambda said, *, expected, verdict: lambda f: Claim(by, said, expected, verdict, f)


question, first_answer, second_answer, second_comment, third_answer, third_comment, rule = map(
    _of, BY
)
