"""A mix of a user's own, asked at many points: compiled once, where `Mix` records each anew.

>>> for_many(Mix(np.tanh, "quadratic"), 2).delta(np.zeros((3, 2)), np.ones((3, 2)))
array([[-1., -1.],
       [-1., -1.],
       [-1., -1.]])
"""

from typing import Any

import numpy as np

from tinygrad_lossmix.engine import grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.mixes.own import Composition


def for_many(mix: Any, classes: int) -> Any:
    """What gives cost, δ and Hessian as the mix does for logits and labels (K,) and, of δ, (n, K).

    What its functions read from elsewhere is read once: it is for one computation, not to be kept.
    Closed forms are not compiled, nor what depends on the numbers in its arrays: it is the mix.
    """
    if not isinstance(mix, Mix) or mix.formula != Composition.formula:
        return mix
    found = ManyPoints(mix)
    try:
        found.hessian(np.zeros(classes), np.eye(classes)[0])
        found.delta(np.zeros(classes), np.eye(classes)[0])
    except Exception:  # of many kinds: the mix says what is wrong, if anything is
        return mix
    return found


class ManyPoints:
    """A mix whose cost and whose δ along a direction are compiled with their gradients."""

    def __init__(self, mix: Mix) -> None:
        from tinygrad_lossmix.compiler.compile import compile  # closed forms never need it

        def along(z: Any, y: Any, direction: Any) -> Any:
            return (grad(mix.cost(z, y), z, create_graph=True) * direction).sum()

        self.activate, self.composed = mix.activate, mix.composed
        self._cost = compile(mix.cost)
        self._along = compile(along)

    def cost(self, z: Array, y: Array) -> Any:
        """The cost of one example."""
        return self._cost(z, y)[0]

    def delta(self, z: Array, y: Array) -> Array:
        """δ of each example, in z's shape."""
        if z.ndim == 1:
            return self._cost(z, y)[1]  # type: ignore[no-any-return]
        rows = [self.delta(*each) for each in zip(z, y, strict=True)]
        return np.array(rows).reshape(z.shape)

    def hessian(self, z: Array, y: Array) -> Array:
        """∂²C/∂z² of one example, (K, K)."""
        return np.array([self._along(z, y, unit)[1] for unit in np.eye(len(z))])
