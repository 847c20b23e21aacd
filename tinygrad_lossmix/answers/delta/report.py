"""The output delta of one example, three ways and factor by factor, beside a - y.

What you can do here: `print(delta_report(mix, z, y))`, or read its fields.

>>> report = delta_report(Mix("softmax", "ll"), [2.0, 1.0, 0.0], 0)
>>> report.is_a_minus_y, report.closed_form
(True, array([-0.33475904,  0.24472847,  0.09003057]))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.delta.breakdown import breakdown
from tinygrad_lossmix.answers.delta.cancellation import reasons
from tinygrad_lossmix.answers.figures import columns, figure, paragraph, plain, width
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.mixes import costs
from tinygrad_lossmix.mixes.labels import labels, logits
from tinygrad_lossmix.mixes.mix import COSTS, Mix
from tinygrad_lossmix.testing.numeric import numerical_gradient

Array = Any
ROUNDING = 1e-9  # what two ways to compute the same may differ by, relative to its size


@dataclass(frozen=True)
class DeltaReport:
    """Everything on the way from the cost of one example to its output delta.

    Arrays are of shape (K,), `jacobian` of (K, K): row k holds da_k/dz. δ = dC/da · jacobian.
    """

    mix: Mix
    z: Array
    y: Array
    a: Array  # the outputs
    cost: float  # stable
    book_cost: float  # of the book's graph, NaN where the formula is
    dc_da: Array  # ∂C/∂a, of the outputs alone
    jacobian: Array
    engine: Array  # δ by the reverse sweep over the book's graph
    closed_form: Array  # δ by the formula of the pair
    finite_differences: Array  # δ from values of the cost alone
    breakdown: str | None  # where the book's graph stops being finite

    @property
    def a_minus_y(self) -> Array:
        """a - y, by subtraction."""
        return self.a - self.y

    @property
    def is_a_minus_y(self) -> bool:
        """Whether δ is a - y here in every component, tails included."""
        gap = np.abs(self.closed_form - self._tails())
        return bool((gap <= ROUNDING * np.maximum(abs(self.closed_form), abs(self._tails()))).all())

    @property
    def engine_agrees(self) -> bool:
        """Whether the engine's δ is the closed form, to rounding."""
        return self._same(self.engine)

    @property
    def differences_agree(self) -> bool:
        """Whether finite differences give the closed form, to the digits they have."""
        return self._same(self.finite_differences, 1e-6)

    @property
    def why(self) -> list[str]:
        """In words, why δ is a - y or what keeps it from being so."""
        return reasons(self)

    def _tails(self) -> Array:
        """a - y without cancellation: the δ of the matched pair, where there is one."""
        if self.mix.output == "sigmoid":
            return Mix("sigmoid", "ce").delta(self.z, self.y)
        if np.isclose(self.y.sum(), 1.0, rtol=1e-12, atol=0.0):
            return Mix("softmax", "ll").delta(self.z, self.y)
        return self.a_minus_y

    def _same(self, other: Array, tolerance: float = ROUNDING) -> bool:
        scale = max(1.0, np.abs(self.closed_form).max(), np.abs(self.y).max())
        return bool((np.abs(other - self.closed_form) <= tolerance * scale).all())

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON; numbers that are not finite are None."""
        record = {
            "output": self.mix.output,
            "cost": self.mix.cost_name,
            "z": self.z,
            "y": self.y,
            "a": self.a,
            "C": self.cost,
            "book_C": self.book_cost,
            "dC_da": self.dc_da,
            "jacobian": self.jacobian,
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

    def heading(self) -> str:
        """The mix and its cost."""
        finite = np.isfinite(self.book_cost)
        book = "" if finite else f" ({figure(self.book_cost)} on the book's graph)"
        return f"{self.mix}: C = {figure(self.cost)}{book}, delta = {self.mix.formula}"

    def table(self) -> str:
        """A line per class."""
        head = ["k", "z", "y", "a", "dC/da", "engine", "formula", "numeric", "a - y"]
        parts = (
            *(self.z, self.y, self.a, self.dc_da),
            *(self.engine, self.closed_form, self.finite_differences, self.a_minus_y),
        )
        rows = [[str(k), *map(figure, row)] for k, row in enumerate(zip(*parts, strict=True))]
        text = columns([head, *rows])
        if max(map(len, text.splitlines())) > width():
            text = columns([head, *rows], gap=1)
        over = text.splitlines()[0].index("engine")
        return f"{'delta by':>{over + 8}}\n{text}"

    def matrix(self) -> str:
        """The Jacobian of the output layer."""
        title = "Jacobian of the output layer, row k holds da_k/dz"
        rows = columns([[*map(figure, row)] for row in self.jacobian])
        if max(map(len, rows.splitlines())) > width():
            return paragraph(f"{title}: too wide to print, it is in the record (--json)")
        return f"{title}\n{rows}"

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
        ValueError: z is not one example or not finite, y does not belong to it.

    >>> delta_report(Mix("sigmoid", "ll"), [2.0, 1.0], 0).is_a_minus_y
    False
    """
    if not isinstance(mix, Mix):
        raise TypeError(f'the mix is a Mix, such as Mix("softmax", "ll"), not {mix!r}')
    z = logits(z.data if isinstance(z, Tensor) else z).astype(np.float64)
    if z.ndim != 1 or not z.size:
        raise ValueError(f"delta_report takes one example, z of shape (K,), not {z.shape}")
    if not np.isfinite(z).all():
        raise ValueError("logits are finite numbers, but z holds NaN or infinity")
    y = labels(y, z)
    variable = Tensor(z, name="z")
    book = mix.composed(variable, y)
    a = Tensor(mix.activate(z), name="a")
    on_outputs = getattr(costs, COSTS[mix.cost_name].replace("-", "_"))
    outputs = mix.activate(variable)
    return DeltaReport(
        mix=mix,
        z=z,
        y=y,
        a=np.array(a.data),
        cost=float(mix.cost(z, y)),
        book_cost=book.item(),
        dc_da=grad(on_outputs(a, y), a),
        jacobian=np.array([grad(outputs, variable, seed=row) for row in np.eye(len(z))]),
        engine=grad(book, variable),
        closed_form=mix.delta(z, y),
        finite_differences=numerical_gradient(lambda x: mix.cost(x, y), z),
        breakdown=breakdown(book),
    )
