"""A user's code, named on the command line: imported, called, and what it raises."""

import importlib
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from operator import attrgetter
from pathlib import Path
from types import FrameType
from typing import Any

from tinygrad_lossmix.caller import INSIDE, passed
from tinygrad_lossmix.cli.output import Refused
from tinygrad_lossmix.compiler.ir.trace import NumbersAsked
from tinygrad_lossmix.mixes.own import no_index
from tinygrad_lossmix.printing import line_of_code


def imported(name: str) -> Any:
    """`module:function` or `folder/file.py:object.function`, from the working directory too."""
    (typed, _, path), folder = name.partition(":"), Path.cwd()
    module, file, lacking, parts = typed, Path(typed).resolve(), "", tuple[str, ...]()
    if module.endswith(".py") or Path(module).name != module:
        lacking = "" if file.is_file() else f", there is no file {typed}"
        folder = folder if file.is_relative_to(folder) else file.parent
        parts = file.relative_to(folder).with_suffix("").parts
        module = ".".join(parts)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    with users_code(f"cannot import {module!r}{lacking}"):
        if "." in "".join(parts):  # to an import what is before it were a package
            spec: Any = spec_from_file_location(module, file.with_suffix(".py"))
            sys.modules[module] = found = module_from_spec(spec)
            spec.loader.exec_module(found)
        else:
            found = importlib.import_module(module)
        its = Path(getattr(found, "__file__", None) or "").resolve()
        if module != typed and file.is_file() and its != file:
            raise Refused(f"{typed}: another module is called {module}: rename the file")
        try:
            return attrgetter(path)(found)
        except AttributeError:
            raise Refused(f"{module!r} has no {path!r}") from None


def outcome(function: Callable[..., Any], *args: Any) -> tuple[Any, dict[str, Any]]:
    """What a function returns, and the variables that it knew in the end."""
    known: dict[str, Any] = {}

    def profile(frame: FrameType, event: str, _: Any) -> None:
        nonlocal known
        if event == "return" and not frame.f_code.co_filename.startswith(INSIDE):
            here = frame.f_locals
            known = {**here, **frame.f_globals, **here}  # the outermost function returns last

    before = sys.getprofile()
    if not (before is None or callable(before)):  # cProfile's, which cannot be put back
        return function(*args), known
    sys.setprofile(profile)
    try:
        return function(*args), known
    finally:
        sys.setprofile(before)


@contextmanager
def users_code(what: str, kept: io.StringIO | None = None) -> Iterator[None]:
    """Around a user's code: whatever it raises, or leaves Python by, becomes one error; what it
    prints goes to stderr, or is kept until it raises. What cannot be compiled may yet be run.
    """
    try:
        with redirect_stdout(kept or sys.stderr):
            yield
    except (KeyboardInterrupt, Refused, NumbersAsked):
        raise
    except BaseException as error:
        sys.stderr.write(kept.getvalue() if kept else "")
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        if isinstance(error, SystemExit):
            said += " (it calls sys.exit, or leaves Python otherwise)"
        said += no_index(said)
        where = [line_of_code(*place) for place in passed(error)[-1:]]
        notes = ", ".join(where + getattr(error, "__notes__", []))
        raise Refused(f"{what}: {said}" + (f" ({notes})" if notes else "")) from error
