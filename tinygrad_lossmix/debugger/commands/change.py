"""Commands that change: the recording is made again, with other values, other labels, another mix.

>>> z = Tensor([2.0, 1.0, 0.0], name="z")
>>> cost = Mix("softmax", "ll").composed(z, 0)
>>> with_value(Reading(cost), "z", z, np.zeros(3)).cost
Tensor(1.09861229, by=negative)
>>> with_mix(Reading(cost), Mix("sigmoid", "ce")).cost
Tensor(2.13333688, by=negative)
>>> again(cost, {z: Tensor([0.0, 0.0, 0.0])})[cost]
Tensor(1.09861229, by=negative)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.text import Text

from tinygrad_lossmix.compiler.patterns.structure import regroup
from tinygrad_lossmix.debugger.commands.session import Session, command
from tinygrad_lossmix.debugger.expressions import (
    CommandError,
    assignment,
    label_numbers,
    mix,
    numbers,
    place_in,
    unknown,
)
from tinygrad_lossmix.debugger.layout import aligned
from tinygrad_lossmix.debugger.show import NEAR
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.graph import nodes, since
from tinygrad_lossmix.engine.refusals import plain
from tinygrad_lossmix.engine.replay import recorded, replay
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor, tick
from tinygrad_lossmix.mixes.labels import labels
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import shorten
from tinygrad_lossmix.views.reading import Reading, constants, indices


@command("change", takes="name")
def set_(session: Session[Walk], arg: str) -> Text:
    """set z 2,1,0; set z[0] 5; set y 1; set mix softmax ce: record again with that"""
    walk = session.steps
    reading = changed(walk, arg)
    new = type(walk)(reading.cost, reading.carried)
    new.first = -len(new.reading.nodes) if walk.first else 0
    if len(new) == len(walk):
        new.position = walk.position
    session.undone.clear()
    return _turn(session, new)


@command("change")
def undo(session: Session[Walk], arg: str) -> Text:
    """take back the last set"""
    if not session.before:
        raise CommandError("nothing to undo: no `set` so far")
    session.undone.append(session.steps)
    session.steps = session.before.pop()
    return session.here()


@command("change")
def redo(session: Session[Walk], arg: str) -> Text:
    """set again what was taken back"""
    if not session.undone:
        raise CommandError("nothing to redo")
    return _turn(session, session.undone.pop())


def _turn(session: Session[Walk], walk: Walk) -> Text:
    session.before.append(session.steps)
    session.steps = walk
    return session.here()


@command("change")
def diff(session: Session[Walk], arg: str) -> Text:
    """what the last set changed: the cost, the inputs and their gradients"""
    if not session.before:
        raise CommandError("nothing to compare: no `set` so far")
    before, after = session.before[-1], session.steps
    rows: list[tuple[Any, ...]] = [("", "", "value", "gradient")]
    order = [before.reading.call(node) for node in before.reading.nodes]
    for when, walk in (("before", before), ("after", after)):
        end = walk.at(len(walk))
        inputs = [node for node in walk.reading.nodes if node.function is None]
        names = {node: walk.reading.call(node) for node in inputs}
        inputs.sort(key=lambda node: order.index(names[node]) if names[node] in order else -1)
        for node in [walk.cost, *inputs[:NEAR]]:
            found = end.gradient(node)
            rows.append((when, walk.reading.call(node), node.data, "-" if found is None else found))
    return aligned(rows, ("quiet", "name", "", "flow"), "")


def changed(walk: Walk, arg: str) -> Reading:
    """The recording with what was typed behind `set`, under the same names."""
    reading, (name, place, text) = walk.reading, assignment(arg, walk.known)
    found = walk.known.get(name)
    if not isinstance(found, Tensor):
        if name == "mix":
            return with_mix(reading, mix(text))
        if name in ("y", "1 - y") and (reading.symbols or found is None):
            if name != "y" or place:
                raise CommandError("labels are set all at once: `set y` and a class, or all labels")
            return with_mix(reading, y=text)
    if found is None:
        raise unknown(name, walk)
    value = np.array(plain(found))
    at = place_in(name, value.shape, place) if place else ()
    value[at] = numbers(text, value[at].shape)
    return with_value(reading, name, found, value)


def with_value(reading: Reading, name: str, found: Any, value: Array) -> Reading:
    """The recording with another value, of that shape, of the input or constant array `found`."""
    value = value.astype(found.dtype)
    replaced: dict[Any, Any] = {}
    if not isinstance(found, Tensor):
        if name in map(reading.call, indices(reading)):
            raise CommandError(f"only an input can be set: {shorten(name)} is an index")
        replaced = {id(x): value for x in constants(reading) if reading.call(x) == name}
    elif found.function is None:
        replaced = {found: Tensor(value, name=found.name)}
        replaced[found].line = found.line
    else:
        raise CommandError(f"only an input can be set: {shorten(name)} is computed from others")
    new = again(reading.cost, replaced)
    named = {other: new[node] for node, other in reading.names.items()}
    return _read(reading, new, named if isinstance(found, Tensor) else named | {name: value})


def with_mix(reading: Reading, mix: Mix | None = None, y: str = "") -> Reading:
    """The recording with another mix on its logits, or other labels as they are typed behind
    `set y`; all else stays as it is.
    """
    symbols = reading.symbols
    if symbols is None:
        raise CommandError(
            "`set y` and `set mix` need a sigmoid or softmax layer with one of the costs "
            "cross_entropy, log_likelihood, quadratic: the recording has none"
        )
    mix, z = mix or symbols.mix, symbols.z
    try:
        targets = labels(label_numbers(y, z.shape), z) if y else symbols.y
        cost = (mix.cost if symbols.a is None else mix.composed)(z, targets)
        for each in since(z.order + 1, cost):
            each.line = symbols.cost.line
        new = again(reading.cost, {node: node for node in nodes(z)} | {symbols.cost: cost})
    except ValueError as error:
        raise CommandError(str(error)) from None
    return _read(reading, new, {})


def _read(reading: Reading, new: dict[Any, Any], named: dict[str, Any]) -> Reading:
    carried = reading.carried.items()
    known = {name: new.get(x) if isinstance(x, Tensor) else x for name, x in carried}
    return Reading(new[reading.cost], {**named, **known, **named})


def again(cost: Tensor, replaced: Mapping[Any, Any]) -> dict[Any, Any]:
    """The same recording, names and groups included, with other Tensors and constant arrays.

    Args:
        cost: the recording.
        replaced: what takes the place of nodes, and of constant arrays by their ids.

    Returns:
        the new node for each old one.
    """
    moments: dict[Tensor, int] = {}

    def compute(each: Tensor, args: list[Any]) -> Tensor:
        moments[each] = tick()
        args = [replaced.get(id(arg), arg) for arg in args]
        result = recorded(each, args) if each.function else Tensor(each.data)
        result.name, result.line = each.name, each.line
        return result

    new = replay(cost, replaced, compute)
    regroup(cost, new, moments)
    return new
