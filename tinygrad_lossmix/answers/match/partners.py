"""What goes with the output layer of a mix, and what with its cost: both computed.

>>> found = partners(Mix("softmax", "ce"), 3)
>>> found.of_layer
'with softmax goes log-likelihood'
>>> found.of_cost
'with cross-entropy goes sigmoid and lml (one class of K)'
>>> found.instead
'softmax with log-likelihood, or lml with cross-entropy'
"""

from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.answers.match.cost import MatchingCost, matching_cost
from tinygrad_lossmix.answers.match.known import NAMED, Known, known_layer
from tinygrad_lossmix.answers.match.output import labels_from
from tinygrad_lossmix.answers.match.search import SETS, reached
from tinygrad_lossmix.answers.verdict.expected import MixLike
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.mix import Mix

WHERE = {"reals": "", "cube": " (labels that may hold together)", "simplex": " (one class of K)"}


class Partners(NamedTuple):
    """Two halves of a sentence, the pairs to take instead of a mix, and why its δ is a multiple."""

    of_layer: str
    of_cost: str
    instead: str
    multiple: str = ""


def partners(mix: MixLike, classes: int, labels: str = "simplex") -> Partners:
    """The cost that goes with the layer of a mix, and the layers that go with its cost."""
    match = matching_cost(mix.activate, classes, labels if classes > 1 else None)
    if not isinstance(mix, Mix):
        return Partners("", "", instead(str(match.known), "", match, labels))
    layer, cost = mix.output, str(mix).partition(" + ")[2]
    if not match:
        of_layer = f"no cost whatever gives a - y with {layer}: {match.witness}"
    else:
        integral = f"Ψ(z) - y·z, Ψ the integral of {layer} (lm.matching_cost)"
        of_layer = f"with {layer} goes {match.name or integral}"
    sets = {name: largest_set(each, mix.on_outputs, classes) for name, each in NAMED.items()}
    goes = {name: another_name(name, classes) for name, where in sets.items() if where}
    said = [
        f"{n}{WHERE[str(sets[n])]}{f', which is {known}' if known else ''}"
        for n, known in goes.items()
    ]
    of_cost = f"with {cost} goes {' and '.join(said)}"
    of_cost = of_cost if goes else f"no layer with a name goes with {cost}"
    multiple = [
        f"{n}, which goes with {cost}, is {known} for {classes} classes: {layer}(z) is "
        f"{n}({1 / known.slope:.4g} z), and {1 / known.slope:.4g} comes out in front of a - y"
        for n, known in goes.items()
        if known and known.name == layer
    ]
    return Partners(of_layer, of_cost, instead(layer, cost, match, labels), "; ".join(multiple))


def instead(layer: str, cost: str, match: MatchingCost, labels: str) -> str:
    """Convex pairs with δ = a - y: of this layer, of this cost, with outputs that reach labels."""
    named = {name: Known(name, 1.0).cost_name(labels) for name in NAMED}
    reach = {name: reached(each, match.classes) for name, each in NAMED.items()}
    sound = {name: of for name, of in named.items() if of and reach[name] == labels}
    own = match.name or "its Ψ(z) - y·z"
    fits = match.name or reached(match.layer, match.classes) == labels
    found = {layer: own} if match.convex and fits else {}
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
