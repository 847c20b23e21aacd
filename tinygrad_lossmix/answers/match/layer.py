"""An output layer as the rule reads it: its outputs, its Jacobians, and what is wrong with it.

>>> layer = Layer("softmax", 3)
>>> layer.jacobian(np.zeros(3)).round(3)
array([[ 0.222, -0.111, -0.111],
       [-0.111,  0.222, -0.111],
       [-0.111, -0.111,  0.222]])
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.layers import LAYERS
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.mixes.own import called, known_output, named, result_of
from tinygrad_lossmix.printing import point

MOST = 50  # classes


class Layer:
    """A function from logits (…, K) to outputs of their shape, by its name or in plain NumPy.

    Raises TypeError and ValueError as `matching_cost` does.
    """

    def __init__(self, output: Any, classes: int) -> None:
        known = known_output(output)
        if known is None and isinstance(output, str):
            raise ValueError(f"there is no output layer {output!r}: {', '.join(LAYERS)}")
        if known is None:
            raise TypeError(
                f"an output layer is a name or a function of logits, not {output!r:.80}"
            )
        pair: Any = LAYERS[known][:2] if isinstance(known, str) else (known, known)
        self.function, self.book = pair  # as it is computed, as it is written
        self.name, self.classes = named(known, "the layer"), whole_number(classes)
        self.whole = False  # a batch is the same as its rows
        z = np.random.default_rng(3).normal(size=(3, self.classes))
        rows = np.array([checked(self.function, self.name, row) for row in z])
        if rows.shape != z.shape:
            raise ValueError(f"{self.name} gives shape {rows.shape[1:]} for logits {z.shape[1:]}")
        self.jacobian(z[0])
        try:
            a = self.function(z.copy())
            self.whole = a.shape == z.shape and np.allclose(a, rows, rtol=1e-12, atol=0.0)
        except Exception:  # it is written for one example
            pass

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


def points(k: int) -> Array:
    """Logits (n, K) that are looked at: ties, moderate ones, tails."""
    rng = np.random.default_rng(0)
    ties = rng.integers(-2, 3, (24, k)).astype(float)
    sizes = np.repeat([0.5, 1.5, 3.0, 10.0, 30.0], [16, 32, 16, 8, 8])[:, None]
    return np.concatenate([np.zeros((1, k)), ties, sizes * rng.normal(size=(len(sizes), k))])


@np.errstate(all="ignore")
def checked(function: Callable[..., Any], name: str, *arrays: Array, of: str = "z") -> Array:
    """What a user's function makes of arrays.

    Raises:
        ValueError: it raises, gives no finite numbers, changes its input, or gives another answer
            each time.
    """
    where = f"at {of} = {point(arrays[0])}" + "".join(f", y = {point(y)}" for y in arrays[1:])
    given = [x.copy() for x in arrays]
    try:
        value = np.asarray(called(function, *given))
        again = np.asarray(function(*[x.copy() for x in arrays]))
    except Exception as error:
        why = error.__cause__ or error
        said = "; ".join([str(why), *getattr(why, "__notes__", [])])
        raise ValueError(f"{name} raises {type(why).__name__} {where}: {said}") from error
    numbers = value.dtype.kind in "biuf"
    faults = {
        "changes its input": any((x != y).any() for x, y in zip(given, arrays, strict=True)),
        "gives no real numbers": not numbers,
        "is not finite": numbers and not np.isfinite(value).all(),
        "gives another answer each time": not np.array_equal(value, again),
    }
    for fault in filter(faults.get, faults):
        raise ValueError(f"{name} {fault}, {where}")
    return value


def check_mix(mix: Mix, classes: int) -> None:
    """Raise ValueError where the layer or the cost of a mix is no function of its arguments."""
    z, a = np.random.default_rng(3).normal(size=classes), np.full(classes, 1.0 / (classes + 1))
    checked(mix.layer.stable, mix.output, z)
    checked(mix.on_outputs, mix.cost_name, a, np.eye(classes)[0], of="a")


def whole_number(classes: Any, what: str = "the rule is applied to") -> int:
    """K, checked."""
    if type(classes) is bool or not isinstance(classes, int | np.integer):
        raise ValueError(f"classes are a whole number, not {classes!r}")
    if not 1 <= classes <= MOST:
        raise ValueError(f"{what} 1 to {MOST} classes, not {classes}")
    return int(classes)


@np.errstate(all="ignore")
def jacobian(output: Callable[[Any], Any], z: Array) -> Array:
    """Of an output layer at logits (K,) or (n, K), by the engine: row k of each holds da_k/dz.

    Raises:
        TypeError: the layer leaves the recording.
    """
    variable = Tensor(z)
    a = result_of(output, "the layer", (variable,), z.shape)
    rows = [grad(a, variable, seed=np.zeros(z.shape) + unit) for unit in np.eye(z.shape[-1])]
    return np.stack(rows, axis=-2)
