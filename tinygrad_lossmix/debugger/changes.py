"""Recordings changed and made again: another value of an input, other labels, another mix.

>>> z = Tensor([2.0, 1.0, 0.0], name="z")
>>> cost = Mix("softmax", "ll").composed(z, 0)
>>> with_value(Reading(cost), z, "0,0,0").cost
Tensor(1.09861229, by=negative)
>>> with_mix(Reading(cost), Mix("sigmoid", "ce")).cost
Tensor(2.13333688, by=negative)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygrad_lossmix.debugger.names import Mistake
from tinygrad_lossmix.debugger.replay import again
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.labels import labels
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.views.reading import Reading
from tinygrad_lossmix.views.symbols import Symbols


class Changed(NamedTuple):
    """A new recording, and what the nodes of it are called that were called so in the old one."""

    cost: Tensor
    names: dict[str, Tensor]


def numbers(text: str, shape: tuple[int, ...]) -> Array:
    """`2,1,0` as an array of a shape, row by row; a single number fills it.

    Raises:
        Mistake: not numbers, or not as many as the shape has.
    """
    try:
        values = np.array([float(part) for part in text.split(",")])
    except ValueError:
        raise Mistake("a value is numbers separated by commas, as in 2,1,0") from None
    size = int(np.prod(shape))
    if values.size not in (1, size):
        raise Mistake(f"{values.size} numbers where the shape {shape} takes {size}, or one for all")
    return np.broadcast_to(values, size).reshape(shape)


def with_value(reading: Reading, leaf: Tensor, text: str) -> Changed:
    """The recording with another value of one of its inputs.

    Raises:
        Mistake: not an input, or no value for it.
    """
    if leaf.function is not None:
        raise Mistake("only an input can be set: this node is computed from others")
    value = numbers(text, leaf.shape).astype(leaf.dtype)
    with np.errstate(all="ignore"):
        new = again(reading.cost, {leaf: Tensor(value, name=leaf.name)})
    return Changed(new[reading.cost], {name: new[node] for node, name in reading.names.items()})


def with_labels(reading: Reading, text: str) -> Changed:
    """The mix of a recording with other labels: a class, or a label for each logit.

    Raises:
        Mistake: not made of one mix, or no labels for its logits.
    """
    symbols = _only_mix(reading)
    classes = text.strip().isdecimal() and len(text) < 10 and symbols.z.shape[-1] > 1
    given = int(text) if classes and symbols.z.ndim == 1 else numbers(text, symbols.z.shape)
    try:
        return _recorded(symbols.mix, reading, symbols, labels(given, symbols.z))
    except ValueError as error:
        raise Mistake(str(error)) from None


def with_mix(reading: Reading, mix: Mix) -> Changed:
    """Another mix of the same logits and labels.

    Raises:
        Mistake: the recording is not made of one mix.
    """
    symbols = _only_mix(reading)
    return _recorded(mix, reading, symbols, symbols.y)


def _only_mix(reading: Reading) -> Symbols:
    symbols = reading.symbols
    if symbols is None or reading.cost is not symbols.cost or symbols.z.function is not None:
        raise Mistake("only a recording of one mix on logits that are its input can change these")
    return symbols


def _recorded(mix: Mix, reading: Reading, symbols: Symbols, y: Array) -> Changed:
    z = Tensor(symbols.z.data, name=symbols.z.name)
    with np.errstate(all="ignore"):
        cost: Tensor = mix.composed(z, y) if symbols.a is not None else mix.cost(z, y)
    return Changed(cost, {reading.names[symbols.z]: z})
