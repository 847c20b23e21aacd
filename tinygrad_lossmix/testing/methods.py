"""Derivatives from values of a function alone: central differences, Richardson, complex step.

Each takes a function of a flat float64 array that returns a number, and a point, and returns an
`Estimate`: a derivative for each entry and how far it may be off.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.testing.numeric import EPS, numerical_gradient

Array = Any
Function = Callable[[Array], Any]

ROWS = 6  # of the Richardson tableau
STEPS = (1e-1, 1e-2, 1e-4)  # that it starts from
TINY = 1e-200  # the complex step: its square is nothing


class Estimate(NamedTuple):
    """For each entry the derivative, the error it may have, and whether the function has a kink."""

    values: Array
    errors: Array
    left: Array
    right: Array
    kinks: Array


class NotApplicable(Exception):
    """A method cannot be used on this function; the message says why."""


def central(f: Function, x: Array) -> Estimate:
    """Central differences: ten digits at best."""
    with np.errstate(all="ignore"):
        values = numerical_gradient(f, x)
        size = abs(float(f(x)))
    scale = np.max(np.abs(values), initial=0.0, where=np.isfinite(values))
    errors = 1e-6 * np.abs(values) + 1e-8 * scale + 1e-9 * min(size, 1e300)
    return Estimate(values, errors, *_sides(f, x))


def richardson(f: Function, x: Array) -> Estimate:
    """Central differences extrapolated to a step of 0 (Ridders): twelve digits or so."""
    values, errors = np.empty(x.shape), np.empty(x.shape)
    with np.errstate(all="ignore"):
        for i in range(len(x)):
            values[i], errors[i] = min(
                (_ridders(f, x, i, step * max(1.0, abs(x[i]))) for step in STEPS),
                key=lambda found: found[1],
            )
    return Estimate(values, errors, *_sides(f, x))


def _ridders(f: Function, x: Array, i: int, step: float) -> tuple[float, float]:
    """One entry: the best value of the tableau, and the distance of its neighbours."""
    table = np.full((ROWS, ROWS), np.nan)
    best, error = np.nan, np.inf
    for row in range(ROWS):
        above, below = x.copy(), x.copy()
        above[i] += step
        below[i] -= step
        high, low = float(f(above)), float(f(below))
        table[row, 0] = (high - low) / (above[i] - below[i])
        rounding = 8.0 * EPS * max(abs(high), abs(low)) / step
        for k in range(1, row + 1):
            factor = 4.0**k
            table[row, k] = (factor * table[row, k - 1] - table[row - 1, k - 1]) / (factor - 1.0)
            moved = max(
                abs(table[row, k] - table[row, k - 1]),
                abs(table[row, k] - table[row - 1, k - 1]),
            )
            if 2.0 * moved + rounding < error:
                best, error = float(table[row, k]), float(2.0 * moved + rounding)
        step /= 2.0
    return best, error


def complex_step(f: Function, x: Array) -> Estimate:
    """Im f(x + ih)/h: no difference is taken, so every digit is right, if f is analytic.

    Raises:
        NotApplicable: f does not take complex numbers, or does not mean the same there.
    """
    rough = richardson(f, x)
    values = _imaginary_parts(f, x)
    far = np.abs(values - rough.values) > 10.0 * rough.errors + 1e-6 * np.abs(values) + 1e-9
    if np.any(far & ~rough.kinks):
        raise NotApplicable("the function means something else on complex numbers")
    near = [_imaginary_parts(f, x * (1.0 + k * EPS)) for k in (-3, -1, 2)]
    spread = np.max([np.abs(other - values) for other in near], axis=0)
    errors = 4.0 * spread + 32.0 * EPS * np.abs(values)
    return Estimate(values, errors, rough.left, rough.right, rough.kinks)


def _imaginary_parts(f: Function, x: Array) -> Array:
    values = np.empty(x.shape)
    with np.errstate(all="ignore"):
        for i in range(len(x)):
            moved = x.astype(np.complex128)
            moved[i] += 1j * TINY
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", np.exceptions.ComplexWarning)
                    value = np.asarray(f(moved))
            except Exception as error:  # of a function that was not written for them
                raise NotApplicable(
                    f"it does not take complex numbers ({type(error).__name__})"
                ) from error
            if value.dtype.kind != "c":
                raise NotApplicable("it drops the imaginary part")
            values[i] = float(value.imag) / TINY
    if not np.all(np.isfinite(values)):
        raise NotApplicable("it is not finite on complex numbers")
    return values


def _sides(f: Function, x: Array) -> tuple[Array, Array, Array]:
    """The slopes on both sides of x, and where they stay apart as the step shrinks."""
    left, right, kinks = np.empty(x.shape), np.empty(x.shape), np.zeros(x.shape, dtype=bool)
    with np.errstate(all="ignore"):
        here = float(f(x))
        for i in range(len(x)):
            jumps = []
            for step in (1e-6, 1e-7):
                above, below = x.copy(), x.copy()
                above[i] += step * max(1.0, abs(x[i]))
                below[i] -= step * max(1.0, abs(x[i]))
                right[i] = (float(f(above)) - here) / (above[i] - x[i])
                left[i] = (here - float(f(below))) / (x[i] - below[i])
                jumps.append(abs(right[i] - left[i]))
            noise = 1e-7 * abs(here) + 1e-5 * max(abs(left[i]), abs(right[i])) + 1e-9
            kinks[i] = jumps[1] > 10.0 * noise and jumps[1] > 0.5 * jumps[0]
    return left, right, kinks
