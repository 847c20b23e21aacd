"""`Mix`: an output layer and a cost, as one stable node, as a graph of primitives, in closed form.

>>> mix = Mix("softmax", "ll")
>>> z = Tensor([2.0, 1.0, 0.0], name="z")
>>> mix.cost(z, 0)
Tensor(0.40760596, by=softmax_ll)
>>> mix.delta(z.data, 0)
array([-0.33475904,  0.24472847,  0.09003057])
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isfinite, prod
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from tinygrad_lossmix.engine.freeze import traced
from tinygrad_lossmix.engine.registration import add_row
from tinygrad_lossmix.engine.rules import divisor
from tinygrad_lossmix.engine.tensor import Tensor, node
from tinygrad_lossmix.mixes import book, closed_forms, hessians, outputs
from tinygrad_lossmix.mixes.labels import labels, logits, require_finite

if TYPE_CHECKING:
    from tinygrad_lossmix.answers.verdict.verdict import Verdict

Array = Any


class Form(NamedTuple):
    """What a pair is, in closed form."""

    evaluate: Callable[..., tuple[Array, Array]]  # z, y -> ΣC, δ
    product: Callable[[Array, Array, Array], Array]  # z, y, v -> Hessian times v
    formula: str  # of δ, any labels
    latex: str


_FORMULAS = {
    ("sigmoid", "ce"): ("a - y", "a - y"),
    ("sigmoid", "ll"): ("-y(1 - a)", "-y(1 - a)"),
    ("sigmoid", "quadratic"): ("(a - y) a(1 - a)", "(a - y)\\,a(1 - a)"),
    ("softmax", "ce"): (
        "Sa - y + (1 - y)r - a Σ(1 - y)r",
        "Sa - y + (1 - y)r - a\\textstyle\\sum_k (1 - y_k) r_k",
    ),
    ("softmax", "ll"): ("Sa - y", "S a - y"),
    ("softmax", "quadratic"): ("a(e - a·e)", "a\\,(e - a \\cdot e)"),
}
FORMS = {
    pair: Form(getattr(closed_forms, "_".join(pair)), getattr(hessians, "_".join(pair)), *formulas)
    for pair, formulas in _FORMULAS.items()
}
COSTS = {"ce": "cross-entropy", "ll": "log-likelihood", "quadratic": "quadratic"}
NAMES = {long: short for short, long in COSTS.items()} | {short: short for short in COSTS}
ELSEWHERE = {  # names in frameworks, their letters alone
    "bce": "ce",
    "binarycrossentropy": "ce",
    "nll": "ll",
    "categoricalcrossentropy": "ll",
    "mse": "quadratic",
    "meansquarederror": "quadratic",
}


@final
class Mix:
    """An output layer with a cost.

    Args:
        output: "sigmoid" or "softmax".
        cost: "ce" (cross-entropy, eq. 63), "ll" (log-likelihood, eq. 80) or "quadratic" (eq. 6),
            or the long name. Frameworks' "bce", "nll" and "mse" are understood as these; the cost
            stays the book's, summed over the outputs, the quadratic one with its half.

    Raises:
        ValueError: another name, the message lists the six pairs; or "crossentropy", which is ce in
            the book and ll in PyTorch.

    Logits z are arrays or Tensors (…, K) of floats; labels y are an array of that shape, or integer
    classes (…). Costs sum over the last axis and average over the others. Methods raise ValueError
    for labels that do not belong to z and for columns of logits under softmax, TypeError for logits
    that are not real numbers.

    >>> print(Mix("sigmoid", "cross-entropy"))
    sigmoid + cross-entropy
    """

    __slots__ = ("_pair",)

    def __init__(self, output: str, cost: str) -> None:
        pair = str(output).lower(), cost_named(str(cost))
        if pair not in FORMS:
            pairs = ", ".join(" ".join(pair) for pair in FORMS)
            raise ValueError(f"there is no mix {output!r} with {cost!r}: choose one of {pairs}")
        self._pair = pair

    @property
    def output(self) -> str:
        """The output layer: sigmoid or softmax."""
        return self._pair[0]

    @property
    def cost_name(self) -> str:
        """The cost: ce, ll or quadratic."""
        return self._pair[1]

    @property
    def formula(self) -> str:
        """δ in closed form; S = Σy, e = a - y, r = a/(1 - a)."""
        return FORMS[self._pair].formula

    def activate(self, z: Any) -> Any:
        """The outputs a of logits z, in their shape; a Tensor for a Tensor."""
        return getattr(outputs, self.output)(z)

    def cost(self, z: Any, y: Any) -> Any:
        """The mean cost, stable at every logit; of a Tensor z a Tensor, recorded as one node.

        >>> Mix("softmax", "ce").cost(np.array([1000.0, 0.0]), 1)
        np.float64(2000.0)
        """
        z = logits(z, self._pair[0])
        values = z._value if type(z) is Tensor else z
        y = labels(y, values)
        return _mean(FORMS[self._pair], z, y)[0] if values is z else cost_node(self._pair, z, y)

    def composed(self, z: Any, y: Any) -> Any:
        """The same cost as a graph of the book's primitives, NaN where they overflow."""
        z = logits(z, self._pair[0])
        y = require_finite(labels(y, z))
        cost = COSTS[self.cost_name].replace("-", "_")
        return getattr(book, cost)(getattr(book, self.output)(z), y)

    def delta(self, z: Any, y: Any) -> Any:
        """δ = ∂C/∂z of each example in closed form, in z's shape; of a Tensor z a Tensor.

        >>> Mix("softmax", "ll").delta(np.array([40.0, 0.0]), 0)
        array([-4.24835426e-18,  4.24835426e-18])
        """
        z = logits(z, self._pair[0])
        return ROWS[self._pair][1](z, require_finite(labels(y, z)))

    def hessian(self, z: Any, y: Any) -> Array:
        """∂²C/∂z² of one example in closed form: (K,) -> (K, K).

        >>> Mix("softmax", "ll").hessian(np.array([0.0, 0.0]), 0)
        array([[ 0.25, -0.25],
               [-0.25,  0.25]])
        """
        z = logits(z.data if type(z) is Tensor else z)
        if z.ndim != 1:
            raise ValueError(f"the Hessian is of one example, z of shape (K,), not {z.shape}")
        y = require_finite(labels(y, z))
        unit = np.eye(len(z), dtype=z.dtype)
        return FORMS[self._pair].product(np.tile(z, (len(z), 1)), np.tile(y, (len(z), 1)), unit)

    def verdict(self, classes: int) -> Verdict:
        """Whether it is sound with that many outputs: searched and measured now, with witnesses.

        Raises ValueError where classes is not a whole number from 1 to 50.

        >>> found = Mix("softmax", "ce").verdict(3)
        >>> found.proper, found.convex, found.failure
        (True, False, 'not convex in z; a wrong logit can be pushed up')
        """
        from tinygrad_lossmix.answers.verdict.verdict import verdict

        return verdict(self, classes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mix) and self._pair == other._pair

    def __hash__(self) -> int:
        return hash(self._pair)

    def __reduce__(self) -> Any:
        return Mix, self._pair

    def __repr__(self) -> str:
        return f"Mix({self.output!r}, {self.cost_name!r})"

    def __str__(self) -> str:
        return f"{self.output} + {COSTS[self.cost_name]}"

    def _repr_latex_(self) -> str:
        return f"$\\text{{{self}}}:\\quad \\delta = {FORMS[self._pair].latex}$"


def cost_named(name: str) -> str | None:
    """ce, ll or quadratic for a name used here or in frameworks; None for any other.

    Raises:
        ValueError: the name means different costs in different places.

    >>> cost_named("BCELoss"), cost_named("cross_entropy"), cost_named("hinge")
    ('ce', 'ce', None)
    """
    letters = "".join(filter(str.isalpha, name.lower())).removesuffix("loss")
    known = NAMES.get(name.lower().replace("_", "-")) or ELSEWHERE.get(letters)
    if not known and letters == "crossentropy":
        raise ValueError(
            f"{name!r} is two costs: ce, the book's eq. 63 (PyTorch's BCELoss), or ll, eq. 80 "
            "(PyTorch's CrossEntropyLoss, with softmax): choose ce or ll"
        )
    return known


def cost_node(pair: tuple[str, str], z: Tensor, y: Array) -> Tensor:
    """The mean cost of a pair, as one node; y has z's shape and dtype, and nobody changes it."""
    values = z._value
    cost, delta = _mean(FORMS[pair], values, y)
    return node(cost, ROWS[pair][0], (z, y), (values, y), {}, residual=delta)


@np.errstate(all="ignore")
def _mean(form: Form, z: Array, y: Array) -> tuple[Array, Array]:
    """The mean cost of a batch and its δ, per example."""
    if z.ndim > 2:
        k = z.shape[-1]
        cost, delta = _mean(form, z.reshape(-1, k), y.reshape(-1, k))
        return cost, delta.reshape(z.shape)
    if z.dtype.char == "e":  # a sum over a batch soon leaves the range of float16
        cost, delta = _mean(form, z.astype(np.float32), y.astype(np.float32))
        return cost.astype(np.float16), delta.astype(np.float16)
    if traced(z):
        total, delta = z.traced_call(form.evaluate, z, y)
    else:
        z, evaluate = np.ascontiguousarray(z), form.evaluate
        if z.size > 2 * closed_forms.BLOCK and z.ndim == 2:
            evaluate = partial(closed_forms.in_blocks, evaluate)
        total, delta = evaluate(z, y)
        if not isfinite(total):  # asked only here: each would cost every call 5 %
            require_finite(y)
            total = evaluate(z, y, closed_forms.dot_at_infinity)[0]
    return total / z.dtype.type(len(z)) if z.ndim > 1 else total, delta


def _rows(pair: tuple[str, str], form: Form) -> tuple[Any, Any]:
    """Two rows of the table: a cost, whose rule is its δ, and the δ, whose rule is its Hessian."""

    def delta(z: Array, y: Array) -> Array:
        return _mean(form, z, y)[1]

    def cost(z: Array, y: Array) -> Array:
        return _mean(form, z, y)[0]

    name = "_".join(pair)
    cost.__name__, delta.__name__ = name, f"{name}_delta"
    recorded = add_row(delta, (lambda g, d, z, y: form.product(z, y, g), None), delta)

    def rule(g: Array, c: Array, z: Array, y: Array, residual: Array = None) -> Array:
        each = recorded(z, y) if residual is None else residual
        return each * (g / divisor(prod(z.shape[:-1]) or 1, z.dtype))

    add_row(cost, (rule, None), cost)
    return cost, recorded


ROWS = {pair: _rows(pair, form) for pair, form in FORMS.items()}
PAIRS = {cost: pair for pair, (cost, _) in ROWS.items()}  # by what a node holds
MIXES = tuple(Mix(*pair) for pair in FORMS)
