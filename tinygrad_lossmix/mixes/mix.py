"""`Mix`: an output layer and a cost, as one stable node, as a graph of primitives, in closed form.

>>> mix = Mix("softmax", "ll")
>>> z = Tensor([2.0, 1.0, 0.0], name="z")
>>> mix.cost(z, 0)
Tensor(0.40760596, by=softmax_ll)
>>> mix.delta(z.data, 0)
array([-0.33475904,  0.24472847,  0.09003057])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes import closed_forms
from tinygrad_lossmix.mixes.labels import dense, labels, logits, require_finite
from tinygrad_lossmix.mixes.layers import COSTS, LAYERS, PAIRS, cost_named, cost_node
from tinygrad_lossmix.registry import HIGHER

if TYPE_CHECKING:
    from tinygrad_lossmix.answers.verdict.verdict import Verdict


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

    __slots__ = ("_cost", "_form", "_layer", "_over", "_pair")

    def __init__(self, output: str, cost: str) -> None:
        pair = str(output).lower(), cost_named(str(cost))
        if pair not in PAIRS:
            pairs = ", ".join(" ".join(pair) for pair in PAIRS)
            raise ValueError(f"there is no mix {output!r} with {cost!r}: choose one of {pairs}")
        self._pair = pair
        self._layer, self._cost, self._form = LAYERS[pair[0]], COSTS[pair[1]], PAIRS[pair]
        self._over = pair[0] if self._layer.distribution else ""

    @property
    def output(self) -> str:
        """The output layer: sigmoid or softmax."""
        return self._pair[0]

    @property
    def cost_name(self) -> str:
        """The cost: ce, ll or quadratic."""
        return self._pair[1]

    @property
    def words(self) -> str:
        """As it is typed: softmax ll."""
        return " ".join(self._pair)

    @property
    def formula(self) -> str:
        """δ in closed form; S = Σy, e = a - y, r = a/(1 - a)."""
        return self._form.formula

    def activate(self, z: Any) -> Any:
        """The outputs a of logits z, in their shape; a Tensor for a Tensor."""
        return self._layer.stable(z)

    def cost(self, z: Any, y: Any) -> Any:
        """The mean cost, stable at every logit; of a Tensor z a Tensor, recorded as one node.

        >>> Mix("softmax", "ce").cost(np.array([1000.0, 0.0]), 1)
        np.float64(2000.0)
        """
        z = logits(z, self._over)
        values = z._value if type(z) is Tensor else z
        y = labels(y, values)
        if values is not z:
            return cost_node(self._pair, z, y)
        return closed_forms.mean(self._form.evaluate, z, y)[0]

    def composed(self, z: Any, y: Any) -> Any:
        """The same cost as a graph of the book's primitives, NaN where they overflow."""
        z = logits(z, self._over)
        y = require_finite(dense(y, z))
        return self._cost.book(self._layer.book(z), y)

    def delta(self, z: Any, y: Any) -> Any:
        """δ = ∂C/∂z of each example in closed form, in z's shape; of a Tensor z a Tensor.

        >>> Mix("softmax", "ll").delta(np.array([40.0, 0.0]), 0)
        array([-4.24835426e-18,  4.24835426e-18])
        """
        z = logits(z, self._over)
        return self._form.delta(z, require_finite(labels(y, z)))

    def hessian(self, z: Any, y: Any) -> Array:
        """∂²C/∂z² of one example in closed form: (K,) -> (K, K).

        >>> Mix("softmax", "ll").hessian(np.array([0.0, 0.0]), 0)
        array([[ 0.25, -0.25],
               [-0.25,  0.25]])
        """
        z = logits(z.data if type(z) is Tensor else z)
        if z.ndim != 1:
            raise ValueError(f"the Hessian is of one example, z of shape (K,), not {z.shape}")
        y = require_finite(dense(y, z))
        unit = np.eye(len(z), dtype=z.dtype)
        return self._form.product(np.tile(z, (len(z), 1)), np.tile(y, (len(z), 1)), unit)

    def verdict(self, classes: int) -> Verdict:
        """Whether it is sound with that many outputs: searched and measured now, with witnesses.

        Raises ValueError where classes is not a whole number from 1 to 50.

        >>> found = Mix("softmax", "ce").verdict(3)
        >>> found.proper, found.convex, found.failure
        (True, False, 'not convex in z; a wrong logit can be pushed up')
        """
        found: Verdict = HIGHER["verdict"](self, classes)
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mix) and self._pair == other._pair

    def __hash__(self) -> int:
        return hash(self._pair)

    def __reduce__(self) -> Any:
        return Mix, self._pair

    def __repr__(self) -> str:
        return f"Mix({self.output!r}, {self.cost_name!r})"

    def __str__(self) -> str:
        return f"{self.output} + {self._cost.long}"

    def _repr_latex_(self) -> str:
        return f"$\\text{{{self}}}:\\quad \\delta = {self._form.latex}$"


MIXES = tuple(Mix(*pair) for pair in PAIRS)
