"""What a gradient check found: a report that is true when everything was in order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MOST_SHOWN = 5


@dataclass(frozen=True)
class Check:
    """One property and whether it held."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class Mismatch:
    """An entry of a gradient that is not the derivative."""

    argument: int
    index: tuple[int, ...]
    analytic: float
    numeric: float
    tolerance: float
    ulp: float  # the error in units of the last place of the derivative

    @property
    def absolute(self) -> float:
        """|analytic - numeric|."""
        return abs(self.analytic - self.numeric)

    @property
    def relative(self) -> float:
        """The same as a fraction of the derivative; infinite where that is 0."""
        if not self.absolute:
            return 0.0
        return self.absolute / abs(self.numeric) if self.numeric else math.inf

    def __str__(self) -> str:
        place = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        return (
            f"argument {self.argument}{place}: analytic {self.analytic:.10g}, numeric "
            f"{self.numeric:.10g}; error {self.absolute:.4g} absolute, {self.relative:.4g} "
            f"relative, {self.ulp:.4g} ulp (allowed {self.tolerance:.4g})"
        )


@dataclass(frozen=True)
class Kink:
    """An entry at which the function has two slopes; neither is wrong."""

    argument: int
    index: tuple[int, ...]
    left: float
    right: float
    analytic: float

    def __str__(self) -> str:
        place = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        return (
            f"argument {self.argument}{place}: slope {self.left:.4g} on the left, "
            f"{self.right:.4g} on the right; the gradient says {self.analytic:.4g}"
        )


@dataclass
class GradcheckReport:
    """The outcome of `gradcheck`: true when it passed, readable as text.

    `mismatches` are the wrong entries, the worst first; `blame` is the first node whose own rule is
    wrong; `causes` are guesses, the best first; `kinks` and `notes` are no failures.
    """

    method: str = ""
    why: str = ""
    entries: int = 0
    checks: list[Check] = field(default_factory=list)
    mismatches: list[Mismatch] = field(default_factory=list)
    kinks: list[Kink] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blame: str | None = None
    causes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every check held."""
        return all(check.passed for check in self.checks)

    def __bool__(self) -> bool:
        return self.passed

    def raise_if_failed(self) -> None:
        """Do nothing if it passed.

        Raises:
            AssertionError: it did not; the message is the report.
        """
        if not self.passed:
            raise AssertionError(str(self))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON: a number that is not finite is None."""
        return {
            "passed": self.passed,
            "method": self.method,
            "why": self.why,
            "entries": self.entries,
            "checks": [
                {"name": c.name, "passed": c.passed, "detail": c.detail} for c in self.checks
            ],
            "mismatches": [
                {
                    "argument": m.argument,
                    "index": list(m.index),
                    "analytic": _finite(m.analytic),
                    "numeric": _finite(m.numeric),
                    "absolute": _finite(m.absolute),
                    "relative": _finite(m.relative),
                    "ulp": _finite(m.ulp),
                    "tolerance": _finite(m.tolerance),
                }
                for m in self.mismatches
            ],
            "kinks": [
                {
                    "argument": k.argument,
                    "index": list(k.index),
                    "left": _finite(k.left),
                    "right": _finite(k.right),
                    "analytic": _finite(k.analytic),
                }
                for k in self.kinks
            ],
            "notes": self.notes,
            "blame": self.blame,
            "causes": self.causes,
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        against = f": {counted(self.entries)} against {self.method} ({self.why})"
        yield f"gradcheck {'passed' if self.passed else 'FAILED'}{against if self.method else ''}"
        for check in self.checks:
            if not check.passed:
                yield f"  {check.name}: {check.detail}"
        for mismatch in self.mismatches[:MOST_SHOWN]:
            yield f"  {mismatch}"
        if (more := len(self.mismatches) - MOST_SHOWN) > 0:
            yield f"  and {counted(more)} more"
        if self.blame:
            yield f"  first wrong rule: {self.blame}"
        yield from (f"  likely cause: {cause}" for cause in self.causes)
        for kink in self.kinks[:MOST_SHOWN]:
            yield f"  kink at {kink}"
        yield from (f"  note: {note}" for note in self.notes)
        if self.passed:
            yield f"  held: {', '.join(check.name for check in self.checks)}"


def counted(n: int) -> str:
    """1 entry, 2 entries."""
    return "1 entry" if n == 1 else f"{n} entries"


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
