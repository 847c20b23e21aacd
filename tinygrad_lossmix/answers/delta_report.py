"""The output delta of one example, three ways and factor by factor, beside a - y.

δ is dC/da · J, J the Jacobian of the output layer: a pair is matched when J cancels what the cost
divides by.

>>> report = delta_report(Mix("softmax", "ll"), [2.0, 1.0, 0.0], 0)
>>> report.is_a_minus_y, report.closed_form
(True, array([-0.33475904,  0.24472847,  0.09003057]))
"""

import itertools
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.match.layer import check_mix, jacobian, matched
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.sweep import seed_of, sweep
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.labels import dense, logits
from tinygrad_lossmix.mixes.layers import COSTS, LAYERS, explained
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
        # what gives a - y without cancellation
        known = matched(mix.output) if mix.layer is LAYERS.get(mix.output) else None
        summed = not mix.layer.distribution or np.isclose(y.sum(), 1.0, rtol=1e-12, atol=0.0)
        self.true_a_minus_y = known.delta(z, y) if known and summed else self.a_minus_y
        off = np.abs(self.closed_form - self.true_a_minus_y)
        size = np.maximum(np.abs(self.closed_form), np.abs(self.true_a_minus_y))
        self.is_a_minus_y = bool((off <= ROUNDING * size).all())  # here, tails included
        scale = max(1.0, np.abs(self.closed_form).max(), np.abs(y).max())
        error = np.abs(self.engine - self.closed_form)
        self.engine_agrees = bool((error <= ROUNDING * scale).all())
        error = np.abs(self.finite_differences - self.closed_form)
        self.differences_agree = bool((error < 1e-6 * scale).all())  # to the digits they have
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


def breakdown(cost: Tensor) -> str | None:
    """In words, the first value that is infinite and the first that is NaN; None if all is finite.

    Values come in the order in which they are computed: the forward pass, then the backward pass.

    >>> with np.errstate(all="ignore"):
    ...     cost = Mix("softmax", "ll").composed(Tensor([1000.0, 0.0]), 0)
    >>> breakdown(cost)
    'exp gives inf, then divide gives nan'
    """
    forward = (("", node, node.data) for node in nodes(cost))
    backward = (
        ("going back, the derivative of ", node, contribution)
        for node, _, _, contribution, _ in sweep(cost, seed_of(cost, None))
    )
    found: list[str] = []
    with np.errstate(all="ignore"):
        for before, node, values in itertools.chain(forward, backward):
            where = f"{before}{getattr(node.function, '__name__', 'a leaf')} gives"
            if np.isnan(values).any():
                found.append(f"{where} nan")
                break  # after it nothing is news
            if not found and not np.isfinite(values).all():
                found.append(f"{where} {'inf' if (values == np.inf).any() else '-inf'}")
    return ", then ".join(found) or None


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
    if not np.isfinite(report.closed_form).all():
        return [valueless(report), factors(report)]
    each = whether, factors, remains, unlooked, upwards, lost, methods
    return [text for of in each if (text := of(report))]


def whether(r: DeltaReport) -> str:
    """Whether δ is a - y, by how much it differs."""
    if not r.closed_form.any() and not r.a_minus_y.any():
        return "delta and a - y are both exactly 0 here: the outputs are saturated."
    said = "is a - y" if r.is_a_minus_y else "is not a - y"
    gap = figure(np.abs(r.closed_form - r.a_minus_y).max())
    return f"delta {said} here; the largest difference is {gap}."


def valueless(r: DeltaReport) -> str:
    """That δ has no value, and what took it."""
    alone = "Finite differences stand alone: they are right where the cost is smooth"
    return f"delta has no value here: {r.breakdown or 'its formula overflows'}. {alone}."


def factors(r: DeltaReport) -> str:
    """The two factors of δ, as formulas where they are ours, and their product."""
    cost, jacobian = COSTS.get(r.mix.cost_name), r.jacobian
    known = cost.slope if cost and cost.on_outputs is r.mix.on_outputs else ""
    numbers = vector(r.dc_da) if np.isfinite(r.dc_da).all() or not known else ""
    slope, through = " = ".join(filter(None, (known, numbers))), r.mix.layer.jacobian
    if jacobian.any() and not (jacobian - np.diag(np.diag(jacobian))).any():
        through = f"{through or 'its diagonal alone'}: {vector(np.diag(jacobian))}"
    product = f"delta = {explained(r.mix.formula)}"
    kind = "beside its diagonal" if np.isfinite(jacobian).all() else "without a value"
    through = through or (f"entries {kind}" if jacobian.any() else "nothing but 0")
    return f"Why: dC/da = {slope}; the Jacobian has {through}; {product}."


def remains(r: DeltaReport) -> str:
    """What of dC/da the Jacobian cancels, what remains, and what would have to be there."""
    off, jacobian, total = r.true_a_minus_y, r.jacobian, r.y.sum()
    times = float(off @ r.closed_form / (off @ off or 1.0))
    cancels = "What the cost divides by, the Jacobian cancels"
    if r.is_a_minus_y:
        return f"{cancels}."
    if near(r.closed_form, total * r.a - r.y):
        return (
            f"{cancels}, but the labels sum to {total:.4g}, not 1: delta = {total:.4g} a - y. "
            "One choice is spread; for multi-label targets use sigmoid + cross-entropy."
        )
    if near(r.closed_form, times * off):
        return f"All of it is one multiple: delta = {times:.4g}(a - y)."
    said = f"Beside a - y there is {vector(r.closed_form - off)}."
    if near(r.dc_da, r.a_minus_y):
        said = (
            "dC/da is a - y already: nothing cancels the Jacobian, which is near 0 where an output "
            "saturates, right or wrong, and learning slows down there."
        )
    if len(off) > WIDE or not np.isfinite(jacobian).all():  # solving for it would take K^3
        return said
    needed = np.linalg.lstsq(jacobian.T, r.a_minus_y, rcond=1e-12)[0]
    if not near(jacobian.T @ needed, r.a_minus_y):
        return f"{said} No dC/da whatever gives a - y through this Jacobian."
    free = np.linalg.matrix_rank(jacobian) < len(needed)
    end = ", up to what the Jacobian takes to 0." if free else "."
    return f"{said} For a - y dC/da would have to be {vector(needed)}{end}"


def near(x: Array, y: Array) -> bool:
    """Whether two results are the same but for rounding."""
    return np.allclose(x, y, rtol=ROUNDING, atol=ROUNDING * float(np.abs(y).max()))


def unlooked(r: DeltaReport) -> str:
    """What becomes of the wrong classes that the cost does not look at."""
    which = (r.y == 0) & (r.dc_da == 0) & (r.a != 0)
    if not which.any():
        return ""
    look = "the cost does not look at them"
    if r.closed_form[which].any():
        moved = vector(r.closed_form[which])
        return f"Wrong classes get {moved}: {look}, but outputs depend on all logits."
    return (
        f"Wrong classes get exactly 0: {look} and no output depends on another's logit, so nothing "
        f"pushes them down, where a - y would by {vector(r.a[which])}."
    )


def upwards(r: DeltaReport) -> str:
    """Classes without a label whose logit a step against δ would raise."""
    pushed = listed("class {} ({})", r, (r.y == 0) & (r.closed_form < 0))
    return pushed and f"A negative delta raises the logit, here of a wrong class too: {pushed}."


def lost(r: DeltaReport) -> str:
    """What the subtraction a - y has rounded away."""
    true = listed("class {}: {}", r, (r.a_minus_y == 0) & (r.true_a_minus_y != 0))
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
