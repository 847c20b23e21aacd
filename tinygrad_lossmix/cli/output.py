"""What a command says: its answer on stdout, or why there is none.

Wrong usage is click's UsageError, which shows the usage; what cannot be done although it was asked
for as it should be is Refused. Both exit with 2.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinygrad_lossmix.caller import INSIDE
from tinygrad_lossmix.printing import clean, line_of_code
from tinygrad_lossmix.records import to_json

if TYPE_CHECKING:
    from rich.console import RenderableType

INTERRUPTED = 130
PIPE_CLOSED = 141
WIDTH = 100  # of what goes into a file or a pipe


def show(as_json: bool, record: Any, text: Any) -> None:
    """Print an answer, as one JSON object or as text."""
    click.echo(to_json(record) if as_json else f"{text}\n", nl=False)


def printed(*parts: RenderableType) -> str:
    """The text of these, one below the other, as wide as the terminal, no blanks at its ends.

    Everything stands as it is: there is no markup in text that came from a user.
    """
    from rich.console import Console  # not all commands print tables

    out = Console(markup=False, highlight=False, emoji=False)
    if not out.is_terminal and "COLUMNS" not in os.environ:
        out.width = WIDTH
    with out.capture() as text:
        for part in parts:
            out.print(part)
    return "\n".join(line.rstrip() for line in text.get().splitlines())


def warning(message: Any, category: Any, filename: str, lineno: int, line: Any = None) -> str:
    """A warning of Python's as one line, with the line of a user's that it is about.

    What overflows inside is seen in the results.
    """
    if category is RuntimeWarning and filename.startswith(INSIDE):
        return ""
    where = "" if filename.startswith(INSIDE) else f" ({line_of_code(filename, lineno)})"
    return clean(f"Warning: {message}{where}") + "\n"


warnings.formatwarning = warning  # in the processes of --workers too


class Refused(click.ClickException):
    """What was asked for cannot be done: one line, exit code 2."""

    exit_code = 2


@contextlib.contextmanager
def usage(option: str = "", path: Path | None = None) -> Iterator[None]:
    """A value that is refused, or a file that cannot be written, is wrong usage of an option."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(f"{option} {error}".strip()) from None
    except OSError as error:
        raise click.UsageError(f"{option} {path}: cannot be written: {error.strerror}") from None


@contextlib.contextmanager
def refusing(*errors: type[Exception], about: str = "") -> Iterator[None]:
    """These errors end the command, with what it was about before them."""
    try:
        yield
    except errors as error:
        raise Refused(f"{about}{getattr(error, 'strerror', None) or error}") from error
