"""The output delta of one example, three ways and factor by factor, beside a - y.

What you can do here: `print(delta_report(mix, z, y))`, or read its fields. δ is dC/da · J, J the
Jacobian of the output layer: a pair is matched when J cancels what the cost divides by.

>>> report = delta_report(Mix("softmax", "ll"), [2.0, 1.0, 0.0], 0)
>>> report.is_a_minus_y, report.closed_form
(True, array([-0.33475904,  0.24472847,  0.09003057]))
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.breakdown import breakdown
from tinygrad_lossmix.answers.match.known import Known, known_cost
from tinygrad_lossmix.answers.match.layer import check_mix, jacobian
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.labels import dense, logits
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import AsPrinted, columns, figure, paragraph, vector, width
from tinygrad_lossmix.records import attributes, plain
from tinygrad_lossmix.testing.methods import numerical_gradient

MOST, ROWS, WIDE = 5000, 20, 100  # classes: of a report, of its table, of a Jacobian in it
ROUNDING = 1e-9  # what two ways to compute the same may differ by, relative to its size


class DeltaReport(AsPrinted):
    """Everything on the way from the cost of one example to its output delta.

    Arrays are of shape (K,), `jacobian` of (K, K). δ = dC/da · jacobian.
    """

    def __init__(self, mix: Mix, z: Array, y: Array) -> None:
        """Compute all of it; z and y are of shape (K,), float64."""
        variable, a = Tensor(z, name="z"), Tensor(mix.activate(z), name="a")
        book = mix.composed(variable, y)
        self.mix, self.z, self.y = mix, z, y
        self.a: Array = np.array(a.data)  # the outputs
        self.cost = float(mix.cost(z, y))  # stable
        self.book_cost = book.item()  # of the book's graph, NaN where the formula is
        self.dc_da: Array = grad(mix.on_outputs(a, y), a)  # of the outputs alone
        self.engine: Array = grad(book, variable)  # δ by the reverse sweep over the book's graph
        self.closed_form: Array = mix.delta(z, y)  # δ by the formula of the pair
        self.finite_differences = numerical_gradient(lambda x: mix.cost(x, y), z)
        self.breakdown = breakdown(book)  # where the book's graph stops being finite
        self.a_minus_y: Array = self.a - y  # by subtraction
        known = known_cost(Known(mix.output, 1.0))  # gives a - y without cancellation
        summed = not mix.layer.distribution or np.isclose(y.sum(), 1.0, rtol=1e-12, atol=0.0)
        tails = known.delta(z, y) if known and summed else self.a_minus_y
        off = np.abs(self.closed_form - tails)
        size = np.maximum(np.abs(self.closed_form), np.abs(tails))
        self.is_a_minus_y = bool((off <= ROUNDING * size).all())  # here, tails included
        scale = max(1.0, np.abs(self.closed_form).max(), np.abs(y).max())
        error = np.abs(self.engine - self.closed_form)
        self.engine_agrees = bool((error <= ROUNDING * scale).all())
        error = np.abs(self.finite_differences - self.closed_form)
        self.differences_agree = bool((error <= 1e-6 * scale).all())  # to the digits they have
        self.why = reasons(self)  # δ is a - y, or what keeps it from being so, in words

    @cached_property
    def jacobian(self) -> Array:
        """Of the output layer."""
        return jacobian(self.mix.activate, self.z)

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON; numbers that are not finite are None, and so is the Jacobian of
        more than 100 classes.
        """
        record = {
            "output": self.mix.output,
            "cost": self.mix.cost_name,
            **attributes(self, "z", "y", "a"),
            "C": self.cost,
            "book_C": self.book_cost,
            "dC_da": self.dc_da,
            "jacobian": self.jacobian if len(self.z) <= WIDE else None,
            "delta": {
                **attributes(self, "engine", "closed_form", "finite_differences"),
                "formula": self.mix.formula,
            },
            **attributes(self, "a_minus_y", "is_a_minus_y", "engine_agrees"),
            "finite_differences_agree": self.differences_agree,
            **attributes(self, "breakdown", "why"),
        }
        return dict(plain(record))

    def __str__(self) -> str:
        return "\n".join([self.heading(), "", self.table(), "", self.matrix(), "", self.words()])

    def heading(self) -> str:
        """The mix and its cost."""
        finite = np.isfinite(self.book_cost)
        book = "" if finite else f" ({figure(self.book_cost)} on the book's graph)"
        return f"{self.mix}: C = {figure(self.cost)}{book}, delta = {self.mix.formula}"

    def table(self) -> str:
        """A line per class, of many those with the largest δ."""
        head = ["k", "z", "y", "a", "dC/da", "engine", "formula", "numeric", "a - y"]
        deltas = self.engine, self.closed_form, self.finite_differences, self.a_minus_y
        parts = self.z, self.y, self.a, self.dc_da, *deltas
        rows = [[str(k), *(figure(part[k]) for part in parts)] for k in self.shown()]
        text = columns([head, *rows])
        if max(map(len, text.splitlines())) > width():
            text = columns([head, *rows], gap=1)
        over = text.index("engine") + len("delta by")
        return f"{self.left_out()}{'delta by':>{over}}\n{text}"

    def shown(self) -> list[int]:
        """The classes in a table: all, or the ROWS with the largest δ."""
        return sorted(np.argsort(-np.abs(self.closed_form), kind="stable")[:ROWS].tolist())

    def left_out(self) -> str:
        """A line that says so, where not all classes are shown."""
        k = len(self.z)
        return f"The {ROWS} of {k} classes with the largest delta.\n" if k > ROWS else ""

    def matrix(self) -> str:
        """The Jacobian of the output layer."""
        title, where = "Jacobian of the output layer, row k holds da_k/dz", ".jacobian holds it"
        if len(self.z) <= WIDE:
            rows = columns([[*map(figure, row)] for row in self.jacobian])
            if max(map(len, rows.splitlines())) <= width():
                return f"{title}\n{rows}"
            where = "it is in the record (--json)"
        return paragraph(f"{title}: too wide to print, {where}")

    def words(self) -> str:
        """The reasons, a paragraph each."""
        return "\n".join(map(paragraph, self.why))


@np.errstate(all="ignore")
def delta_report(mix: Mix, z: Any, y: Any) -> DeltaReport:
    """The output delta of one example: by the engine, in closed form, by finite differences.

    Args:
        mix: the output layer and the cost.
        z: logits (K,), computed with as float64.
        y: labels (K,), or a class 0 … K-1.

    Raises:
        TypeError: mix is not a Mix, z is not made of real numbers.
        ValueError: z is not one example or not finite, of more than 5000 classes, or y does not
            belong to it.

    >>> delta_report(Mix("sigmoid", "ll"), [2.0, 1.0], 0).is_a_minus_y
    False
    """
    if not isinstance(mix, Mix):
        raise TypeError(f'the mix is a Mix, such as lm.Mix("softmax", "ll"), not {mix!r:.80}')
    z = logits(z.data if isinstance(z, Tensor) else z).astype(np.float64)
    if z.ndim != 1 or not z.size:
        raise ValueError(f"delta_report takes one example, z of shape (K,), not {z.shape}")
    if len(z) > MOST:
        raise ValueError(
            f"a delta report is of up to {MOST} classes, not {len(z)}: finite differences take K² "
            "steps; Mix.delta gives the closed form for any K"
        )
    if not np.isfinite(z).all():
        raise ValueError("logits are finite numbers, but z holds NaN or infinity")
    check_mix(mix, len(z))
    return DeltaReport(mix, z, dense(y, z))


def side_by_side(reports: Sequence[DeltaReport]) -> str:
    """One table with a block of columns per mix, then the reasons of each."""
    first, head = reports[0], ("", "a", "dC/da", "delta", "a - y")
    rows = [["k", "z", "y", *(head * len(reports))]]
    for k in first.shown():
        row = [str(k), figure(first.z[k]), figure(first.y[k])]
        for r in reports:
            row += ["|", *(figure(x[k]) for x in (r.a, r.dc_da, r.closed_form, r.a_minus_y))]
        rows.append(row)
    titles = [paragraph(report.heading()) for report in reports]
    words = [f"{report.mix}\n{report.words()}" for report in reports]
    return "\n\n".join(["\n".join(titles), first.left_out() + columns(rows, gap=1), *words])


def reasons(report: DeltaReport) -> list[str]:
    """A sentence or two each: is it a - y, why, what it means, what was lost to rounding."""
    why = WHY.get(f"{report.mix.output}_{report.mix.cost_name}", chain_rule)
    return [text for each in (whether, why, upwards, lost, methods) if (text := each(report))]


def whether(r: DeltaReport) -> str:
    """Whether δ is a - y, by how much it differs."""
    if not r.closed_form.any() and not r.a_minus_y.any():
        return "delta and a - y are both exactly 0 here: the outputs are saturated."
    said = "is a - y" if r.is_a_minus_y else "is not a - y"
    gap = figure(np.abs(r.closed_form - r.a_minus_y).max())
    return f"delta {said} here; the largest difference is {gap}."


def chain_rule(r: DeltaReport) -> str:
    """Of a layer or a cost without words of its own: what dC/da would have to be."""
    jacobian = r.jacobian
    needed = np.linalg.lstsq(jacobian.T, r.a_minus_y, rcond=1e-12)[0]
    rest = np.abs(jacobian.T @ needed - r.a_minus_y).max()
    off = np.abs(jacobian - np.diag(np.diag(jacobian))).max()
    kind = "" if off else ", which is diagonal here"
    text = f"Why: delta is the Jacobian, transposed{kind}, times dC/da = {vector(r.dc_da)}. "
    if rest > ROUNDING * max(1.0, np.abs(r.a_minus_y).max()):
        return f"{text}No dC/da whatever gives a - y = {vector(r.a_minus_y)} through this Jacobian."
    if r.is_a_minus_y:
        return f"{text}What the cost divides by, the Jacobian cancels."
    lost = np.linalg.matrix_rank(jacobian) < len(needed)
    end = ", up to what the Jacobian takes to 0." if lost else "."
    return f"{text}For a - y it would have to be {vector(needed)}{end}"


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
    if r.y.all():
        return text + "Every label is positive here."
    return (
        f"{text}Wrong classes get exactly 0: the cost does not look at them and no output depends "
        f"on another's logit, so nothing pushes them down, where a - y would by "
        f"{vector(r.a[r.y == 0])}."
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
    text = (
        "Why: dC/da = -y/a + (1 - y)/(1 - a). The first part gives Sa - y = "
        f"{vector(as_ll)}, S = Σy, as for log-likelihood. The second divides by 1 - a, which no "
        f"factor of the softmax Jacobian cancels; with r = a/(1 - a) it adds (1 - y)r - a Σ(1 - y)r"
        f" = {vector(r.closed_form - as_ll)}."
    )
    if len(r.y) == 2 and r.y.sum() == 1:
        text += (
            " With two classes 1 - a is the other output, the second part equals the first, and "
            "delta = 2(a - y)."
        )
    return text


def softmax_quadratic(r: DeltaReport) -> str:
    return (
        "Why: dC/da is a - y = e already, and the Jacobian turns it into a(e - a·e), with a·e = "
        f"{figure(r.a @ r.a_minus_y)}. Nothing cancels the factor a: a class that gets almost "
        "nothing is hardly moved, even if it is the right one."
    )


EXPLAINED = (sigmoid_ce, sigmoid_ll, sigmoid_quadratic, softmax_ce, softmax_ll, softmax_quadratic)
WHY = {each.__name__: each for each in EXPLAINED}


def slope(r: DeltaReport) -> Array:
    """a(1 - a), the diagonal of the Jacobian of sigmoids, by a sweep."""
    z = Tensor(r.z)
    return grad(r.mix.activate(z).sum(), z)


def upwards(r: DeltaReport) -> str:
    """Classes without a label whose logit a step against δ would raise."""
    pushed = listed("class {} ({})", r, (r.y == 0) & (r.closed_form < 0))
    return pushed and f"A negative delta raises the logit, here of a wrong class too: {pushed}."


def lost(r: DeltaReport) -> str:
    """What the subtraction a - y has rounded away."""
    true = listed("class {}: {}", r, (r.a_minus_y == 0) & (r.closed_form != 0))
    kept = "Subtracted, a - y has lost its tail to rounding; the closed form keeps it"
    return true and f"{kept} ({true})."


def listed(form: str, r: DeltaReport, which: Array, most: int = 5) -> str:
    """Some classes with their δ in a sentence, the first of many."""
    every = [form.format(k, figure(r.closed_form[k])) for k in np.flatnonzero(which)]
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def methods(r: DeltaReport) -> str:
    """Whether the engine and finite differences confirm the closed form."""
    numeric = "confirm it" if r.differences_agree else "cannot tell at such logits"
    if r.engine_agrees and r.differences_agree:
        return "Engine, closed form and finite differences agree to rounding."
    if r.engine_agrees:
        return f"Engine and closed form agree to rounding; finite differences {numeric}."
    trouble = f"cannot be computed here: {r.breakdown}"
    trouble = trouble if r.breakdown else "has rounded a saturated output"
    return (
        f"The book's graph {trouble}. The engine's delta on it is not right; the closed form is "
        f"computed from the logits, and finite differences {numeric}."
    )
