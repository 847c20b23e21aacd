"""How commands are given a mix, its logits and its labels: `softmax ll --z 2,1,0 --y 0`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click
import numpy as np

from tinygrad_lossmix.cli.printing import usage
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.labels import labels
from tinygrad_lossmix.mixes.mix import Mix

Array = Any


def numbers(text: str) -> Array:
    """`2,1,0` as an array of floats.

    Raises:
        ValueError: not numbers separated by commas.
    """
    try:
        values = np.array([float(part) for part in text.split(",")])
    except ValueError:
        raise ValueError(f"{text!r} is not numbers separated by commas, as in 2,1,0") from None
    if np.isnan(values).any():
        raise ValueError(f"{text!r} holds NaN")
    return values


def labels_of(text: str, z: Array) -> Array:
    """A class, `0`, or a label for each logit, `0,1,0`, as labels of z's shape.

    Raises:
        ValueError: neither, or not of z's shape.
    """
    if "," in text or z.size == 1:
        return labels(numbers(text), z)
    if not text.strip().isdecimal():
        raise ValueError(f"{text!r} is neither a class, 0 to {z.size - 1}, nor labels, as in 0,1,0")
    return labels(int(text), z)


def mix_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Arguments OUTPUT COST and options --z, --y of a command, which gets mix, z, y for them.

    Without any it is softmax ll at z = 2,1,0 and class 0.
    """

    @click.argument("words", nargs=-1, metavar="[OUTPUT COST]")
    @click.option("--z", default="2,1,0", show_default=True, metavar="NUMBERS", help="Logits.")
    @click.option(
        "--y",
        default="0",
        show_default=True,
        metavar="LABELS",
        help="The class, or a label for each logit: 0,1,0.",
    )
    @functools.wraps(function)
    def command(words: tuple[str, ...], z: str, y: str, **options: Any) -> Any:
        if len(words) not in (0, 2):
            raise click.UsageError("a mix is two words, as in softmax ll")
        with usage():
            mix = Mix(*(words or ("softmax", "ll")))
        with usage("--z"):
            logits = numbers(z)
        with usage("--y"):
            targets = labels_of(y, logits)
        return function(mix=mix, z=logits, y=targets, **options)

    return command


def composed(mix: Mix, z: Array, y: Array) -> Tensor:
    """The graph of a mix; where the book's formulas overflow, it holds infinity or NaN."""
    with np.errstate(all="ignore"):
        cost: Tensor = mix.composed(Tensor(z, name="z"), y)
        cost.backward()
    return cost
