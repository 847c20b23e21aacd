"""An output layer or a cost of a user's own in a mix: plain NumPy, differentiated by the engine.

>>> form = Composition(np.tanh, lambda a, y: ((a - y) ** 2).sum())
>>> form.delta(np.zeros(2), np.ones(2))
array([-2., -2.])
"""

import functools
import re
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.graph import group
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.labels import dense
from tinygrad_lossmix.mixes.layers import COSTS, LAYERS, CostFunction, OutputLayer, cost_named
from tinygrad_lossmix.registry import HIGHER

NO_INDEX = "cannot be an index|used as indices|valid indices"  # in our words, and NumPy's words
NO_CLASSES = (
    ": inputs and labels are real numbers here, never classes: multiply by one-hot labels, or "
    "index by classes that the function has itself"
)


def named(known: Any, otherwise: str) -> str:
    """A name, or what a user calls a function; of one without a name, something else."""
    of = known.func if isinstance(known, functools.partial) else known
    name = known if isinstance(known, str) else getattr(of, "__name__", type(of).__name__)
    return otherwise if name.startswith("<") else str(name)


def known_output(output: Any) -> Any:
    """The name of an output layer of ours; a user's own function as it is; None: no such name."""
    if isinstance(output, str):
        return output.lower() if output.lower() in LAYERS else None
    return _function(
        output, {layer: name for name, x in LAYERS.items() for layer in (x.stable, x.book)}
    )


def known_cost(cost: Any) -> Any:
    """The name of a cost of ours; a user's own function as it is; None: no such name."""
    if isinstance(cost, str):
        return cost_named(cost)
    return _function(cost, {f: name for name, x in COSTS.items() for f in (x.on_outputs, x.book)})


def _function(given: Any, ours: dict[Any, str]) -> Any:
    same = (name for f, name in ours.items() if f is given)  # it need not have a hash
    return next(same, given) if callable(given) else None


def layer_of(known: Any) -> OutputLayer:
    """What is known of an output layer; a user's raises what `result_of` does."""
    if isinstance(known, str):
        return LAYERS[known]

    @functools.wraps(known)
    def layer(z: Any) -> Any:
        return result_of(known, "the output layer", (z,), np.shape(z))

    return OutputLayer(layer, group(named(known, "layer"))(layer), "")


def cost_of(known: Any) -> CostFunction:
    """What is known of a cost; a user's raises what `result_of` does."""
    if isinstance(known, str):
        return COSTS[known]
    name = named(known, "cost")

    @functools.wraps(known)
    def cost(a: Any, y: Any) -> Any:
        return result_of(known, "the cost", (a, y), ())

    return CostFunction(name, cost, group(name)(cost), "", f"{name}({{a}}, y)", ())


class NotRecorded(TypeError):
    """A layer or a cost that does not give a Tensor for a Tensor, or no array at all."""


class WrongShape(ValueError):
    """A layer or a cost that gives another shape."""


class Composition:
    """The cost of a layer's outputs, one of them a user's own; asked like a `ClosedForm`."""

    formula = "dC/da · da/dz"
    latex = "\\partial C/\\partial a \\cdot \\partial a/\\partial z"
    equation = "the chain rule"

    def __init__(self, layer: Callable[[Any], Any], cost: Callable[[Any, Any], Any]) -> None:
        self.layer, self.of_outputs = layer, cost

    def composed(self, z: Tensor, y: Any) -> Tensor:
        """The recorded cost of logits (…, K), a scalar; raises what `result_of` does."""
        made: Tensor = self.of_outputs(self.layer(z), dense(y, z))
        return made

    def mean(self, z: Any, y: Any) -> Any:
        """The cost with its unstable patterns replaced; of a Tensor z a Tensor."""
        variable = z if type(z) is Tensor else Tensor(z)
        with np.errstate(all="ignore"):  # what overflows is replaced
            cost: Tensor = HIGHER["stabilized"](self.composed(variable, y))
        return cost if variable is z else cost._value[()]

    def delta(self, z: Any, y: Any) -> Any:
        """δ of each example (…, K), one by one: however the cost is reduced over a batch."""
        y = dense(y, z)
        if z.ndim > 1:
            each = [self.delta(x, label) for x, label in zip(z, y, strict=True)]
            return np.stack(each) if each else z * 0.0
        variable = z if type(z) is Tensor else Tensor(z)
        return grad(self.mean(variable, y), variable, create_graph=variable is z)

    def hessian(self, z: Array, y: Array) -> Array:
        """∂²C/∂z² of one example, (K, K)."""
        variable = Tensor(z)
        delta = self.delta(variable, y)
        return np.array([grad(delta, variable, seed=unit) for unit in np.eye(len(z))])


def called(function: Callable[..., Any], *args: Any) -> Any:
    """What a user's layer or cost gives; what it raises, with advice about the axis of classes."""
    try:
        return function(*args)
    except np.exceptions.AxisError as error:
        if not hasattr(error, "__notes__"):  # by another call around the function
            error.add_note("one example comes as (K,), a batch as (…, K): write axis=-1")
        raise


def result_of(
    function: Callable[..., Any], what: str, args: tuple[Any, ...], shape: tuple[int, ...]
) -> Any:
    """What a user's function gives, if it is of this shape, and of a Tensor a Tensor.

    Raises NotRecorded where it is none, WrongShape of another shape.
    """
    made = called(function, *args)
    array = hasattr(made, "shape") and not np.ma.isMaskedArray(made)
    of = "an array" if array else type(made).__name__.removesuffix("Type")
    if of != "an array" and not isinstance(made, Real):
        wanted = f"an array of shape {shape}" if shape else "a number"
        raise NotRecorded(f"{named(function, what)} gives {of}, not {wanted}")
    if isinstance(args[0], Tensor) and not isinstance(made, Tensor):
        raise NotRecorded(
            f"{named(function, what)} gives {of} for a Tensor: compute it by "
            "NumPy's operators and functions that have a derivative, without float(), .data and "
            "math functions"
        )
    if np.shape(made) != shape:
        raise WrongShape(f"{named(function, what)} gives shape {np.shape(made)}, not {shape}")
    return made


def no_index(said: str) -> str:
    """What to do where a function was not to index by what it is called with, as was said."""
    return NO_CLASSES if re.search(NO_INDEX, said) else ""
