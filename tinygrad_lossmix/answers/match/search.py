"""Is an output layer a gradient? A proof that it is, or a search for what shows that it is none.

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

from tinygrad_lossmix.answers.match.layer import Layer, points
from tinygrad_lossmix.answers.match.quadrature import EPS, integral
from tinygrad_lossmix.compiler.ir.program import TracedProgram
from tinygrad_lossmix.compiler.ir.trace import Traced
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.printing import amount, point

SETS = ("reals", "cube", "simplex")  # of labels; each holds the next
SHOWS = 1e-8  # an asymmetry of that part of the Jacobian, beyond rounding
LONGEST = 2000  # operations of a formula: SymPy takes minutes for more
TURNS = 1e-10  # a circulation of that part of the integral of |a·dz|, beyond its error


class Asymmetry(NamedTuple):
    """Two entries of the Jacobian that would be equal, and the logits (K,)."""

    z: Array
    j: int
    k: int
    jk: float  # ∂a_j/∂z_k
    kj: float  # ∂a_k/∂z_j

    def __str__(self) -> str:
        z, j, k, (jk, kj) = point(self.z), self.j, self.k, map(amount, self[3:])
        differ = f", which differs by {amount(self.kj - self.jk)}" if jk == kj else ""
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


Witness = Asymmetry | Circulation


def check_set(labels: str | None) -> None:
    """Raise ValueError for what is no set of labels."""
    if labels is not None and labels not in SETS:
        raise ValueError(f"labels are from one of {', '.join(SETS)}, not {labels!r}")


def reached(layer: Callable[[Array], Array], k: int) -> str:
    """The smallest set of labels that all outputs looked at lie in: simplex, cube or reals."""
    a = np.array([layer(z) for z in points(k)])
    a = a[np.isfinite(a).all(axis=1)]
    if (a < 0).any() or (a > 1 + 1e-9).any():
        return "reals"
    return "simplex" if k > 1 and np.allclose(a.sum(axis=1), 1.0) else "cube"


@np.errstate(all="ignore")
def against(layer: Layer) -> tuple[Witness | None, int]:
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
    j, k = map(int, np.unravel_index(near[i].argmax(), near[i].shape))
    return Asymmetry(z[i], j, k, float(found[i, 0, j, k]), float(found[i, 0, k, j]))


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

    def along(t: Array) -> Array:
        side = t.mean(axis=1).astype(int)
        start, step = path[side][:, None], steps[side][:, None]
        return layer(start + (t - side[:, None])[..., None] * step) * step  # type: ignore[no-any-return]

    total, error, size = integral(along, len(path), within)
    return Circulation(path, total, 10 * error + TURNS * size)


def circulation(layer: Layer) -> tuple[Circulation | None, int]:
    """A path with work beyond its error, if there is one; and how many were tried."""
    tried = [*paths(layer.classes)] if layer.classes > 1 else []
    turning = [each for path in tried if abs((each := work(layer, path)).work) > each.error]
    # of thousands of panels one agrees by chance in spite of a kink in it, not twice
    turning = [work(layer, each.path, 2 * EPS) for each in turning]
    turning = [each for each in turning if abs(each.work) > each.error]
    most = max((abs(each.work) for each in turning), default=0.0)
    return next((each for each in turning if abs(each.work) > most / 20), None), len(tried)


@np.errstate(all="ignore")
def proof(layer: Layer) -> str:
    """What proves that the Jacobian is symmetric at all logits; empty where nothing does.

    >>> proof(Layer(np.tanh, 3))
    'each output depends on its own logit alone'
    """
    if layer.classes == 1 or elementwise(layer):
        return "each output depends on its own logit alone"
    return "by symbols, at all logits" if symmetric(layer) else ""


def elementwise(layer: Layer) -> bool:
    """Whether all that the traced layer calls is computed entry by entry."""
    program, shape = TracedProgram(), (layer.classes,)
    try:
        a = layer.function(program.argument("z", np.zeros(shape)))
    except Exception:  # of many kinds: it asks for a number, or leaves NumPy
        return False
    ufuncs = all(  # those with a signature are np.matmul and its like
        getattr(each.function, "signature", "") is None or each.function is np.where
        for each in program.calls
    )
    return type(a) is Traced and ufuncs and {x.shape for x in (a, *program.calls)} == {shape}


def symmetric(layer: Layer) -> bool:
    """Whether J is, as formulas of E = e^z; False also where they cannot be had."""
    try:
        from tinygrad_lossmix.engine.sweep import accumulated, sweep
        from tinygrad_lossmix.proof.derivation import expressions, sympy, variable

        z = variable(list(map(sympy.log, sympy.symbols(f"E:{layer.classes}", positive=True))))
        a = layer.book(z)
        units = [
            variable(list(map(sympy.Integer, e)))._value for e in np.eye(layer.classes, dtype=int)
        ]
        rows = [expressions(accumulated(a, unit, sweep(a, unit))[z]) for unit in units]
        gaps = [rows[k][j] - rows[j][k] for j, k in combinations(range(layer.classes), 2)]
        return sum(map(sympy.count_ops, gaps)) < LONGEST and not any(map(sympy.cancel, gaps))
    except Exception:  # SymPy is missing, or the layer calls what symbols do not know
        return False
