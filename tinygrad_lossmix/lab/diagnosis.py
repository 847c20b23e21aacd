"""What went wrong, in words that follow from measurements and from nothing else.

What you can do here: `diagnosis(result, results)` for one mix beside the others.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from tinygrad_lossmix.lab.compare import GOAL, Result

SLOW = 2.0  # times the epochs of the fastest mix
FALL = 0.05  # of accuracy, from the best epoch to the last
CONFUSED = 0.5  # a mean output of the wrong classes above it
UNCALIBRATED = 0.1  # expected calibration error


def diagnosis(result: Result, results: Sequence[Result]) -> str:
    """Everything that went wrong with one mix, or that nothing did."""
    if any(run.diverged for run in result.runs):
        return diverged(result)
    faults = [saturated(result), never_predicted(result), fallen(result)]
    if not faults[0]:  # the rest would only repeat it
        faults += [uncalibrated(result), slow(result, min(r.epochs_to_goal for r in results))]
    return "; ".join(filter(None, faults)) or "nothing went wrong"


def diverged(result: Result) -> str:
    """Of a mix with a run that ended without a finite cost."""
    epochs = [len(run.curve) for run in result.runs if run.diverged]
    return (
        f"diverged in {len(epochs)} of {len(result.runs)} runs, first in epoch {min(epochs)}: "
        "no finite cost; a smaller eta may help"
    )


def saturated(result: Result) -> str | None:
    """All outputs high at once, and whether anything could have stopped it."""
    wrong = statistics.fmean(run.wrong for run in result.runs)
    if wrong <= CONFUSED:
        return None
    right = statistics.fmean(run.right for run in result.runs)
    first = statistics.fmean(run.curve[0].cost for run in result.runs)
    reason = (
        "" if result.delta.lowers else "no delta is positive, so nothing pushes an output down; "
    )
    return (
        f"every output -> 1: {reason}the wrong classes get {wrong:.4f} on average, the right one "
        f"{right:.4f}, while the cost goes from {first:.4g} after one epoch to {result.cost:.4g}"
    )


def never_predicted(result: Result) -> str | None:
    """Classes that are no test example's largest output."""
    missing = [run.never_predicted for run in result.runs]
    if not any(missing):
        return None
    worst = max(result.runs, key=lambda run: len(run.never_predicted))
    return (
        f"on average {statistics.fmean(map(len, missing)):.1f} classes are never predicted (with "
        f"seed {worst.seed}: {', '.join(map(str, worst.never_predicted))})"
    )


def fallen(result: Result) -> str | None:
    """Accuracy that was better before."""
    means = [
        statistics.fmean(epoch.accuracy for epoch in epochs)
        for epochs in zip(*(run.curve for run in result.runs), strict=True)
    ]
    if max(means) - means[-1] < FALL:
        return None
    return (
        f"test accuracy fell from {max(means):.2%} in epoch {means.index(max(means)) + 1} to "
        f"{means[-1]:.2%}"
    )


def uncalibrated(result: Result) -> str | None:
    """Confidence far from accuracy."""
    if result.ece.mean <= UNCALIBRATED:
        return None
    return f"confidence is {result.ece.mean:.2%} off the accuracy on average (ECE)"


def slow(result: Result, fastest: float) -> str | None:
    """Many more epochs to 95 % than the fastest mix, or none that gets there."""
    if math.isinf(fastest) or result.epochs_to_goal < SLOW * fastest:
        return None
    smaller = (
        f"; before training its delta is {result.delta.size:.3f} times the size of a - y"
        if result.delta.size < 1 / SLOW
        else ""
    )
    if math.isinf(result.epochs_to_goal):
        epochs = len(result.runs[0].curve)
        return (
            f"not at {GOAL:.0%} after {epochs} epochs, the fastest mix after {fastest:g}{smaller}"
        )
    return (
        f"slow: {GOAL:.0%} after {result.epochs_to_goal:g} epochs, "
        f"{result.epochs_to_goal / fastest:.1f} times as many as the fastest mix{smaller}"
    )
