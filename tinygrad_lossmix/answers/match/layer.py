"""An output layer as the rule reads it: its outputs, its Jacobian, and what is wrong with it.

>>> layer = Layer("softmax", 3)
>>> layer.jacobian(np.zeros(3)).round(3)
array([[ 0.222, -0.111, -0.111],
       [-0.111,  0.222, -0.111],
       [-0.111, -0.111,  0.222]])
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.layers import LAYERS
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.mixes.own import named
from tinygrad_lossmix.printing import point

MOST = 50  # classes


class Layer:
    """A function from logits (…, K) to outputs of their shape.

    Args:
        output: the name of one, or a function in plain NumPy.
        classes: K.

    Raises:
        TypeError: it is neither; it returns no Tensor for a Tensor.
        ValueError: an unknown name; K is not from 1 to 50; the function raises, gives another
            shape or no finite number, changes its input, or gives another answer each time.
    """

    def __init__(self, output: Any, classes: int) -> None:
        if isinstance(output, str) and output.lower() not in LAYERS:
            raise ValueError(f"there is no output layer {output!r}: {', '.join(LAYERS)}")
        if not isinstance(output, str) and not callable(output):
            raise TypeError(
                f"an output layer is a name or a function of logits, not {output!r:.80}"
            )
        known = isinstance(output, str)
        self.function: Callable[[Any], Any] = LAYERS[output.lower()].stable if known else output
        self.book: Callable[[Any], Any] = LAYERS[output.lower()].book if known else output
        self.name = output.lower() if known else named(output, "the layer")
        self.classes = whole_number(classes)
        self.whole = self._takes_batches()

    def __call__(self, z: Any) -> Any:
        """The outputs of logits (…, K); a Tensor for a Tensor, row by row where it must be."""
        if z.ndim == 1 or (z.ndim == 2 and self.whole):
            return self.function(z)
        if not z.size:
            return z
        rows = z.reshape((-1, z.shape[-1]))
        a = self(rows) if self.whole else np.stack([self.function(row) for row in rows])
        return a.reshape(z.shape)

    def __repr__(self) -> str:
        return self.name

    def jacobian(self, z: Array) -> Array:
        """At logits (K,): row k holds da_k/dz."""
        return jacobian(self.function, z)

    def _takes_batches(self) -> bool:
        """Whether a batch is the same as its rows; each row is looked at on the way."""
        z = np.random.default_rng(3).normal(size=(3, self.classes))
        rows = np.array([checked(self.function, self.name, row) for row in z])
        if rows.shape != z.shape:
            raise ValueError(f"{self.name} gives shape {rows.shape[1:]} for logits {z.shape[1:]}")
        self.jacobian(z[0])
        try:
            a = self.function(z.copy())
            return a.shape == z.shape and np.allclose(a, rows, rtol=1e-12, atol=0.0)
        except Exception:  # it is written for one example
            return False


@np.errstate(all="ignore")
def checked(function: Callable[..., Any], name: str, *arrays: Array, of: str = "z") -> Array:
    """What a user's function makes of arrays.

    Raises:
        ValueError: it raises, gives no finite numbers, changes its input, or gives another answer
            each time.
    """
    where = f"at {of} = {point(arrays[0])}"
    given = [x.copy() for x in arrays]
    try:
        value = np.asarray(function(*given))
        again = np.asarray(function(*[x.copy() for x in arrays]))
    except Exception as error:
        raise ValueError(f"{name} raises {type(error).__name__} {where}: {error}") from error
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


def whole_number(classes: Any) -> int:
    """K, checked."""
    if type(classes) is bool or not isinstance(classes, int | np.integer):
        raise ValueError(f"classes are a whole number, not {classes!r}")
    if not 1 <= classes <= MOST:
        raise ValueError(f"the rule is applied to 1 to {MOST} classes, not {classes}")
    return int(classes)


@np.errstate(all="ignore")
def jacobian(output: Callable[[Any], Any], z: Array) -> Array:
    """Of an output layer at logits (K,), by the engine: row k holds da_k/dz.

    Raises:
        TypeError: the layer leaves the recording.
    """
    variable = Tensor(z)
    a = output(variable)
    if not isinstance(a, Tensor):
        raise TypeError(
            f"{named(output, 'the layer')} gives {type(a).__name__} for a Tensor: compute it from "
            "z by NumPy functions that have a derivative, without float(), .data and math functions"
        )
    return np.array([grad(a, variable, seed=unit) for unit in np.eye(len(z))])
