"""What compare and report share: whose data; where the tasks are made: here, by processes of this
machine, on a Dask cluster; how far they are.
"""

import asyncio
import functools
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tinygrad_lossmix.cli.output import Refused, refusing
from tinygrad_lossmix.installation import needing
from tinygrad_lossmix.lab.tasks import TaskError

ONE_THREAD = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], "1")
data_option = click.option(
    "--data",
    "path",
    type=click.Path(path_type=Path),
    help="CSV with the class, a number or a name, in the last column, or .npz with X and y.  "
    "[default: digits]",
)


def executor_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options --workers and --scheduler of a command, which gets the executor, or None."""

    @click.option("--workers", type=click.IntRange(1, 1000), help="Processes that share the runs.")
    @click.option("--scheduler", metavar="ADDRESS", help="A Dask cluster: tcp://host:8786.")
    @functools.wraps(function)
    def command(workers: int | None, scheduler: str | None, **options: Any) -> Any:
        if workers and scheduler is not None:
            raise click.UsageError("--workers or --scheduler: one of them")
        chosen = local(workers) if scheduler is None else cluster(scheduler)
        with refusing(TaskError), chosen as executor:
            return function(executor=executor, **options)

    return command


@contextmanager
def local(workers: int | None) -> Iterator[Executor | None]:
    """Processes with one thread of BLAS each, which end with this whatever they are doing."""
    if not workers:
        yield None
        return
    os.environ.update(ONE_THREAD)
    pool = ProcessPoolExecutor(workers, get_context("spawn"), follow)
    try:
        yield pool
    finally:
        manager: Any = pool._executor_manager_thread
        pool.shutdown(wait=False, cancel_futures=True)
        for child in active_children():
            child.terminate()
        if manager:  # otherwise Python, at its exit, may write to a pipe that this one closes
            manager.join()


def follow() -> None:
    """A worker leaves Ctrl-C to the process that began it, and ends when that one is no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    begun_by: Any = parent_process()
    threading.Thread(target=lambda: os._exit(begun_by.join() or 1), daemon=True).start()


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """A Dask cluster, by its client."""
    with refusing(ImportError), needing("cluster", "a Dask cluster needs distributed"):
        from distributed import Client, Security
        from distributed.comm.core import connect
    silent = "asyncio", "distributed", "distributed.client", "distributed.gc", "tornado.application"
    for name in silent:  # of a lost cluster one sentence is said
        logging.getLogger(name).setLevel(logging.CRITICAL)
    secured = Security().get_connection_args("client")
    try:  # a client waits for ever for the greeting of what is no scheduler
        asyncio.run(asyncio.wait_for(connect(address, **secured), 5)).abort()
        client = Client(address, timeout=5)
    except (OSError, ValueError) as error:
        why = str(error) or "nothing there answers like a scheduler"
        raise Refused(f"--scheduler {address}: {why}") from error
    with client:
        yield client.get_executor()


@contextmanager
def progress(total: float) -> Iterator[Callable[..., None]]:
    """Gives what to call: `tell(advance=1, description="softmax ll")`; seen on a terminal."""
    stderr = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    stderr.quiet = not stderr.is_terminal
    with Progress(
        *columns, console=stderr, disable=stderr.quiet, transient=True, speed_estimate_period=3600
    ) as bar:
        yield partial(bar.update, bar.add_task("", total=total))
