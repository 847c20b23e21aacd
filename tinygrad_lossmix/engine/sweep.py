"""The reverse sweep: from a cost back to everything it was computed from.

`sweep` walks a recording from its newest node to its oldest and yields one step per vector-Jacobian
product. Exhausted, it differentiates; walked, it is a debugger. What you can do here: watch it.

>>> from tinygrad_lossmix.engine import Tensor
>>> z = Tensor([2.0, 1.0], name="z")
>>> cost = (z * z).sum()
>>> for node, position, g, contribution, total in sweep(cost, np.float64(1)):
...     print(node.function.__name__, position, contribution, total)
sum 0 [1. 1.] [1. 1.]
multiply 0 [2. 1.] [2. 1.]
multiply 1 [2. 1.] [4. 2.]
"""

from collections.abc import Collection, Iterable, Iterator
from heapq import heappop, heappush
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.freeze import freeze
from tinygrad_lossmix.engine.table import REAL, TABLE, Array, spelling

# One vector-Jacobian product: the node, the position of the argument that it passes a contribution
# to, the gradient that arrived at the node, the contribution, and the sum of what the argument has
# received so far. A plain tuple: a named one would cost 6 % of a small sweep.
Step = tuple[Any, int, Any, Any, Any]


def sweep(
    cost: Any, seed: Any, wanted: Collection[int] | None = None, recorded: bool = False
) -> Iterator[Step]:
    """Yield the steps of the reverse sweep, in order.

    A node is created after all its arguments; taking the newest first therefore meets each node
    when all that it receives has arrived.

    Args:
        cost: the Tensor to start from.
        seed: the gradient at the cost, in its shape.
        wanted: the orders of Tensors; only steps that pass something to them are yielded, and what
            is older than all of them is not entered. None: of all.
        recorded: run the rules on Tensors, so that the steps are themselves differentiable.
    """
    oldest = -1 if wanted is None else min(wanted, default=cost.order)
    pending = {cost.order: (cost, seed)}  # what has received a gradient, and its sum so far
    newest = [-cost.order] if cost.function is not None else []
    while newest:
        order = -heappop(newest)
        if order <= oldest:
            return
        node, g = pending.pop(order)
        rules, args, kwargs = TABLE[node.function].rules, node.args, node.kwargs
        if recorded:
            given = (g, node, *args) if node.values else (g, node)
        else:
            given = (g, node._value) + node.values  # noqa: RUF005 - with a * 2 % more
        for position in node.positions:
            x, rule = args[position], rules[position]
            order, value, leaf = x.order, x._value, x.function is None
            asked = wanted is None or order in wanted
            if rule is None or (not asked and (leaf or order < oldest)):
                continue  # nothing that is wanted is behind x
            try:
                contribution = rule(*given, **kwargs) if kwargs else rule(*given)
                if contribution.shape != value.shape or contribution.dtype is not value.dtype:
                    contribution = _fit(contribution, node, value)
            except Exception as error:
                where = " recorded in {}, line {}".format(*node.line) if node.line else ""
                error.add_note(f"in the derivative rule of {spelling(node.function)}{where}")
                raise
            total = contribution
            if order in pending:
                total = pending[order][1] + contribution
            elif not leaf:
                heappush(newest, -order)
            pending[order] = x, total
            if asked:
                yield node, position, g, contribution, total


def accumulated(cost: Any, seed: Any, steps: Iterable[Step]) -> dict[Any, Any]:
    """What each node has received after some steps of a sweep; after all, its gradient."""
    found = {cost: seed}
    for node, position, _, _, total in steps:
        found[node.args[position]] = total
    return found


def _fit(contribution: Any, node: Any, x: Array) -> Array:
    """Undo the broadcasting of x: sum over the axes it was given, then those it was repeated on."""
    if contribution.dtype is not x.dtype and contribution.dtype.kind not in REAL:
        raise TypeError(
            f"the derivative rule of {spelling(node.function)} gave {contribution.dtype}: return "
            "an array of floats"
        )
    given, shape = contribution.shape, x.shape
    if given != shape:
        extra = len(given) - len(shape)
        if extra > 0:
            contribution = np.add.reduce(contribution, 0 if extra == 1 else tuple(range(extra)))
        if extra >= 0 and given[extra:] != shape:
            repeated = tuple([i for i, n in enumerate(shape) if n == 1 != given[i + extra]])
            contribution = np.add.reduce(contribution, repeated, keepdims=True)
        if contribution.shape != shape:
            raise ValueError(
                f"the derivative rule of {spelling(node.function)} gave a gradient of shape "
                f"{given} for an argument of shape {shape}; a rule returns the shape of g, before "
                "broadcasting is undone"
            )
    return contribution if contribution.dtype == x.dtype else contribution.astype(x.dtype)


def seed_of(cost: Any, seed: Any) -> Any:
    """The gradient that a sweep starts from: 1 for a scalar, else what was given.

    Raises:
        ValueError: no seed for a cost that is not a scalar, or a seed of another shape.
    """
    value = cost._value
    if seed is None:
        if value.ndim:
            raise ValueError(
                f"the cost has shape {cost.shape}: take its sum or mean, or give a seed of that "
                "shape"
            )
        return value.dtype.type(1)
    start = seed if type(seed) is type(cost) else np.asarray(freeze(seed))
    if start.shape != cost.shape:
        raise ValueError(
            f"the seed has shape {start.shape}, the cost {cost.shape}: give that shape"
        )
    return start if start.dtype == value.dtype else start.astype(value.dtype)


def backward(cost: Any, seed: Any = None) -> None:
    """Fill `.grad` of every Tensor that a cost was computed from, and of the cost."""
    start = seed_of(cost, seed)
    start = start._value if type(start) is type(cost) else start
    for tensor, gradient in accumulated(cost, start, sweep(cost, start)).items():
        tensor.grad = np.array(gradient)
