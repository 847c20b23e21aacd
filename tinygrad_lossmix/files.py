"""Writing a file as a whole: at any time it holds either the old content or the new one."""

import errno
import os
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Replace a file, or leave it as it was; a device or a pipe is written to.

    Several writers do not disturb each other: the last one's content stays. The permissions are
    those of the file that is replaced; of a new one, what the umask leaves.

    Raises:
        OSError: it cannot be written.
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
