"""Kinks that bend a cost downwards, which no Hessian shows: there its slope falls along a line.

>>> found = fall(lambda z: np.where(z < 1.0, z, 0.0), 1)
>>> found.drop > 0, found.slope > found.lower
(True, True)
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.printing import amount, point


class Fall(NamedTuple):
    """Where a slope falls most, or rises least, from one point of a line to the next."""

    drop: float  # beside the slope, where that is above 1
    z: Array
    there: Array
    slope: float
    lower: float

    def __str__(self) -> str:
        way = f"between z = {point(self.z)} and {point(self.there)},"
        return f"{way} the slope falls from {amount(self.slope)} to {amount(self.lower)}"


def fall(gradient: Callable[[Array], Array], k: int) -> Fall:
    """The largest one along some lines, of a cost with this gradient at logits (n, K)."""
    rng = np.random.default_rng(4)
    t = np.sinh(np.linspace(-2.8, 2.8, 24))  # densest about 0, where most kinks are, and not at 0
    none, first, last = np.zeros(k), np.eye(k)[0], np.eye(k)[-1]
    ahead, aside = rng.normal(size=(2, k))
    lines = [(none, first), (none, last), (none, ahead), (none, aside)]
    found = []
    for start, direction in [*lines, (aside, first), (ahead, last)]:
        z = start + t[:, None] * direction
        slopes = gradient(z) @ direction
        drops = -np.diff(slopes) / np.maximum(1.0, np.abs(slopes[:-1]))
        drops[~np.isfinite(drops)] = -np.inf
        i = int(drops.argmax())
        found.append(Fall(float(drops[i]), z[i], z[i + 1], *map(float, slopes[i : i + 2])))
    return max(found, key=lambda each: each.drop)
