"""From an output layer to the cost that goes with it, if there is one.

A cost with δ = a - y exists exactly if the layer a(z) is the gradient of a potential Ψ; it is
Ψ(z) - y·z, up to what does not depend on z: the matching loss of a (Helmbold, Kivinen, Warmuth
1995), a Fenchel-Young loss (Blondel, Martins, Niculae 2020).

>>> import tinygrad_lossmix as lm
>>> found = matching_cost("softmax")
>>> found.exists, found.convex, found.name, found.condition
(True, True, 'log-likelihood', 'y0 + y1 + y2 = 1')
>>> bool(matching_cost(lambda z: np.exp(lm.log_softmax(lm.sigmoid(z)))))
False
"""

from functools import partial
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.match.known import known_layer
from tinygrad_lossmix.answers.match.layer import Layer
from tinygrad_lossmix.answers.match.levels import condition
from tinygrad_lossmix.answers.match.quadrature import integral
from tinygrad_lossmix.answers.match.search import against, check_set, proof, reached
from tinygrad_lossmix.engine.table import Array, derivative
from tinygrad_lossmix.mixes.labels import dense, logits
from tinygrad_lossmix.mixes.layers import LAYERS
from tinygrad_lossmix.printing import AsPrinted, amount, paragraph, point
from tinygrad_lossmix.records import attributes, plain


def matching_loss(z: Array, y: Array, layer: Any = None) -> Array:
    """The mean over the examples of Ψ(z) - y·z, Ψ(0) = 0, for logits and labels (…, K)."""
    each = np.array(potentials(layer, z)) - (y * z).sum(axis=-1)
    with np.errstate(invalid="ignore"):  # no examples
        return (each.sum(dtype=np.float64) / each.size).astype(z.dtype)[()]


def _rule(g: Array, c: Array, z: Array, y: Array, layer: Any = None) -> Array:
    """(a(z) - y)/n."""
    return (layer(z) - y) * (g / (z.size // z.shape[-1] or 1))


recorded_loss = derivative(matching_loss, _rule, None)


@np.errstate(all="ignore")
def potentials(layer: Layer, z: Array) -> Array:
    """Ψ of each example (…,): the integral of a along the ray from 0 to z."""
    rows = z.reshape(-1, z.shape[-1]).astype(np.float64)
    values = [integral(lambda t, x=x: layer(t[..., None] * x) * x).value for x in rows]  # type: ignore[misc]
    return np.array(values).reshape(z.shape[:-1])


class MatchingCost(AsPrinted):
    """What was found about an output layer with K logits; true where a cost with δ = a - y exists.

    `exists`; `witness`, what shows that none does, else None; `proved`: by symbols or by its graph,
    else searched; `convex` in z, with `bent`, logits and the least eigenvalue of their Jacobian;
    `condition`, the labels for which it is a function of the outputs alone; `name`, of a known
    cost, else None; `labels`, the set the outputs lie in: simplex, cube or reals.
    """

    def __init__(self, layer: Layer, labels: str | None) -> None:
        self.layer, self.classes, self.output = layer, layer.classes, layer.name
        self.labels = labels or reached(layer, layer.classes)
        self.witness, self.tried = against(layer)
        self.exists = self.witness is None
        self.by = proof(layer) if self.exists else ""  # what proves it; nothing, where searched
        self.proved = bool(self.by)
        self.known = known_layer(layer, layer.classes) if self.exists else None
        self.mix = self.known and self.known.mix(self.labels)
        self.name = self.known and self.known.cost_name(self.labels)
        self.bent = bending(layer) if self.exists else None
        self.convex = self.exists and self.bent is None
        of = condition(layer, partial(potentials, layer), self.convex) if self.exists else "no y"
        self.condition = of

    def __bool__(self) -> bool:
        return self.exists

    def potential(self, z: Any) -> Array:
        """Ψ(z) of logits (…, K), each example: its gradient is the layer, and Ψ(0) = 0."""
        return potentials(self.layer, self._logits(z))[()]

    def cost(self, z: Any, y: Any) -> Any:
        """The mean cost of logits (…, K) and labels, one node for a Tensor; its δ is a(z) - y."""
        z = self._logits(z)
        if self.known and self.mix:
            return self.mix.cost(self.known.slope * z, y) / self.known.slope
        return recorded_loss(z, dense(y, z), layer=self.layer)

    def delta(self, z: Any, y: Any) -> Any:
        """a(z) - y of each example, without the cost; in the closed form of a known one."""
        z = self._logits(z)
        if self.known and self.mix and self.known.name in LAYERS:
            return self.mix.delta(self.known.slope * z, y)
        return (self.layer(z) - dense(y, z)).astype(z.dtype)

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON."""
        names = "output", "classes", "exists", "proved", "convex", "condition", "labels", "name"
        witness = self.witness and self.witness._asdict()
        return dict(plain(attributes(self, *names) | {"by": self.by or None, "witness": witness}))

    def _logits(self, z: Any) -> Any:
        if not self.exists:
            raise ValueError(f"no cost whatever gives a - y with {self.output}: {self.witness}")
        z = logits(z)
        if z.shape[-1] != self.classes:
            raise ValueError(f"logits of {self.classes} classes, not of shape {z.shape}")
        return z

    def __str__(self) -> str:
        return "\n".join(map(paragraph, self.sentences()))

    def sentences(self) -> list[str]:
        """What was found, in words."""
        of = f"{self.output}, {'one logit' if self.classes == 1 else f'{self.classes} classes'}"
        if not self.exists:
            return [
                f"{of}: no cost whatever gives a - y here.",
                f"The layer is not a gradient: {self.witness}.",
            ]
        searched = f"no asymmetry of the Jacobian, no work round {self.tried} closed paths"
        bent = "yes"
        if self.bent:
            z, least = self.bent
            bent = f"no, at z = {point(z)} the Jacobian has the eigenvalue {amount(least)}"
        where = {"any y": "whatever the labels", "no y": "for no labels"}
        alone = where.get(self.condition, f"where {self.condition}")
        ends = (
            []
            if self.name
            else ["The cost is Ψ(z) - y·z, Ψ the integral of the layer from 0 to z."]
        )
        return [
            f"{of}: {self.name or 'a cost'} goes with it, delta = a - y.",
            f"The layer is a gradient: {self.by or f'{searched} were found, which is no proof'}.",
            f"Convex in z: {bent}.",
            f"A function of the outputs alone {alone}; labels from the {self.labels}.",
            *ends,
        ]


@np.errstate(all="ignore")
def matching_cost(output: Any, classes: int = 3, labels: str | None = None) -> MatchingCost:
    """The cost whose output delta with this layer is a - y, or what shows that there is none.

    Args:
        output: the name of an output layer, or a function of logits (…, K) in plain NumPy.
        classes: K.
        labels: where they come from: "simplex" (one of K), "cube" (several may hold), "reals";
            None: what the outputs reach.

    Raises:
        TypeError: output is neither; it leaves the recording.
        ValueError: another name or set; the function raises, gives another shape or no finite
            number, changes its input, or gives another answer each time.

    >>> print(matching_cost(lambda z: z * np.array([1.0, 2.0, 3.0]) + z.sum()).exists)
    True
    """
    check_set(labels)
    return MatchingCost(Layer(output, classes), labels)


def bending(layer: Layer) -> tuple[Array, float] | None:
    """Logits where the Jacobian has a negative eigenvalue, there and beside them; the least."""
    z, found = layer.looked_at
    found = np.where(np.isfinite(found).all(axis=(2, 3), keepdims=True), found, 0.0)[:, :4]
    least = np.linalg.eigvalsh((found + found.swapaxes(2, 3)) / 2)[:, :, 0]
    least[least > -1e-9 * np.abs(found).max(axis=(2, 3))] = 0.0  # rounding alone
    sure = np.where(least[:, 0] < -layer.rounding, least.max(axis=1), 0.0)
    i = int(sure.argmin())
    return (z[i], float(least[i, 0])) if sure[i] < 0 else None
