"""Where `continue` stops: at a node, a function, a phase, NaN, a condition, a change.

>>> z = Tensor([2.0, 1.0], name="z")
>>> walk = Walk((z * z).sum())
>>> walk.run(breakpoint("multiply", walk, Names(walk.reading))), str(walk)
(True, '[2/3] n1 → z: [2, 1]')
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinygrad_lossmix.debugger.expressions import Condition, Mistake, Names, is_condition
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.tensor import Tensor

Stops = Callable[[Walk], bool]


def breakpoint(text: str, walk: Walk, names: Names) -> Stops:
    """Whether to stop at a position.

    Args:
        text: a node: where it has its value, where it has all its gradient; a function such as exp
            or softmax: where its first product is taken; `forward` or `backward`: where that phase
            begins; `nan`: where NaN comes of numbers; a condition: where it holds.
        walk: what it is asked for.
        names: those of the recording.

    Raises:
        Mistake: none of these.
    """
    if isinstance(names.known.get(text), Tensor):
        return _at_node(names.node(text))
    if text == "nan":
        return _makes_nan
    if text in ("forward", "backward"):
        return lambda walk: walk.position == (walk.first if text == "forward" else 0)
    if is_condition(text):
        condition = Condition(text)
        condition.holds(walk, names)  # a mistake in it is said now
        return lambda walk: condition.holds(walk, names)
    functions = {node.function.__name__ for node in walk.reading.nodes if node.function}
    if text in functions | {name for node in walk.reading.nodes for name, *_ in node.groups}:
        return lambda walk: _begins(walk, text)
    if not text:
        raise Mistake("break takes a node, a function, forward, backward, nan or a condition")
    raise names.missing(text)


def watchpoint(text: str, walk: Walk, names: Names) -> Stops:
    """Whether a gradient was written here, or a condition became true or false.

    Raises:
        Mistake: neither a node nor a condition.
    """
    if not text:
        raise Mistake("watch takes a gradient, as in z.grad, or a condition")
    if is_condition(text) and text not in names.known:
        condition = Condition(text)
        condition.holds(walk, names)

        def changed(walk: Walk) -> bool:
            if walk.position == walk.first:
                return False
            before = walk.at(walk.position - 1)
            return condition.holds(walk, names) != condition.holds(before, names)

        return changed
    node = names.node(text if text in names.known else text.removesuffix(".grad"))
    return lambda walk: walk.stop is not None and walk.stop.argument is node


def _at_node(node: Tensor) -> Stops:
    def stops(walk: Walk) -> bool:
        return walk.computed is node or (
            walk.position >= 0 and walk.complete(node) == walk.position
        )

    return stops


def _begins(walk: Walk, name: str) -> bool:
    if name in walk.entered:
        return True
    if walk.computed is not None:
        return _called(walk.computed) == name
    stop = walk.stop
    if stop is None or _called(stop.node) != name:
        return False
    before = walk.at(walk.position - 1).stop
    return before is None or before.node is not stop.node


def _called(node: Tensor) -> str:
    return node.function.__name__ if node.function else ""


def _makes_nan(walk: Walk) -> bool:
    """Whether NaN came of what had none."""
    if (node := walk.computed) is not None:
        inputs = [arg.data if isinstance(arg, Tensor) else arg for arg in node.args]
        return has_nan(node.data) and not any(map(has_nan, inputs))
    stop = walk.stop
    if stop is None:
        return False
    if has_nan(stop.contribution):
        return not has_nan(stop.g)
    before = walk.at(walk.position - 1).gradient(stop.argument)
    return has_nan(stop.total) and (before is None or not has_nan(before))


def has_nan(x: object) -> bool:
    """Whether there is NaN in an array or number."""
    return bool(np.isnan(np.asarray(x)).any())
