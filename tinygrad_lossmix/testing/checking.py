"""`gradcheck`: is a gradient the derivative, and does it behave?

>>> import tinygrad_lossmix as lm
>>> bool(lm.testing.gradcheck(lambda z: lm.Mix("softmax", "ll").cost(z, 0), [2.0, 1.0, 0.0]))
True
>>> cost = lambda z: -np.log(1.0 - lm.book.sigmoid(z))
>>> report = lm.testing.gradcheck((cost, lambda z: 1.0 / (1.0 - lm.sigmoid(z))), 4.0)
>>> bool(report), report.causes[0][:49]
(False, "the factor sigma'(z) = a(1 - a) is missing: this ")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing import behaviour
from tinygrad_lossmix.testing.causes import blame, causes, of_an_error, unstable
from tinygrad_lossmix.testing.comparison import METHODS, Allowed, allowed, compare
from tinygrad_lossmix.testing.highprecision import Replay
from tinygrad_lossmix.testing.methods import NotApplicable
from tinygrad_lossmix.testing.report import Check, GradcheckReport
from tinygrad_lossmix.testing.subject import Pair, Recorded, Subject, subject_of
from tinygrad_lossmix.testing.tolerance import flat

Array = Any


@np.errstate(all="ignore")
def gradcheck(
    f: Any,
    *inputs: Any,
    wrt: Any = None,
    method: str = "auto",
    mode: str = "full",
    order: int = 1,
    rtol: float | None = None,
    atol: float | None = None,
    seed: int = 0,
) -> GradcheckReport:
    """Check a gradient against the derivative, and how it behaves.

    Args:
        f: a function of Tensors, of any shape: the engine's gradient of it is checked; it is called
            with Tensors in place of the inputs that are differentiated. Or a pair (function, its
            gradient) of plain NumPy: the function maps an array to a number, the gradient maps it
            to an array of its shape (a tuple of them where several inputs are differentiated).
        inputs: where to check: arrays, numbers, lists or Tensors.
        wrt: the position of an input that is differentiated, or a tuple; None: every input of
            floats (where there is none: every input of integers, taken as float64).
        method: "central" differences; "richardson", extrapolated; "complex" step; "mp", a replay
            of the recording in mpmath, the only one that sees saturated tails; "auto" takes the
            sharpest that applies, and the report says which.
        mode: "full", entry by entry; "project", along a few random directions, and entry by entry
            only where one of them fails.
        order: 2 checks the second derivative too, as the gradient of a random combination of the
            first. For functions of Tensors.
        rtol: allow this relative error in place of c·ε·Σ|∂|·|v|, what rounding does to a gradient
            that went through values v.
        atol: allow this error more; for a pair the default allows an ulp of 1 or so, which atol=0
            takes away: then `a - y`, which rounds to 0 in a tail, is wrong there.
        seed: for random seeds and directions.

    Returns:
        a report that is true when it passed. A gradient that raises, mutates, is NaN or of another
        shape or dtype gives a false report, not an exception. At a kink whatever lies between the
        slopes around it is right; where no difference can be trusted nothing is decided: both are
        reported and no failure.

    Raises:
        TypeError, ValueError: f, the inputs or an option is not what is described here; and
        whatever f itself raises.
    """
    if method not in METHODS:
        raise ValueError(f"the method is one of {', '.join(METHODS)}, not {method!r}")
    if mode not in ("full", "project"):
        raise ValueError(f'the mode is "full" or "project", not {mode!r}')
    if order not in (1, 2) or (order == 2 and isinstance(f, tuple)):
        raise ValueError("the order is 1 or, for a function of Tensors, 2")
    for name, bound in (("rtol", rtol), ("atol", atol)):
        if bound is not None and not 0.0 <= bound < np.inf:
            raise ValueError(f"{name} is a number from 0 up, not {bound!r}")
    rng = np.random.default_rng(seed)
    subject = subject_of(f, inputs, wrt)
    report = GradcheckReport()
    try:
        _check(subject, report, method, mode, rtol, atol, rng)
        if order == 2 and report.passed and isinstance(subject, Recorded):
            second = Recorded(_second(subject, rng), subject.inputs, subject.wrt)
            report.notes.append("the second derivative was checked too")
            first, report.checks = report.checks, []
            _check(second, report, method, mode, rtol, atol, rng)
            again = [Check(f"second: {c.name}", c.passed, c.detail) for c in report.checks]
            report.checks = [*first, *again]
    except NotApplicable as reason:
        raise ValueError(f"the method {method!r} cannot be used here: {reason}") from reason
    return report


def _check(
    subject: Subject,
    report: GradcheckReport,
    method: str,
    mode: str,
    rtol: float | None,
    atol: float | None,
    rng: np.random.Generator,
) -> None:
    """Fill a report on one subject."""
    value = np.asarray(subject.value(subject.arrays))
    again = np.asarray(subject.value(subject.arrays))
    seed = subject.seed(rng)
    if not np.all(np.isfinite(value)):
        report.checks.append(Check("finite", False, "the value of the function is not finite"))
        known = subject.recording()
        report.causes = (unstable(known[1]) if known else []) or [
            "the function itself overflows or computes 0·log 0 at these inputs"
        ]
        return
    given = [np.array(a) for a in subject.arrays]
    try:
        raw = subject.gradient(given, seed)
    except Exception as error:
        report.checks.append(Check("gradient", False, f"it raises {type(error).__name__}: {error}"))
        report.blame, report.causes = _blame(subject, rng), of_an_error(error)
        return
    formal = list(behaviour.form(subject, raw))
    report.checks += formal
    if not np.array_equal(value, again):
        report.checks.append(Check("the same value twice", False, "the function gives another"))
        return
    arrays = [array for g in raw if (array := behaviour.array_of(g)) is not None]
    if len(arrays) < len(raw):
        return
    gradients = [np.asarray(g, dtype=np.float64) for g in arrays]
    comparable = [g.shape for g in gradients] == [a.shape for a in subject.arrays]
    limits = Allowed(np.full(len(subject.point), np.inf), np.inf)
    analytic = flat(gradients) if comparable else np.full(len(subject.point), np.nan)
    if comparable:
        limits = allowed(subject, analytic, seed, rtol, rng, floor=atol is None)
    found = report if comparable else GradcheckReport()
    right = compare(subject, analytic, seed, found, limits, rng, method, mode, atol or 0.0)
    if comparable:
        _values(subject, seed, limits.value, report)
        report.checks += _behaviours(subject, raw, seed, limits.entries, rng)
        if not report.mismatches:
            report.checks += behaviour.elsewhere(subject, raw, rtol or 0.0, atol or 0.0, rng)
    if not report.passed:
        report.blame = _blame(subject, rng)
        if (
            report.mismatches
            or isinstance(subject, Recorded)
            or not all(check.passed for check in formal)
        ):
            report.causes = _causes(subject, gradients, right, seed, report)


def _second(subject: Recorded, rng: np.random.Generator) -> Callable[..., Any]:
    """A function of Tensors: Σ w·∂<s, f>/∂x, with random weights w and seed s."""
    weights = [rng.normal(size=a.shape) for a in subject.arrays]
    seed = subject.seed(rng)

    def combination(*arguments: Any) -> Any:
        leaves = [arguments[i] for i in subject.wrt]
        value = subject.f(*arguments)
        if not isinstance(value, Tensor):
            return 0.0
        first = grad(value, leaves, seed, create_graph=True)
        return sum((g * w.astype(g.dtype)).sum() for g, w in zip(first, weights, strict=True))

    return combination


def _values(subject: Subject, seed: Array, limit: float, report: GradcheckReport) -> None:
    """The value of a recording against the one in mpmath, where that was the method."""
    recording = subject.recording()
    if report.method != "mp" or recording is None or isinstance(subject, Pair):
        return
    leaves, cost = recording
    found = float(np.vdot(seed, cost.data))
    exact = Replay(cost, leaves, seed).value(subject.point)
    report.checks.append(
        Check(
            "value",
            not abs(found - exact) > limit,
            f"the function itself is {found:.10g} and should be {exact:.10g}",
        )
    )


def _behaviours(
    subject: Subject, raw: list[Any], seed: Array, tolerance: Array, rng: np.random.Generator
) -> list[Check]:
    """The checks besides the numbers; one that raises has failed."""
    checks: list[Check] = []
    try:
        if isinstance(subject, Pair):
            checks.extend(behaviour.of_a_pair(subject, raw, tolerance))
        elif isinstance(subject, Recorded):
            checks.extend(behaviour.of_a_recording(subject, seed, tolerance, rng))
    except Exception as error:
        checks.append(Check("behaviour", False, f"it raises {type(error).__name__}: {error}"))
    return checks


def _blame(subject: Subject, rng: np.random.Generator) -> str | None:
    """For a function of Tensors; a gradient by hand has no nodes."""
    recording = subject.recording()
    return blame(recording[1], rng) if recording and isinstance(subject, Recorded) else None


def _causes(
    subject: Subject, gradients: list[Array], right: Array, seed: Array, report: GradcheckReport
) -> list[str]:
    """Guesses for the arguments that are wrong, all of them where a gradient is of another form."""
    wrong = {mismatch.argument for mismatch in report.mismatches} or set(subject.wrt)
    try:
        return causes(subject, gradients, subject.split(right), seed, wrong)
    except Exception:  # of a rule that is broken in more ways than one: no guess
        return []
