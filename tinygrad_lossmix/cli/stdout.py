"""What commands print on stdout: tables as wide as the terminal, 100 columns where there is none;
or one JSON object.
"""

from __future__ import annotations

import os
from typing import Any

import click
from rich.console import Console, RenderableType

from tinygrad_lossmix.records import to_json

WIDTH = 100  # of what goes into a file or a pipe


def show(as_json: bool, record: Any, text: Any) -> None:
    """An answer, as one JSON object or as text."""
    click.echo(to_json(record) if as_json else f"{text}\n", nl=False)


def console() -> Console:
    """Where everything is printed as it stands: no markup in text that came from a user."""
    out = Console(markup=False, highlight=False)
    if not out.is_terminal and "COLUMNS" not in os.environ:
        out.width = WIDTH
    return out


def printed(*parts: RenderableType) -> str:
    """The text of these, one below the other, no blanks at the end of a line."""
    out = console()
    with out.capture() as text:
        for part in parts:
            out.print(part)
    return "\n".join(line.rstrip() for line in text.get().splitlines())
