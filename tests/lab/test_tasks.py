"""Tasks on executors, and the journal that keeps them."""

import importlib
import json
import os
import pickle
import random
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.threads import in_threads
from tinygrad_lossmix.lab.data import Data
from tinygrad_lossmix.lab.studies import compare
from tinygrad_lossmix.lab.tasks import TaskError, append, completed
from tinygrad_lossmix.lab.training import Settings
from tinygrad_lossmix.mixes.mix import MIXES, Mix

FAST = Settings(seeds=2, epochs=2, hidden=4)
made: list[int] = []


def mean_square(a: Any, y: Any) -> Any:
    return ((a - y) ** 2).sum() / max(1, a.size // a.shape[-1])


def third(n: int) -> float:
    made.append(n)
    return n / 3


THIRDS = [partial(third, n) for n in range(4)]
KNOWN = list(enumerate([0.0, 1 / 3, 2 / 3, 1.0]))


class Elsewhere(Executor):
    """Sends what a process would be sent, and ends with the first task that it got."""

    def __init__(self, tasks: int = 4) -> None:
        self.tasks = tasks
        self.waiting: list[tuple[Future[Any], bytes]] = []

    def submit(self, function: Any, /, *args: Any, **_: Any) -> Any:
        self.waiting.append((Future(), pickle.dumps((function, args))))
        if len(self.waiting) == self.tasks:
            for future, sent in reversed(self.waiting):
                call, given = pickle.loads(sent)
                future.set_result(pickle.loads(pickle.dumps(call(*given))))
        return self.waiting[-1][0]


def processes() -> Executor:
    return ProcessPoolExecutor(2, get_context("spawn"))


@pytest.mark.parametrize(
    "executor",
    [partial(ThreadPoolExecutor, 2), Elsewhere, pytest.param(processes, marks=pytest.mark.slow)],
)
def test_results_are_the_same_bits_whatever_makes_them(
    executor: Callable[[], Executor], blobs: Data
) -> None:
    mixes = [MIXES[4], Mix("softmax", mean_square)]
    with executor() as where:
        found = compare(iter(mixes), blobs, FAST, where)
    assert repr(found) == repr(compare(mixes, blobs, FAST))
    assert [result.mix for result in found] == mixes


def test_a_run_that_diverged_comes_back_as_it_was(blobs: Data, tmp_path: Path) -> None:
    wild = replace(FAST, eta=1e308, dtype="float32")
    found = [compare(MIXES[:2], blobs, wild, journal=tmp_path / "j") for _ in range(2)]
    assert any(run.diverged for result in found[0] for run in result.runs)
    assert repr(found[0]) == repr(found[1]) == repr(compare(MIXES[:2], blobs, wild))
    journal = (tmp_path / "j").read_text()
    assert '{"float": "NaN"}' in journal
    for line in journal.splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_every_float_arrives_with_its_bits(patterns: list[int]) -> None:
    floats = np.array(patterns, dtype=np.uint64).view(np.float64)
    [(_, found)] = completed([lambda: {"array": floats, "tuple": (*floats.tolist(),)}])
    expected = [*map(repr, floats.tolist())]
    assert [*map(repr, found["array"])] == [*map(repr, found["tuple"])] == expected


def test_what_is_finished_is_kept_whatever_ends_the_rest(tmp_path: Path) -> None:
    made.clear()
    journal = tmp_path / "results.jsonl"
    until = completed(THIRDS, journal=journal)
    assert [next(until), next(until)] == KNOWN[:2]
    until.close()
    with pytest.raises(ZeroDivisionError):
        list(completed([THIRDS[0], partial(divmod, 1, 0), THIRDS[3]], journal=journal))
    assert sorted(completed(THIRDS, Elsewhere(2), journal)) == KNOWN
    assert list(completed(THIRDS, journal=journal)) == KNOWN
    assert sorted(made) == [0, 1, 2, 3]


def test_a_line_that_was_cut_anywhere_is_none(tmp_path: Path) -> None:
    journal = tmp_path / "results.jsonl"
    list(completed(THIRDS, journal=journal))
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    for end in len(whole) - np.array([1, 2, 30, len(lines[3]) - 1, len(lines[3])]):
        journal.write_bytes(whole[:end])
        assert list(completed(THIRDS, journal=journal)) == KNOWN
        assert list(completed(THIRDS, journal=journal)) == KNOWN
        kept = journal.read_bytes().splitlines(keepends=True)
        assert kept[:3] == lines[:3]
        assert (kept[3:] == [lines[3].rstrip()]) == (end == len(whole) - 1)  # nothing was missing
        assert kept[-1].rstrip() == lines[3].rstrip()
        assert len(kept) <= 5


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", "7", '{"task": []}', "\0", "[" * 10**5, '"\\ud800"']
)
def test_a_damaged_line_is_as_none(line: str, tmp_path: Path) -> None:
    journal = tmp_path / "results.jsonl"
    list(completed(THIRDS[:1], journal=journal))
    with journal.open("a") as file:
        file.write(f"{line}\n")
    assert list(completed(THIRDS, journal=journal)) == KNOWN
    assert f"{line}\n" in journal.read_text()


@pytest.mark.parametrize("other", ["eta", "data", "seeds"])
def test_runs_of_other_settings_and_data_are_left_alone(
    other: str, blobs: Data, tmp_path: Path
) -> None:
    journal = tmp_path / "results.jsonl"
    data, settings = blobs, FAST
    if other == "data":
        data = replace(blobs, x=blobs.x + np.eye(60, 2) * 1e-12)
    else:
        settings = replace(FAST, **{other: 1})
    compare(MIXES[:1], blobs, FAST, journal=journal)
    before = journal.read_text()
    assert repr(compare(MIXES[:1], data, settings, journal=journal)) == repr(
        compare(MIXES[:1], data, settings)
    )
    after = journal.read_text()
    assert after.startswith(before)
    assert after.count("\n") == (2 if other == "seeds" else 2 + settings.seeds)


def test_a_function_is_another_one_once_its_file_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blobs: Data
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    costs = []
    for factor in ("1.0", "2.0"):
        text = f"def cost_of_task(a, y):\n    return {factor} * ((a - y) ** 2).sum(-1).mean()\n"
        (tmp_path / "module_of_task.py").write_text(text)
        monkeypatch.delitem(sys.modules, "module_of_task", raising=False)
        importlib.invalidate_caches()
        monkeypatch.setattr("sys.dont_write_bytecode", True)
        cost = importlib.import_module("module_of_task").cost_of_task
        [result] = compare([Mix("softmax", cost)], blobs, FAST, journal=tmp_path / "j")
        costs.append(result.runs[0].curve[0].cost)
    assert costs[0] != costs[1]


def test_lines_of_several_writers_do_not_mix(tmp_path: Path) -> None:
    lines = [bytes([65 + i]) * 20_000 + b"\n" for i in range(6)]
    left = lines * 5
    random.Random(0).shuffle(left)
    in_threads(6, lambda: [append(tmp_path / "j", left.pop()) for _ in range(5)])
    found = (tmp_path / "j").read_bytes().splitlines(keepends=True)
    assert sorted(line for line in found if line.strip()) == sorted(lines * 5)


@pytest.mark.parametrize("where", ["journal", pytest.param("processes", marks=pytest.mark.slow)])
def test_a_function_that_cannot_be_sent_is_one_sentence(
    where: str, blobs: Data, tmp_path: Path
) -> None:
    mix = Mix(lambda z: z, "quadratic")
    with processes() as pool:
        how = {"journal": tmp_path / "j"} if where == "journal" else {"executor": pool}
        with pytest.raises(TaskError, match="not a lambda"):
            compare([mix], blobs, FAST, **how)


@pytest.mark.slow
def test_a_worker_that_is_lost_is_one_sentence(tmp_path: Path) -> None:
    with processes() as pool, pytest.raises(TaskError, match="a worker was lost: killed"):
        list(completed([*THIRDS, partial(os._exit, 1)], pool, tmp_path / "j"))


def test_a_journal_that_cannot_be_written_stops_before_anything_is_made(tmp_path: Path) -> None:
    made.clear()
    with pytest.raises(OSError, match="nowhere"):
        list(completed(THIRDS, journal=tmp_path / "nowhere" / "j"))
    assert not made
