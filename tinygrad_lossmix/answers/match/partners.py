"""What goes with what: the rule as a table of output layers, and the partners of a mix's two parts.

>>> [(row.label, row.found.name, row.found.condition) for row in table(["sigmoid"])]
[('Bernoulli', 'cross-entropy', 'any y')]
>>> found = partners(Mix("softmax", "ce"), 3)
>>> found.of_layer
'with softmax goes log-likelihood'
>>> found.of_cost
'with cross-entropy goes sigmoid and lml (one class of K)'
>>> found.instead
'softmax with log-likelihood, or lml with cross-entropy'
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.answers.match.layer import (
    NAMED,
    SETS,
    Known,
    Layer,
    known_layer,
    labels_from,
    reached,
)
from tinygrad_lossmix.answers.match.matching import MatchingCost, matching_cost
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.mix import Mix
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
    "Poisson": np.diag,
    "Gaussian": lambda a: np.eye(len(a)),
}
WHERE = {"reals": "", "cube": " (labels that may hold together)", "simplex": " (one class of K)"}


class MatchRow(NamedTuple):
    """A line of the table."""

    layer: str
    label: str | None  # the distribution whose variance the Jacobian is
    found: MatchingCost


def distribution(layer: Layer) -> str | None:
    """Whose label has the layer's Jacobian for its variance, at logits that tell."""
    z = np.random.default_rng(7).normal(size=(8, layer.classes))
    slopes, a = layer.jacobian(z), layer(z)
    same = (name for name, of in VARIANCES.items() if np.allclose(slopes, [*map(of, a)]))
    return next(same, None)


def table(names: Iterable[str] = LAYERS_TRIED, classes: int = 3) -> list[MatchRow]:
    """A line for each of these layers, computed now."""
    found = [(name, matching_cost(LAYERS_TRIED[name], classes)) for name in names]
    return [MatchRow(n, distribution(each.layer) if each else None, each) for n, each in found]


class Partners(NamedTuple):
    """Two halves of a sentence, the pairs to take instead of a mix, and why its δ is a multiple."""

    of_layer: str
    of_cost: str
    instead: str
    multiple: str = ""


def partners(mix: Any, classes: int, labels: str = "simplex") -> Partners:
    """The cost that goes with the layer of a mix, and the layers that go with its cost."""
    match = matching_cost(mix.activate, classes, labels if classes > 1 else None)
    if not isinstance(mix, Mix):
        return Partners("", "", instead(str(match.known), "", match, labels))
    layer, cost = mix.output, str(mix).partition(" + ")[2]
    integral = f"Ψ(z) - y·z, Ψ the integral of {layer} (lm.matching_cost)"
    of_layer = f"with {layer} goes {match.name or integral}"
    if not match:
        of_layer = f"no cost whatever gives a - y with {layer}: {match.witness}"
    goes, multiple = [], []
    for name, each in NAMED.items():
        if where := largest_set(each, mix.on_outputs, classes):
            known = another_name(name, classes)
            goes.append(f"{name}{WHERE[where]}{f', which is {known}' if known else ''}")
            if known and known.name == layer:
                times = f"{1 / known.slope:.4g}"
                multiple.append(
                    f"{name}, which goes with {cost}, is {known} for {classes} classes: {layer}(z) "
                    f"is {name}({times} z), and {times} comes out in front of a - y"
                )
    of_cost = f"with {cost} goes {' and '.join(goes)}"
    of_cost = of_cost if goes else f"no layer with a name goes with {cost}"
    return Partners(of_layer, of_cost, instead(layer, cost, match, labels), "; ".join(multiple))


def instead(layer: str, cost: str, match: MatchingCost, labels: str) -> str:
    """Convex pairs with δ = a - y: of this layer, of this cost, with outputs that reach labels."""
    named = {name: Known(name, 1.0).cost_name(labels) for name in NAMED}
    reach = {name: reached(each, match.classes) for name, each in NAMED.items()}
    sound = {name: of for name, of in named.items() if of and reach[name] == labels}
    own = match.name or "its Ψ(z) - y·z"
    fits = match.name or reached(match.layer, match.classes) == labels
    found = {layer: own} if match.convex and fits and own != cost else {}
    found |= {name: of for name, of in sound.items() if of == cost}
    found |= {} if found.keys() & sound.keys() else dict([*sound.items()][:1])
    one = "for one class out of K " if labels == "simplex" and found.keys() - sound.keys() else ""
    return ", or ".join(f"{one if n in sound else ''}{n} with {c}" for n, c in found.items())


def another_name(name: str, classes: int) -> Known | None:
    """What else a layer is for this number of classes: lml of two is softmax(0.5 z)."""
    known = known_layer(NAMED[name], classes) if classes > 1 else None
    return known if known and known.name != name else None


@np.errstate(all="ignore")
def largest_set(layer: Any, cost: Any, classes: int) -> str | None:
    """The largest set of labels for which δ of a cost of a layer's outputs is a - y."""
    zs = np.random.default_rng(8).normal(size=(3, classes))
    if (layer(zs[0]) == layer(zs[1])).all():  # softmax of one logit, which learns nothing
        return None

    def error(z: Array, y: Array) -> float:
        variable = Tensor(z)
        return float(np.abs(grad(cost(layer(variable), y), variable) - (layer(z) - y)).max())

    for where in SETS:
        if all(error(z, y) < 1e-9 for z in zs for y in labels_from(where, classes)):
            return where
    return None
