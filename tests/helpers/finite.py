"""Derivatives that the engine has no part in: by differences of the function itself."""

import numpy as np


def jacobian(f, args, position, analytic=True):
    """df/d args[position], of shape args[position].shape + f's shape.

    The imaginary part of f(x + ih) / h has no cancellation and is exact to rounding, but f must be
    analytic; else central differences, exact to about 1e-9.
    """
    x = args[position]
    columns = []
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = 1e-30 if analytic else 1e-6
        moved = [
            f(*args[:position], x + s, *args[position + 1 :])
            for s in ([1j * step] if analytic else [step, -step])
        ]
        columns.append(
            np.imag(moved[0]) / 1e-30 if analytic else (moved[0] - moved[1]) / (2 * 1e-6)
        )
    return np.reshape(columns, x.shape + np.shape(f(*args)))


def pulled_back(seed, f, args, position, analytic=True):
    """The gradient that a seed at f's output leaves at args[position]."""
    return np.tensordot(jacobian(f, args, position, analytic), seed, np.ndim(seed))
