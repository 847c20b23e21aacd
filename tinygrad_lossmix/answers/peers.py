"""Other libraries' values for the same logits and labels, in a process of their own.

Importing one of them takes seconds and a lot of memory; here all that are installed start at once,
and none stays behind. As a program it takes the name of a library and expressions, and prints their
values as one JSON object.
"""

import importlib
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.outputs import sigmoid, softmax

MODULES = {
    "torch": ("torch",),
    "keras": ("keras",),
    "sklearn": ("sklearn.metrics", "sklearn.utils.extmath", "scipy.special"),
}
SECONDS = 120


def example() -> dict[str, Any]:
    """What the expressions are about: logits z, sigmoids s, softmax p, labels y or classes k."""
    z = np.array([[2.0, 1.0, 0.0], [-1.0, 0.5, 3.0], [0.25, -2.0, 1.5], [0.0, 0.0, -4.0]])
    k = np.array([0, 2, 1, 0])
    return {"z": z, "s": sigmoid(z), "p": softmax(z), "k": k, "y": np.eye(3)[k], "n": 4, "K": 3}


def installed(library: str) -> bool:
    """Whether the library can be found; nothing is imported."""
    return find_spec(library) is not None


def values(wanted: Mapping[str, Sequence[str]]) -> dict[str, list[Array] | str]:
    """The values of expressions, or why there are none, for each library named.

    Args:
        wanted: for "torch", "keras" or "sklearn" the expressions to compute with it.
    """
    found = [*filter(installed, wanted)]
    with ThreadPoolExecutor() as pool:
        given = [*pool.map(lambda library: _computed(library, wanted[library]), found)]
    return dict.fromkeys(wanted, "not installed") | dict(zip(found, given, strict=True))


def _computed(library: str, expressions: Sequence[str]) -> list[Array] | str:
    """By this file as a program, with the same package and libraries in its path."""
    here = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([here, *filter(None, sys.path)])
    command = [sys.executable, "-m", __spec__.name, library, *expressions]
    options: Any = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    try:
        ended = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": path}, timeout=SECONDS, **options
        )
    except subprocess.TimeoutExpired:
        return f"installed, but it took more than {SECONDS} s"
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
        return f"installed, but it failed: {last}"
    return [np.array(value) for value in json.loads(ended.stdout.splitlines()[-1])]


def _evaluate(library: str, expressions: Sequence[str]) -> list[Any]:
    """The values of expressions of the table of names, as lists and numbers."""
    known: dict[str, Any] = {library: importlib.import_module(library)}
    for module in MODULES[library]:
        importlib.import_module(module)
        root = module.partition(".")[0]
        known[root] = sys.modules[root]
    convert = known["torch"].tensor if library == "torch" else np.array
    known |= {
        name: convert(value) if isinstance(value, np.ndarray) else value
        for name, value in example().items()
    }
    values = (eval(expression, known) for expression in expressions)
    numbers = (v.detach().cpu() if hasattr(v, "detach") else v for v in values)
    return [np.asarray(number, dtype=float).tolist() for number in numbers]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(_evaluate(sys.argv[1], sys.argv[2:])))
