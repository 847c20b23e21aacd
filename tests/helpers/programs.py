"""Random programs: what they compute is decided by hypothesis, the numbers by a seed.

A program runs on arrays, on Tensors and on the reference's object arrays alike, and its values stay
between -10 and 10 or so.
"""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from tinygrad_lossmix import Tensor

SIZES = [1, 2, 3]


def soft(x):
    """Into (-1, 1), smoothly."""
    return np.tanh(0.5 * x)


UNARY = [
    np.negative,
    np.sin,
    np.cos,
    np.tanh,
    lambda x: np.exp(soft(x)),
    lambda x: np.log(1.5 + soft(x)),
    lambda x: np.sqrt(1.5 + soft(x)),
    lambda x: 0.5 * x - 1.0,
    lambda x: 2.0 / (3.0 - soft(x)),
    lambda x: np.sum(soft(x)),
    lambda x: np.mean(soft(x)),
    lambda x: np.ravel(x)[::-1],
    lambda x: x.T,
    lambda x: x[None],
    lambda x: x[..., None],
    lambda x: np.stack([x, soft(x)]),
    lambda x: np.stack([soft(x), x, x], axis=-1),
    lambda x: np.broadcast_to(x, (2, *x.shape)),
    lambda x: np.concatenate([x, soft(x)], axis=None),
    lambda x: np.reshape(soft(x), (-1, 1)) @ np.reshape(x, (1, -1)),
    lambda x: np.einsum("...->...", soft(x)),
]
ALONG_LAST_AXIS = [
    lambda x: np.sum(soft(x), axis=-1),
    lambda x: x.mean(axis=-1, keepdims=True),
    lambda x: x.max(axis=-1),
    lambda x: x.min(axis=-1, keepdims=True),
    lambda x: np.prod(soft(x), axis=-1),
    lambda x: x[..., [0, -1, 0]],
    lambda x: x[..., ::-1],
    lambda x: x[..., 0],
    lambda x: x[..., np.arange(x.shape[-1]) % 2 == 0],
    lambda x: np.swapaxes(x, 0, -1),
    lambda x: np.einsum("...i,...i->...", soft(x), soft(x)),
    lambda x: np.einsum("i...->...", soft(x)),
    lambda x: np.einsum("...i,j->...j", soft(x), np.ones(2)),
    lambda x: soft(x) @ np.ones((x.shape[-1], 2)),
]
BINARY = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: soft(x) * y,
    lambda x, y: soft(x) * soft(y),
    lambda x, y: x / (2.0 + soft(y)),
    np.maximum,
    np.minimum,
    lambda x, y: np.where(
        np.sin(np.arange(np.shape(x - y)[-1] if np.ndim(x - y) else 1)) > 0, x, y
    ),
]
ANY_TWO = [
    lambda x, y: np.concatenate([x, y], axis=None),
    lambda x, y: np.outer(soft(x), soft(y)),
    lambda x, y: np.einsum("i,j->ij", np.ravel(soft(x)), np.ravel(soft(y))),
]


@dataclass
class Program:
    shapes: list
    steps: list  # (function, positions of its operands among the values so far)
    seed: int

    def arrays(self):
        rng = np.random.default_rng(self.seed)
        return [rng.normal(size=shape) for shape in self.shapes]

    def values(self, leaves):
        values = list(leaves)
        for function, positions in self.steps:
            value = function(*(values[i] for i in positions))
            values.append(value if isinstance(value, Tensor) else np.asarray(value))
        return values

    def __call__(self, *leaves):
        """A number that depends on every value."""
        return sum(np.sum(soft(v)) * (0.3 + 0.1 * i) for i, v in enumerate(self.values(leaves)))


@st.composite
def programs(draw, max_steps=8):
    """Programs of a few leaves and steps; operands are drawn among all earlier values."""
    shapes = draw(st.lists(st.lists(st.sampled_from(SIZES), max_size=2).map(tuple),
                           min_size=1, max_size=3))  # fmt: skip
    program = Program(shapes, [], draw(st.integers(0, 2**32 - 1)))
    values = program.arrays()
    for _ in range(draw(st.integers(1, max_steps))):
        i = draw(st.integers(0, len(values) - 1))
        small = [j for j, v in enumerate(values) if v.size * values[i].size <= 40]
        fitting = [j for j in small if fits(values[i], values[j])]
        kinds = [(UNARY, [(i,)])] if values[i].ndim < 4 and values[i].size < 40 else []
        kinds += [(ALONG_LAST_AXIS, [(i,)])] if values[i].ndim else [(UNARY[:6], [(i,)])]
        kinds += [(BINARY, [(i, j) for j in fitting])] if fitting else []
        kinds += [(ANY_TWO, [(i, j) for j in small])] if small else []
        functions, operands = draw(st.sampled_from(kinds))
        step = draw(st.sampled_from(functions)), draw(st.sampled_from(operands))
        program.steps.append(step)
        values.append(np.asarray(step[0](*(values[j] for j in step[1]))))
    return program


def fits(x, y):
    return all(a == b or 1 in (a, b) for a, b in zip(x.shape[::-1], y.shape[::-1], strict=False))
