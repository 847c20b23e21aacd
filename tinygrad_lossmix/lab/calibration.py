"""How far confidence is from accuracy.

What you can do here: `calibration_error(a, y)` for outputs of either layer.
"""

from __future__ import annotations

import numpy as np

from tinygrad_lossmix.lab.data import Array

BINS = 15


def calibration_error(a: Array, y: Array) -> float:
    """The expected calibration error (ECE) of outputs a (n, K) for classes y (n,).

    The confidence of an example is its largest output, for softmax and for sigmoid outputs alike.
    Examples fall into 15 equal bins of confidence; the result is the mean over the examples of
    |accuracy - mean confidence| of their bin. 0 is perfect.

    >>> a = np.array([[0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [0.25, 0.75]])
    >>> calibration_error(a, np.array([0, 0, 0, 0]))
    0.0
    """
    confidence = a.max(axis=-1).astype(np.float64)
    right = a.argmax(axis=-1) == y
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(y))
