"""A recording computed again: in other numbers, or with every value a little off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.table import TABLE
from tinygrad_lossmix.engine.tensor import Tensor, astype, node, record
from tinygrad_lossmix.mixes import outputs
from tinygrad_lossmix.mixes.mix import ROWS
from tinygrad_lossmix.testing.oracles import raw

OF_LOGITS = {
    raw(outputs.sigmoid),
    raw(outputs.softplus),
    raw(outputs.log_sigmoid),
    raw(outputs.softmax),
    raw(outputs.log_softmax),
    raw(outputs.logsumexp),
    raw(outputs.log1m_softmax),
    *(cost for cost, _ in ROWS.values()),
    *(raw(delta) for _, delta in ROWS.values()),
}
Compute = Callable[[Tensor, list[Any]], Any]


def replay(
    cost: Tensor, leaves: Mapping[Tensor, Any], lift: Callable[[Any], Any], compute: Compute
) -> Any:
    """The value of a cost for other values of its leaves, along the recorded branch.

    Args:
        cost: the recording.
        leaves: a value for each leaf that gets a new one; the others keep theirs, lifted.
        lift: how a recorded array enters.
        compute: the value of a node from those of its arguments.
    """
    values: dict[Tensor, Any] = dict(leaves)
    for each in nodes(cost):
        if each in values:
            continue
        if each.function is None:
            values[each] = lift(each.data)
            continue
        rules = TABLE[each.function].rules
        args = [
            (values[arg] if rules[i] is not None else lift(arg.data))
            if isinstance(arg, Tensor)
            else arg
            for i, arg in enumerate(each.args)
        ]
        values[each] = compute(each, args)
    return values[cost]


def holds_constants(cost: Tensor) -> bool:
    """Whether something in a recording is computed from Tensors and yet not differentiated."""
    return any(
        each.function is constant.recorded  # type: ignore[attr-defined]
        or any(
            isinstance(arg, Tensor) and TABLE[each.function].rules[i] is None
            for i, arg in enumerate(each.args)
        )
        for each in nodes(cost)
    )


def in_floats(each: Tensor, args: list[Any]) -> Any:
    """The value of a node in float64, by its own forward function."""
    if each.function is astype:
        return args[0]
    return TABLE[each.function].forward(*args, **each.kwargs)


def recorded(each: Tensor, args: list[Any]) -> Tensor:
    """A node recorded again in float64."""
    if each.function is astype:
        return args[0]  # type: ignore[no-any-return]
    if each.values or not each.args:
        return record(each.function, tuple(args), each.kwargs)
    plain = [arg.data if isinstance(arg, Tensor) else arg for arg in args]
    value = TABLE[each.function].forward(*plain, **each.kwargs)
    return node(value, each.function, args, (), each.kwargs)


def replay_recorded(cost: Tensor, leaves: Mapping[Tensor, Tensor]) -> Tensor:
    """The same recording once more, in float64, from other leaves."""
    again: Tensor = replay(
        cost, leaves, lambda data: Tensor(np.asarray(data, dtype=np.float64)), recorded
    )
    return again


class Disturbed:
    """Computes a node again with everything in it wrong by a relative `size`, times random numbers.

    Numbers that underflow are wrong by a fraction of the `smallest` normal one. Logits are moved by
    `size` itself: what a stable function rounds inside, e^z first of all, is off as if they were.
    """

    def __init__(self, size: float, smallest: float, rng: np.random.Generator) -> None:
        self.size = size
        self.smallest = smallest
        self.rng = rng

    def off(self, value: Any) -> Any:
        """value times 1 + size·N(0, 1), entry by entry, in float64."""
        value = np.asarray(value, dtype=np.float64)
        return value * (1.0 + self.size * self._random(value.shape))

    def __call__(self, each: Tensor, args: list[Any]) -> Any:
        """The value of a node, off; so are its constants, but for an exponent."""
        args = [self._constant(each, i, arg) for i, arg in enumerate(args)]
        if each.function in OF_LOGITS:
            args[0] = args[0] + self.size * self._random(np.shape(args[0]))
        value = self.off(in_floats(each, args))
        return value + self.size * self.smallest * self._random(value.shape)

    def _constant(self, each: Tensor, position: int, arg: Any) -> Any:
        exponent = each.function is np.power and position
        known = isinstance(each.args[position], Tensor)
        floats = isinstance(arg, np.ndarray | np.generic) and arg.dtype.kind == "f"
        return self.off(arg) if floats and not known and not exponent else arg

    def _random(self, shape: tuple[int, ...]) -> Any:
        return self.rng.normal(size=shape)
