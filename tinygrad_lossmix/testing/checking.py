"""`gradcheck`: is a gradient the derivative, and does it behave?

>>> import tinygrad_lossmix as lm
>>> bool(lm.testing.gradcheck(lambda z: lm.Mix("softmax", "ll").cost(z, 0), [2.0, 1.0, 0.0]))
True
>>> cost = lambda z: -np.log(1.0 - lm.book.sigmoid(z))
>>> report = lm.testing.gradcheck((cost, lambda z: 1.0 / (1.0 - lm.sigmoid(z))), 4.0)
>>> bool(report), report.causes[0][:49]
(False, "the factor sigma'(z) = a(1 - a) is missing: this ")
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.freeze import native
from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.table import INTEGER, Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.behaviour import array_of, form
from tinygrad_lossmix.testing.causes import blame, causes, of_an_error, unstable
from tinygrad_lossmix.testing.check_report import Check, GradcheckReport
from tinygrad_lossmix.testing.comparison import METHODS, Options, compare, derivative
from tinygrad_lossmix.testing.methods import NotApplicable, flat, split
from tinygrad_lossmix.testing.subject import Pair, Recorded, Subject


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
        derivatives around it is right; where no difference can be trusted nothing is decided: both
        are reported and no failure.

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
    subject = _subject(f, inputs, wrt, np.random.default_rng(seed))
    report, options = GradcheckReport(), Options(method, mode, rtol, atol)
    try:
        _check(subject, report, options)
        if order == 2 and report.passed:
            second = Recorded(_first(subject), subject.inputs, subject.wrt, subject.rng)
            report.notes.append("the second derivative was checked too")
            first, report.checks = report.checks, []
            _check(second, report, options)
            again = [Check(f"second: {c.name}", c.passed, c.detail) for c in report.checks]
            report.checks = [*first, *again]
    except NotApplicable as reason:
        raise ValueError(f"the method {method!r} cannot be used here: {reason}") from reason
    return report


def _check(subject: Subject, report: GradcheckReport, options: Options) -> None:
    """Fill a report on one subject."""
    value, again = (np.asarray(subject.value(subject.arrays)) for _ in range(2))
    if not np.all(np.isfinite(value)):
        report.checks.append(Check("finite", False, "the value of the function is not finite"))
        report.causes = unstable(subject.cost) or [
            "the function itself overflows or computes 0·log 0 at these inputs"
        ]
        return
    try:
        raw = subject.gradient([np.array(a) for a in subject.arrays])
    except Exception as error:
        report.checks.append(_raised("gradient", error))
        report.blame, report.causes = blame(subject), of_an_error(error)
        return
    formal = list(form(raw, subject.arrays, subject.wrt))
    report.checks += formal
    if not np.array_equal(value, again):
        report.checks.append(Check("the same value twice", False, "the function gives another"))
        return
    arrays = [array for g in raw if (array := array_of(g)) is not None]
    if len(arrays) < len(raw):
        return
    gradients = [np.asarray(g, dtype=np.float64) for g in arrays]
    if [g.shape for g in gradients] == [a.shape for a in subject.arrays]:
        right = _compared(subject, raw, flat(gradients), report, options)
    else:
        any_error = np.full(len(subject.point), np.inf)
        right = derivative(subject, options.method, None, any_error)[0].values
    if report.passed:
        return
    report.blame = blame(subject)
    if report.mismatches or not subject.by_hand or not all(check.passed for check in formal):
        wrong = {each.argument for each in report.mismatches} or set(subject.wrt)
        parts = split(right, subject.arrays)
        with suppress(Exception):  # of a rule that is broken in more ways than one: no guess
            report.causes = report.causes or causes(subject, gradients, parts, wrong)


def _compared(
    subject: Subject, raw: list[Any], analytic: Array, report: GradcheckReport, options: Options
) -> Array:
    """Check a gradient, as it came and flat, against the derivative, which is returned."""
    limits = subject.allowed(analytic, floor=options.atol is None)
    if options.rtol is not None:
        limits = limits._replace(entries=options.rtol * np.abs(analytic))
    right = compare(subject, analytic, limits.entries, report, options)
    try:
        for check in subject.behaviour(raw, limits, exact=report.method == "mp"):
            report.checks.append(check)
    except Exception as error:
        report.checks.append(_raised("behaviour", error))
    if not report.mismatches:
        report.checks += subject.elsewhere(raw, options.rtol or 0.0, options.atol or 0.0)
    return right


def _raised(what: str, error: Exception) -> Check:
    return Check(what, False, f"it raises {type(error).__name__}: {error}")


def _first(subject: Subject) -> Callable[..., Any]:
    """A function of Tensors: Σ w·∂<seed, f>/∂x, with random weights w."""
    weights = [subject.rng.normal(size=a.shape) for a in subject.arrays]

    def combination(*arguments: Any) -> Any:
        leaves = [arguments[i] for i in subject.wrt]
        value = subject.f(*arguments)
        if not isinstance(value, Tensor):
            return 0.0
        first = grad(value, leaves, subject.seed, create_graph=True)
        return sum((g * w.astype(g.dtype)).sum() for g, w in zip(first, weights, strict=True))

    return combination


def _subject(f: Any, inputs: Sequence[Any], wrt: Any, rng: np.random.Generator) -> Subject:
    """What `gradcheck` was given, checked."""
    pair = isinstance(f, tuple)
    if pair and (len(f) != 2 or not all(map(callable, f))):
        raise TypeError("a pair is (function, its gradient): a tuple of two functions")
    if not pair and not callable(f):
        raise TypeError(
            f"gradcheck takes a function or a pair (function, its gradient), not {type(f).__name__}"
        )
    if not inputs:
        raise ValueError("gradcheck needs the inputs to check at: gradcheck(f, x)")
    plain: list[Any] = [x.data if isinstance(x, Tensor) else x for x in inputs]
    plain = [np.array(x) if isinstance(x, list) else x for x in plain]
    positions = _positions(plain, wrt)
    for i in positions:
        array, masked = np.asarray(plain[i]), np.ma.isMaskedArray(plain[i])
        if masked or array.dtype.kind not in "iuf":
            raise TypeError(
                f"input {i} is differentiated and must be made of real numbers, not "
                f"{'a masked array' if masked else array.dtype}: convert it, or leave it out of wrt"
            )
        plain[i] = native(array if array.dtype.kind == "f" else array.astype(np.float64))
    return (Pair if pair else Recorded)(f, plain, positions, rng)


def _positions(inputs: list[Any], wrt: Any) -> tuple[int, ...]:
    if wrt is not None:
        chosen = wrt if isinstance(wrt, tuple | list) else (wrt,)
        if not chosen or not all(isinstance(i, int | np.integer) for i in chosen):
            raise TypeError(f"wrt is the position of an input or a tuple of them, not {wrt!r}")
        if not all(-len(inputs) <= i < len(inputs) for i in chosen):
            raise ValueError(f"wrt={wrt}, but there are {len(inputs)} inputs")
        return tuple(dict.fromkeys(int(i) % len(inputs) for i in chosen))
    kinds = [np.asarray(x).dtype.kind for x in inputs]
    floats = tuple(i for i, kind in enumerate(kinds) if kind == "f")
    return floats or tuple(i for i, kind in enumerate(kinds) if kind in INTEGER) or (0,)
