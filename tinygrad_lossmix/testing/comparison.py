"""A gradient against the derivative: which method, how exact, which entries are wrong."""

from collections.abc import Callable
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.installation import install
from tinygrad_lossmix.printing import count
from tinygrad_lossmix.testing.check_report import Check, GradcheckReport, Kink, Mismatch
from tinygrad_lossmix.testing.methods import (
    Estimate,
    NotApplicable,
    central,
    complex_step,
    flat,
    noise,
    richardson,
    split,
)
from tinygrad_lossmix.testing.subject import Subject

METHODS = ("auto", "central", "richardson", "complex", "mp")
AFFORDABLE = 300_000  # numbers in mpmath
MANY = 2_000  # entries: above, two evaluations for each have to do
DIRECTIONS = 3
DOUBTFUL = 40  # entries that are looked at again, where the function may have a kink
NEAR = 1e-6  # how far from the point, relative; a kink looks the same from further off
POINTS = 64  # as far
STEP = 1e-9  # of differences there


class Options(NamedTuple):
    """How a gradient is compared: what `gradcheck` was given under these names."""

    method: str = "auto"
    mode: str = "project"
    rtol: float | None = None
    atol: float | None = None


def derivative(
    subject: Subject, method: str, directions: Array | None, goal: Array
) -> tuple[Estimate, str, str]:
    """The derivative of <seed, f> by one of METHODS, its name, and why that one.

    Along directions (k, n) or, without, along every entry; goal is the error that is good enough.
    """
    point = subject.point
    start = point if directions is None else np.zeros(len(directions))

    def along(moves: Array) -> Any:
        return subject.number(moves if directions is None else point + moves @ directions)

    def replayed() -> Estimate:
        if subject.cost is None:
            raise NotApplicable("the function cannot be recorded")
        try:
            from tinygrad_lossmix.testing.highprecision import InMpmath
        except ImportError as error:
            raise NotApplicable(f"mpmath is not installed: {install('verify')}") from error
        most = AFFORDABLE / 6 / max(len(start), 1) if method == "auto" else np.inf
        again = InMpmath(subject.cost, subject.leaves, subject.seed, most)
        return again.derivative(point, goal, directions)

    ways: dict[str, Callable[[], Estimate]] = {
        "mp": replayed,
        "complex": lambda: complex_step(along, start),
        "richardson": lambda: richardson(along, start),
        "central": lambda: central(along, start),
    }
    if method != "auto":
        return ways[method](), method, "as asked"
    if len(start) > MANY:
        return ways["central"](), "central", count(len(start), "entry")
    reasons: list[str] = []
    for name in ("mp", "complex"):
        try:
            return ways[name](), name, "; ".join(["the sharpest that applies", *reasons])
        except NotApplicable as reason:
            reasons.append(f"not {name}: {reason}")
    return ways["richardson"](), "richardson", "; ".join(reasons)


def compare(
    subject: Subject, analytic: Array, allowed: Array, report: GradcheckReport, options: Options
) -> Array:
    """Put into the report how a flat gradient compares; return the derivative that it should be.

    With mode "project" along a few random directions; only if one of them fails, entry by entry.
    """
    report.entries, atol = len(analytic), options.atol or 0.0
    if options.mode == "project":
        directions = subject.rng.normal(size=(DIRECTIONS, len(analytic)))
        goal = np.abs(directions) @ allowed
        found, name, why = derivative(subject, options.method, directions, goal)
        right = _agrees(directions @ analytic, found, goal + atol)
        if np.all(right & np.isfinite(found.errors)):
            report.method, report.why = name, f"along {DIRECTIONS} random directions; {why}"
            report.checks.append(Check("values", True))
            return analytic
    found, report.method, report.why = derivative(subject, options.method, None, allowed)
    tolerance = allowed + atol
    parts = found.kinks
    found = _at_kinks(subject, analytic, found, tolerance)
    kinks = np.flatnonzero(found.kinks & np.isfinite(analytic))[:DOUBTFUL]
    if len(kinks) > 1 and not _together(subject, analytic, kinks):
        report.checks.append(Check("at kinks", False, "no derivative nearby has two entries so"))
    _entries(subject, analytic, found, tolerance, parts, report)
    return np.where(np.isfinite(found.values), found.values, analytic)


def _nearest(slopes: Array, found: Estimate) -> Array:
    """The derivative, or of those between the two slopes that meet at a kink the nearest."""
    low, high = np.fmin(found.left, found.right), np.fmax(found.left, found.right)
    return np.where(found.kinks, np.clip(slopes, low, high), found.values)


def _agrees(slopes: Array, found: Estimate, tolerance: Array) -> Array:
    """Where some slopes are that."""
    return np.abs(slopes - _nearest(slopes, found)) <= tolerance + found.errors


def _at_kinks(subject: Subject, analytic: Array, found: Estimate, tolerance: Array) -> Estimate:
    """The estimate, where it has a kink or the gradient looks wrong, from values of f itself.

    A recording keeps the branch it took, and a tie may be one in floats only. A derivative at a
    kink is anything in the convex hull of those around it (Clarke): of the slopes on both sides,
    and of the derivatives at points nearby, since f may have several kinks at once.
    """
    doubtful = np.flatnonzero(found.kinks | ~_agrees(analytic, found, tolerance))
    doubtful = doubtful[np.isfinite(analytic[doubtful])][:DOUBTFUL]
    if not len(doubtful):
        return found
    found = Estimate(*map(np.copy, found))

    def moved(entries: Array) -> Any:
        at = subject.point
        at[doubtful] = entries
        return subject.number(at)

    sides = richardson(moved, subject.point[doubtful])
    again = np.isfinite(sides.errors) & (sides.kinks | found.kinks[doubtful])
    for mine, other in zip(found, sides, strict=True):
        mine[doubtful[again]] = other[again]
    outside = doubtful[~_agrees(analytic, found, tolerance)[doubtful]]
    if len(outside) and (around := _around(subject)):
        low, high = np.min(around, axis=0), np.max(around, axis=0)
        outside = outside[(low < high)[outside]]
        found.left[outside], found.right[outside] = low[outside], high[outside]
        found.kinks[outside] = True
    return found


def _together(subject: Subject, g: Array, kinks: Array) -> bool:
    """Whether any two entries are as in derivatives nearby: of two that tie, one has it all."""
    around, entries = np.array(_around(subject) or [g])[:, kinks], np.eye(len(kinks))
    ways = np.array([a + b for a, b in combinations([*entries, *-entries], 2)]).T
    room = 0.25 * np.ptp(around, axis=0) @ np.abs(ways)  # where a derivative was not come by
    return bool(np.all(g[kinks] @ ways <= np.max(around @ ways, axis=0) + room))


def _around(subject: Subject) -> list[Array]:
    """The gradients at points nearby, where f has a kink.

    Only gradients that agree with f along a direction count.
    """
    point, value = subject.point, subject.number
    size = np.maximum(np.abs(point), 1.0)
    rounding, here = noise(value, point), value(point)

    def bend(move: Array) -> Any:
        return abs(value(point + move) + value(point - move) - 2.0 * here)

    ways = subject.rng.normal(size=(POINTS, len(point))) * size
    turned = [(bend(NEAR * way), bend(10.0 * NEAR * way)) for way in ways[:16]]
    if not any(near > 8.0 * rounding and near > 0.05 * far for near, far in turned):
        return []
    found = []
    for way, turn in zip(ways, ways[::-1] / size, strict=True):
        at = point + NEAR * way
        slope = (value(at + STEP * turn) - value(at - STEP * turn)) / (2.0 * STEP)
        gradient = flat(subject.gradient(split(at, subject.arrays)))
        if abs(slope - gradient @ turn) <= 8.0 * rounding / STEP + 1e-5 * abs(slope):
            found.append(gradient)
    return found


def _entries(
    subject: Subject,
    g: Array,
    found: Estimate,
    tolerance: Array,
    parts: Array,
    report: GradcheckReport,
) -> None:
    """What a flat gradient g is found to be, in the report; parts: where f is made of kinks."""
    t, limit = _nearest(g, found), tolerance + found.errors
    known = np.isfinite(t) & (found.errors < np.where(np.isinf(g), 0.1 + 0.1 * np.abs(t), np.inf))
    wrong = known & ~_agrees(g, found, tolerance)
    each = zip(subject.wrt, subject.arrays, strict=True)
    places = [(position, index) for position, x in each for index in np.ndindex(x.shape)]
    for i in np.flatnonzero(found.kinks):
        slopes = float(found.left[i]), float(found.right[i]), float(g[i])
        report.kinks.append(Kink(*places[i], *slopes))
    for i in np.flatnonzero(wrong):
        dtype = subject.arrays[subject.wrt.index(places[i][0])].dtype
        off = abs(g[i] - t[i])
        relative = off / abs(t[i]) if t[i] else np.inf
        numbers = g[i], t[i], limit[i], off / np.spacing(np.abs(dtype.type(t[i]))), off, relative
        report.mismatches.append(Mismatch(*places[i], *map(float, numbers)))
        if parts[i] and not found.kinks[i]:
            report.causes.append(
                f"{report.mismatches[-1].place}: the function is smooth, with slope {t[i]:.4g} on "
                "both sides; kinks of its parts cancel, and the rules know only the parts"
            )
    report.mismatches.sort(key=lambda m: -m.absolute if m.absolute == m.absolute else -np.inf)
    if unknown := int(np.sum(~known)):
        report.notes.append(
            f"not decided at {count(unknown, 'entry')}: the function is not finite or not smooth "
            "around, or rounding hides its derivative"
        )
    size, largest = np.maximum(np.abs(g), np.abs(t)), np.max(np.abs(g), initial=0.0)
    vague = known & ~wrong & (limit > 1e-3 * size) & (np.abs(t) > 1e-6 * largest)
    if ill := int(np.sum(vague)):
        report.notes.append(
            f"ill-conditioned at {count(ill, 'entry')}: rounding alone leaves fewer than three "
            "digits"
        )
    detail = f"not the derivative at {len(report.mismatches)} of {count(len(g), 'entry')}"
    report.checks.append(Check("values", not report.mismatches, detail))
