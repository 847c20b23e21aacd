"""Integrals over 0 … n, to rounding: Gauss-Lobatto panels, cut in two until they agree.

The ends of a panel are nodes: a kink close to one cannot hide from both rules, as it can from
Gauss and Legendre. Panels are cut beside their middle: two equal jumps on both sides of it would
cancel in a panel and in its halves.

>>> integral(lambda t: np.exp(t)).value - np.expm1(1.0) < 1e-15
np.True_
"""

from collections.abc import Callable
from math import fsum
from typing import NamedTuple

import numpy as np

from tinygrad_lossmix.engine.table import Array

LEGENDRE = np.polynomial.Legendre.basis(14)
NODES = np.array([-1.0, *LEGENDRE.deriv().roots().real, 1.0])
WEIGHTS = 2 / (15 * 14 * LEGENDRE(NODES) ** 2)
CUT, HALVINGS = 0.45, 60
MANY = 10_000  # open panels: a noise, not jumps
EPS = float(np.finfo(float).eps)
INSIDE = NODES * (1 - EPS)  # a hair: at 0 itself a layer may have no value


class Integral(NamedTuple):
    """Its value, an estimate of its error, and the integral of the absolute value."""

    value: float
    error: float
    size: float


def integral(f: Callable[[Array], Array], n: int = 1, within: float = 2 * EPS) -> Integral:
    """Of f over 0 … n, to that part of the integral of |f|.

    f is given many t at once (m, 15), those of a panel in a row: none reaches over a whole number.
    It may give terms (m, 15, K) of a sum, whose sizes tell what is rounding. Jumps elsewhere are
    followed to the width of rounding.
    """
    edges = (np.arange(n)[:, None] + [0.0, 0.4, 0.4, 1.0]).reshape(-1, 2)  # of open panels
    whole, sizes = panels(f, edges)
    parts: list[float] = []
    error, size = 0.0, float(sizes.sum())
    for _ in range(HALVINGS):
        middle = edges[:, :1] + CUT * np.diff(edges)
        halves = np.concatenate([edges[:, :1], middle, middle, edges[:, 1:]], 1).reshape(-1, 2)
        found, sizes = panels(f, halves)
        gap = np.abs(found[::2] + found[1::2] - whole)
        size = max(size, float(sizes.sum()))
        more = gap > within * size
        open_ = np.repeat(more, 2)
        parts += found[~open_].tolist()
        error += float(gap[~more].sum())
        edges, whole = halves[open_], found[open_]
        if not 0 < len(edges) < MANY:
            break
    error += float(gap[more].sum())
    parts += whole.tolist()
    return Integral(fsum(parts) if np.isfinite(parts).all() else np.nan, error + EPS * size, size)


def panels(f: Callable[[Array], Array], edges: Array) -> tuple[Array, Array]:
    """The integral of f and of |f| over each panel."""
    half = np.diff(edges) / 2
    terms = f(edges[:, :1] + half * (1 + INSIDE)).reshape(len(edges), len(NODES), -1)
    values, sizes = half * WEIGHTS * terms.sum(-1), half * WEIGHTS * np.abs(terms).sum(-1)
    return values.sum(axis=1), sizes.sum(axis=1)
