"""Why an output delta is a - y, or what keeps it from being so, in words computed from its factors.

δ = dC/da · J, with J the Jacobian of the output layer: a pair is matched when J cancels what the
cost divides by.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.printing import figure, vector

Array = Any
DeltaReport = Any  # of report.py, which prints these sentences


def reasons(report: DeltaReport) -> list[str]:
    """A sentence or two each: is it a - y, why, what it means, what was lost to rounding."""
    of_sigmoid = {"ce": sigmoid_ce, "ll": sigmoid_ll, "quadratic": sigmoid_quadratic}
    of_softmax = {"ce": softmax_ce, "ll": softmax_ll, "quadratic": softmax_quadratic}
    by_cost = of_sigmoid if report.mix.output == "sigmoid" else of_softmax
    why = by_cost[report.mix.cost_name]
    return [text for each in (verdict, why, upwards, lost, methods) if (text := each(report))]


def verdict(r: DeltaReport) -> str:
    """Whether δ is a - y, by how much it differs."""
    if not r.closed_form.any() and not r.a_minus_y.any():
        return "delta and a - y are both exactly 0 here: the outputs are saturated."
    said = "is a - y" if r.is_a_minus_y else "is not a - y"
    gap = figure(np.abs(r.closed_form - r.a_minus_y).max())
    return f"delta {said} here; the largest difference is {gap}."


def sigmoid_ce(r: DeltaReport) -> str:
    return (
        "Why: dC/da = (a - y) / (a(1 - a)), and the Jacobian is diagonal, a(1 - a) = "
        f"{vector(slope(r))}: the factor a(1 - a) cancels in every class, whatever the labels."
    )


def sigmoid_ll(r: DeltaReport) -> str:
    text = (
        "Why: dC/da = -y/a, and the Jacobian is diagonal, a(1 - a): 1/a cancels a, the factor "
        f"1 - a = {vector(1.0 - r.a)} remains, and delta = -y(1 - a). "
    )
    wrong = r.y == 0
    if not wrong.any():
        return text + "Every label is positive here."
    return (
        f"{text}Wrong classes get exactly 0: the cost does not look at them and no output depends "
        f"on another's logit, so nothing pushes them down, where a - y would by "
        f"{vector(r.a[wrong])}."
    )


def sigmoid_quadratic(r: DeltaReport) -> str:
    return (
        "Why: dC/da is a - y already, and the diagonal Jacobian multiplies it by a(1 - a) = "
        f"{vector(slope(r))}. Nothing cancels that factor: it is at most a quarter, and near 0 "
        "where an output saturates, right or wrong; learning slows down there."
    )


def softmax_ll(r: DeltaReport) -> str:
    total = f"{r.y.sum():.4g}"
    text = (
        "Why: dC/da = -y/a, and row k of the Jacobian is a_k (1{k=j} - a_j): its factor a_k "
        "cancels 1/a_k, and what is left sums to "
    )
    if r.is_a_minus_y:
        return (
            f"{text}a Σy - y, which is a - y because the labels sum to 1. The cost looks at the "
            "labelled classes only, yet every other one is pushed down by its own a."
        )
    return (
        f"{text}a Σy - y. The sum of the labels is not 1 but {total}: delta = {total} a - y. "
        "Softmax spreads one choice; for multi-label targets use sigmoid + cross-entropy."
    )


def softmax_ce(r: DeltaReport) -> str:
    as_ll = r.y.sum() * r.a - r.y
    extra = r.closed_form - as_ll
    text = (
        "Why: dC/da = -y/a + (1 - y)/(1 - a). The first part gives Sa - y = "
        f"{vector(as_ll)}, S = Σy, as for log-likelihood. The second divides by 1 - a, which no "
        f"factor of the softmax Jacobian cancels; with r = a/(1 - a) it adds (1 - y)r - a Σ(1 - y)r"
        f" = {vector(extra)}."
    )
    if len(r.y) == 2 and r.y.sum() == 1:
        text += " With two classes 1 - a is the other output, the second part equals the first, "
        text += "and delta = 2(a - y)."
    return text


def softmax_quadratic(r: DeltaReport) -> str:
    return (
        "Why: dC/da is a - y = e already, and the Jacobian turns it into a(e - a·e), with a·e = "
        f"{figure(r.a @ r.a_minus_y)}. Nothing cancels the factor a: a class that gets almost "
        "nothing is hardly moved, even if it is the right one."
    )


def slope(r: DeltaReport) -> Array:
    """a(1 - a), the diagonal of the Jacobian of sigmoids, by a sweep."""
    z = Tensor(r.z)
    return grad(r.mix.activate(z).sum(), z)


def upwards(r: DeltaReport) -> str | None:
    """Classes without a label whose logit a step against δ would raise."""
    wrong = np.flatnonzero((r.y == 0) & (r.closed_form < 0))
    if not wrong.size:
        return None
    pushed = listed(f"class {k} ({figure(r.closed_form[k])})" for k in wrong)
    return f"A negative delta raises the logit, here of a wrong class too: {pushed}."


def lost(r: DeltaReport) -> str | None:
    """What the subtraction a - y has rounded away."""
    gone = np.flatnonzero((r.a_minus_y == 0) & (r.closed_form != 0))
    if not gone.size:
        return None
    true = listed(f"class {k}: {figure(r.closed_form[k])}" for k in gone)
    return f"Subtracted, a - y has lost its tail to rounding; the closed form keeps it ({true})."


def listed(items: Iterable[str], most: int = 5) -> str:
    """Items in a sentence, the first of many."""
    every = [*items]
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def methods(r: DeltaReport) -> str:
    """Whether the engine and finite differences confirm the closed form."""
    numeric = "confirm it" if r.differences_agree else "cannot tell at such logits"
    if r.engine_agrees and r.differences_agree:
        return "Engine, closed form and finite differences agree to rounding."
    if r.engine_agrees:
        return f"Engine and closed form agree to rounding; finite differences {numeric}."
    saturated = "has rounded a saturated output"
    trouble = f"cannot be computed here: {r.breakdown}" if r.breakdown else saturated
    return (
        f"The book's graph {trouble}. The engine's delta on it is not right; the closed form is "
        f"computed from the logits, and finite differences {numeric}."
    )
