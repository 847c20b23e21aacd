"""This engine, compiled by `lm.compile` to loops for numba."""

from engines import Engine
from engines.ours import compiled

ENGINES = (Engine("lossmix, compiled numba", compiled("numba")),)
