"""What the rule finds: the cost that goes with an output layer, the layer that goes with a cost.

>>> import tinygrad_lossmix as lm
>>> found = matching_cost("softmax")
>>> found.exists, found.convex, found.name, found.condition
(True, True, 'log-likelihood', 'y0 + y1 + y2 = 1')
>>> bool(matching_cost(lambda z: np.exp(lm.log_softmax(lm.sigmoid(z)))))
False
>>> found = matching_output(lm.Mix("softmax", "ll").cost)
>>> found.name, found.factor, found.labels
('softmax', 1.0, 'simplex')
"""

from collections.abc import Callable
from functools import partial
from math import isclose
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.match.general_rule import (
    against,
    bending,
    factor,
    potentials,
    recorded_loss,
)
from tinygrad_lossmix.answers.match.layer import (
    SETS,
    Layer,
    check_set,
    checked,
    known_layers,
    labels_from,
    points,
    reached,
    whole_number,
)
from tinygrad_lossmix.answers.match.levels import condition
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.labels import dense, logits
from tinygrad_lossmix.mixes.layers import LAYERS
from tinygrad_lossmix.mixes.own import named, result_of
from tinygrad_lossmix.printing import AsPrinted, amount, brief, how_many, number, paragraph, point
from tinygrad_lossmix.records import attributes, plain


class MatchingCost(AsPrinted):
    """What was found about an output layer with K logits; true where a cost with δ = a - y exists.

    `exists`; `witness`, what shows that none does, else None; `proved`: by symbols or by its graph,
    else searched; `convex` in z, or `bent`, which shows that it is not;
    `condition`, the labels for which it is a function of the outputs alone; `name`, of a known
    cost, with its factor, as in 2 × log-likelihood, else None; `labels`, the set the outputs lie
    in: simplex, cube or reals.
    """

    def __init__(self, layer: Layer, labels: str | None) -> None:
        self.layer, self.classes, self.output = layer, layer.classes, layer.name
        self.labels = labels or reached(layer, layer.classes)
        self.witness, self.tried = against(layer)
        self.exists = self.witness is None
        self.by = layer.proof() if self.exists else ""  # what proves it; nothing, where searched
        self.proved = bool(self.by)
        self.called = [*known_layers(layer, layer.classes)] if self.exists else []
        self.known = min(self.called, key=lambda known: known.slope != 1, default=None)
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
        of = f"{self.output}, {how_many(self.classes, 'logit')}"
        if not self.exists:
            return [
                f"{of}: no cost whatever gives a - y here.",
                f"The layer is not a gradient: {self.witness}.",
            ]
        searched = f"no asymmetry of the Jacobian, no work round {self.tried} closed paths"
        where = {"any y": "whatever the labels", "no y": "for no labels"}
        alone = where.get(self.condition, f"where {self.condition}")
        factor = ""
        if self.known and self.name and self.known.slope != 1:
            cost, times = self.known.goes_with(self.labels), number(self.known.slope)
            factor = f" It is {self.known}: {cost} by itself has delta = {times} (a - y)."
        found = [
            f"{of}: {self.name or 'a cost'} goes with it, delta = a - y.{factor}",
            f"The layer is a gradient: {self.by or f'{searched} were found, which is no proof'}.",
            f"Convex in z: {f'no, {self.bent}' if self.bent else 'yes'}.",
            f"A function of the outputs alone {alone}; labels from the {self.labels}.",
            "The cost is Ψ(z) - y·z, Ψ the integral of the layer from 0 to z.",
        ]
        return found[:-1] if self.name else found


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


class MatchingOutput(AsPrinted):
    """What was found about a cost on K logits; true where an output layer goes with it.

    `exists`; `factor`, c; `witness`, two labels that disagree, or None; `output`, a function of
    logits (…, K), or None; `name`, of a known layer, or None; `reduction`, in words what c shows;
    `labels`, the set that they are from; `by_labels`, the same for each set that was asked for.
    """

    def __init__(self, cost: Callable[..., Any], classes: int, labels: str) -> None:
        self.cost, self.classes, self.labels = cost, classes, labels
        self.title = brief(named(cost, "the cost"))
        self.by_labels = {labels: self}
        checked(cost, self.title, points(classes)[-40], labels_from(labels, classes)[0])
        self.factor, self.witness = factor(self.delta, classes, labels)
        self.exists = self.witness is None
        self.output = self._output if self.exists else None
        self.name, self.reduction = self._named() if self.exists else (None, "")

    def __bool__(self) -> bool:
        return self.exists

    def delta(self, z: Array, y: Array) -> Array:
        """∂C/∂z of one example, by the engine."""
        variable = Tensor(z)
        try:
            value = result_of(self.cost, self.title, (variable, y.copy()), ())
        except Exception as error:
            error.add_note(f"at z = {point(z)}, y = {point(y)}")
            raise
        return np.array(grad(value, variable))

    def _output(self, z: Any) -> Array:
        """The layer, δ/c + y."""
        z = np.asarray(z, np.float64)
        even = np.full(self.classes, 1.0 / self.classes)
        rows = [self.delta(x, even) / self.factor + even for x in z.reshape(-1, z.shape[-1])]
        return np.reshape(rows, z.shape)

    def _named(self) -> tuple[str | None, str]:
        """The name of the layer, and what its factor shows."""
        k, c = self.classes, self.factor
        known = next(known_layers(self._output, k, 1e-9), None)
        if known is None and 0 < c < 1 and self.labels == "simplex":
            of = next(known_layers(lambda z: self._output(z) * c + (1 - c) / k, k, 1e-9), None)
            smoothed = f"Labels are smoothed by s = {amount(1 - c)}: the layer is (a - s/K)/(1 - s)"
            return None, f"{smoothed} of a = {of}." if of else ""
        shows = {"the mean over classes": 1 / k, "z": known.slope if known else 1.0}
        if known and known.name == "identity":
            shows["the mean of squares"] = 2 / k
        said = [f"The factor is that of {what}." for what, of in shows.items() if isclose(c, of)]
        return known and str(known), "" if c == 1 or not said else said[-1]

    def __str__(self) -> str:
        larger = [each for each in self.by_labels.values() if not each] if self.exists else []
        return "\n".join(paragraph(each.sentence()) for each in (self, *larger[-1:]))

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON, with one of each set of labels."""
        names = "exists", "factor", "name", "reduction"
        sets = {
            labels: attributes(each, *names) | {"witness": each.witness and each.witness._asdict()}
            for labels, each in self.by_labels.items()
        }
        record = {"cost": self.title, **attributes(self, "classes", "labels"), "by_labels": sets}
        return dict(plain(record | sets[self.labels]))

    def sentence(self) -> str:
        """What was found for one set of labels."""
        where = f"{self.title}, {how_many(self.classes, 'logit')}, labels from the {self.labels}"
        if not self.exists:
            return f"{where}: no output layer goes with it; {self.witness}."
        goes = self.name or "a layer without a name"
        times = {1.0: "a - y", -1.0: "-(a - y)"}.get(self.factor, f"{amount(self.factor)} (a - y)")
        away = "" if self.factor > 0 else " Descent on it drives the outputs away from the labels."
        return f"{where}: {goes} goes with it, delta = {times}. {self.reduction}".rstrip() + away


def matching_output(
    cost: Callable[..., Any], classes: int = 3, labels: str | None = None
) -> MatchingOutput:
    """The output layer for which δ of a cost is c(a - y), or two labels that show there is none.

    Args:
        cost: a function of logits (K,) and labels (K,), a scalar, in plain NumPy.
        classes: K.
        labels: the set they are from: "simplex" (one of K, soft ones included), "cube" (several
            may hold), "reals"; None: the largest for which there is a layer.

    Raises:
        TypeError: cost is no such function.
        ValueError: another set; K is not from 1 to 50; the cost raises, or has no value, at labels
            of the set, where none is given of the smallest.

    >>> print(matching_output(lambda z, y: ((z - y) ** 2).mean()))
    the cost, 3 classes, labels from the reals: identity goes with it, delta = 0.6667 (a - y). The
    factor is that of the mean of squares.
    """
    if not callable(cost):
        raise TypeError(f"a cost is a function of logits and labels, not {cost!r:.80}")
    check_set(labels)
    k = whole_number(classes)
    found = dict[str, MatchingOutput]()
    for each in [labels] if labels else SETS:
        try:
            with np.errstate(all="ignore"):
                found[each] = MatchingOutput(cost, k, each)
        except ValueError:  # of a cost that has no value at some labels of a larger set
            if each in (labels, SETS[-1]):
                raise
    best = next(filter(None, found.values()), found[labels or "simplex"])
    best.by_labels = found
    return best
