"""Random inputs of a function or of a mix: `--input 3x4 --input 4 --seed 0`."""

from collections.abc import Sequence

import click
import numpy as np

from tinygrad_lossmix.engine.table import Array

MOST = 100_000  # entries of an input

input_option = click.option(
    "--input",
    "shapes",
    multiple=True,
    metavar="SHAPE",
    help="The shape of an argument, 3x4, 4 or scalar; once for each. Filled with normal numbers.",
)
seed_option = click.option(
    "--seed", type=click.IntRange(0), default=0, help="Of the random numbers."
)


def normal(shape: str, seed: int) -> Array:
    """Normal random numbers in the shape of `3x4`, `4` or `scalar`.

    Raises:
        ValueError: not a shape.
    """
    parts = [] if shape == "scalar" else shape.split("x")
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise ValueError(f"--input {shape!r} is not a shape such as 3x4, 4 or scalar")
    lengths = tuple(map(int, parts))
    if not 0 < np.prod([1, *map(float, lengths)]) <= MOST:
        raise ValueError(f"--input {shape}: an input has 1 to {MOST:,} entries")
    return np.array(np.random.default_rng(seed).normal(size=lengths))


def filled(shapes: Sequence[str], seed: int) -> list[Array]:
    """An array for each shape; ValueError as of `normal`."""
    return [normal(shape, seed + i) for i, shape in enumerate(shapes)]


def example(shapes: Sequence[str], seed: int) -> tuple[Array, Array]:
    """Logits and labels of a mix: random numbers, and one random class for each row.

    Raises:
        ValueError: more than one input, or one that is none.
    """
    if len(shapes) > 1:
        raise ValueError("a mix has one input, its logits: give --input once")
    z = normal(shapes[0], seed)
    if z.ndim == 0:
        raise ValueError("logits have at least one axis: --input 3 or 2x3")
    y = np.zeros(z.shape)
    y.reshape(-1, z.shape[-1])[:, 0] = 1.0
    return z, np.random.default_rng(seed).permuted(y, axis=-1)
