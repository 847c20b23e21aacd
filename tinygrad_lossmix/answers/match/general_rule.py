"""The general rule: which cost goes with an output layer, which layer with a cost.

A cost with δ = a - y exists exactly if the layer a(z) is the gradient of a potential Ψ: if its
Jacobian is symmetric and the circulation, the integral of a·dz, is 0 round every closed path. One
number that is not proves that there is none; none found is no proof that there is one. The cost is
Ψ(z) - y·z, up to what does not depend on z: the matching loss of a (Helmbold, Kivinen, Warmuth
1995), a Fenchel-Young loss (Blondel, Martins, Niculae 2020).

Conversely, C(z, y) goes with a layer exactly if, for some number c, δ/c + y does not depend on the
labels y; it then is the layer. c shows how the cost is reduced, or that its labels are smoothed.

>>> import tinygrad_lossmix as lm
>>> witness, _ = against(Layer(lambda z: lm.softmax(lm.sigmoid(z)), 3))
>>> type(witness).__name__, against(Layer("softmax", 3))
('Asymmetry', (None, 38))
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from math import isclose
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.answers.kinks import Fall, fall
from tinygrad_lossmix.answers.match.layer import Layer, labels_from, points
from tinygrad_lossmix.answers.match.quadrature import EPS, integral
from tinygrad_lossmix.engine.table import Array, derivative
from tinygrad_lossmix.printing import amount, point

SHOWS = 1e-8  # an asymmetry of that part of the Jacobian, beyond rounding
TURNS = 1e-10  # a circulation of that part of the integral of |a·dz|, beyond its error
AGREE = 1e-8  # of δ/c, beyond rounding
FAR = 10.0  # logits up to there are put to the test, beyond them costs may overflow


class Asymmetry(NamedTuple):
    """Two entries of the Jacobian that would be equal, and the logits (K,)."""

    z: Array
    j: int
    k: int
    jk: float  # ∂a_j/∂z_k
    kj: float  # ∂a_k/∂z_j

    def __str__(self) -> str:
        z, j, k, (jk, kj) = point(self.z), self.j, self.k, map(amount, self[3:])
        alike = isclose(self.jk, self.kj, rel_tol=1e-3)
        differ = f", which differs by {amount(self.kj - self.jk)}" if alike else ""
        return f"at z = {z} ∂a_{j}/∂z_{k} = {jk}, but ∂a_{k}/∂z_{j} = {kj}{differ}"


class Circulation(NamedTuple):
    """A closed path through these logits (n, K), and the work, ∮ a·dz, round it."""

    path: Array
    work: float
    error: float

    def __str__(self) -> str:
        corners = " → ".join(map(point, self.path[:4]))
        more = f" → … ({len(self.path)} corners)" if len(self.path) > 4 else ""
        return f"round the closed path {corners}{more} the work ∮ a·dz is {amount(self.work)}"


class Downwards(NamedTuple):
    """Logits (K,) where the Jacobian, the Hessian of the cost, has a negative eigenvalue."""

    z: Array
    eigenvalue: float

    def __str__(self) -> str:
        return f"at z = {point(self.z)} the Jacobian has the eigenvalue {amount(self.eigenvalue)}"


class TwoLabels(NamedTuple):
    """Logits (K,) and two labels for which δ/c + y differs."""

    z: Array
    y: tuple[Array, Array]
    layers: tuple[Array, Array]  # δ/c + y of each

    def __str__(self) -> str:
        (y, other), (a, b) = (map(point, each) for each in (self.y, self.layers))
        at = f"at z = {point(self.z)} the layer would be"
        return f"{at} {a} for y = {y}, but {b} for y = {other}"


@np.errstate(all="ignore")
def against(layer: Layer) -> tuple[Asymmetry | Circulation | None, int]:
    """What shows that a layer is no gradient, if anything does; and how many paths were tried."""
    found = asymmetry(layer)
    return (found, 0) if found else circulation(layer)


def asymmetry(layer: Layer) -> Asymmetry | None:
    """An asymmetry of the Jacobian, beyond rounding, that holds beside the point too."""
    z, found = layer.looked_at
    sizes = np.abs(found).max(axis=(2, 3), keepdims=True)
    uneven = np.abs(found - found.swapaxes(2, 3)) / np.where(sizes, sizes, 1.0)
    near = np.nan_to_num(uneven[:, :4], posinf=0.0).min(axis=1)
    rounding = 100 * np.abs(found[:, 0] - found[:, 4]).max(axis=(1, 2))
    gaps = near.max(axis=(1, 2))
    sure = gaps > SHOWS + np.maximum(rounding, layer.rounding) / sizes[:, 0, 0, 0]
    if not sure.any():
        return None
    i = int((sure & (gaps > gaps[sure].max() / 4)).argmax())  # the simplest that is not small
    j, k = largest(near[i])
    return Asymmetry(z[i], j, k, float(found[i, 0, j, k]), float(found[i, 0, k, j]))


def largest(x: Array) -> tuple[int, int]:
    """Where a matrix is largest, the first of those alike to rounding, in which machines differ."""
    i, j = np.unravel_index((x >= (1.0 - 1e-6) * x.max()).argmax(), x.shape)
    return int(i), int(j)


def circulation(layer: Layer) -> tuple[Circulation | None, int]:
    """A path with work beyond its error, if there is one; and how many were tried."""
    tried = [*paths(layer.classes)] if layer.classes > 1 else []
    turning = [each for path in tried if abs((each := work(layer, path)).work) > each.error]
    # of thousands of panels one agrees by chance in spite of a kink in it, not twice
    turning = [work(layer, each.path, 2 * EPS) for each in turning]
    turning = [each for each in turning if abs(each.work) > each.error]
    most = max((abs(each.work) for each in turning), default=0.0)
    return next((each for each in turning if abs(each.work) > most / 20), None), len(tried)


def paths(k: int) -> Iterator[Array]:
    """Closed paths (n, K): triangles small and large, some across ties, and round the origin."""
    rng = np.random.default_rng(2)
    for size in np.repeat([0.3, 1.0, 4.0, 10.0], 8):
        yield size * rng.normal(size=(3, k)) + rng.integers(-1, 2, k)
    turn = np.arange(12)[:, None] * np.pi / 6 + 0.1
    for i, j in list(combinations(np.eye(k), 2))[:6]:
        for radius in (0.5, 3.0):
            yield radius * (np.cos(turn) * i + np.sin(turn) * j)


def work(layer: Layer, path: Array, within: float = TURNS / 10) -> Circulation:
    """∮ a·dz round a closed path, to that part of ∮ |a·dz|."""
    steps = np.roll(path, -1, axis=0) - path

    def along(t: Array) -> Any:
        side = t.mean(axis=1).astype(int)
        start, step = path[side][:, None], steps[side][:, None]
        return layer(start + (t - side[:, None])[..., None] * step) * step

    total, error, size = integral(along, len(path), within)
    return Circulation(path, total, 10 * error + TURNS * size)


@np.errstate(all="ignore")
def potentials(layer: Any, z: Array) -> Array:
    """Ψ of each example (…,): the integral of a along the ray from 0 to z."""
    rows = z.reshape(-1, z.shape[-1]).astype(np.float64)
    values = [integral(lambda t, x=x: layer(t[..., None] * x) * x).value for x in rows]  # type: ignore[misc]
    return np.array(values).reshape(z.shape[:-1])


def matching_loss(z: Array, y: Array, layer: Any = None) -> Array:
    """The mean over the examples of Ψ(z) - y·z, Ψ(0) = 0, for logits and labels (…, K)."""
    each = np.array(potentials(layer, z)) - (y * z).sum(axis=-1)
    with np.errstate(invalid="ignore"):  # no examples
        return (each.sum(dtype=np.float64) / each.size).astype(z.dtype)[()]


def _rule(g: Array, c: Array, z: Array, y: Array, layer: Any = None) -> Array:
    """(a(z) - y)/n."""
    return (layer(z) - y) * (g / (z.size // z.shape[-1] or 1))


recorded_loss = derivative(matching_loss, _rule, None)


def bending(layer: Layer) -> Downwards | Fall | None:
    """What shows that the cost is not convex: a negative eigenvalue at logits and beside them."""
    z, found = layer.looked_at
    found = np.where(np.isfinite(found).all(axis=(2, 3), keepdims=True), found, 0.0)[:, :4]
    least = np.linalg.eigvalsh((found + found.swapaxes(2, 3)) / 2)[:, :, 0]
    least[least > -1e-9 * np.abs(found).max(axis=(2, 3))] = 0.0  # rounding alone
    sure = np.where(least[:, 0] < -layer.rounding, least.max(axis=1), 0.0)
    i = int(sure.argmin())
    if sure[i] < 0:
        return Downwards(z[i], float(least[i, 0]))
    kink = fall(layer, layer.classes)
    return kink if kink.drop > SHOWS else None


def factor(
    delta: Callable[[Array, Array], Array], k: int, labels: str
) -> tuple[float, TwoLabels | None]:
    """c with δ/c + y the same for all labels, by least squares; and what contradicts it."""
    zs, ys = points(k), labels_from(labels, k)
    zs = zs[np.abs(zs).max(axis=1) < FAR]
    deltas = np.array([[delta(z, y) for y in ys] for z in zs])
    finite = np.isfinite(deltas).all(axis=(1, 2))
    if not finite.any():
        where = f"nowhere finite for all labels from the {labels}"
        raise ValueError(f"δ of the cost is {where}: a cost is given logits here, not outputs")
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
    i, j = largest(gap / size)
    if gap[i, j] <= AGREE * size[i, j]:
        return c, None
    return c, TwoLabels(zs[i], (ys[0], ys[j]), (layers[i, 0], layers[i, j]))
