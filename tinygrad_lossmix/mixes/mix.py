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
from typing import TYPE_CHECKING, Any, final

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor as Tensor
from tinygrad_lossmix.mixes import book
from tinygrad_lossmix.mixes.labels import dense, labels, logits, require_finite
from tinygrad_lossmix.mixes.layers import PAIRS, OutputLayer
from tinygrad_lossmix.mixes.own import (
    Composition,
    cost_of,
    known_cost,
    known_output,
    layer_of,
    named,
)
from tinygrad_lossmix.registry import HIGHER

if TYPE_CHECKING:
    from tinygrad_lossmix.answers.verdict.verdict import Verdict


@final
class Mix:
    """An output layer with a cost.

    Args:
        output: "sigmoid", "softmax" or "lml"; or a function of your own, from logits z to outputs
            of z's shape, in plain NumPy.
        cost: "ce" (cross-entropy, eq. 63), "ll" (log-likelihood, eq. 80) or "quadratic" (eq. 6),
            or the long name. Frameworks' "bce", "nll" and "mse" are understood as these; the cost
            stays the book's, summed over the outputs, the quadratic one with its half. Or a
            function of your own, of outputs and labels of their shape: a scalar, the mean over the
            examples.

    Raises:
        ValueError: another name, the message lists all pairs; or "crossentropy", which is ce in
            the book and ll in PyTorch.

    Logits z are arrays or Tensors (…, K) of floats; labels y are an array of that shape, or integer
    classes (…). Costs sum over the last axis and average over the others. Methods raise ValueError
    for labels that do not belong to z and for columns of logits under softmax, TypeError for logits
    that are not real numbers. With a function of your own δ and the Hessian are the engine's, and
    the cost is the composition with its unstable patterns replaced.

    >>> print(Mix("sigmoid", "cross-entropy"))
    sigmoid + cross-entropy
    >>> Mix(np.tanh, "quadratic").delta(np.array([0.0, 0.0]), 0)
    array([-1.,  0.])
    """

    __slots__ = ("_cost", "_form", "_given", "_layer", "_over")

    def __init__(
        self, output: str | Callable[[Any], Any], cost: str | Callable[[Any, Any], Any]
    ) -> None:
        self._given = known_output(output), known_cost(cost)
        if any(each is None for each in self._given):
            pairs = ", ".join(" ".join(pair) for pair in PAIRS)
            words = (named(x, "function") if callable(x) else repr(x) for x in (output, cost))
            raise ValueError(
                f"there is no mix {' with '.join(words)}: choose one of {pairs}, or a function, at "
                "the shell as numpy:exp"
            )
        self._layer, self._cost = layer_of(self._given[0]), cost_of(self._given[1])
        ours = all(isinstance(each, str) for each in self._given)
        composed = Composition(self._layer.stable, self._cost.on_outputs)
        self._form = PAIRS[self._given] if ours else composed
        self._over = self.output if self._layer.distribution else ""

    @property
    def output(self) -> str:
        """The output layer: sigmoid, softmax, lml, or what your function is called."""
        return named(self._given[0], "layer")

    @property
    def cost_name(self) -> str:
        """The cost: ce, ll, quadratic, or what your function is called."""
        return named(self._given[1], "cost")

    @property
    def layer(self) -> OutputLayer:
        """What is known of the output layer."""
        return self._layer

    @property
    def on_outputs(self) -> Callable[[Any, Any], Any]:
        """The cost of outputs and labels."""
        return self._cost.on_outputs

    @property
    def book_cost(self) -> Callable[[Any, Any], Any]:
        """The cost as a graph of primitives."""
        return self._cost.book

    @property
    def words(self) -> str:
        """As it is typed: softmax ll."""
        return f"{self.output} {self.cost_name}"

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
        return self._form.mean(z, labels(y, z))

    def composed(self, z: Any, y: Any) -> Any:
        """The same cost as a graph of primitives, as in the book: NaN where they overflow."""
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
        if np.ndim(z) != 1:
            raise ValueError(f"the Hessian is of one example, z of shape (K,), not {z.shape}")
        return self._form.hessian(z, require_finite(dense(y, z)))

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
        return isinstance(other, Mix) and self._given == other._given

    def __hash__(self) -> int:
        return hash(self._given)

    def __reduce__(self) -> Any:
        return Mix, self._given

    def __repr__(self) -> str:
        return "Mix({}, {})".format(
            *[
                repr(x) if isinstance(x, str) else name
                for x, name in zip(self._given, self.words.split(), strict=True)
            ]
        )

    def __str__(self) -> str:
        return f"{self.output} + {self._cost.long}"

    def _repr_latex_(self) -> str:
        return f"$\\text{{{self}}}:\\quad \\delta = {self._form.latex}$"


MIXES = tuple(Mix(*pair) for pair in PAIRS if hasattr(book, pair[0]))  # the six of the book
