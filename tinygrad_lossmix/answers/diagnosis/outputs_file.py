"""Outputs, labels and a loss in an .npz file, as `np.savez(path, outputs=…, labels=…, loss=…)`."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

Array = Any
REQUIRED = ("outputs", "labels")
OPTIONAL = ("loss", "accuracy")


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
    for name in OPTIONAL:
        if name in found and found[name].size != 1:
            raise ValueError(f"{name} is one number, not an array of shape {found[name].shape}")
    return {
        name: value if name in REQUIRED else value.reshape(())[()] for name, value in found.items()
    }
