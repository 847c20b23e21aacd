"""The problems of a mix, in words that follow from measurements and from nothing else.

What you can do here: `diagnosis(result, results)` for one mix beside the others.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from tinygrad_lossmix.lab.studies import GOAL, Result

SLOW = 2.0  # times the epochs of the fastest mix
FALL = 0.05  # of accuracy, from the best epoch to the last
CONFUSED = 0.5  # a mean output of the wrong classes above it
UNCALIBRATED = 0.1  # expected calibration error


def diagnosis(result: Result, results: Sequence[Result]) -> str:
    """Every problem of one mix; `none`."""
    if any(run.diverged for run in result.runs):
        return diverged(result)
    faults = [saturated(result), never_predicted(result), fallen(result)]
    if not faults[0]:  # the rest would only repeat it
        faults += [uncalibrated(result), slow(result, min(r.epochs_to_goal for r in results))]
    return "; ".join(filter(None, faults)) or "none"


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
    reason = "" if result.delta.lowers else " (no component of delta is positive)"
    return (
        f"drives every output to 1{reason}: mean output {wrong:.4f} of wrong classes, {right:.4f} "
        f"of the right one; cost {first:.4g} after one epoch, {result.cost:.4g} at the end"
    )


def never_predicted(result: Result) -> str | None:
    """Classes that are no test example's largest output."""
    missing = [run.never_predicted for run in result.runs]
    if not any(missing):
        return None
    worst = max(result.runs, key=lambda run: len(run.never_predicted))
    return (
        f"{statistics.fmean(map(len, missing)):.1f} classes are never predicted, on average (seed "
        f"{worst.seed}: {', '.join(map(str, worst.never_predicted))})"
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
    return f"poorly calibrated: ECE {result.ece.mean:.4f}"


def slow(result: Result, fastest: float) -> str | None:
    """Many more epochs to 95 % than the fastest mix, or none that gets there."""
    if math.isinf(fastest) or result.epochs_to_goal < SLOW * fastest:
        return None
    smaller = (
        f"; ‖delta‖ / ‖a - y‖ = {result.delta.size:.3f} before training"
        if result.delta.size < 1 / SLOW
        else ""
    )
    if math.isinf(result.epochs_to_goal):
        epochs = len(result.runs[0].curve)
        return f"below {GOAL:.0%} after {epochs} epochs, the fastest mix needs {fastest:g}{smaller}"
    return (
        f"slow: {GOAL:.0%} after {result.epochs_to_goal:g} epochs, the fastest mix needs "
        f"{fastest:g}{smaller}"
    )
