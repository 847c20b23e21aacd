"""The rule as a table: output layers, the cost that goes with each, and layers that have none.

>>> entry("sigmoid", 3)[1:4]
('Bernoulli', 'cross-entropy', 'any y')
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.answers.match.cost import MatchingCost, matching_cost
from tinygrad_lossmix.answers.match.layer import Layer
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.layers import LAYERS
from tinygrad_lossmix.mixes.outputs import sigmoid, softmax, softplus

RULE = (
    "A cost with delta = a - y exists exactly if the output layer a(z) is a gradient: its Jacobian "
    "is symmetric, and the work round every closed path is 0. It is then the potential of the "
    "layer minus y·z, convex in z where the Jacobian has no negative eigenvalue. Where the "
    "Jacobian is the variance of the label, it is the negative log-likelihood of that distribution."
)


def sparsemax(z: Any) -> Any:
    """The point of the simplex nearest to z (Martins, Astudillo 2016)."""
    values = z if isinstance(z, np.ndarray) else z.data
    k = np.arange(1, z.shape[-1] + 1)
    falling = -np.sort(-values, axis=-1)
    inside = 1 + k * falling > np.cumsum(falling, axis=-1)
    support = values >= np.min(np.where(inside, falling, np.inf), axis=-1, keepdims=True)
    kept = support.astype(values.dtype)
    above = ((z * kept).sum(axis=-1, keepdims=True) - 1) / kept.sum(axis=-1, keepdims=True)
    return np.maximum(z - above, 0.0)


def over(a: Any) -> Any:
    """Divided by their sum."""
    return a / a.sum(axis=-1, keepdims=True)


LAYERS_TRIED: dict[str, Callable[[Any], Any] | str] = {
    **{name: name for name in LAYERS},
    "identity": np.positive,
    "exp": np.exp,
    "tanh": np.tanh,
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
    cost: str | None  # by name
    condition: str  # labels for which it is a function of the outputs
    found: MatchingCost


def entry(name: str, classes: int) -> MatchRow:
    """What the rule says of a layer of the table."""
    found = matching_cost(LAYERS_TRIED[name], classes)
    variance = distribution(found.layer) if found else None
    return MatchRow(name, variance, found.name, found.condition, found)


def distribution(layer: Layer) -> str | None:
    """Whose label has the layer's Jacobian for its variance, at all logits looked at."""
    points = np.random.default_rng(7).normal(size=(8, layer.classes))
    for name, variance in VARIANCES.items():
        if all(np.allclose(layer.jacobian(z), variance(layer(z))) for z in points):
            return name
    return None


def table(classes: int = 3) -> list[MatchRow]:
    """Every line, computed now."""
    return [entry(name, classes) for name in LAYERS_TRIED]
