"""Rows shared among threads: the same bits whatever the number, no more than are allowed."""

import os
import threading

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.compiler.compile import compile as compiled
from tinygrad_lossmix.compiler.loops import statements, threads
from tinygrad_lossmix.compiler.loops.threads import allowed, by_blocks, rows_of


def several(count, monkeypatch):
    monkeypatch.setattr(threads, "allowed", lambda: count)


def test_any_number_of_threads_gives_the_same_bits(monkeypatch):
    def loops(x, shift, out, work, total, factor):
        work[: len(x)] = x[:, 0] * factor
        out[:] = x + shift
        total[0] += work[: len(x)].sum()
        names.add(threading.current_thread().name)
        if len(x) and factor == 2.0 and len(names) < count:
            barrier.wait()  # until as many threads are at work
        return total[0] + 1.0

    x = np.exp(np.cos(np.arange(700.0))).reshape(100, 7)
    found = []
    for count in (1, 2, 3):
        several(count, monkeypatch)
        names, barrier = set(), threading.Barrier(1)
        out, work = np.zeros_like(x), np.zeros(100)
        given = (x, np.ones(7), out, work)
        value = by_blocks(loops, (100, 9), given, [True, False, True, None], 1, (2.0,))
        np.testing.assert_array_equal(out, x + 1.0)
        np.testing.assert_allclose(value, 2.0 * x[:, 0].sum() + 1.0)
        assert not work.any()
        assert len(names) <= count
        found.append(value)
    assert len(set(found)) == 1


def test_what_a_thread_raises_is_raised(monkeypatch):
    def loops(x, total):
        if len(x):
            raise ValueError("in a block")

    for count in (1, 3):
        several(count, monkeypatch)
        with pytest.raises(ValueError, match="in a block"):
            by_blocks(loops, (6, 2), (np.ones((6, 2)),), [True], 1, ())


def test_a_block_has_at_least_a_row_and_depends_on_shapes_alone():
    assert rows_of((100, 2**21)) == 1
    assert rows_of((4096, 1000)) == 524
    assert rows_of((2**20, 2, 4)) == 2**16


def test_the_environment_and_the_processors_limit_the_threads(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 5, 6}, raising=False)
    for name, value, expected in [
        ("OMP_NUM_THREADS", "", 4),
        ("OMP_NUM_THREADS", "3", 3),
        ("NUMBA_NUM_THREADS", "1", 1),
        ("OMP_NUM_THREADS", "9", 4),
        ("OMP_NUM_THREADS", "4,2", 4),
        ("NUMBA_NUM_THREADS", "0", 1),
    ]:
        for each in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
            monkeypatch.delenv(each, raising=False)
        monkeypatch.setenv(name, value)
        assert allowed() == expected
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert allowed() == 1


@pytest.mark.slow
@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_machine_code_gives_the_same_bits(mix, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(statements, "BLOCK", 2**10)
    monkeypatch.setattr(threads, "BLOCK", 2**10)
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(300, 50)), rng.integers(0, 50, 300)
    g = compiled(mix.cost, backend="numba")
    value, gradient = g(z, y)
    assert "by_blocks" in g.source
    for count in (1, 2, 3) * 20:
        several(count, monkeypatch)
        again, slopes = g(z, y)
        assert again == value
        np.testing.assert_array_equal(slopes, gradient)
