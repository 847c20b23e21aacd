"""The rule as a table: output layers, the cost that goes with each, and layers that have none.

>>> [(row.label, row.found.name, row.found.condition) for row in table(["sigmoid"])]
[('Bernoulli', 'cross-entropy', 'any y')]
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.answers.match.cost import MatchingCost, matching_cost
from tinygrad_lossmix.answers.match.known import NAMED
from tinygrad_lossmix.answers.match.layer import Layer
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.outputs import sigmoid, softmax, softplus

RULE = (
    "A cost with delta = a - y exists exactly if the output layer a(z) is a gradient: its Jacobian "
    "is symmetric, and the work round every closed path is 0. It is then the potential of the "
    "layer minus y·z, convex in z where the Jacobian has no negative eigenvalue. Where the "
    "Jacobian is the variance of the label, it is the negative log-likelihood of that distribution."
)


def sparsemax(z: Any) -> Any:
    """The point of the simplex nearest to z (Martins, Astudillo 2016)."""
    total = np.cumsum(-np.sort(-z, axis=-1), axis=-1)
    above = (total - 1) / np.arange(1.0, z.shape[-1] + 1)
    return np.maximum(z - above.max(axis=-1, keepdims=True), 0.0)


def over(a: Any) -> Any:
    """Divided by their sum."""
    return a / a.sum(axis=-1, keepdims=True)


LAYERS_TRIED: dict[str, Callable[[Any], Any]] = {
    **NAMED,
    "softmax(z/2)": lambda z: softmax(z / 2),
    "sparsemax": sparsemax,
    "clip(z, 0, 1)": lambda z: np.clip(z, 0.0, 1.0),
    "ReLU": lambda z: np.maximum(z, 0.0),
    "swish": lambda z: z * sigmoid(z),
    "softmax of softmax": lambda z: softmax(softmax(z)),
    "sigmoid of softmax": lambda z: sigmoid(softmax(z)),
    "sigmoid over its sum": lambda z: over(sigmoid(z)),
    "softplus over its sum": lambda z: over(softplus(z)),
    "a temperature per class": lambda z: softmax(z * np.arange(1.0, z.shape[-1] + 1)),
}
VARIANCES: dict[str, Callable[[Array], Array]] = {  # V(a) of the label with mean a
    "Bernoulli": lambda a: np.diag(a * (1 - a)),
    "categorical": lambda a: np.diag(a) - np.outer(a, a),
    "Poisson": lambda a: np.diag(a),
    "Gaussian": lambda a: np.eye(len(a)),
}


class MatchRow(NamedTuple):
    """A line of the table."""

    layer: str
    label: str | None  # the distribution whose variance the Jacobian is
    found: MatchingCost


def distribution(layer: Layer) -> str | None:
    """Whose label has the layer's Jacobian for its variance, at logits that tell."""
    z = np.random.default_rng(7).normal(size=(8, layer.classes))
    for name, variance in VARIANCES.items():
        if np.allclose(layer.jacobian(z), list(map(variance, layer(z)))):
            return name
    return None


def table(names: Iterable[str] = LAYERS_TRIED, classes: int = 3) -> list[MatchRow]:
    """A line for each of these layers, computed now."""
    found = [(name, matching_cost(LAYERS_TRIED[name], classes)) for name in names]
    return [MatchRow(n, distribution(each.layer) if each else None, each) for n, each in found]
