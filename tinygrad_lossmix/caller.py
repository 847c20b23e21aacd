"""The code of the user's that called us: where it is, and its variables.

>>> x = 3.0
>>> variables()["x"]
3.0
"""

import importlib
import inspect
import sys
from os.path import dirname, join
from types import FrameType
from typing import Any

import numpy as np

INSIDE = join(dirname(__file__), ""), join(dirname(np.__file__), "")
IMPORTING = "<", importlib.__file__  # what runs a module


def frame() -> FrameType:
    """The nearest frame that is neither ours nor NumPy's; the outermost if there is none."""
    found = sys._getframe(1)
    while found.f_code.co_filename.startswith(INSIDE) and found.f_back is not None:
        found = found.f_back
    return found


def line() -> tuple[str, int]:
    """The file, and the number of the line that is carried out there."""
    found = frame()
    return found.f_code.co_filename, found.f_lineno


def passed(error: BaseException) -> list[tuple[str, int]]:
    """The user's lines that an error has come through, the one that it was raised in last."""
    from traceback import walk_tb  # only what fails waits for it

    found = [(at.f_code.co_filename, line) for at, line in walk_tb(error.__traceback__)]
    return [each for each in found if not each[0].startswith((*IMPORTING, *INSIDE))]


def variables() -> dict[str, Any]:
    """Local variables, then those of the module, as pdb knows them there."""
    found = frame()
    here = found.f_locals
    known = {**here, **found.f_globals, **here}
    copied = found.f_code.co_flags & inspect.CO_OPTIMIZED and isinstance(here, dict)
    if copied and sys.getrefcount(here) == 3:  # the frame's, ours, the question's: nobody else's
        here.clear()  # Python 3.11 and 3.12 would keep all of it until the user's function ends
    return known
