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
FLAT = 1e-10  # a singular value of the Jacobian with columns of length 1
FADING = 1e-3  # a column of the Jacobian, beside the largest on the way to 0


@np.errstate(all="ignore")
def condition(layer: Layer, potential: Callable[[Array], Array], monotone: bool) -> str:
    """`any y`, `no y`, or the equations that labels have to satisfy, y0 + y1 = 1.

    >>> condition(Layer(lambda z: np.maximum(z, 0.0), 2), lambda z: z, True)
    'y0 = 0, y1 = 0'
    """
    found = [*flat(layer), *([] if monotone else twins(layer, potential))]
    if not found:
        return "any y"
    _, size, right = np.linalg.svd(np.array(found))
    rows = right[: int((size > 1e-7 * size[0]).sum())]
    leading: list[int] = []  # unknowns that the others are moved to the right of
    for k in range(layer.classes):
        if np.linalg.matrix_rank(rows[:, [*leading, k]], 1e-6) > len(leading):
            leading.append(k)
    if len(leading) < len(rows):  # 0 = 1
        return "no y"
    equations = np.linalg.solve(rows[:, leading], rows)
    return ", ".join(shortened(list(map(equation, equations))))


def shortened(parts: list[str]) -> list[str]:
    """Of many parts the first two, an ellipsis and the last."""
    return parts if len(parts) <= FEW else [*parts[:2], "...", parts[-1]]


def flat(layer: Layer) -> Iterator[Array]:
    """(v, v·a) for each direction v in which the outputs stand still."""
    rng = np.random.default_rng(4)
    z = np.concatenate([spread * rng.normal(size=(12, layer.classes)) for spread in (1.0, 8.0)])
    way = (0.75 ** np.arange(60))[:, None, None] * z  # to 0
    jacobians = layer.jacobian(way)
    sizes = np.linalg.norm(jacobians, axis=-2)
    # a single logit, as beyond a kink; what fades away, over a long way, is still in floats alone
    fading = ((sizes > 0) & (sizes < FADING * np.fmax.reduce(sizes, axis=0))).any(axis=0)
    for a, still in zip(layer(z), (sizes[0] == 0) & ~fading, strict=True):
        for v in np.eye(layer.classes)[still]:
            yield np.array([*v, v @ a])
    # several: where they move the outputs about as much, for rounding
    least = np.where((sizes > 0) | fading, sizes, np.inf).min(axis=-1)
    even = (least > 0) & (least >= FADING * sizes.max(axis=-1))
    for i, t in enumerate(even.argmax(axis=0)):
        if np.isfinite(sizes[t, i]).all():
            for v in null(jacobians[t, i], sizes[t, i]):
                yield np.array([*v, v @ layer(way[t, i])])


def null(jacobian: Array, sizes: Array) -> Iterator[Array]:
    """Directions of several logits that a Jacobian with columns of these lengths maps to 0."""
    moving = np.flatnonzero(sizes)
    _, scaled, axes = np.linalg.svd(jacobian[:, moving] / sizes[moving], full_matrices=False)
    for axis in axes[scaled <= FLAT]:
        v = np.zeros(len(sizes))
        v[moving] = axis / sizes[moving]
        yield v / np.linalg.norm(v)


def twins(layer: Layer, potential: Callable[[Array], Array]) -> Iterator[Array]:
    """(z - z', Ψ(z) - Ψ(z')) for logits with the same outputs, by Newton's method from afar."""
    rng = np.random.default_rng(5)
    for i, z in enumerate(rng.normal(size=(40, layer.classes))):
        apart = 3 * rng.normal(size=z.shape)
        alone = np.arange(layer.classes) == i // 2 % 4  # of many logits some have no other
        other = z + (apart * alone if i % 2 and alone.any() else apart)
        for _ in range(50):
            gap, jacobian = layer(other) - layer(z), layer.jacobian(other)
            if not np.isfinite([gap, *jacobian]).all():
                break
            step = np.linalg.lstsq(jacobian, gap, rcond=1e-9)[0]
            other = other - step / max(1.0, np.abs(step).max())
        if np.abs(layer(other) - layer(z)).max() < 1e-12 and np.abs(other - z).max() > 1e-3:
            away = np.array([*(z - other), potential(z) - potential(other)])
            yield away / np.linalg.norm(away[:-1])


def equation(row: Array) -> str:
    """y0 + 2 y1 = 1, of its coefficients and its right side."""
    *coefficients, right = (row.round(7) + 0.0).tolist()
    terms = [
        f"{'-' if c < 0 else '+'} {f'{number(abs(c))} ' if abs(c) != 1 else ''}y{k}"
        for k, c in enumerate(coefficients)
        if c
    ]
    text = " ".join(shortened(terms)).replace("...", "+ ...")
    return f"{text} = {number(right)}".removeprefix("+ ").replace("- ", "-", text[0] == "-")
