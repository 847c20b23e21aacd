"""What goes with the output layer of a mix, and what with its cost: both computed.

>>> found = partners(Mix("softmax", "ce"), 3)
>>> found.of_layer
'with softmax goes log-likelihood'
>>> found.of_cost
'with cross-entropy goes sigmoid and lml (one class of K)'
"""

from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.answers.match.cost import matching_cost
from tinygrad_lossmix.answers.match.known import known_layer, named_layers
from tinygrad_lossmix.answers.match.output import labels_from
from tinygrad_lossmix.answers.match.search import SETS
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.mix import Mix

WHERE = {"reals": "", "cube": " (labels that may hold together)", "simplex": " (one class of K)"}


class Partners(NamedTuple):
    """Two halves of a sentence."""

    of_layer: str
    of_cost: str


def partners(mix: Mix, classes: int) -> Partners:
    """The cost that goes with the layer of a mix, and the layers that go with its cost."""
    layer, cost = mix.output, str(mix).partition(" + ")[2]
    match = matching_cost(mix.layer.stable, classes)
    if not match:
        of_layer = f"no cost whatever gives a - y with {layer}: {match.witness}"
    elif match.name:
        of_layer = f"with {layer} goes {match.name}"
    else:
        of_layer = f"with {layer} goes Ψ(z) - y·z, Ψ the integral of {layer} (lm.matching_cost)"
    found = [
        f"{name}{WHERE[where]}{another_name(name, each, classes)}"
        for name, each in named_layers().items()
        if (where := largest_set(each, mix.on_outputs, classes))
    ]
    goes = " and ".join(found)
    return Partners(
        of_layer, f"with {cost} goes {goes}" if found else f"no layer with a name goes with {cost}"
    )


def another_name(name: str, layer: Any, classes: int) -> str:
    """What else a layer is for this number of classes: lml of two is softmax(0.5 z)."""
    known = known_layer(layer, classes) if classes > 1 else None
    return f", which is {known}" if known and known.name != name else ""


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
