"""How a command ends: exit codes, and the errors with which it exits with 2.

Wrong usage is click's UsageError, which shows the usage; what cannot be done although it was asked
for as it should be is Refused.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

INTERRUPTED = 130
PIPE_CLOSED = 141


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
