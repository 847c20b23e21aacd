"""From a cost on logits to the output layer that goes with it, if there is one.

C(z, y) goes with a layer exactly if, for some number c, δ/c + y does not depend on the labels y; it
then is the layer. c shows how the cost is reduced, or that its labels are smoothed.

>>> found = matching_output(Mix("softmax", "ll").cost)
>>> found.name, found.factor, found.labels
('softmax', 1.0, 'simplex')
"""

from collections.abc import Callable
from math import isclose
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.answers.match.known import known_layer
from tinygrad_lossmix.answers.match.layer import checked, points, whole_number
from tinygrad_lossmix.answers.match.search import SETS, check_set
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.mix import Mix as Mix
from tinygrad_lossmix.mixes.own import named, result_of
from tinygrad_lossmix.printing import AsPrinted, amount, brief, paragraph, point
from tinygrad_lossmix.records import attributes, plain

AGREE = 1e-8  # of δ/c, beyond rounding
FAR = 10.0  # logits up to there are put to the test, beyond them costs may overflow


class TwoLabels(NamedTuple):
    """Logits (K,) and two labels for which δ/c + y differs."""

    z: Array
    y: tuple[Array, Array]
    layers: tuple[Array, Array]  # δ/c + y of each

    def __str__(self) -> str:
        (y, other), (a, b) = (map(point, each) for each in (self.y, self.layers))
        at = f"at z = {point(self.z)} the layer would be"
        return f"{at} {a} for y = {y}, but {b} for y = {other}"


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
        known = known_layer(self._output, k, 1e-9)
        if known is None and 0 < c < 1 and self.labels == "simplex":
            of = known_layer(lambda z: self._output(z) * c + (1 - c) / k, k, 1e-9)
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
        names = "exists", "factor", "name", "reduction", "witness"
        sets = {
            labels: attributes(each, *names) | {"witness": each.witness and each.witness._asdict()}
            for labels, each in self.by_labels.items()
        }
        record = {"cost": self.title, **attributes(self, "classes", "labels"), "by_labels": sets}
        return dict(plain(record | sets[self.labels]))

    def sentence(self) -> str:
        """What was found for one set of labels."""
        k = "one logit" if self.classes == 1 else f"{self.classes} classes"
        where = f"{self.title}, {k}, labels from the {self.labels}"
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
        ValueError: another set; K is not from 1 to 50; the cost raises.

    >>> print(matching_output(lambda z, y: ((z - y) ** 2).mean()))
    the cost, 3 classes, labels from the reals: identity goes with it, delta = 0.6667 (a - y). The
    factor is that of the mean of squares.
    """
    if not callable(cost):
        raise TypeError(f"a cost is a function of logits and labels, not {cost!r:.80}")
    check_set(labels)
    k = whole_number(classes)
    with np.errstate(all="ignore"):
        found = {each: MatchingOutput(cost, k, each) for each in ([labels] if labels else SETS)}
    best = next(filter(None, found.values()), found[labels or "simplex"])
    best.by_labels = found
    return best


def labels_from(which: str, k: int) -> Array:
    """Labels (n, K) from a set: its corners and what lies between them."""
    rng = np.random.default_rng(6)
    soft = rng.random((6, k))
    if which == "simplex" and k > 1:  # one output answers yes or no
        return np.concatenate([np.eye(k), soft / soft.sum(axis=1, keepdims=True)])
    real = 3 * rng.normal(size=(6 if which == "reals" else 0, k))
    return np.concatenate([np.eye(k), np.zeros((1, k)), np.ones((1, k)), soft, real])


def factor(
    delta: Callable[[Array, Array], Array], k: int, labels: str
) -> tuple[float, TwoLabels | None]:
    """c with δ/c + y the same for all labels, by least squares; and what contradicts it."""
    zs, ys = points(k), labels_from(labels, k)
    zs = zs[np.abs(zs).max(axis=1) < FAR]
    deltas = np.array([[delta(z, y) for y in ys] for z in zs])
    finite = np.isfinite(deltas).all(axis=(1, 2))
    if not finite.any():
        raise ValueError("δ of the cost is nowhere finite")
    zs, deltas = zs[finite], deltas[finite]
    moved, pushed = ys - ys[0], deltas - deltas[:, :1]
    size = np.abs(deltas).max(axis=(1, 2))
    weight = np.where(size, size[size > 0].min(initial=np.inf) / size, 0.0) ** 2  # by its rounding
    c = -float((pushed * moved).sum(axis=(1, 2)) @ weight / (moved * moved).sum())
    c = c / weight.sum() if abs(c) > 1e-12 * (size @ weight) else 1.0
    simple = round(2 * c * k) / (2 * k)
    c = simple if isclose(c, simple, rel_tol=1e-12) else c
    layers = deltas / c + ys
    gap = np.abs(layers - layers[:, :1]).max(axis=2)
    size = np.maximum(1.0, np.abs(deltas).max(axis=2) / abs(c))
    i, j = np.unravel_index((gap / size).argmax(), gap.shape)
    if gap[i, j] <= AGREE * size[i, j]:
        return c, None
    return c, TwoLabels(zs[i], (ys[0], ys[j]), (layers[i, 0], layers[i, j]))
