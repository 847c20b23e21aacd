"""The text of a module as the functions that it defines.

>>> [double] = executed("def double(x):\\n    return two * x\\n", {"two": 2}, ["double"])
>>> double(21)
42
"""

from __future__ import annotations

import builtins
import itertools
import linecache
import weakref
from collections.abc import Iterable
from typing import Any

_count = itertools.count(1)


def executed(source: str, given: dict[str, Any], names: Iterable[str]) -> list[Any]:
    """Functions of a text, by name; while the first lives, tracebacks and pdb find its lines."""
    filename = f"<compiled {next(_count)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    space = dict(given)
    exec(builtins.compile(source, filename, "exec"), space)
    functions = [space.pop(name) for name in names]
    weakref.finalize(functions[0], linecache.cache.pop, filename, None)
    return functions
