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
from math import isclose
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.answers.match.layer import (
    NAMED,
    SETS,
    Known,
    Layer,
    known_layers,
    labels_from,
    reached,
)
from tinygrad_lossmix.answers.match.matching import MatchingCost, matching_cost
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.mixes.outputs import sigmoid, softmax, softplus
from tinygrad_lossmix.printing import how_many, number

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
    suits = {name: suit(each, mix.on_outputs, classes) for name, each in NAMED.items()}
    found = {name: each for name, each in suits.items() if each}
    found = {name: each for name, each in found.items() if each.factor == 1} or found
    goes = [f"{name}{each}{another_name(name, classes)}" for name, each in found.items()]
    of_cost = f"with {cost} goes {' and '.join(goes)}"
    of_cost = of_cost if goes else f"no layer with a name goes with {cost}"
    multiple = (
        f"for {how_many(classes, 'logit')} {layer} is {known}, with {known.name} goes {cost}, and "
        f"{number(known.slope)} comes out in front of a - y"
        for known in match.called
        if known.slope != 1 and known.goes_with(labels) == cost
    )
    return Partners(of_layer, of_cost, instead(layer, cost, match, labels), "; ".join(multiple))


def instead(layer: str, cost: str, match: MatchingCost, labels: str) -> str:
    """Convex pairs with δ = a - y: of this layer, of this cost, with outputs that reach labels."""
    named = {name: Known(name, 1.0).cost_name(labels) for name in NAMED}
    reach = {name: reached(each, match.classes) for name, each in NAMED.items()}
    sound = {name: of for name, of in named.items() if of and reach[name] == labels}
    own = match.name or "its Ψ(z) - y·z"
    fits = match.name or reached(match.layer, match.classes) == labels
    times = match.known and match.known.goes_with(labels) == cost  # it, but for a factor
    found = {layer: own} if match.convex and fits and not times else {}
    found |= {name: of for name, of in sound.items() if of == cost}
    found |= {} if found.keys() & sound.keys() else dict([*sound.items()][:1])
    one = "for one class out of K " if labels == "simplex" and found.keys() - sound.keys() else ""
    return ", or ".join(f"{one if n in sound else ''}{n} with {c}" for n, c in found.items())


def another_name(name: str, classes: int) -> str:
    """What else a layer is for this number of classes: lml of two is softmax(0.5 z)."""
    known = next(known_layers(NAMED[name], classes)) if classes > 1 else None
    return f", which is {known}" if known and known.name != name else ""


class Suit(NamedTuple):
    """A cost has δ = c (a - y) with a layer, for labels from a set."""

    labels: str
    factor: float

    def __str__(self) -> str:
        times = f", with delta = {number(self.factor)} (a - y)" if self.factor != 1 else ""
        return f"{WHERE[self.labels]}{times}"


@np.errstate(all="ignore")
def suit(layer: Any, cost: Any, classes: int) -> Suit | None:
    """The largest set of labels for which a cost of a layer's outputs has δ = c (a - y), c > 0."""
    zs = np.random.default_rng(8).normal(size=(3, classes))
    if (layer(zs[0]) == layer(zs[1])).all():  # softmax of one logit, which learns nothing
        return None

    def delta(z: Array, y: Array) -> Array:
        variable = Tensor(z)
        return np.array(grad(cost(layer(variable), y), variable))

    for where in SETS:
        ys = labels_from(where, classes)
        deltas = np.array([[delta(z, y) for y in ys] for z in zs])
        off = layer(zs)[:, None] - ys
        c = float((deltas * off).sum() / (off * off).sum())
        c = 1.0 if isclose(c, 1.0, rel_tol=1e-10) else c
        if c > 0 and np.abs(deltas - c * off).max() < 1e-9 * max(1.0, c):
            return Suit(where, c)
    return None
