"""What a gradient check found: a report that is true when everything was in order."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from tinygrad_lossmix.printing import count
from tinygrad_lossmix.records import plain

MOST_SHOWN = 5
REFERENCES = {
    "mp": "mpmath",
    "complex": "complex-step",
    "richardson": "extrapolated-difference",
    "central": "central-difference",
}


@dataclass(frozen=True)
class Check:
    """One property and whether it held."""

    name: str
    passed: bool
    detail: str = ""

    def __repr__(self) -> str:
        return f"{self.name}: {'ok' if self.passed else self.detail}"


@dataclass(frozen=True)
class Entry:
    """An entry of a gradient: the argument it belongs to, and where in it."""

    argument: int
    index: tuple[int, ...]

    @property
    def place(self) -> str:
        """How it is written: argument 0[1, 2]."""
        index = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        return f"argument {self.argument}{index}"


@dataclass(frozen=True)
class Mismatch(Entry):
    """An entry that is not the derivative."""

    analytic: float
    numeric: float
    tolerance: float
    ulp: float  # the error in units of the last place of the derivative
    absolute: float  # |analytic - numeric|
    relative: float  # the same as a fraction of the derivative; infinite where that is 0

    def __repr__(self) -> str:
        return (
            f"{self.place}: analytic {self.analytic:.10g}, numeric {self.numeric:.10g}; error "
            f"{self.absolute:.4g} absolute, {self.relative:.4g} relative, {self.ulp:.4g} ulp "
            f"(allowed {self.tolerance:.4g})"
        )


@dataclass(frozen=True)
class Kink(Entry):
    """An entry at which the function has two slopes; neither is wrong, nor what is between."""

    left: float
    right: float
    analytic: float

    def __repr__(self) -> str:
        return (
            f"{self.place}: slope {self.left:.4g} on one side, {self.right:.4g} on the other; the "
            f"gradient is {self.analytic:.4g}"
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
        return dict(plain({"passed": self.passed, **asdict(self)}))

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        """The cause in the first line: of a long text, pytest shows the beginning."""
        failed = [str(check) for check in self.checks if not check.passed]
        against = f"{count(self.entries, 'entry')}, {REFERENCES.get(self.method, 'no')} reference"
        because = "; ".join(part for part in self.why.split("; ") if part.startswith("not "))
        against += f": {because}" if because else ""
        why = [f"first wrong rule: {self.blame}"] if self.blame else []
        why += [f"likely cause: {cause}" for cause in self.causes]
        if self.passed:
            yield f"gradcheck passed ({against})"
        else:
            yield f"gradcheck FAILED, {(why or failed).pop(0)}"
        yield from (f"  {check}" for check in failed)
        yield from (f"  {mismatch}" for mismatch in self.mismatches[:MOST_SHOWN])
        if (more := len(self.mismatches) - MOST_SHOWN) > 0:
            yield f"  and {count(more, 'entry')} more"
        yield from (f"  {each}" for each in why)
        yield from (f"  kink at {kink}" for kink in self.kinks[:MOST_SHOWN])
        yield from (f"  note: {note}" for note in self.notes)
        if self.passed:
            yield f"  held: {', '.join(check.name for check in self.checks)}"
        elif self.method:
            yield f"  compared: {against}"
