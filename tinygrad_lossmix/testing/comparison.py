"""A gradient against the derivative: which method, how exact, which entries are wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.testing.highprecision import Replay
from tinygrad_lossmix.testing.methods import (
    Estimate,
    NotApplicable,
    central,
    complex_step,
    richardson,
)
from tinygrad_lossmix.testing.report import Check, GradcheckReport, Kink, Mismatch, counted
from tinygrad_lossmix.testing.subject import Pair, Subject
from tinygrad_lossmix.testing.tolerance import SAFETY, conditioning, epsilon, flat

Array = Any

METHODS = ("auto", "central", "richardson", "complex", "mp")
AFFORDABLE = 300_000  # numbers in mpmath
MANY = 2_000  # entries: above, two evaluations for each have to do
DIRECTIONS = 3
STEPS = {"central": 6e-6, "richardson": 1e-2}  # that a difference of values is divided by


class Allowed(NamedTuple):
    """What rounding may do to each entry of a gradient, and to the value."""

    entries: Array
    value: float


def allowed(
    subject: Subject, analytic: Array, seed: Array, rtol: float | None, rng: np.random.Generator
) -> Allowed:
    """c·ε·Σ|∂|·|v| for each entry, or what the user allows in its place."""
    if isinstance(subject, Pair):
        value = np.inf
        noise = _allowed_by_hand(subject, analytic, seed)
    else:
        recording = subject.recording()
        assert recording is not None
        leaves, cost = recording
        condition, size = conditioning(cost, leaves, seed, rng)
        unit = SAFETY * epsilon(cost)
        smallest = max(float(np.finfo(a.dtype).smallest_subnormal) for a in subject.arrays)
        noise = unit * condition + SAFETY * smallest
        value = unit * (size + abs(float(np.vdot(seed, cost.data)))) + SAFETY * smallest
    if rtol is not None:
        noise = rtol * np.abs(analytic)
    return Allowed(noise, value)


def _allowed_by_hand(subject: Subject, analytic: Array, seed: Array) -> Array:
    """No recording of a gradient by hand: what it moves by when its input moves by an ulp or so."""
    unit = max(float(np.finfo(a.dtype).eps) for a in subject.arrays)
    spread = np.zeros(analytic.shape)
    for k in (-3.0, -1.0, 2.0):
        near = [(a * a.dtype.type(1.0 + k * unit)).astype(a.dtype) for a in subject.arrays]
        try:
            moved = np.abs(flat(subject.gradient(near, seed)) - analytic)
        except Exception:  # it is reported where it is called at the inputs themselves
            continue
        if moved.shape == spread.shape:
            spread = np.fmax(spread, moved)
    largest = np.max(np.abs(analytic), initial=1.0, where=np.isfinite(analytic))
    return 4.0 * spread + 32.0 * unit * np.abs(np.nan_to_num(analytic)) + 4.0 * unit * largest


def derivative(
    subject: Subject,
    seed: Array,
    method: str,
    directions: Array | None,
    goal: Array,
) -> tuple[Estimate, str, str]:
    """The derivative by a method, its name, and why that one.

    Args:
        subject, seed: of <seed, f>.
        method: one of METHODS.
        directions: (k, n), to differentiate along; None: along every entry.
        goal: the error that is good enough for each.

    Raises:
        NotApplicable: a method was asked for that cannot be used.
    """
    point = subject.point
    start = point if directions is None else np.zeros(len(directions))

    def along(moves: Array) -> Any:
        at = moves if directions is None else point + moves @ directions
        value = np.vdot(seed, subject.value(subject.split(at)))
        return value if at.dtype.kind == "c" else float(value)

    def replayed() -> Estimate:
        recording = subject.recording()
        if recording is None:
            raise NotApplicable("the function cannot be recorded")
        leaves, cost = recording
        again = Replay(cost, leaves, seed)
        if method == "auto" and again.size * len(start) * 6 > AFFORDABLE:
            raise NotApplicable("the recording is too large for mpmath to be quick")
        return again.derivative(point, goal, directions)

    steps: dict[str, Callable[[], Estimate]] = {
        "mp": replayed,
        "complex": lambda: complex_step(along, start),
        "richardson": lambda: richardson(along, start),
        "central": lambda: central(along, start),
    }
    if method != "auto":
        return steps[method](), method, "as asked"
    if len(start) > MANY:
        return steps["central"](), "central", counted(len(start))
    reasons: list[str] = []
    for name in ("mp", "complex"):
        try:
            return steps[name](), name, "; ".join(["the sharpest that applies", *reasons])
        except NotApplicable as reason:
            reasons.append(f"not {name}: {reason}")
    return steps["richardson"](), "richardson", "; ".join(reasons)


def compare(
    subject: Subject,
    analytic: Array,
    seed: Array,
    report: GradcheckReport,
    *,
    method: str,
    mode: str,
    limits: Allowed,
    atol: float | None,
    rng: np.random.Generator,
) -> Array:
    """Put into the report how a flat gradient compares; return the derivative that it should be.

    With mode "project" along a few random directions; only if one of them fails, entry by entry.
    """
    if mode == "project":
        directions = rng.normal(size=(DIRECTIONS, len(analytic)))
        goal = np.abs(directions) @ limits.entries
        found, name, why = derivative(subject, seed, method, directions, goal)
        found = _with_noise(found, name, limits)
        off = np.abs(directions @ analytic - found.values)
        right = off <= goal + (atol or 0.0) + found.errors
        if np.all(right | found.kinks) and np.all(np.isfinite(found.values)):
            report.method, report.why = name, f"along {DIRECTIONS} random directions; {why}"
            report.entries = len(analytic)
            report.checks.append(Check("values", True))
            return analytic
    found, report.method, report.why = derivative(subject, seed, method, None, limits.entries)
    found = _with_noise(found, report.method, limits)
    report.entries = len(analytic)
    _entries(subject, analytic, found, limits.entries + (atol or 0.0), report)
    return np.where(np.isfinite(found.values), found.values, analytic)


def _with_noise(found: Estimate, method: str, limits: Allowed) -> Estimate:
    """What rounding inside the function does to a difference of its values."""
    if method not in STEPS or not np.isfinite(limits.value):
        return found
    return found._replace(errors=found.errors + 8.0 / SAFETY * limits.value / STEPS[method])


def _entries(
    subject: Subject, analytic: Array, found: Estimate, tolerance: Array, report: GradcheckReport
) -> None:
    """Mismatches, kinks and notes, entry by entry."""
    unknown = vague = 0
    for i, (g, t) in enumerate(zip(analytic.tolist(), found.values.tolist(), strict=True)):
        argument, index = subject.place(i)
        limit = float(tolerance[i] + found.errors[i])
        if found.kinks[i]:
            left, right = float(found.left[i]), float(found.right[i])
            report.kinks.append(Kink(argument, index, left, right, g))
        elif not np.isfinite(t) or not np.isfinite(found.errors[i]):
            unknown += 1
        elif not abs(g - t) <= limit:
            dtype = subject.arrays[subject.wrt.index(argument)].dtype
            ulp = abs(g - t) / float(np.spacing(np.abs(dtype.type(t))))
            report.mismatches.append(Mismatch(argument, index, g, t, limit, ulp))
        elif limit > 1e-3 * max(abs(g), abs(t)) and t:
            vague += abs(t) > 1e-6 * np.max(np.abs(analytic))
    report.mismatches.sort(key=lambda m: -_nan_first(m.absolute))
    right = not report.mismatches
    detail = f"not the derivative at {len(report.mismatches)} of {counted(len(analytic))}"
    if unknown:
        report.notes.append(
            f"no reference at {counted(unknown)}: the function is not finite or not smooth around"
        )
    if vague:
        report.notes.append(
            f"ill-conditioned at {counted(vague)}: rounding alone leaves fewer than three digits"
        )
    blind = unknown == len(analytic) > 0 and bool(np.all(np.isfinite(analytic)))
    report.checks.append(
        Check(
            "values",
            right and not blind,
            "there is nothing to compare with at any entry" if blind and right else detail,
        )
    )


def _nan_first(error: float) -> float:
    return error if error == error else float("inf")
