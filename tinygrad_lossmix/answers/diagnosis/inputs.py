"""Outputs and labels as they were handed to a loss: checked and brought to one shape, or of a file.

>>> handed([[2.0, 1.0, 0.0]], [0])
(array([[2., 1., 0.]]), array([[1., 0., 0.]]))
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.labels import labels as one_hot

Array = Any
REQUIRED, OPTIONAL = ("outputs", "labels"), ("loss", "accuracy")


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


def read_outputs(path: str | Path) -> dict[str, Array]:
    """The arrays `outputs` and `labels` of an .npz file; `loss` and `accuracy` if it holds them.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not such a file, or it holds pickled objects.
    """
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as file:
            missing = [name for name in REQUIRED if name not in file.files]
            if missing:
                held = ", ".join(file.files) or "nothing"
                raise ValueError(
                    f"no array named {' and none named '.join(missing)}, it holds {held}: save "
                    "with np.savez(path, outputs=..., labels=..., loss=...)"
                )
            found = {name: file[name] for name in (*REQUIRED, *OPTIONAL) if name in file.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, MemoryError, struct.error):
        raise ValueError(
            "damaged, truncated or not an .npz file: save it again by np.savez"
        ) from None
    except ValueError as error:
        if "pickle" in str(error):
            raise ValueError(
                "it holds pickled objects, which are never loaded: save arrays of numbers"
            ) from None
        raise
    for name in (each for each in OPTIONAL if each in found):
        if found[name].size != 1:
            raise ValueError(f"{name} is one number, not an array of shape {found[name].shape}")
        found[name] = found[name].reshape(())[()]
    return found
