"""Random programs: graphs with reuse, of the functions in the table of derivatives.

What a program computes is drawn by hypothesis, so that it shrinks; its inputs come from a seed,
because drawn numbers are round ones, which tie and sit on kinks.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor

Shape = tuple[int, ...]
Step = tuple[str, Callable[..., Any], tuple[int, ...]]
Operations = dict[str, Callable[..., Any]]  # by how they are written

MOST = 40  # entries of an array in a program


def soft(x: Any) -> Any:
    """Into (-1, 1), smoothly, so that values stay small however long a program is."""
    return np.tanh(0.5 * x)


def odd(x: Any) -> Any:
    """Every other place along the last axis; not by value, where rounding could decide."""
    return np.arange(x.shape[-1]) % 2 == 1 if x.ndim else False


def _operations(*written: str) -> Operations:
    names = {"np": np, "soft": soft, "odd": odd}
    return {text: eval(f"lambda x, y=None: {text.format('x', 'y')}", names) for text in written}


ANY = _operations(
    "-{0}",
    "np.sin({0})",
    "np.cos({0})",
    "np.tanh({0})",
    "np.arctan({0})",
    "np.sinh(soft({0}))",
    "np.exp(soft({0}))",
    "np.log(1.5 + soft({0}))",
    "np.sqrt(1.5 + soft({0}))",
    "2.0 / (3.0 - soft({0}))",
    "np.square(soft({0}))",
    "np.sum(soft({0}))",
    "np.mean({0})",
    "{0}.T",
    "{0}[None]",
    "np.ravel({0})[::-1]",
    "np.stack([{0}, soft({0})])",
    "np.roll({0}, 1)",
    "np.concatenate([{0}, soft({0})], axis=None)",
    "np.broadcast_to({0}, (2, *{0}.shape))",
)
WITH_AXES = _operations(
    "soft({0}).sum(axis=-1)",
    "{0}.mean(axis=-1, keepdims=True)",
    "{0}.max(axis=-1)",
    "{0}.min(axis=0, keepdims=True)",
    "np.prod(soft({0}), axis=-1)",
    "{0}[..., [0, -1, 0]]",
    "{0}[..., 0]",
    "{0}[::-1]",
    "np.swapaxes({0}, 0, -1)",
    "np.sort({0}, axis=0)",
    "np.cumsum(soft({0}), axis=-1)",
    "np.split({0}, [1], axis=-1)[0]",
    "soft({0}) @ np.ones(({0}.shape[-1], 2))",
    "np.einsum('...i,...i->...', soft({0}), {0})",
)
TOGETHER = _operations(
    "{0} + {1}",
    "{0} - {1}",
    "soft({0}) * {1}",
    "{0} / (2.0 + soft({1}))",
    "np.hypot(1.5 + soft({0}), {1})",
    "np.maximum({0}, {1})",
    "np.minimum({0}, {1})",
    "np.where(odd({0}), {0}, {1})",
)
ANY_TWO = _operations("np.concatenate([{0}, {1}], axis=None)", "np.outer(soft({0}), soft({1}))")
OPERATIONS = ANY | WITH_AXES | TOGETHER | ANY_TWO


@dataclass
class Program:
    """A function of arrays or Tensors that gives a number; its repr is its source."""

    inputs: Sequence[Shape]
    steps: list[Step] = field(default_factory=list)  # how written, function, operands' positions

    def values(self, *inputs: Any) -> list[Any]:
        """The inputs, and what each step makes of those and of the steps before it."""
        values = list(inputs)
        for _, function, operands in self.steps:
            value = function(*[values[i] for i in operands])
            values.append(value if isinstance(value, Tensor) else np.asarray(value))
        return values

    def __call__(self, *inputs: Any) -> Any:
        """A number that depends on every value, on each in another way."""
        weighted = enumerate(self.values(*inputs))
        return sum(np.sum(soft(value)) * (0.3 + 0.1 * i) for i, value in weighted)

    def __repr__(self) -> str:
        names = [f"v{i}" for i in range(len(self.inputs) + len(self.steps))]
        lines = [f"{name}: {shape}" for name, shape in zip(names, self.inputs, strict=False)]
        for name, (text, _, operands) in zip(names[len(lines) :], self.steps, strict=True):
            lines.append(f"{name} = {text.format(*[names[i] for i in operands])}")
        return "Program\n  " + "\n  ".join(lines)


def programs(max_inputs: int = 3, max_steps: int = 8) -> st.SearchStrategy[Any]:
    """Programs with inputs for them: `f, inputs` with f(*inputs) a number.

    f takes plain arrays and Tensors alike. Operands are any earlier values, so that values are used
    again; they stay between -10 and 10 or so.
    """
    shapes = array_shapes(min_dims=0, max_dims=2, max_side=3)
    inputs = st.lists(shapes, min_size=1, max_size=max_inputs)
    number = st.integers(0, 2**16)
    step = st.tuples(st.sampled_from([*OPERATIONS]), number)
    return st.builds(_program, inputs, st.lists(step, min_size=1, max_size=max_steps), number)


def _program(
    inputs: list[Shape], steps: list[tuple[str, int]], seed: int
) -> tuple[Program, list[Array]]:
    """The program of these operations, each with a number that chooses operands that fit.

    One without any is left out: what remains of a list from which a step was taken still is a
    program, so that it shrinks.
    """
    program = Program(inputs)
    rng = np.random.default_rng(seed)
    leaves = [rng.normal(size=shape) for shape in inputs]
    for written, number in steps:
        if operands := _fitting(written, program.values(*leaves)):
            program.steps.append((written, OPERATIONS[written], operands[number % len(operands)]))
    return program, leaves


def _fitting(operation: str, values: Sequence[Array]) -> list[tuple[int, ...]]:
    """The operands that it takes, and that give no array that is too large."""
    places = range(len(values))
    if operation in ANY:
        return [(i,) for i in places if 2 * values[i].size <= MOST and values[i].ndim < 4]
    if operation in WITH_AXES:
        return [(i,) for i in places if values[i].size <= MOST and values[i].ndim]
    pairs = itertools.product(places, places)
    if operation in TOGETHER:
        return [(i, j) for i, j in pairs if _broadcast(values[i].shape, values[j].shape)]
    return [(i, j) for i, j in pairs if values[i].size * values[j].size <= MOST]


def _broadcast(x: Shape, y: Shape) -> bool:
    """Whether they do, into an array that is not too large."""
    try:
        return math.prod(np.broadcast_shapes(x, y)) <= MOST
    except ValueError:
        return False
