"""Loops over rows, run on blocks of them by as many threads as may run.

What a block is depends on shapes alone, and what blocks add up is added in their order: the same
bits, whatever the number of threads.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array

BLOCK = 2**19  # numbers: ¼ ms, ten times what a thread costs


def rows_of(shape: tuple[int, ...]) -> int:
    """In a block."""
    return max(1, BLOCK * shape[0] // int(np.prod(shape)))


def by_blocks(
    loops: Callable[..., Any],
    rows: tuple[int, int],
    arrays: Sequence[Array],
    cut: Sequence[bool | None],
    sums: int,
    numbers: Sequence[float],
) -> Any:
    """What loops of arrays, of sums that they add to, and of numbers return of all rows.

    Args:
        rows: how many there are, and in a block.
        cut: of each array, whether blocks have their rows of it; None: one row to work in.
        sums: how many.
    """
    count, step = rows
    totals = np.zeros((-(-count // step), sums))

    def run(start: int, end: int, total: Array) -> Any:
        given = [
            x[start:end] if mine else np.empty_like(x) if mine is None else x
            for x, mine in zip(arrays, cut, strict=True)
        ]
        return loops(*given, total, *numbers)

    waiting = iter(range(len(totals)))

    def work() -> None:
        for i in waiting:
            run(i * step, (i + 1) * step, totals[i])

    helpers = min(allowed(), len(totals)) - 1
    with ThreadPoolExecutor(helpers) if helpers else nullcontext() as pool:
        others = [pool.submit(work) for _ in range(helpers)] if pool else []
        work()
        for each in others:
            each.result()  # raises what it did
    return run(0, 0, np.add.accumulate(totals)[-1])


def allowed() -> int:
    """How many threads may run: as many as this process has processors, OpenMP or numba threads."""
    own = getattr(os, "sched_getaffinity", None)
    given = [os.environ.get(name, "") for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")]
    limits = [int(x) for x in given if x.isdecimal()]
    return max(1, min([len(own(0)) if own else os.cpu_count() or 1, *limits]))
