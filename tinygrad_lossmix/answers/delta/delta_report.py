"""The output delta of one example, three ways and factor by factor, beside a - y.

What you can do here: `print(delta_report(mix, z, y))`, or read its fields.

>>> report = delta_report(Mix("softmax", "ll"), [2.0, 1.0, 0.0], 0)
>>> report.is_a_minus_y, report.closed_form
(True, array([-0.33475904,  0.24472847,  0.09003057]))
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.delta.cancellation import reasons
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.sweep import seed_of, sweep
from tinygrad_lossmix.mixes.labels import labels, logits
from tinygrad_lossmix.mixes.layers import COSTS, LAYERS
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import columns, figure, paragraph, width
from tinygrad_lossmix.records import plain
from tinygrad_lossmix.testing.methods import numerical_gradient

Array = Any
MOST, ROWS, WIDE = 5000, 20, 100  # classes: of a report, of its table, of a Jacobian in it
ROUNDING = 1e-9  # what two ways to compute the same may differ by, relative to its size


class DeltaReport:
    """Everything on the way from the cost of one example to its output delta.

    Arrays are of shape (K,), `jacobian` of (K, K). δ = dC/da · jacobian.
    """

    def __init__(self, mix: Mix, z: Array, y: Array) -> None:
        """Compute all of it; z and y are of shape (K,), float64."""
        variable, a = Tensor(z, name="z"), Tensor(mix.activate(z), name="a")
        book = mix.composed(variable, y)
        on_outputs = COSTS[mix.cost_name].on_outputs
        self.mix, self.z, self.y = mix, z, y
        self.a: Array = np.array(a.data)  # the outputs
        self.cost = float(mix.cost(z, y))  # stable
        self.book_cost = book.item()  # of the book's graph, NaN where the formula is
        self.dc_da: Array = grad(on_outputs(a, y), a)  # of the outputs alone
        self.engine: Array = grad(book, variable)  # δ by the reverse sweep over the book's graph
        self.closed_form: Array = mix.delta(z, y)  # δ by the formula of the pair
        self.finite_differences = numerical_gradient(lambda x: mix.cost(x, y), z)
        self.breakdown = breakdown(book)  # where the book's graph stops being finite
        self.a_minus_y: Array = self.a - y  # by subtraction
        off = np.abs(self.closed_form - self._tails())
        size = np.maximum(np.abs(self.closed_form), np.abs(self._tails()))
        self.is_a_minus_y = bool((off <= ROUNDING * size).all())  # here, tails included
        scale = max(1.0, np.abs(self.closed_form).max(), np.abs(y).max())
        error = np.abs(self.engine - self.closed_form)
        self.engine_agrees = bool((error <= ROUNDING * scale).all())
        error = np.abs(self.finite_differences - self.closed_form)
        self.differences_agree = bool((error <= 1e-6 * scale).all())  # to the digits they have
        self.why = reasons(self)  # δ is a - y, or what keeps it from being so, in words

    @cached_property
    def jacobian(self) -> Array:
        """Of the output layer: row k holds da_k/dz. All rows by one sweep over K copies of z."""
        copies = Tensor(np.tile(self.z, (len(self.z), 1)))
        with np.errstate(all="ignore"):
            return grad(self.mix.activate(copies), copies, seed=np.eye(len(self.z)))

    def _tails(self) -> Array:
        """a - y without cancellation: the δ of the matched pair, where there is one."""
        layer = LAYERS[self.mix.output]
        if layer.distribution and not np.isclose(self.y.sum(), 1.0, rtol=1e-12, atol=0.0):
            return self.a_minus_y
        return Mix(self.mix.output, layer.matched).delta(self.z, self.y)

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON; numbers that are not finite are None, and so is the Jacobian of
        more than 100 classes.
        """
        record = {
            "output": self.mix.output,
            "cost": self.mix.cost_name,
            **{name: getattr(self, name) for name in ("z", "y", "a")},
            "C": self.cost,
            "book_C": self.book_cost,
            "dC_da": self.dc_da,
            "jacobian": self.jacobian if len(self.z) <= WIDE else None,
            "delta": {
                "engine": self.engine,
                "closed_form": self.closed_form,
                "finite_differences": self.finite_differences,
                "formula": self.mix.formula,
            },
            "a_minus_y": self.a_minus_y,
            "is_a_minus_y": self.is_a_minus_y,
            "engine_agrees": self.engine_agrees,
            "finite_differences_agree": self.differences_agree,
            "breakdown": self.breakdown,
            "why": self.why,
        }
        return dict(plain(record))

    def __str__(self) -> str:
        return "\n".join([self.heading(), "", self.table(), "", self.matrix(), "", self.words()])

    __repr__ = __str__

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
        over = text.splitlines()[0].index("engine")
        return f"{self.left_out()}{'delta by':>{over + 8}}\n{text}"

    def shown(self) -> list[int]:
        """The classes in a table: all, or the ROWS with the largest δ."""
        return sorted(np.argsort(-np.abs(self.closed_form), kind="stable")[:ROWS].tolist())

    def left_out(self) -> str:
        """A line that says so, where not all classes are shown."""
        k = len(self.z)
        return f"The {ROWS} of {k} classes with the largest delta.\n" if k > ROWS else ""

    def matrix(self) -> str:
        """The Jacobian of the output layer."""
        title = "Jacobian of the output layer, row k holds da_k/dz"
        fits = len(self.z) <= WIDE
        rows = columns([[*map(figure, row)] for row in self.jacobian]) if fits else ""
        if fits and max(map(len, rows.splitlines())) <= width():
            return f"{title}\n{rows}"
        where = "it is in the record (--json)" if fits else ".jacobian holds it"
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
    return DeltaReport(mix, z, labels(y, z))


def beside(reports: Sequence[DeltaReport]) -> str:
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
