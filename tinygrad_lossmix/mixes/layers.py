"""What is known of each output layer, each cost and each pair of them, written once.

An output layer or a cost is one entry here; a pair is one of `PAIRS`, by the names of both. What
the rest of the package knows of them it takes from these tables.

>>> LAYERS["softmax"].equation, COSTS["ll"].long, PAIRS["softmax", "ll"].formula
('eq. (78)', 'log-likelihood', 'Sa - y')
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.engine.rules import divisor
from tinygrad_lossmix.engine.table import Array, dispatched, row
from tinygrad_lossmix.engine.tensor import Tensor, node
from tinygrad_lossmix.mixes import book, closed_forms, costs, hessians, lml, outputs
from tinygrad_lossmix.mixes.labels import one_hot


class OutputLayer(NamedTuple):
    """A function from logits to outputs, with its relatives; each is a row of the table."""

    stable: Any  # right at every logit
    book: Callable[[Any], Any]  # what is drawn and stepped: a graph of primitives, if it has one
    equation: str
    potential: Any = None  # its gradient is the layer
    log: Any = None
    log_rest: Any = None  # ln(1 - a), where it is not the logarithm at -z
    distribution: bool = False  # taken over an axis, along which the outputs add up to 1
    jacobian: str = ""  # its formula

    @property
    def rows(self) -> tuple[Any, ...]:
        """The layer and its relatives."""
        return tuple(f for f in (self.stable, self.log, self.log_rest, self.potential) if f)

    @property
    def named(self) -> tuple[str, ...]:
        """Those that users call, lm.softmax and others."""
        return tuple(f.__name__ for f in self.rows if f is not self.log_rest)


class CostFunction(NamedTuple):
    """A cost of outputs a and labels y."""

    long: str
    on_outputs: Callable[[Any, Any], Any]  # with 0·log 0 = 0
    book: Callable[[Any, Any], Any]
    equation: str
    formula: str  # of outputs {a}
    elsewhere: tuple[str, ...]  # names in frameworks, their letters alone
    slope: str = ""  # the formula of dC/da


class ClosedForm(NamedTuple):
    """A pair as one node: its two rows of the table, and what they are made of."""

    cost: Any  # z, y -> the mean cost; its rule is δ
    delta: Any  # z, y -> δ of each example; its rule is the Hessian
    evaluate: Callable[..., tuple[Array, Array]]  # z, y -> ΣC, δ
    product: Callable[[Array, Array, Array], Array]  # z, y, v -> Hessian times v
    formula: str  # of δ, any labels; letters: LETTERS
    latex: str
    equation: str  # of δ

    def mean(self, z: Any, y: Array) -> Any:
        """The mean cost; of a Tensor z one node. y is as `labels` gives it, nobody changes it.

        The first gradient takes the δ that the node keeps, and scales it: no second array.
        """
        if type(z) is not Tensor:
            return closed_forms.mean(self.evaluate, z, y)[0]
        values = z._value
        cost, delta = closed_forms.mean(self.evaluate, values, y)
        return node(self.cost, (z, y), (values, y), (0,), z.line, value=(cost, {"delta": delta}))

    def hessian(self, z: Array, y: Array) -> Array:
        """∂²C/∂z² of one example: z, y (K,) -> (K, K)."""
        k = len(z)
        return self.product(np.tile(z, (k, 1)), np.tile(y, (k, 1)), np.eye(k, dtype=z.dtype))


def _closed(name: str, formula: str, latex: str = "", equation: str = "eq. (29)") -> ClosedForm:
    """The pair that has this name in closed_forms.py and in hessians.py, or in lml.py."""
    evaluate, product = lml.PAIRS.get(name.removeprefix("lml_")) or (
        getattr(closed_forms, name),
        getattr(hessians, name),
    )

    @dispatched
    def delta(z: Array, y: Array) -> Array:
        return closed_forms.mean(evaluate, z, y)[1]

    def cost(z: Array, y: Array) -> Array:
        return closed_forms.mean(evaluate, z, y)[0]

    def rule(g: Array, c: Array, z: Array, y: Array, kept: Any = None) -> Array:
        factor = g if z.ndim == 1 else g / divisor(z.size // z.shape[-1] or 1, z.dtype)
        each = kept.pop("delta", None) if kept else None  # at once, in threads too
        if each is None:
            each = delta(z, y)
        if type(each) is not np.ndarray:
            return each * factor
        if factor != 1.0:
            each *= factor
        return each

    def turned(g: Array, d: Array, z: Array, y: Array) -> Array:
        """The Hessian of the cost at z times g, example by example."""
        return product(z, y if y.ndim == z.ndim else one_hot(y, z.shape, z.dtype), g)

    cost.__name__, delta.__name__ = name, f"{name}_delta"
    row(cost, rule, None)
    row(delta, turned, None)
    return ClosedForm(cost, delta, evaluate, product, formula, latex or formula, equation)


# fmt: off
LAYERS = {
    "sigmoid": OutputLayer(
        outputs.sigmoid, book.sigmoid, "eq. (3)", outputs.softplus, outputs.log_sigmoid,
        jacobian="a(1 - a) on its diagonal",
    ),
    "softmax": OutputLayer(
        outputs.softmax, book.softmax, "eq. (78)", outputs.logsumexp, outputs.log_softmax,
        outputs.log1m_softmax, distribution=True, jacobian="a_k(1{k=j} - a_j) in row k",
    ),
    "lml": OutputLayer(
        lml.lml, lml.lml, "σ(z - τ), Σa = 1", distribution=True,
        jacobian="s_k(1{k=j} - w_j) in row k",
    ),
}
COSTS = {
    "ce": CostFunction(
        "cross-entropy", costs.cross_entropy, book.cross_entropy, "eq. (63)",
        "-Σ y ln({a}) + (1 - y) ln(1 - {a})", ("bce", "binarycrossentropy"),
        "(a - y)/(a(1 - a))",
    ),
    "ll": CostFunction(
        "log-likelihood", costs.log_likelihood, book.log_likelihood, "eq. (80)",
        "-Σ y ln({a})", ("nll", "categoricalcrossentropy"), "-y/a",
    ),
    "quadratic": CostFunction(
        "quadratic", costs.quadratic, book.quadratic, "eq. (6)",
        "Σ ({a} - y)²/2", ("mse", "meansquarederror"), "a - y",
    ),
}
PAIRS = {
    ("sigmoid", "ce"): _closed("sigmoid_ce", "a - y", equation="eq. (66)"),
    ("sigmoid", "ll"): _closed("sigmoid_ll", "-y(1 - a)"),
    ("sigmoid", "quadratic"): _closed(
        "sigmoid_quadratic", "(a - y) a(1 - a)", "(a - y)\\,a(1 - a)"
    ),
    ("softmax", "ce"): _closed(
        "softmax_ce", "Sa - y + (1 - y)r - a Σ(1 - y)r",
        "Sa - y + (1 - y)r - a\\textstyle\\sum_k (1 - y_k) r_k",
    ),
    ("softmax", "ll"): _closed("softmax_ll", "Sa - y", "S a - y", "eq. (84)"),
    ("softmax", "quadratic"): _closed("softmax_quadratic", "a(e - a·e)", "a\\,(e - a \\cdot e)"),
    ("lml", "ce"): _closed("lml_ce", "a - y + (S - 1)w"),
    ("lml", "ll"): _closed(
        "lml_ll", "wΣy(1 - a) - y(1 - a)", "w\\textstyle\\sum_k y_k(1 - a_k) - y(1 - a)"
    ),
    ("lml", "quadratic"): _closed(
        "lml_quadratic", "es - wΣes", "e\\,s - w\\textstyle\\sum_k e_k s_k"
    ),
}
# fmt: on
LETTERS = {  # in formulas of δ
    "S": "S = sum of y",
    "e": "e = a - y",
    "r": "r = a/(1 - a)",
    "s": "s = a(1 - a)",
    "w": "w = a(1 - a)/sum of a(1 - a)",
}


def explained(formula: str) -> str:
    """A formula of δ, and what its letters stand for.

    >>> explained("a(e - a·e)")
    'a(e - a·e), e = a - y'
    """
    return ", ".join([formula, *(text for letter, text in LETTERS.items() if letter in formula)])


PAIR_OF = {form.cost: pair for pair, form in PAIRS.items()}  # by what a node holds


def cost_named(name: str) -> str | None:
    """ce, ll or quadratic for a name used here or in frameworks; None for any other.

    Raises:
        ValueError: the name means different costs in different places.

    >>> cost_named("BCELoss"), cost_named("cross_entropy"), cost_named("hinge")
    ('ce', 'ce', None)
    """
    letters = "".join(filter(str.isalpha, name.lower())).removesuffix("loss")
    for short, cost in COSTS.items():
        if name.lower().replace("_", "-") in (short, cost.long) or letters in cost.elsewhere:
            return short
    if letters == "crossentropy":
        raise ValueError(
            f"{name!r} is two costs: ce, the book's eq. 63 (PyTorch's BCELoss), or ll, eq. 80 "
            "(PyTorch's CrossEntropyLoss, with softmax): choose ce or ll"
        )
    return None
