"""`lossmix compare` on processes and on a Dask cluster: one table, whatever ends on the way."""

import contextlib
import json
import logging
import multiprocessing
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import tinygrad_lossmix
from tinygrad_lossmix.cli import main
from tinygrad_lossmix.cli.runs import local

STUDY = ["--data", "points.csv", "--hidden", "3", "--mixes", "softmax ll,sigmoid ce"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(tinygrad_lossmix.__file__).parents[1])}
HEEDING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
RUN = "import runpy; runpy.run_module('tinygrad_lossmix', run_name='__main__', alter_sys=True)"
on_linux = pytest.mark.skipif(
    not Path("/proc").exists(), reason="it looks at processes as Linux has them"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in, with a small data file."""
    monkeypatch.chdir(tmp_path)
    y = np.arange(300) % 3
    x = np.eye(3)[y][:, :2] * 5 + np.random.default_rng(0).normal(size=(300, 2))
    np.savetxt("points.csv", np.column_stack([x, y]), delimiter=",")
    return tmp_path


@contextlib.contextmanager
def started(*words: str) -> Iterator[Any]:
    """A process of Python, which is no more afterwards."""
    with subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def compare(*args: str) -> Any:
    """The command, in a process of its own that heeds Ctrl-C."""
    return started("-c", HEEDING + RUN, "compare", *STUDY, *args)


def result(*args: str) -> str:
    """The results of a study that nothing disturbs."""
    with compare(*args, "--json") as process:
        stdout, stderr = process.communicate(timeout=300)
    assert (process.returncode, stderr.count("Error")) == (0, 0), stderr
    return stdout


def lines() -> list[str]:
    """The tasks in the journal."""
    journal = Path("out") / "results.jsonl"
    found = []
    for line in journal.read_bytes().splitlines() if journal.exists() else []:
        with contextlib.suppress(ValueError):
            found.append(json.loads(line)["task"])
    return found


def further(process: Any, known: int) -> bool:
    """Whether there are more of them, or will not be."""
    return process.poll() is not None or len(lines()) > known


def until(happened: Any, seconds: float = 60.0) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """The processes that a process has begun, without the one that tidies up after them."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    found = path.read_text().split() if path.exists() else []
    return [
        int(n) for n in found if "resource_tracker" not in Path(f"/proc/{n}/cmdline").read_text()
    ]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended, but was not waited for, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize(
    "address",
    [
        *["", " ", "nonsense", "tcp://", "http://127.0.0.1:1", "inproc://", "tcp://no.invalid:1"],
        *["tcp://127.0.0.1:x", "tcp://127.0.0.1:1", "tcp://127.0.0.1:-1", "tcp://\0:1", "silent"],
    ],
)
def test_a_scheduler_that_is_not_there_is_one_error_within_seconds(address: str) -> None:
    pytest.importorskip("distributed")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        if address == "silent":
            address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        begun = time.monotonic()
        found = CliRunner().invoke(main, ["compare", *STUDY, "--scheduler", address])
    assert (found.exit_code, found.stdout) == (2, "")
    assert found.stderr.startswith(f"Error: --scheduler {address.strip()}"[:20])
    assert found.stderr.count("\n") == 1
    assert time.monotonic() - begun < 20


@pytest.mark.slow
def test_workers_make_the_same_table() -> None:
    args = ["--seeds", "3", "--epochs", "2"]
    assert result(*args, "--workers", "2") == result(*args)


def test_workers_have_ended_when_the_command_ends() -> None:
    before, begun = threading.enumerate(), time.monotonic()
    with local(2) as pool:
        assert pool
        assert pool.submit(abs, -1).result() == 1
        for future in [pool.submit(time.sleep, 100) for _ in range(9)]:
            future.cancel()
    assert [thread for thread in threading.enumerate() if thread not in before] == []
    assert multiprocessing.active_children() == []
    assert time.monotonic() - begun < 50


@pytest.mark.slow
def test_a_cluster_says_nothing_of_its_own() -> None:
    pytest.importorskip("distributed")
    CliRunner().invoke(main, ["compare", *STUDY, "--scheduler", "tcp://127.0.0.1:1"])
    rooms = ("asyncio", "distributed", "tornado")
    names = [name for name in logging.root.manager.loggerDict if name.startswith(rooms)]
    assert len(names) > 9
    assert not any(logging.getLogger(name).isEnabledFor(logging.ERROR) for name in names)


@on_linux
@pytest.mark.slow
def test_ctrl_c_ends_the_workers_and_keeps_what_is_finished() -> None:
    args = ["--epochs", "20", "--seeds", "200", "--workers", "2", "--out", "out"]
    with compare(*args) as process:
        until(lambda: len(lines()) > 3)
        workers = children(process.pid)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    words = r"interrupted: (\d+) of 400 runs finished; the same command goes on"
    shown = int(re.findall(words, stderr)[0])
    assert len(lines()) - shown in (0, 1)  # it may come between the journal and the table
    assert stderr.count("\n") == 2  # and what was written
    assert "softmax ll" in stdout
    until(lambda: not any(map(alive, workers)))


@on_linux
@pytest.mark.slow
def test_a_worker_that_is_killed_is_one_sentence_and_nothing_is_lost() -> None:
    args = ["--epochs", "100", "--seeds", "10", "--out", "out"]
    with compare(*args, "--workers", "2") as process:
        until(lambda: len(lines()) > 3)
        os.kill(children(process.pid)[-1], signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (2, "")
    assert stderr.startswith("Error: a worker was lost: ")
    assert stderr.count("\n") == 1
    kept = lines()
    assert result(*args, "--workers", "2") == result(*args[:-2])
    assert lines()[: len(kept)] == kept


@on_linux
@pytest.mark.slow
def test_thirty_kills_lose_nothing_and_repeat_nothing() -> None:
    draw = random.Random(16)
    args = ["--epochs", "60", "--seeds", "100", "--out", "out"]
    killed, kept = 0, lines()
    for i in range(30):
        with compare(*args, *["--workers", "2"] * (i % 4 == 1)) as process:
            if i % 3:
                until(partial(further, process, len(kept)))
            time.sleep(draw.uniform(0.0, 0.2 if i % 3 else 1.0))
            workers = children(process.pid)
            process.kill()
            killed += process.wait() == -signal.SIGKILL
        until(lambda workers=workers: not any(map(alive, workers)))
        kept, before = lines(), kept
        assert kept[: len(before)] == before
    assert killed >= 25
    assert 0 < len(kept) < 200
    table = result(*args, "--workers", "2")
    assert len(lines()) == len(set(lines())) == 200
    assert table == result(*args[:-2])


def listens(port: int) -> bool:
    """Whether something here takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def cluster() -> Iterator[tuple[list[str], Any, Any]]:
    """What asks for a Dask cluster, its scheduler, and the first of its two workers."""
    pytest.importorskip("distributed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    dask = ["-m", "distributed.cli.dask_"]
    quiet = ["--no-dashboard"]
    where = ["--host", "127.0.0.1", "--port", str(port)]
    address = f"tcp://127.0.0.1:{port}"
    worker = [dask[0], dask[1] + "worker", address, "--nthreads", "1", "--no-nanny"]
    with (
        started(dask[0], dask[1] + "scheduler", *where, *quiet) as scheduler,
        started(*worker, *quiet) as first,
        started(*worker, *quiet),
    ):
        until(partial(listens, port))
        yield ["--scheduler", address, "--out", "out"], scheduler, first


@on_linux
@pytest.mark.slow
def test_a_scheduler_that_is_killed_is_one_sentence() -> None:
    args = ["--epochs", "20", "--seeds", "30"]
    with cluster() as (on, scheduler, _), compare(*args, *on) as process:
        until(lambda: len(lines()) > 3)
        scheduler.kill()
        stdout, stderr = process.communicate(timeout=100)
    assert (process.returncode, stdout) == (2, "")
    assert stderr.startswith("Error: a worker was lost: ")
    assert stderr.count("\n") == 1


@on_linux
@pytest.mark.slow
def test_a_cluster_completes_though_one_of_its_workers_is_killed() -> None:
    args = ["--epochs", "20", "--seeds", "30"]
    with cluster() as (on, _, first):
        with compare(*args, *on, "--json") as process:
            until(lambda: len(lines()) > 3)
            first.kill()
            at_kill = len(lines())
            stdout, stderr = process.communicate(timeout=300)
        assert process.returncode == 0, stderr
        assert at_kill < 60 == len(set(lines()))
    assert stdout == result(*args)
