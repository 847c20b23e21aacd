"""How often a reader who follows one argument through the calls of the package changes file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, NamedTuple

PACKAGE = "/tinygrad_lossmix/"
DEPTH = 4  # of what an object may hold the argument in


class Hops(NamedTuple):
    """The files on the way, one after the other."""

    files: tuple[str, ...]

    @property
    def changes(self) -> int:
        """How often the file changes."""
        return len(self.files) - 1

    @property
    def returns(self) -> int:
        """How often it changes to one that was seen before."""
        return len(self.files) - len(set(self.files))


def hops(argument: Any, call: Callable[[], Any]) -> Hops:
    """The way of an argument, such as f in gradcheck(f, x), through what a call does with it.

    Of all Python calls in the package those count that can see the argument: it is among the
    function's own or enclosing variables, by itself or held by an object or a function of the
    package. Each call of one function from another is followed once, in the order of their first
    time, and what is called is read through at the first visit: into the file of the function
    called, through its own calls, back to that of the caller. Import before, so that no module
    runs meanwhile.
    """
    below: dict[CodeType | None, dict[CodeType, None]] = {None: {}}

    def watch(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or PACKAGE not in code.co_filename:
            return
        if not any(_holds(value, argument, DEPTH) for value in frame.f_locals.values()):
            return
        above = frame.f_back
        while above is not None and above.f_code not in below:
            above = above.f_back
        below[above and above.f_code].setdefault(code)
        below.setdefault(code, {})

    sys.setprofile(watch)
    try:
        call()
    finally:
        sys.setprofile(None)
    files: list[str] = []
    read: set[CodeType] = set()

    def stand(code: CodeType) -> None:
        file = code.co_filename.rpartition(PACKAGE)[2]
        if files[-1:] != [file]:
            files.append(file)

    def follow(code: CodeType) -> None:
        stand(code)
        for each in () if code in read else below[code]:
            read.add(code)
            follow(each)
            stand(code)

    for code in below[None]:
        follow(code)
    return Hops(tuple(files))


def _holds(value: Any, argument: Any, depth: int) -> bool:
    if value is argument:
        return True
    ours = (getattr(value, "__module__", None) or "").startswith("tinygrad_lossmix")
    if type(value).__name__ == "Tensor" or not depth:
        return False
    if type(value) in (list, tuple) or (ours and isinstance(value, tuple)):
        parts = list(value[:20])
    elif ours and callable(value) and getattr(value, "__closure__", None):
        parts = [cell.cell_contents for cell in value.__closure__ if _filled(cell)]
    elif ours:
        slots = getattr(type(value), "__slots__", ())
        parts = [*vars(value).values()] if hasattr(value, "__dict__") else []
        parts += [getattr(value, name, None) for name in slots]
    else:
        return False
    return any(_holds(part, argument, depth - 1) for part in parts)


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 (raises where nothing is in it)
    except ValueError:
        return False
    return True
