"""Outputs and labels as they were handed to a loss, checked and brought to one shape.

>>> handed([[2.0, 1.0, 0.0]], [0])
(array([[2., 1., 0.]]), array([[1., 0., 0.]]))
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.labels import labels as one_hot

Array = Any


def handed(outputs: Any, labels: Any) -> tuple[Array, Array]:
    """Outputs and labels, both (n, K): leading axes are examples, one example is a batch of one.

    Args:
        outputs: real numbers (…, K).
        labels: of the same shape, between 0 and 1; or integer classes (…) or (…, 1). For one
            output, (…, 1), also labels (…).

    Raises:
        TypeError: a tensor that does not become an array by itself; the message says how it does.
        ValueError: anything else that does not fit.
    """
    x, y = array(outputs, "outputs"), array(labels, "labels")
    if x.dtype.kind not in "fiu":
        raise ValueError(f"outputs are real numbers, not {x.dtype}")
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    if not x.ndim or not x.size:
        raise ValueError(f"outputs have the shape (n, K) with at least one of each, not {x.shape}")
    if not np.isfinite(x).all():
        bad = int((~np.isfinite(x)).sum())
        raise ValueError(f"outputs are finite numbers, but {bad} of {x.size} are NaN or infinite")
    if x.shape[-1] == 1 and y.shape == x.shape[:-1]:
        y = y[..., None]
    if x.shape[-1] > 1 and y.shape == (*x.shape[:-1], 1) and y.dtype.kind in "iu":
        y = y[..., 0]
    if x.ndim > 2 and y.shape == x.shape[:1] + x.shape[2:] != x.shape[:-1]:
        raise ValueError(
            f"outputs of shape {x.shape} seem to have their classes on axis 1: expected on the "
            "last, np.moveaxis(outputs, 1, -1)"
        )
    y = one_hot(y, x)
    if not np.isfinite(y).all():
        raise ValueError("labels are finite numbers, but hold NaN or infinity")
    if y.min() < 0 or y.max() > 1:
        raise ValueError(
            f"labels are between 0 and 1, but hold {y.min():.4g} to {y.max():.4g}; labels of -1 "
            "and 1 become (labels + 1) / 2"
        )
    return x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1])


def array(value: Any, name: str) -> Array:
    """What a framework calls an array, as NumPy's.

    Raises:
        TypeError: with the expression that turns it into one.
        ValueError: it is none.
    """
    if isinstance(value, Tensor):
        raise TypeError(f"{name} is a Tensor of this package: pass {name}.data")
    if hasattr(value, "detach"):
        on_cpu = str(getattr(value, "device", "cpu")).startswith("cpu")
        if getattr(value, "requires_grad", False) or not on_cpu:
            raise TypeError(
                f"{name} is a tensor with a gradient or on a device: pass "
                f"{name}.detach().cpu().numpy()"
            )
        if "bfloat16" in str(getattr(value, "dtype", "")):
            raise TypeError(f"{name} is bfloat16, which NumPy lacks: pass {name}.float().numpy()")
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} cannot be read as an array of numbers: {error}") from error
