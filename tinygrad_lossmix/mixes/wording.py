"""The words of a verdict: each sentence follows from the evidence, none from the name of a mix.

>>> number(1.0), number(0.25), vector(np.array([1 / 3, -0.0]))
('1', '0.2500', '(0.3333, 0)')
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.evidence import Evidence
from tinygrad_lossmix.mixes.expected import CLOSE, Minimum
from tinygrad_lossmix.mixes.witnesses import ROUNDING

STALLED = 1e-3  # of a - y
GOOD = "proper, convex, delta = a - y"


class Fault(NamedTuple):
    """A problem, and the numbers that show it."""

    name: str
    shown: str


def condition(e: Evidence) -> str:
    """For which labels δ = a - y, or what it is instead."""
    i = e.identity
    if i.everywhere < ROUNDING:
        return "for every y"
    if i.scaled < ROUNDING:
        return "only where the labels sum to 1; where they sum to S, delta = S a - y"
    if e.a_minus_y:
        return f"only for {_labels(e)}"
    if i.rest < ROUNDING and i.factor:
        return f"never: delta = {i.factor:.4g} (a - y) for {_labels(e)}"
    if not np.isfinite(i.largest):
        return "never: delta has no value"
    return (
        f"never: ‖delta‖ / ‖a - y‖ ranges from {i.smallest:.4g} to {i.largest:.4g} (maximum norm)"
    )


def faults(e: Evidence) -> Iterator[Fault]:
    """All problems, the worst first."""
    least, lowest, far = telling(e.minima), e.push, e.mistake
    if e.disagreement > CLOSE:
        yield Fault(
            "the closed forms are wrong",
            f"cost, delta or Hessian are {number(e.disagreement)} off what the engine computes",
        )
    if e.constant:
        yield Fault("nothing can be learnt", f"the output is {vector(least.outputs)} at every z")
        return
    if least.endless:
        yield Fault(
            f"drives every output to {_limit(least)}; the cost only approaches its infimum, as "
            + ("z → ∞" if (least.direction > 0).all() else "‖z‖ → ∞"),
            f"at z = t {vector(least.direction)} the expected cost is "
            f"{', '.join(map(number, least.ray))} for t = 1, 10, 100",
        )
    elif not e.proper:
        yield Fault("the outputs at its minimum are not the probabilities", minimum(least))
    if lowest.highest <= 0:
        yield Fault(
            "no wrong class is ever pushed down",
            f"the highest delta of a wrong class is {number(lowest.highest)}",
        )
    elif far.delta < STALLED * far.off:
        yield Fault(
            "learning stalls on confident mistakes",
            f"at z = {vector(far.z)}, {_label(far.y)}, delta is at most {number(far.delta)} "
            f"where a - y is {number(far.off)}",
        )
    if not e.convex:
        yield Fault("not convex in z", bending(e))
    if lowest.lowest < -ROUNDING:
        yield Fault(
            "a wrong logit can be pushed up",
            f"at a = {vector(lowest.a)}, {_label(lowest.y)}, delta is {number(lowest.lowest)} for "
            f"class {lowest.index}",
        )


def advice(e: Evidence) -> str:
    """What to use, and for which labels."""
    if e.disagreement > CLOSE:
        return "mend the closed forms before anything else"
    if e.constant:
        return "one sigmoid output with cross-entropy, or two softmax outputs"
    if e.proper and e.convex:
        if e.a_minus_y:
            return _use(e)
        if e.identity.rest < ROUNDING:
            rate = f"use it with the learning rate divided by {e.identity.factor:.4g}"
            return f"{rate}, or {_instead(e)}"
    return _instead(e)


def telling(minima: Sequence[Minimum]) -> Minimum:
    """The search that shows most: the last that ended elsewhere, or else the last."""
    wrong = [minimum for minimum in minima if not minimum.right]
    return (wrong or minima)[-1]


def minimum(least: Minimum) -> str:
    """Where an expected cost is least."""
    drawn = f"with labels drawn from {vector(least.truth.mean)} the expected cost"
    if least.endless:
        return f"{drawn} decreases without reaching a minimum"
    if not np.isfinite(least.cost):
        return f"{drawn} is {number(least.cost)}"
    if not least.found:
        return f"{drawn} was not minimised, the search ended at outputs {vector(least.outputs)}"
    return f"{drawn} is least at outputs {vector(least.outputs)}"


def bending(e: Evidence) -> str:
    """The most negative curvature."""
    c = e.curvature
    if e.convex:
        return f"the smallest eigenvalue of {c.count} Hessians is {number(c.eigenvalue)}"
    return (
        f"at z = {vector(c.z)}, {_label(c.y)}, the Hessian has the eigenvalue "
        f"{number(c.eigenvalue)}"
    )


def number(x: float) -> str:
    """Four digits; whole numbers as such, no negative zero."""
    x = float(x) + 0.0
    return f"{x:.0f}" if x.is_integer() and abs(x) < 1e6 else f"{x:#.4g}"


def vector(x: Array) -> str:
    """An array (K,) in parentheses, the middle left out beyond six."""
    parts = [number(value) for value in x]
    if len(parts) > 6:
        parts = [*parts[:3], "...", *parts[-2:]]
    return f"({', '.join(parts)})"


def yes(answer: bool) -> str:
    """Yes or no."""
    return "yes" if answer else "no"


def _label(y: Array) -> str:
    return f"class {int(y.argmax())}" if len(y) > 1 else f"label {number(y[0])}"


def _labels(e: Evidence) -> str:
    """Those with one right answer."""
    return "one-hot labels" if e.classes > 1 else "labels 0 and 1"


def _limit(least: Minimum) -> str:
    """What the outputs go to on the way out: one number, if they agree."""
    ends = np.unique(least.outputs.round(6))
    return number(ends[0]) if len(ends) == 1 else vector(least.outputs)


def _use(e: Evidence) -> str:
    if e.classes == 1:
        return "use it for a yes-or-no question"
    if e.several:
        return (
            "use it for multi-label targets; for one class out of K it is sound too, but its "
            "outputs need not sum to 1"
        )
    return "use it for one class out of K; for multi-label targets, sigmoid with cross-entropy"


def _instead(e: Evidence) -> str:
    if e.sum_to_one:
        return f"softmax with log-likelihood: {GOOD}"
    if e.classes == 1:
        return f"sigmoid with cross-entropy: {GOOD}"
    return (
        f"sigmoid with cross-entropy, or for one class out of K softmax with log-likelihood: {GOOD}"
    )
