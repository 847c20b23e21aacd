"""Is an output layer a gradient? A search for what shows that it is none.

a(z) is the gradient of a potential exactly if its Jacobian is symmetric and the circulation, the
integral of a·dz, is 0 round every closed path. One number that is not proves that it is none; none
found is no proof that it is one.

>>> import tinygrad_lossmix as lm
>>> asymmetry(Layer(lambda z: lm.softmax(lm.sigmoid(z)), 3)) is None
False
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np

from tinygrad_lossmix.answers.match.layer import Layer
from tinygrad_lossmix.answers.match.quadrature import EPS, integral
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.printing import amount, point

SETS = ("reals", "cube", "simplex")  # of labels; each holds the next
SHOWS = 1e-8  # an asymmetry of that part of the Jacobian, beyond rounding
TURNS = 1e-10  # a circulation of that part of the integral of |a·dz|, beyond its error


class Asymmetry(NamedTuple):
    """Two entries of the Jacobian that would be equal, and the logits (K,)."""

    z: Array
    j: int
    k: int
    jk: float  # ∂a_j/∂z_k
    kj: float  # ∂a_k/∂z_j

    def __str__(self) -> str:
        j, k = self.j, self.k
        less = amount(self.kj - self.jk)
        differ = f", which differs by {less}" if amount(self.jk) == amount(self.kj) else ""
        return (
            f"at z = {point(self.z)} ∂a_{j}/∂z_{k} = {amount(self.jk)}, "
            f"but ∂a_{k}/∂z_{j} = {amount(self.kj)}{differ}"
        )


class Circulation(NamedTuple):
    """A closed path through these logits (n, K), and the work, ∮ a·dz, round it."""

    path: Array
    work: float
    error: float

    def __str__(self) -> str:
        corners = " → ".join(map(point, self.path[:4]))
        more = f" → … ({len(self.path)} corners)" if len(self.path) > 4 else ""
        return f"round the closed path {corners}{more} the work ∮ a·dz is {amount(self.work)}"


Witness = Asymmetry | Circulation


def points(k: int) -> Array:
    """Logits (n, K) that are looked at: ties, moderate ones, tails."""
    rng = np.random.default_rng(0)
    ties = rng.integers(-2, 3, (24, k)).astype(float)
    sizes = np.repeat([0.5, 1.5, 3.0, 10.0, 30.0], [16, 32, 16, 8, 8])[:, None]
    return np.concatenate([np.zeros((1, k)), ties, sizes * rng.normal(size=(len(sizes), k))])


def check_set(labels: str | None) -> None:
    """Raise ValueError for what is no set of labels."""
    if labels is not None and labels not in SETS:
        raise ValueError(f"labels are from one of {', '.join(SETS)}, not {labels!r}")


def reached(layer: Callable[[Array], Array], k: int) -> str:
    """The smallest set of labels that all outputs looked at lie in: simplex, cube or reals."""
    a = np.concatenate([layer(z[None] if k > 1 else z)[None] for z in points(k)]).reshape(-1, k)
    a = a[np.isfinite(a).all(axis=1)]
    if (a < 0).any() or (a > 1 + 1e-9).any():
        return "reals"
    return "simplex" if k > 1 and np.allclose(a.sum(axis=1), 1.0) else "cube"


def beside(z: Array) -> Array:
    """Three neighbours (3, K): a derivative at a kink is a choice, theirs are not."""
    return z + 1e-6 * (1 + np.abs(z)) * np.random.default_rng(1).normal(size=(3, *z.shape))


def asymmetry(layer: Layer) -> Asymmetry | None:
    """An asymmetry of the Jacobian, beyond rounding, that holds beside the point too."""
    zs = points(layer.classes)
    gaps = np.array([uneven(layer.jacobian(z)).max() for z in zs])
    likely, unsure = np.flatnonzero(gaps > SHOWS), rounding_of(layer)
    simple = likely[gaps[likely] > gaps.max(initial=0.0) / 4]
    for i in [*simple, *likely]:
        near = np.min([uneven(layer.jacobian(z)) for z in (zs[i], *beside(zs[i]))], axis=0)
        jacobian, again = layer.jacobian(zs[i]), layer.jacobian(zs[i] * (1 + 2.0**-50))
        rounding = max(100 * np.abs(jacobian - again).max(), unsure) / np.abs(jacobian).max()
        j, k = map(int, np.unravel_index(near.argmax(), near.shape))
        if near[j, k] > SHOWS + rounding:
            return Asymmetry(zs[i], j, k, float(jacobian[j, k]), float(jacobian[k, j]))
    return None


def rounding_of(layer: Layer) -> float:
    """Entries of Jacobians that are below are not told from rounding: where e^z underflows."""
    zs = filter(lambda z: np.abs(z).max() < 3, points(layer.classes))
    moderate = [np.abs(layer.jacobian(z)).max() for z in zs]
    return 1e-13 * float(np.quantile(np.nan_to_num(moderate, posinf=0.0), 0.9))


def uneven(jacobian: Array) -> Array:
    """How much each entry differs from its mirror image, beside the largest of all."""
    scale = np.abs(jacobian).max()
    gap = np.abs(jacobian - jacobian.T) / (scale or 1.0)
    return np.nan_to_num(gap, nan=0.0, posinf=0.0)


def paths(k: int) -> Iterator[Array]:
    """Closed paths (n, K): triangles small and large, some across ties, and round the origin."""
    rng = np.random.default_rng(2)
    for size in (0.3, 1.0, 4.0, 10.0):
        for _ in range(8):
            yield size * rng.normal(size=(3, k)) + rng.integers(-1, 2, k)
    turn = np.arange(12) * np.pi / 6 + 0.1
    for i, j in list(combinations(range(k), 2))[:6]:
        for radius in (0.5, 3.0):
            path = np.zeros((12, k))
            path[:, i], path[:, j] = radius * np.cos(turn), radius * np.sin(turn)
            yield path


def work(layer: Layer, path: Array, within: float = TURNS / 10) -> Circulation:
    """∮ a·dz round a closed path, to that part of ∮ |a·dz|."""
    total = error = size = 0.0
    for start, step in zip(path, np.roll(path, -1, axis=0) - path, strict=True):

        def along(t: Array, start: Array = start, step: Array = step) -> Array:
            a: Array = layer(start + t[:, None] * step) @ step
            return a

        side = integral(along, within)
        total, error, size = total + side.value, error + side.error, size + side.size
    return Circulation(path, total, 10 * error + TURNS * size)


def circulation(layer: Layer) -> tuple[Circulation | None, int]:
    """A path with work beyond its error, if there is one; and how many were tried."""
    tried = [work(layer, path) for path in paths(layer.classes)] if layer.classes > 1 else []
    turning = [each for each in tried if abs(each.work) > each.error]
    # of thousands of panels one agrees by chance in spite of a kink in it, not twice
    turning = [work(layer, each.path, 2 * EPS) for each in turning]
    turning = [each for each in turning if abs(each.work) > each.error]
    most = max((abs(each.work) for each in turning), default=0.0)
    return next((each for each in turning if abs(each.work) > most / 20), None), len(tried)
