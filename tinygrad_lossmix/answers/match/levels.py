"""For which labels a matching cost is a function of the outputs alone.

Where two logits have the same outputs, the cost has to be the same: one linear equation on y. Where
they are neighbours, along v with J·v = 0, it is v·y = v·a.
"""

from collections.abc import Callable, Iterator

import numpy as np

from tinygrad_lossmix.answers.match.layer import Layer
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.printing import number

FEW = 12  # terms or equations, more are abbreviated
FLAT = 1e-10  # a singular value of the Jacobian, beside the largest of all


def condition(layer: Layer, potential: Callable[[Array], Array], monotone: bool) -> str:
    """`any y`, `no y`, or the equations that labels have to satisfy, y0 + y1 = 1.

    >>> condition(Layer(lambda z: np.maximum(z, 0.0), 2), lambda z: z, True)
    'y0 = 0, y1 = 0'
    """
    found = [*flat(layer), *([] if monotone else twins(layer, potential))]
    if not found:
        return "any y"
    rows = np.array(found)
    _, size, right = np.linalg.svd(rows)
    rank = int((size > 1e-7 * size[0]).sum())
    equations = reduced(right[:rank])
    if np.abs(equations[:, :-1]).max(axis=1).min() < 1e-6:  # 0 = 1
        return "no y"
    return ", ".join(shortened(list(map(equation, equations))))


def shortened(parts: list[str]) -> list[str]:
    """Of many parts the first two, an ellipsis and the last."""
    return parts if len(parts) <= FEW else [*parts[:2], "...", parts[-1]]


def flat(layer: Layer) -> Iterator[Array]:
    """(v, v·a) for each direction v in which the outputs stand still, at moderate logits."""
    points = np.random.default_rng(4).normal(size=(24, layer.classes))
    jacobians = np.array([layer.jacobian(z) for z in points])
    known = np.isfinite(jacobians).all(axis=(1, 2))
    points, jacobians = points[known], jacobians[known]
    _, sizes, axes = np.linalg.svd(jacobians)
    for z, size, axis in zip(points, sizes, axes, strict=True):
        for v in axis[size <= FLAT * sizes.max(initial=0.0)]:
            yield np.array([*v, v @ layer(z)])


def twins(layer: Layer, potential: Callable[[Array], Array]) -> Iterator[Array]:
    """(z - z', Ψ(z) - Ψ(z')) for logits with the same outputs, by Newton's method from afar."""
    rng = np.random.default_rng(5)
    for i, z in enumerate(rng.normal(size=(40, layer.classes))):
        apart = 3 * rng.normal(size=z.shape)
        alone = np.arange(layer.classes) == i // 2 % 4  # of many logits some have no other
        other = z + (apart * alone if i % 2 and alone.any() else apart)
        for _ in range(50):
            gap = layer(other) - layer(z)
            if not np.isfinite([gap, *layer.jacobian(other)]).all():
                break
            step = np.linalg.lstsq(layer.jacobian(other), gap, rcond=1e-9)[0]
            other = other - step / max(1.0, np.abs(step).max())
        if np.abs(layer(other) - layer(z)).max() < 1e-12 and np.abs(other - z).max() > 1e-3:
            away = np.array([*(z - other), potential(z) - potential(other)])
            yield away / np.linalg.norm(away[:-1])


def reduced(rows: Array) -> Array:
    """Linear equations with a 1 in front of each, and 0 above and below it."""
    rows = rows.copy()
    pivot = 0
    for column in range(rows.shape[1] - 1):
        if pivot == len(rows):
            break
        best = pivot + int(np.abs(rows[pivot:, column]).argmax())
        if abs(rows[best, column]) < 1e-7:
            continue
        rows[[pivot, best]] = rows[[best, pivot]]
        rows[pivot] /= rows[pivot, column]
        for other in range(len(rows)):
            if other != pivot:
                rows[other] -= rows[other, column] * rows[pivot]
        pivot += 1
    return rows


def equation(row: Array) -> str:
    """y0 + 2 y1 = 1, of its coefficients and its right side."""
    *coefficients, right = [0.0 if abs(c) < 1e-7 else float(c) for c in row]
    terms = []
    for k, c in enumerate(coefficients):
        if c:
            factor = "" if abs(abs(c) - 1) < 1e-7 else f"{number(abs(c))} "
            terms.append(f"{'-' if c < 0 else '+'} {factor}y{k}")
    text = " ".join(shortened(terms)).replace("...", "+ ...")
    return f"{text} = {number(right)}".removeprefix("+ ").replace("- ", "-", text[0] == "-")
