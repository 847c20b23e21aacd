"""Derivatives by central differences: from values of the function alone.

>>> numerical_gradient(lambda x: (x**2).sum(), np.array([1.0, -3.0])).round(6)
array([ 2., -6.])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any

EPS = float(np.finfo(np.float64).eps)


def numerical_gradient(f: Callable[[Array], Any], x: Array) -> Array:
    """The gradient of a scalar function of an array, by central differences.

    Truncation grows with the square of the step, rounding with its inverse and with the size of f.
    They meet where the cube of the step is about ε·|f|; f is taken to grow like x, as a cost does.

    Args:
        f: takes a float64 array of x's shape, returns a number.
        x: where; real numbers of any shape, computed with as float64.

    Returns:
        a float64 array of x's shape, right to about ten digits for a smooth f.
    """
    x = np.asarray(x, dtype=np.float64)
    gradient = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        distance = max((EPS * max(1.0, abs(x[i]))) ** (1 / 3), 4.0 * np.spacing(abs(x[i])))
        above[i] += distance
        below[i] -= distance
        gradient[i] = (f(above) - f(below)) / (above[i] - below[i])
    return gradient
