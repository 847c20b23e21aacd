"""W7: whole processes that import one library, in turn with ones that import NumPy."""

import importlib.util
import subprocess
import sys
from time import perf_counter

from timing import spread

LIBRARIES = (
    "tinygrad_lossmix",
    "micrograd.engine",
    "autograd",
    "mygrad",
    "tinygrad",
    "jax",
    "torch",
)


def process(library):
    """Seconds from start to end of a process."""
    start = perf_counter()
    subprocess.run([sys.executable, "-c", f"import {library}"], check=True, capture_output=True)
    return perf_counter() - start


def measure(libraries, rounds):
    """One record for each of the libraries that is installed."""
    rows = []
    for library in libraries:
        if importlib.util.find_spec(library.partition(".")[0]) is None:
            continue
        print(f"W7 import {library}", file=sys.stderr)
        process(library)  # its files are in the system's cache now
        pairs = [(process("numpy"), process(library)) for _ in range(rounds)]
        low, median, high = spread([theirs / numpy for numpy, theirs in pairs])
        rows.append(
            {
                "library": library,
                "median": median,
                "quartiles": [low, high],
                "ms": spread([theirs for _, theirs in pairs])[1] * 1e3,
                "numpy_ms": spread([numpy for numpy, _ in pairs])[1] * 1e3,
            }
        )
    return rows
