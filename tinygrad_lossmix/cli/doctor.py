"""`lossmix doctor`: what is installed, and what would complete the extras."""

import platform
from typing import Any

import click
from rich.table import Table

from tinygrad_lossmix import __version__
from tinygrad_lossmix.cli.options import json_option, show
from tinygrad_lossmix.cli.stdout import printed
from tinygrad_lossmix.installation import parts
from tinygrad_lossmix.views.drawing import ADVICE, renderer


@click.command
@json_option
def command(as_json: bool) -> None:
    """What is installed, and what to install for the rest: versions, renderer, extras."""
    found = {
        "version": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "renderer": renderer(),
        "packages": [
            {**part._asdict(), "install": None if part.version else part.advice} for part in parts()
        ],
    }
    show(as_json, found, report(found))


def report(found: dict[str, Any]) -> str:
    """A line for each package, those that are missing with what installs them."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row("tinygrad_lossmix", "", found["version"], "")
    table.add_row("Python", "", found["python"], found["platform"])
    drawn = found["renderer"]
    table.add_row("pictures", "", drawn or "no renderer", "" if drawn else ADVICE)
    for part in found["packages"]:
        extra = f"for {part['extra']}" if part["extra"] else "required"
        table.add_row(part["package"], extra, part["version"] or "missing", part["install"] or "")
    if not found["packages"]:
        table.add_row("packages", "", "unknown", "not installed: python -m pip install .")
    return printed(table)
