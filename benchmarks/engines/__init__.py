"""Everything that is measured, one file for each library, behind one small interface.

A file has `ENGINES`, a tuple of `Engine`. `build(case)` prepares what is constant (labels, inputs
of a network, in the library's own arrays) and returns `step(*case.inputs)`, which is timed: NumPy
arrays in, (a number, NumPy arrays in a tuple) out, conversions included, for everybody alike.
`classes(case)` does so for labels that are integers. `scalar(f)` is the same for a function of one
number, in the library's operators. Where an implementation cannot do a case it raises, and is
reported instead of timed.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple


class Engine(NamedTuple):
    name: str
    build: Callable | None = None  # None: it has scalars only
    scalar: Callable | None = None
    classes: Callable | None = None  # as build, where labels are integers; None: not measured
    traced: bool = False  # tracemalloc sees all of its memory
    slow_to_build: bool = False  # a second or more for each case
    library: str = ""  # filled in when it is loaded


FILES = {  # file: the library it needs
    "byhand": "numpy",
    "ours": "tinygrad_lossmix",
    "ours_numba": "numba",
    "hips": "autograd",
    "my_grad": "mygrad",
    "pytorch": "torch",
    "google_jax": "jax",
    "tiny": "tinygrad",
    "micro": "micrograd",
}


def load(wanted=lambda library: True):
    """(engines by name, libraries left out with the reason)."""
    found, absent = {}, {}
    for file, library in FILES.items():
        if not wanted(library):
            continue
        if find_spec(library) is None:
            absent[library] = "not installed"
            continue
        try:
            module = import_module(f"engines.{file}")
        except Exception as error:  # whatever keeps a peer from being imported
            absent[library] = reason(error)
            continue
        found |= {engine.name: engine._replace(library=library) for engine in module.ENGINES}
    return found, absent


def reason(error):
    """An exception in one short line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:120]}" if lines else type(error).__name__
