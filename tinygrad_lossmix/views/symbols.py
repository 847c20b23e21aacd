"""What the book calls the nodes of a recording: z, a, y, C and δ, with their equations.

>>> from tinygrad_lossmix import Mix
>>> z = Tensor([2.0, 1.0, 0.0])
>>> found = find(Mix("softmax", "ll").composed(z, 0))
>>> found.mix, found.z is z, found.equation(z)
(Mix('softmax', 'll'), True, 'logits z, their gradient is delta, eq. (84)')
"""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.labels import labels
from tinygrad_lossmix.mixes.layers import COSTS, LAYERS, PAIR_OF, PAIRS
from tinygrad_lossmix.mixes.mix import Mix

SAFE_OUTPUTS = {layer.stable: name for name, layer in LAYERS.items()}
COST_GROUPS = {cost.book.__name__: short for short, cost in COSTS.items()}


class Symbols(NamedTuple):
    """A mix found in a recording."""

    mix: Mix
    z: Tensor  # the logits
    a: Tensor | None  # the outputs; None where output layer and cost are one node
    y: Array  # the labels, in the shape of the logits
    cost: Tensor
    whole: bool  # the recording is of this cost and nothing else

    @property
    def examples(self) -> int:
        """n, over which the cost is a mean."""
        return max(self.z.size // max(self.z.shape[-1], 1), 1)

    def scaled(self, what: str) -> str:
        """What a quantity of each example is in the gradient of the mean: `(a - y)/n`."""
        if self.examples == 1:
            return what
        return f"({what})/n" if " " in what else f"{what}/n"

    @property
    def n(self) -> str:
        """`, n = 4`; nothing for one example."""
        return "" if self.examples == 1 else f", n = {self.examples:,}"

    def delta_at(self, node: Tensor) -> str:
        """What the gradient of a node is: `delta`, `delta/n`, or '' where it is neither."""
        return self.scaled("delta") if node is self.z and self.whole else ""

    def equation(self, node: Tensor) -> str:
        """The book's words for a node; '' where it has none."""
        output, cost_name = self.mix.output, self.mix.cost_name
        if node is self.cost:
            one_neuron = cost_name == "ce" and self.z.shape[-1] == 1
            cost = COSTS[cost_name]
            return f"{cost.long} cost C, {'eq. (57)' if one_neuron else cost.equation}"
        if node is self.a:
            return f"{output} output layer a, {LAYERS[output].equation}"
        if node is self.z:
            if not self.whole:
                return "logits z"
            equation = PAIRS[output, cost_name].equation
            return f"logits z, their gradient is {self.scaled('delta')}{self.n}, {equation}"
        return ""

    @property
    def a_minus_y(self) -> Array:
        """a - y, divided by the number of examples as the gradient of a mean cost is."""
        a = self.mix.activate(self.z.data) if self.a is None else self.a.data
        return (a - self.y) / self.examples


def find(cost: Tensor) -> Symbols | None:
    """The mix nearest to the cost of a recording; None where there is none."""
    for node in reversed(nodes(cost)):
        if node.function in PAIR_OF and isinstance(node.args[0], Tensor):
            z, y = node.args
            return Symbols(Mix(*PAIR_OF[node.function]), z, None, y, node, node is cost)
        for name, args, *_ in node.groups:
            if name in COST_GROUPS and len(args) == 2 and isinstance(args[0], Tensor):
                a, y = args
                output, z = _output_layer(a)
                with contextlib.suppress(ValueError):  # a group of the user's, of the same name
                    if isinstance(z, Tensor):
                        mix, whole = Mix(output, COST_GROUPS[name]), node is cost
                        return Symbols(mix, z, a, labels(y, a), node, whole)
    return None


def _output_layer(a: Tensor) -> tuple[str, Any]:
    for name, args, _ in a.groups:
        if name in LAYERS:
            return name, args[0]
    if a.function in SAFE_OUTPUTS and a.kwargs.get("axis", -1) in (-1, a.ndim - 1):
        return SAFE_OUTPUTS[a.function], a.args[0]
    return "", None
