"""An output layer as the rule reads it: outputs, Jacobians, what is proved of it, its name; and the
logits and labels that it is asked about.

>>> layer = Layer("softmax", 3)
>>> layer.jacobian(np.zeros(3)).round(3)
array([[ 0.222, -0.111, -0.111],
       [-0.111,  0.222, -0.111],
       [-0.111, -0.111,  0.222]])
>>> import tinygrad_lossmix as lm
>>> known = next(known_layers(lambda z: lm.softmax(z / 2), 3))
>>> known, known.cost_name("simplex")
(Known(name='softmax', slope=0.5), '2 × log-likelihood')
"""

from collections.abc import Callable, Iterator
from functools import cache, cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.ir.program import TracedProgram
from tinygrad_lossmix.compiler.ir.trace import Traced
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.layers import COSTS, LAYERS
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.mixes.own import (
    NotRecorded,
    WrongShape,
    known_output,
    named,
    no_index,
    result_of,
)
from tinygrad_lossmix.printing import number, point

MOST = 50  # classes
SETS = ("reals", "cube", "simplex")  # of labels; each holds the next
LONGEST = 2000  # operations of a formula: SymPy takes minutes for more
NAMED: dict[str, Callable[[Any], Any]] = {
    **{name: each.stable for name, each in LAYERS.items()},
    "identity": np.positive,
    "tanh": np.tanh,
    "exp": np.exp,
}
CALLED = {"tanh": "log-cosh", "exp": "Poisson"}  # costs that are not among ours


class Layer:
    """A function from logits (…, K) to outputs of their shape, by its name or in plain NumPy.

    Raises TypeError and ValueError as `matching_cost` does.
    """

    def __init__(self, output: Any, classes: int) -> None:
        known = known_output(output)
        if known is None and isinstance(output, str):
            raise ValueError(
                f"there is no output layer {output!r}: {', '.join(LAYERS)}, or a function, at the "
                "shell as numpy:exp"
            )
        if known is None:
            raise TypeError(
                f"an output layer is a name or a function of logits, not {output!r:.80}"
            )
        pair: Any = LAYERS[known][:2] if isinstance(known, str) else (known, known)
        self.function, self.book = pair  # as it is computed, as it is written
        self.name, self.classes = named(known, "the layer"), whole_number(classes)
        rows, batch = apart_and_together(self.function, self.name, self.classes)
        self.whole = np.shape(batch) == rows.shape and np.allclose(batch, rows, 1e-12, 0.0)

    def __call__(self, z: Any) -> Any:
        """The outputs of logits (…, K), row by row where it must be."""
        if z.ndim == 1 or (z.ndim == 2 and self.whole):
            return self.function(z)
        rows = z.reshape((-1, z.shape[-1]))
        a = self(rows) if self.whole else np.array([self.function(row) for row in rows])
        return a.reshape(z.shape)

    def jacobian(self, z: Array) -> Array:
        """At logits (…, K), (…, K, K): row k of each holds da_k/dz."""
        rows = z.reshape(-1, self.classes)
        each = rows[None] if self.whole else rows
        found = np.array([jacobian(self.function, x) for x in each])
        return found.reshape(*z.shape, self.classes)

    @cached_property
    def looked_at(self) -> tuple[Array, Array]:
        """Logits (n, K), and Jacobians (n, 5, K, K): there, thrice beside, a rounding away.

        A derivative at a kink is a choice, those beside it are not.
        """
        z = points(self.classes)
        step = 1e-6 * (1 + np.abs(z))
        beside = z + step * np.random.default_rng(1).normal(size=(3, *z.shape))
        return z, self.jacobian(np.stack([z, *beside, z * (1 + 2.0**-50)], axis=1))

    @cached_property
    def rounding(self) -> float:
        """Entries of Jacobians that are below are not told from rounding: where e^z underflows."""
        z, jacobians = self.looked_at
        moderate = np.abs(jacobians[np.abs(z).max(axis=1) < 3, 0]).max(axis=(1, 2))
        return 1e-13 * float(np.quantile(np.nan_to_num(moderate, posinf=0.0), 0.9))

    @np.errstate(all="ignore")
    def proof(self) -> str:
        """What proves that the Jacobian is symmetric at all logits; empty where nothing does.

        >>> Layer(np.tanh, 3).proof()
        'each output depends on its own logit alone'
        """
        if self.classes == 1 or self.elementwise():
            return "each output depends on its own logit alone"
        return "by symbols, at all logits" if self.symmetric() else ""

    def elementwise(self) -> bool:
        """Whether all that the traced layer calls is computed entry by entry."""
        program, shape = TracedProgram(), (self.classes,)
        try:
            a = self.function(program.argument("z", np.zeros(shape)))
        except Exception:  # of many kinds: it asks for a number, or leaves NumPy
            return False
        ufuncs = all(  # those with a signature are np.matmul and its like
            getattr(each.function, "signature", "") is None or each.function is np.where
            for each in program.calls
        )
        return type(a) is Traced and ufuncs and {x.shape for x in (a, *program.calls)} == {shape}

    def symmetric(self) -> bool:
        """Whether J is, as formulas of E = e^z; False also where they cannot be had."""
        k = self.classes
        try:
            from tinygrad_lossmix.proof.derivation import expressions, gradient_at, sympy, variable

            z = variable(list(map(sympy.log, sympy.symbols(f"E:{k}", positive=True))))
            a = self.book(z)
            units = [variable(sympy.eye(k).row(j))._value for j in range(k)]
            rows = [expressions(gradient_at(z, a, unit)) for unit in units]
            gaps = [rows[i][j] - rows[j][i] for i, j in combinations(range(k), 2)]
            return sum(map(sympy.count_ops, gaps)) < LONGEST and not any(map(sympy.cancel, gaps))
        except Exception:  # SymPy is missing, or the layer calls what symbols do not know
            return False


def points(k: int) -> Array:
    """Logits (n, K) that are looked at: ties, moderate ones, tails."""
    rng = np.random.default_rng(0)
    ties = rng.integers(-2, 3, (24, k)).astype(float)
    sizes = np.repeat([0.5, 1.5, 3.0, 10.0, 30.0], [16, 32, 16, 8, 8])[:, None]
    return np.concatenate([np.zeros((1, k)), ties, sizes * rng.normal(size=(len(sizes), k))])


def labels_from(which: str, k: int) -> Array:
    """Labels (n, K) from a set: its corners and what lies between them."""
    rng = np.random.default_rng(6)
    soft = rng.random((6, k))
    if which == "simplex" and k > 1:  # one output answers yes or no
        return np.concatenate([np.eye(k), soft / soft.sum(axis=1, keepdims=True)])
    real = 3 * rng.normal(size=(6 if which == "reals" else 0, k))
    return np.concatenate([np.eye(k), np.zeros((1, k)), np.ones((1, k)), soft, real])


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
def checked(function: Callable[..., Any], name: str, *arrays: Array, of: str = "z") -> Array:
    """What a user's layer makes of logits, or a cost of two arrays.

    Raises what `result_of` does, and ValueError: it raises, gives no finite numbers, changes its
    input, gives another answer each time, or computes in less than float64.
    """
    where = f"at {of} = {point(arrays[0])}" + "".join(f", y = {point(y)}" for y in arrays[1:])
    given = tuple(x.copy() for x in arrays)
    shape = () if len(arrays) > 1 else arrays[0].shape
    try:
        value = np.asarray(result_of(function, name, given, shape))
        again = np.asarray(function(*[x.copy() for x in arrays]))
    except (NotRecorded, WrongShape):
        raise
    except Exception as error:
        why = error.__cause__ or error
        said = "; ".join([str(why), *getattr(why, "__notes__", [])])
        told = f"{name} raises {type(why).__name__} {where}: {said}".removesuffix(": ")
        raise ValueError(told + no_index(told)) from error
    numbers = value.dtype.kind in "biuf"
    faults = {
        "changes its input": any((x != y).any() for x, y in zip(given, arrays, strict=True)),
        "gives no real numbers": not numbers,
        "is not finite": numbers and not np.isfinite(value).all(),
        "gives another answer each time": not np.array_equal(value, again),
    }
    for fault in filter(faults.get, faults):
        logs = fault == "is not finite" and of == "z" and len(arrays) > 1
        hint = ": a cost is given logits here, not outputs" * logs
        raise ValueError(f"{name} {fault}, {where}{hint}")
    recorded = result_of(function, name, (Tensor(arrays[0]), *arrays[1:]), shape)
    if not np.allclose(recorded.data, value, 1e-3):
        raise ValueError(f"{name} gives another answer for a Tensor, {where}")
    for node in nodes(recorded):
        if node.dtype.itemsize < 8:
            raise ValueError(f"{name} computes in {node.dtype}, too few digits to judge it by")
    return value


def apart_and_together(layer: Callable[[Any], Any], name: str, k: int) -> tuple[Array, Any]:
    """The outputs for three rows of logits, checked, and of them as a batch, if it takes one."""
    z = np.random.default_rng(3).normal(size=(3, k))
    rows = np.array([checked(layer, name, row) for row in z])
    try:
        return rows, np.asarray(layer(z))
    except Exception:  # it is written for one example
        return rows, None


def check_mix(mix: Mix, classes: int) -> None:
    """Raise ValueError where the layer or the cost of a mix is no function of its arguments."""
    rows, batch = apart_and_together(mix.layer.stable, mix.output, classes)
    a = np.full(classes, 1.0 / (classes + 1))
    checked(mix.on_outputs, mix.cost_name, a, np.eye(classes)[0], of="a")
    if batch is not None and not np.allclose(batch, rows, 1e-6):
        said = "gives an example other outputs in a batch than alone"
        raise ValueError(f"{mix.output} {said}: compute each row by itself, over axis=-1")


def whole_number(classes: Any, what: str = "the rule is applied to") -> int:
    """K, checked."""
    if type(classes) is bool or not isinstance(classes, int | np.integer):
        raise ValueError(f"classes are a whole number, not {classes!r}")
    if not 1 <= classes <= MOST:
        raise ValueError(f"{what} 1 to {MOST} classes, not {classes}")
    return int(classes)


@np.errstate(all="ignore")
def jacobian(output: Callable[[Any], Any], z: Array) -> Array:
    """Of an output layer at logits (K,) or (n, K), by the engine: row k of each holds da_k/dz."""
    variable = Tensor(z)
    a = result_of(output, "the layer", (variable,), z.shape)
    rows = [grad(a, variable, seed=np.zeros(z.shape) + unit) for unit in np.eye(z.shape[-1])]
    return np.stack(rows, axis=-2)


class Known(NamedTuple):
    """A layer with a name, of logits times a number: softmax(0.5 z)."""

    name: str
    slope: float

    def __str__(self) -> str:
        return self.name if self.slope == 1 else f"{self.name}({number(self.slope)} z)"

    def mix(self, labels: str) -> Mix | None:
        """Whose cost of slope z, over slope, has δ = a - y for such labels, exact in the tails."""
        if self.name in LAYERS and LAYERS[self.name].distribution and labels != "simplex":
            return None  # it is a Σy - y
        return matched(self.name)

    def goes_with(self, labels: str) -> str | None:
        """The cost of the layer of that name: here its δ is slope (a - y)."""
        mix = self.mix(labels)
        return str(mix).partition(" + ")[2] if mix else CALLED.get(self.name)

    def cost_name(self, labels: str) -> str | None:
        """The cost with δ = a - y, that one over slope, if it has a name and is not minus it."""
        name = self.goes_with(labels) if self.slope > 0 else None
        return f"{number(1 / self.slope)} × {name}" if name and self.slope != 1 else name


@cache
@np.errstate(all="ignore")
def matched(name: str) -> Mix | None:
    """A layer with that one of our costs for which δ = a - y for one of K, at logits that tell."""
    z, y = np.array([2.0, 1.0, -0.5]), np.eye(3)[1]
    mixes = (Mix(name if name in LAYERS else NAMED[name], cost) for cost in COSTS)
    return next((m for m in mixes if np.allclose(m.delta(z, y), m.activate(z) - y)), None)


def known_layers(
    layer: Callable[[Array], Array], classes: int, within: float = 1e-100
) -> Iterator[Known]:
    """Those that have the same outputs at all logits looked at; within, by subtraction."""
    z = points(classes)
    a = layer(z)
    for name, each in NAMED.items():
        for slope in slopes(layer, each, classes):
            near = z / max(1.0, abs(slope))  # where a steep layer is not saturated
            for given, x in ((a, z), (layer(near), near)):
                finite = np.isfinite(given).all(axis=1)  # a plain softmax overflows
                ours = each(slope * x[finite])
                if not np.allclose(given[finite], ours, rtol=1e-11, atol=within):
                    break
            else:
                yield Known(name, slope)


def slopes(layer: Callable[[Array], Array], of: Callable[[Array], Array], k: int) -> set[float]:
    """Numbers that somebody may have written, 2.5 or 1/3, by which z has to be multiplied."""
    found = set()
    for h in (1e-4, 1e-9):
        ends = np.outer([h, -h], np.eye(1, k))
        t = np.subtract(*layer(ends))[0] / np.subtract(*of(ends))[0]
        if np.isfinite(t) and t:
            found |= {float(f"{t:.5g}"), 1 / float(f"{1 / t:.5g}")}
    return found
