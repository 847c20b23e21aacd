"""Linear logits under a mix, fitted to all examples at once, and what they decide.

>>> x, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.eye(2)[[0, 0, 1, 1]]
>>> [*_, (cost, slope, w)] = descent(Mix("softmax", "ll"), x, y, penalty=0.1)
>>> slope < 1e-9, right(outputs(Mix("softmax", "ll"), w, x), y)
(True, 1.0)
"""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.compile import compile
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.views.plotting import SERIES


def with_ones(x: Array) -> Array:
    """Examples (n, d) with a feature that is always 1, for the biases."""
    return np.column_stack([x, np.ones(len(x))])


def descent(
    mix: Mix, x: Array, y: Array, penalty: float = 0.0, steps: int = 1000, rate: float = 1.0
) -> Iterator[tuple[float, float, Array]]:
    """The cost, the largest slope and the weights (d + 1, K), step by step from zero weights.

    Nesterov's accelerated descent, restarted where it goes uphill (O'Donoghue and Candes 2015), for
    labels y (n, K). The penalty is that of ½ · the sum of squares of the weights, not the biases.
    """
    x = with_ones(x)
    f = compile(lambda w: mix.cost(x @ w, y) + 0.5 * penalty * np.sum(w[:-1] ** 2))
    eta, speed, slope = rate * len(x) / np.linalg.norm(x, 2) ** 2, 0, np.inf
    w = ahead = np.zeros((x.shape[1], y.shape[1]))
    while steps and slope > 1e-10:
        cost, gradient = f(ahead)
        slope, steps = float(np.abs(gradient).max()), steps - 1
        yield float(cost), slope, ahead
        before, w = w, ahead - eta * gradient
        speed = 0 if np.vdot(gradient, w - before) > 0.0 else speed + 1
        ahead = w + speed / (speed + 3) * (w - before)


def outputs(mix: Mix, w: Array, x: Array) -> Array:
    """Of a mix with these weights, for examples x (n, d): (n, K)."""
    a: Array = mix.activate(with_ones(x) @ w)
    return a


def right(a: Array, y: Array) -> float:
    """The part of the outputs (n, K) whose largest one is that of the label (n, K)."""
    return float((a.argmax(axis=-1) == y.argmax(axis=-1)).mean())


def draw_regions(axes: Any, mix: Mix, w: Array, x: Array, y: Array) -> None:
    """Where which output is the largest over two features, with some examples of each class."""
    low, high = x.min(axis=0) - 0.3, x.max(axis=0) + 0.3
    grid = np.stack(np.meshgrid(*np.linspace(low, high, 60).T), axis=-1)
    a = outputs(mix, w, grid.reshape(-1, 2))
    for k, colour in zip(range(a.shape[1]), cycle(SERIES)):
        lead = (a[:, k] - np.delete(a, k, axis=1).max(axis=1)).reshape(grid.shape[:2])
        axes.contourf(*grid.transpose(2, 0, 1), lead, [0.0, np.inf], colors=[colour], alpha=0.25)
        axes.plot(*x[y[:, k] == 1.0][:30].T, "os^Dvp*"[k % 7], color=colour, markersize=2.5)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="x[0]", ylabel="x[1]")
    axes.set_title(f"{mix}\n{right(outputs(mix, w, x), y):.1%} right", parse_math=False)
