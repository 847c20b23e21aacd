"""Tasks of a study: made here or by any executor, kept in a journal as soon as they are finished.

What you can do here: `completed(calls, executor, journal)` gives what each call gives: the same
bits, whatever made them, in whichever order they end, and however often they were interrupted.
"""

import contextlib
import hashlib
import io
import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lossmix.installation import DISTRIBUTION, version

NO_NUMBERS = [{"float": name} for name in ("NaN", "Infinity", "-Infinity")]  # as they are written


class TaskError(RuntimeError):
    """A task that cannot be sent, or a worker that was lost."""


def completed(
    calls: Sequence[Callable[..., Any]],
    executor: Executor | None = None,
    journal: str | Path | None = None,
    told: tuple[Any, ...] = (),
) -> Iterator[tuple[int, Any]]:
    """The place of each call and what it gives, in the order in which they end.

    Args:
        calls: for processes and journals each a `functools.partial` of a module's function; what
            it gives arrives as JSON has it, arrays as lists, dataclasses as dicts, every bit.
        executor: makes them; without it they are made here, in their order.
        journal: a file with a line for each that is finished: it is not made again. A line that
            a kill has cut is as none.
        told: more arguments for those that are made here, such as who is told of progress.

    Raises:
        TaskError: a call cannot be sent, or a worker was lost.
        OSError: the journal cannot be written to.

    >>> list(completed([lambda: {"x": 0.1}, lambda: (1, 2)]))
    [(0, {'x': 0.1}), (1, [1, 2])]
    """
    known = finished(Path(journal)) if journal else {}
    names = [identity(call) if journal else "" for call in calls]
    yield from ((i, known[name]) for i, name in enumerate(names) if name in known)
    waiting = [(i, calls[i]) for i, name in enumerate(names) if name not in known]
    here = ((i, answer(call, *told)) for i, call in waiting)
    for i, text in here if executor is None else elsewhere(executor, waiting):
        if journal:
            append(Path(journal), f'{{"task": "{names[i]}", "result": {text}}}\n'.encode())
        yield i, given(text)


def answer(call: Callable[..., Any], *told: Any) -> str:
    """What a call gives, as JSON: the same text, wherever it is written.

    JSON has no number for NaN and infinity: they are as in `NO_NUMBERS`.
    """
    other = lambda x: x.tolist() if hasattr(x, "tolist") else getattr(x, "__dict__", str(x))
    found = json.loads(
        json.dumps(call(*told), default=other), parse_constant=lambda name: {"float": name}
    )
    return json.dumps(found, allow_nan=False)


def given(text: str | bytes) -> Any:
    """What an answer, or a line with one in it, says."""
    return json.loads(text, object_hook=lambda x: float(x["float"]) if x in NO_NUMBERS else x)


def elsewhere(executor: Executor, waiting: Sequence[tuple[int, Any]]) -> Iterator[tuple[int, str]]:
    """The answers as they come; as soon as one is an error, no other call is begun."""
    futures = {}
    try:
        for i, call in waiting:
            futures[executor.submit(answer, call)] = i, call
        for future in as_completed(futures):
            i, call = futures[future]
            yield i, future.result()
    except (BrokenExecutor, CancelledError) as error:
        why = "killed, out of memory, or unable to import what it was sent"
        raise TaskError(f"a worker was lost: {why}") from error
    except (pickle.PicklingError, AttributeError, TypeError):
        identity(call)  # says so if it cannot be sent
        raise
    finally:
        for future in futures:
            future.cancel()


def finished(journal: Path) -> dict[str, Any]:
    """What each task in a journal gave, by its identity."""
    journal.touch()
    found = {}
    for line in journal.read_bytes().splitlines():
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            entry = given(line)
            found[entry["task"]] = entry["result"]
    return found


def append(journal: Path, line: bytes) -> None:
    """A line of its own, on disk on return: one write, which no other process can come into."""
    with journal.open("a+b") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
        cut = file.read() not in (b"", b"\n")
        file.write(b"\n" * cut + line)
        file.flush()
        os.fsync(file.fileno())


def identity(call: Any) -> str:
    """A digest of a call, the files that its functions are from, and what runs them."""
    paths: set[str] = set()

    class Sent(pickle.Pickler):
        def reducer_override(self, value: Any) -> Any:
            module = sys.modules.get(getattr(value, "__module__", None) or "")
            if path := getattr(module, "__file__", None):
                paths.add(path)
            elif module is sys.modules["__main__"]:
                raise ValueError("another function may get its name")
            return NotImplemented

    try:
        Sent(content := io.BytesIO()).dump((call, np.__version__, version(DISTRIBUTION)))
    except Exception as error:
        raise TaskError(
            "a function of your own can be sent to a process, or known again in a journal, only "
            "from the top of a module: not a lambda, nor one inside a function or from a prompt"
        ) from error
    files = [Path(path).read_bytes() for path in sorted(paths)]
    return hashlib.sha256(b"".join([content.getvalue(), *files])).hexdigest()
