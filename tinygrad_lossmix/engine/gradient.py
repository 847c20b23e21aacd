"""Gradients as values: `grad` of a recorded cost, `value_and_grad` of a function.

>>> z = Tensor([2.0, 1.0, 0.0])
>>> cost = np.log(np.exp(z).sum()) - z[0]
>>> grad(cost, z)
array([-0.33475904,  0.24472847,  0.09003057])

What you can do here: differentiate once, `grad(cost, z)`; twice, `grad(grad(cost, z,
create_graph=True)[0], z)`; or turn a cost into a function that trains, `value_and_grad(f)`.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.refusals import cut
from tinygrad_lossmix.engine.sweep import seed_of, sweep
from tinygrad_lossmix.engine.tensor import Tensor


def _references(held: dict[int, object]) -> int:
    found = held.get(0)
    return sys.getrefcount(found)


ALONE = _references({0: object()})  # of what one dict and one name hold


def grad(cost: Tensor, wrt: Any = None, seed: Any = None, create_graph: bool = False) -> Any:
    """The gradient of a cost with respect to Tensors anywhere in its recording.

    Args:
        cost: a Tensor of any shape.
        wrt: a Tensor, or a list or tuple of them; zeros where the cost does not depend on it.
        seed: the gradient to start from, of the cost's shape; may be left out for a scalar.
        create_graph: return Tensors that can be differentiated again.

    Returns:
        an ndarray of wrt's shape and dtype (a Tensor with create_graph), or a list of them.
        Nothing is stored, nothing is shared.

    Raises:
        TypeError: cost or wrt is not a Tensor.
        ValueError: no seed for a cost that is not a scalar, or a seed of another shape.

    >>> x = Tensor(3.0)
    >>> once = grad(x**4, x, create_graph=True)
    >>> once, grad(once, x)
    (Tensor(108., by=multiply), array(108.))
    """
    if not isinstance(cost, Tensor):
        raise TypeError(
            f"the cost is a {type(cost).__name__}, not a Tensor: wrap what you differentiate, z = "
            "Tensor(z), and keep float(), .item(), .data and math functions out of the cost; of a "
            "function, value_and_grad(f)(x) gives value and gradient"
        )
    several = isinstance(wrt, (list, tuple))
    targets = wrt if several else (wrt,)
    found: dict[int, Any] = {}  # by the order of a target
    for target in targets:
        if type(target) is not Tensor:
            raise TypeError(f"wrt is a Tensor or a list of them, not {type(target).__name__}")
        found[target.order] = None
    start = seed_of(cost, seed)
    if not create_graph and isinstance(start, Tensor):
        start = start._value
    for node, position, _, _, total in sweep(cost, start, found, create_graph):
        found[node.args[position].order] = total
    total = _ = None  # names that would hold the last gradient
    if cost.order in found:
        found[cost.order] = start
    results = []
    for target in targets:
        gradient = found[target.order]
        if gradient is None:
            gradient = np.zeros(target.shape, target.dtype)
        if create_graph:
            gradient = gradient if isinstance(gradient, Tensor) else Tensor(gradient)
        elif (
            type(gradient) is not np.ndarray
            or gradient.base is not None
            or sys.getrefcount(gradient) > ALONE
        ):  # somebody may hold it; to copy every gradient would cost a training step 5 %
            gradient = np.array(gradient)
        results.append(gradient)
    return results if several else results[0]


def value_and_grad(f: Callable[..., Any], wrt: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Turn f into g, with g(*arrays) = (the value of f, its gradient): the training idiom.

    Args:
        f: a function of arrays that returns a scalar; it is called with Tensors in place of the
            arguments that are differentiated.
        wrt: the position of such an argument, or a tuple of positions.

    Returns:
        g; its gradient is an ndarray, or a tuple of them where wrt is a tuple.

    Raises:
        TypeError: wrt is not made of integers; when g is called: an argument is not made of
            floats, an argument is a Tensor, the value is not a Tensor: nothing recorded how it
            came from the arguments.
        ValueError: wrt is empty; when g is called: the value is not a scalar, a position does not
            exist.

    >>> step = value_and_grad(lambda w, x: ((x @ w) ** 2).sum(), wrt=0)
    >>> step(np.array([1.0, 2.0]), np.eye(2))
    (np.float64(5.0), array([2., 4.]))
    """
    if not callable(f):
        raise TypeError(f"value_and_grad takes a function of arrays, not {type(f).__name__}")
    positions = wrt if isinstance(wrt, tuple) else (wrt,)
    if not positions:
        raise ValueError("wrt is empty: give the position of an argument, or a tuple of them")
    if not all(isinstance(i, int | np.integer) for i in positions):
        raise TypeError(f"wrt is the position of an argument or a tuple of them, not {wrt!r}")

    def both(*arrays: Any, **kwargs: Any) -> tuple[Any, Any]:
        for outer in (*arrays, *kwargs.values()):
            if isinstance(outer, Tensor):
                raise TypeError(
                    "value_and_grad takes arrays and gives arrays, no gradient would reach a "
                    "Tensor: pass t.data, or differentiate a call of the function itself, "
                    "grad(f(w, t), [w, t])"
                )
        arguments = list(arrays)
        try:
            for i in positions:
                arguments[i] = Tensor(arrays[i])
        except IndexError:
            raise ValueError(f"wrt={wrt}, but the function got {len(arrays)} arguments") from None
        cost = f(*arguments, **kwargs)
        if not isinstance(cost, Tensor):
            raise cut("the value", cost)
        gradients = tuple(grad(cost, [arguments[i] for i in positions]))
        return cost._value[()], gradients if isinstance(wrt, tuple) else gradients[0]

    return both
