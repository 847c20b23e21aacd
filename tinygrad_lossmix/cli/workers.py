"""Where the tasks of a study are made: here, by processes of this machine, on a Dask cluster."""

import functools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from multiprocessing import active_children, get_context, parent_process
from typing import Any

import click

from tinygrad_lossmix.cli.exits import refusing
from tinygrad_lossmix.installation import needing
from tinygrad_lossmix.lab.tasks import TaskError

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def executor_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options --workers and --scheduler of a command, which gets the executor that they ask for."""

    @click.option(
        "--workers",
        type=click.IntRange(1, 1000),
        help="Processes that share the runs, one thread each.",
    )
    @click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="A Dask cluster that shares the runs: tcp://host:8786.",
    )
    @functools.wraps(function)
    def command(workers: int | None, scheduler: str | None, **options: Any) -> Any:
        if workers and scheduler:
            raise click.UsageError("--workers are processes here, --scheduler is a cluster: one")
        with refusing(TaskError), executor_of(workers, scheduler) as executor:
            return function(executor=executor, **options)

    return command


def executor_of(workers: int | None, scheduler: str | None) -> AbstractContextManager[Any]:
    """What was asked for; None: nothing was, the tasks are made here."""
    if scheduler is not None:
        return cluster(scheduler)
    return local(workers) if workers else nullcontext()


@contextmanager
def local(workers: int) -> Iterator[Executor]:
    """Processes with one thread of BLAS each; whatever they are doing at the end, they end."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    pool = ProcessPoolExecutor(workers, get_context("spawn"), follow)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in active_children():
            child.terminate()


def follow() -> None:
    """A worker leaves Ctrl-C to the process that began it, and ends with it, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end() -> None:
        if parent := parent_process():
            parent.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """A Dask cluster, by its client."""
    with refusing(ImportError), needing("cluster", "a Dask cluster needs distributed"):
        from distributed import Client
    with refusing(OSError, ValueError, about=f"--scheduler {address}: "):
        client = Client(address, timeout=5)
    with client:
        yield client.get_executor()
