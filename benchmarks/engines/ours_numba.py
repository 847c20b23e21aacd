"""This engine, compiled by `lm.compile` to loops for numba."""

from engines import Engine
from engines.ours import compiled, compiled_classes

ENGINES = (Engine("lossmix, compiled numba", compiled("numba"), classes=compiled_classes("numba")),)
