"""Writing a file as a whole: it holds the old content or the new one; reading arrays from one."""

import errno
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lossmix.printing import shorten

DAMAGED = zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, MemoryError, struct.error


def write(path: Path, content: bytes) -> None:
    """Replace a file, or leave it as it was; a device or a pipe is written to.

    Several writers do not disturb each other: the last one's content stays. The permissions are
    those of the file that is replaced; of a new one, what the umask leaves.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    temporary = path.with_name(f".lossmix-{os.urandom(8).hex()}")
    try:
        with temporary.open("xb") as file:  # x: never one that another writer has opened
            if path.exists():
                temporary.chmod(path.stat().st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def arrays(path: str | Path, *names: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Those of an .npz file with these names, ValueError without; nothing is unpickled."""
    every = *names, *optional
    if Path(path).is_char_device():  # one may never end
        raise ValueError("a device, not an .npz file: save one by np.savez")
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as file:
            found, held = {x: file[x] for x in every if x in file.files}, ", ".join(file.files)
    except (*DAMAGED, ValueError) as error:
        words = "damaged, truncated or not an .npz file: save it again by np.savez"
        if "pickle" in str(error):
            words = "it holds pickled objects, which are never loaded: save arrays of numbers"
        raise ValueError(words) from None
    if missing := [name for name in names if name not in found]:
        lacks, holds = " and none named ".join(missing), shorten(held or "nothing", 200)
        way = f"save with np.savez(path, {', '.join(f'{name}=...' for name in every)})"
        raise ValueError(f"no array named {lacks}, it holds {holds}: {way}")
    return found
