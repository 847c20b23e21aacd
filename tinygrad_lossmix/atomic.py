"""Writing a file as a whole: at any time it holds either the old content or the new one."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Replace a file, or leave it as it was; a device or a pipe is written to.

    Raises:
        OSError: it cannot be written.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
