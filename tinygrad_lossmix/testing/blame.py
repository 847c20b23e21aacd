"""The first node of a recording whose own rule is wrong, all others left out of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lossmix.engine.graph import names, nodes
from tinygrad_lossmix.engine.table import TABLE, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.causes import Evidence, of_an_argument
from tinygrad_lossmix.testing.comparison import allowed, compare
from tinygrad_lossmix.testing.methods import NotApplicable
from tinygrad_lossmix.testing.replay import recorded
from tinygrad_lossmix.testing.report import GradcheckReport
from tinygrad_lossmix.testing.subject import Recorded
from tinygrad_lossmix.testing.tolerance import flat

MOST = 400  # nodes that are looked at


def blame(cost: Tensor, rng: np.random.Generator) -> str | None:
    """Which node, by name, function and argument; None where every rule is right by itself."""
    called = names(cost)
    for each in nodes(cost)[:MOST]:
        if each.function is None or not np.all(np.isfinite(each.data)):
            continue
        for position, arg in enumerate(each.args):
            if isinstance(arg, Tensor) and arg.size and TABLE[each.function].rules[position]:
                wrong = _wrong(each, position, rng)
                if wrong:
                    place = f"argument {position} " if len(each.args) > 1 else ""
                    return (
                        f"{spelling(each.function)} ({place}of node {called[each]}, shape "
                        f"{each.shape}): {wrong}"
                    )
    return None


def _wrong(each: Tensor, position: int, rng: np.random.Generator) -> str | None:
    """What is wrong with one rule at one node, on a recording of that node alone."""

    def alone(x: Tensor) -> Any:
        args = [arg.data if isinstance(arg, Tensor) else arg for arg in each.args]
        args[position] = x
        return recorded(each, args)

    subject = Recorded(alone, [np.array(each.args[position].data)], (0,))
    seed = rng.normal(size=each.shape).astype(each.dtype)
    report = GradcheckReport()
    try:
        analytic = flat(subject.gradient(subject.arrays, seed))
    except Exception as error:
        return f"it raises {type(error).__name__}: {error}"
    limits = allowed(subject, analytic, seed, None, rng)
    try:
        right = compare(subject, analytic, seed, report, limits, rng)
    except NotApplicable:
        return None
    if not report.mismatches:
        return None
    worst = report.mismatches[0]
    g, (t,) = analytic.reshape(subject.arrays[0].shape), subject.split(right)
    why = of_an_argument(Evidence(subject.arrays[0], g, t), [])
    words = f"passes back {worst.analytic:.6g} where {worst.numeric:.6g} is right"
    return f"{words}; {why[0]}" if why else words
