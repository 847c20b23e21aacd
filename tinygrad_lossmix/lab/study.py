"""A study: what was run, what came out, and whether that is what is stated.

>>> near("at most a hundredth off", [0.25, 1.0], [0.2501, 0.9999], within=0.01)[1:]
('0.2500, 1', '0.2501, 0.9999', True)
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.printing import amount
from tinygrad_lossmix.views.plotting import arranged, inline


class Statement(NamedTuple):
    """What is said and what came out in this run; the names are those of a claim."""

    claim: str
    expected: str
    obtained: str
    holds: bool


class Table(NamedTuple):
    """Text in rows."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    command: str = ""  # what makes it again, if not that of its study


class Figure(NamedTuple):
    """A plot as an `<svg>` element that takes the size it is given, and the same in words."""

    title: str
    alternative: str  # a sentence; below it whatever does not fit into one
    svg: str
    command: str = ""  # what makes it again, if not that of its study


@dataclass(frozen=True)
class Study:
    """A section of the report; `about` is paragraphs with an empty line between them."""

    name: str
    title: str
    about: str
    statements: tuple[Statement, ...]
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    values: dict[str, Any]  # what was measured, for JSON
    quick: bool = True

    @property
    def command(self) -> str:
        """What runs it again."""
        return f"lossmix report --only {self.name}{'' if self.quick else ' --full'}"


def description(study: Callable[..., Study]) -> str:
    """What its docstring says to a reader of the report: all but arguments and errors."""
    return (inspect.getdoc(study) or "").partition("\n\nArgs:")[0]


def near(claim: str, expected: Any, obtained: Any, within: float = 0.0) -> Statement:
    """That each of the numbers comes out as expected, but for `within`."""
    pair = np.atleast_1d(expected), np.atleast_1d(obtained)
    holds = bool((np.abs(np.subtract(*pair)) <= within).all())
    said, came = (", ".join(map(amount, each.flat)) for each in pair)
    return Statement(claim, said, came, holds)


def below(claim: str, bound: float, obtained: float) -> Statement:
    """That a number is at most this."""
    return Statement(claim, f"at most {amount(bound)}", amount(obtained), obtained <= bound)


def plotted(title: str, alternative: str, *panels: Callable[..., None], across: int = 2) -> Figure:
    """Panels as `arranged` puts them; raises ImportError where matplotlib is not installed."""
    return Figure(title, alternative, inline(arranged(*panels, across=across)))
