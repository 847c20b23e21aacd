"""Recordings changed and made again: another value of an input, other labels, another mix.

>>> z = Tensor([2.0, 1.0, 0.0], name="z")
>>> cost = Mix("softmax", "ll").composed(z, 0)
>>> with_value(Reading(cost), "z", z, np.zeros(3)).cost
Tensor(1.09861229, by=negative)
>>> with_mix(Reading(cost), Mix("sigmoid", "ce")).cost
Tensor(2.13333688, by=negative)
>>> again(cost, {z: Tensor(np.zeros(3))})[cost]
Tensor(1.09861229, by=negative)
>>> difference(cost, z).round(6)
array([-0.334759,  0.244728,  0.090031])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.debugger import expressions
from tinygrad_lossmix.debugger.expressions import Mistake
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.table import TABLE, Array
from tinygrad_lossmix.engine.tensor import Tensor, recorded_again, tick
from tinygrad_lossmix.mixes.labels import labels
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import shorten
from tinygrad_lossmix.views.reading import Reading, Symbols, constants

LARGEST = 64  # entries of a node whose differences are taken


class Changed(NamedTuple):
    """A new recording, and what was called something in the old one: Tensors and arrays."""

    cost: Tensor
    names: dict[str, Any]


def with_value(reading: Reading, name: str, found: Any, value: Array) -> Changed:
    """The recording with another value of an input or of a constant array.

    Args:
        reading: the recording.
        name: what it is called there.
        found: the Tensor or array of that name.
        value: an array of its shape.

    Raises:
        Mistake: a node that is computed from others.
    """
    value = value.astype(found.dtype)
    replaced, arrays = {}, {}
    if not isinstance(found, Tensor):
        alike = [arg for arg in constants(reading) if reading.call(arg) == name]
        arrays = {id(arg): value for arg in alike}
    elif found.function is None:
        replaced = {found: Tensor(value, name=found.name)}
    else:
        raise Mistake(f"only an input can be set: {shorten(name)} is computed from others")
    with np.errstate(all="ignore"):
        new = again(reading.cost, replaced, arrays=arrays)
    named = {other: new[node] for node, other in reading.names.items()}
    return Changed(new[reading.cost], named | ({name: value} if arrays else {}))


def with_entry(reading: Reading, name: str, found: Any, at: tuple[int, ...], text: str) -> Changed:
    """The same with another number at one place.

    Raises:
        Mistake: no such place, or not one number.
    """
    value = np.array(found.data if isinstance(found, Tensor) else found)
    if len(at) != value.ndim or not all(-n <= i < n for i, n in zip(at, value.shape, strict=True)):
        place = f"[{', '.join(map(str, at))}]"
        raise Mistake(f"{shorten(name)} has the shape {value.shape}: it has no {place}")
    value[at] = expressions.numbers(text, ())
    return with_value(reading, name, found, value)


def with_labels(reading: Reading, text: str) -> Changed:
    """The mix of a recording with other labels: a class for each example, or one for each logit.

    Raises:
        Mistake: there is no mix, or no labels for its logits.
    """
    symbols = _mix_of(reading)
    try:
        y = labels(expressions.labels(text, symbols.z.shape), symbols.z)
        return _recorded(symbols.mix, reading, symbols, y)
    except ValueError as error:
        raise Mistake(str(error)) from None


def with_mix(reading: Reading, mix: Mix) -> Changed:
    """Another mix of the same logits and labels.

    Raises:
        Mistake: there is no mix.
    """
    symbols = _mix_of(reading)
    return _recorded(mix, reading, symbols, symbols.y)


def _mix_of(reading: Reading) -> Symbols:
    if reading.symbols is None:
        raise Mistake(
            "`set y` and `set mix` need a sigmoid or softmax layer with one of the costs "
            "cross_entropy, log_likelihood, quadratic: the recording has none"
        )
    return reading.symbols


def _recorded(mix: Mix, reading: Reading, symbols: Symbols, y: Array) -> Changed:
    """The recording with another mix on its logits; what leads to them stays as it is."""
    record = mix.cost if symbols.a is None else mix.composed
    kept = {node: node for node in nodes(symbols.z)}
    with np.errstate(all="ignore"):
        new = again(reading.cost, kept | {symbols.cost: record(symbols.z, y)})
    named = {
        name: new[node]
        for name, node in reading.known.items()
        if isinstance(node, Tensor) and node in new
    }
    return Changed(new[reading.cost], named)


def again(
    cost: Tensor,
    replaced: Mapping[Tensor, Tensor],
    held: bool = False,
    arrays: Mapping[int, Array] | None = None,
) -> dict[Tensor, Tensor]:
    """The same recording, names and groups included, with Tensors in place of some of its nodes.

    Args:
        cost: the recording.
        replaced: what takes the place of a node.
        held: what is not differentiated keeps its recorded value, as it does for a gradient.
        arrays: what takes the place of a constant array, by its id.

    Returns:
        the new node for each old one.
    """
    new: dict[Tensor, Tensor] = dict(replaced)
    arrays = arrays or {}

    def other(arg: Any) -> Any:
        return new.get(arg, arg) if isinstance(arg, Tensor) else arrays.get(id(arg), arg)

    every = nodes(cost)
    starts = sorted({start for each in every for *_, start in each.groups}, reverse=True)
    moved: dict[int, int] = {}
    for each in every:
        while starts and starts[-1] < each.order:
            moved[starts.pop()] = tick()
        if each not in new:
            new[each] = _again(each, other, held)
            new[each].groups = tuple(
                (name, tuple(map(other, args)), moved[start]) for name, args, start in each.groups
            )
    return new


def _again(each: Tensor, other: Callable[[Any], Any], held: bool) -> Tensor:
    if each.function is None:
        return Tensor(each.data, name=each.name)
    rules = TABLE[each.function].rules
    args = [
        arg.data if held and isinstance(arg, Tensor) and rules[i] is None else other(arg)
        for i, arg in enumerate(each.args)
    ]
    result = recorded_again(each, args)
    result.name = each.name
    return result


def difference(cost: Tensor, at: Tensor) -> Array | None:
    """The central finite difference of a cost by each entry of a node, all else held.

    Returns:
        an array of the node's shape; None where the node is too large.
    """
    if at.size > LARGEST:
        return None
    values = np.array(at.data)
    slopes = np.empty(at.shape, at.dtype)
    step = np.cbrt(np.finfo(at.dtype).eps)
    with np.errstate(all="ignore"):
        for index in np.ndindex(at.shape):
            size = step * max(1.0, abs(float(values[index])))
            up, down = np.array(values), np.array(values)
            up[index] += size
            down[index] -= size
            rise = [float(again(cost, {at: Tensor(x)}, held=True)[cost].data) for x in (up, down)]
            slopes[index] = (rise[0] - rise[1]) / float(up[index] - down[index])
    return slopes
