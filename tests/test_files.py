"""A file is replaced as a whole, or left as it was."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tinygrad_lossmix.files import arrays, write


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write(path, b"old")

    def full(handle: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write(path, b"new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    write(path, b"new")
    assert os.read(reader, 10) == b"new"
    assert path.is_fifo()
    os.close(reader)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
def test_a_full_device_is_an_error_and_stays_a_device() -> None:
    with pytest.raises(OSError, match="No space"):
        write(Path("/dev/full"), b"x" * 100)
    assert Path("/dev/full").is_char_device()


BODIES = [bytes([65 + i]) * 200_000 for i in range(4)]


def rewrite(path: Path, body: bytes, trouble: list[BaseException]) -> None:
    try:
        for _ in range(25):
            write(path, body)
            assert path.read_bytes() in BODIES
    except BaseException as error:
        trouble.append(error)


def test_threads_that_write_one_file_do_not_mix_their_contents(tmp_path: Path) -> None:
    trouble: list[BaseException] = []
    path = tmp_path / "file"
    threads = [threading.Thread(target=rewrite, args=(path, body, trouble)) for body in BODIES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trouble == []
    assert path.read_bytes() in BODIES
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_processes_of_one_number_on_one_folder_do_not_mix_their_contents(tmp_path: Path) -> None:
    path = tmp_path / "file"
    code = (
        "import os, pathlib, sys; os.getpid = lambda: 1\n"  # as in two containers
        "from tinygrad_lossmix.files import write\n"
        "path, letter = pathlib.Path(sys.argv[1]), sys.argv[2].encode()\n"
        "for _ in range(50):\n"
        "    write(path, letter * 200_000)\n"
        "    found = path.read_bytes()\n"
        "    assert len(found) == 200_000 and len(set(found)) == 1\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, path, letter]) for letter in "AB"]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="permissions are other ones there")
def test_permissions_are_those_of_the_old_file_or_of_the_umask(tmp_path: Path) -> None:
    private, new = tmp_path / "private", tmp_path / "new"
    private.write_bytes(b"old")
    private.chmod(0o600)
    before = os.umask(0o027)
    try:
        write(private, b"new")
        write(new, b"new")
    finally:
        os.umask(before)
    assert (private.read_bytes(), private.stat().st_mode & 0o777) == (b"new", 0o600)
    assert new.stat().st_mode & 0o777 == 0o640


def test_a_name_as_long_as_a_file_system_allows_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    write(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_link_is_replaced_and_what_it_led_to_is_left(tmp_path: Path) -> None:
    path, target = tmp_path / "link", tmp_path / "target"
    target.write_bytes(b"old")
    path.symlink_to(target)
    write(path, b"new")
    assert (path.read_bytes(), target.read_bytes()) == (b"new", b"old")
    assert not path.is_symlink()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="Is a directory"):
        write(tmp_path, b"new")


def test_arrays_are_found_by_name_and_what_is_optional_may_be_missing(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=[1.0], z=[2.0])
    assert arrays(tmp_path / "a.npz", "X", optional=("y", "z")) == {"X": [1.0], "z": [2.0]}
    way = r"no array named y, it holds X, z: save with np\.savez\(path, X=\.\.\., y=\.\.\.\)"
    with pytest.raises(ValueError, match=way):
        arrays(tmp_path / "a.npz", "X", "y")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no such device here")
def test_a_device_that_never_ends_is_not_read() -> None:
    with pytest.raises(ValueError, match=r"^a device, not an \.npz file: save one by np\.savez$"):
        arrays("/dev/full", "X")
