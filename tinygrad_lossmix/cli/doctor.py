"""`lossmix doctor`: what is installed, which extras are complete, and what would complete the rest.

>>> [part.package for part in parts() if part.extra == "prove"]
['sympy']
"""

from __future__ import annotations

import platform
import re
from importlib import metadata
from typing import Any, NamedTuple

import click
from rich.table import Table

from tinygrad_lossmix import __version__
from tinygrad_lossmix.cli.options import json_option
from tinygrad_lossmix.cli.stdout import printed, show
from tinygrad_lossmix.views.drawing import ADVICE, renderer

DISTRIBUTION = "tinygrad_lossmix"
COLLECTIONS = {"all", "dev"}  # extras made of others, or for those who change the package


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


class Part(NamedTuple):
    """A package that this one asks for."""

    package: str
    extra: str  # "" for what is always needed
    version: str | None  # None: not installed

    @property
    def advice(self) -> str:
        """What installs it; '' for what came with the package."""
        return f'pip install "{DISTRIBUTION}[{self.extra}]"' if self.extra else ""


def parts() -> list[Part]:
    """Everything that the package asks for; nothing where it was not installed by a tool."""
    try:
        wanted = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return []
    found = []
    for line in wanted:
        package = re.match(r"[\w.-]+", line)
        extra = re.search(r"extra == ['\"](\w+)['\"]", line)
        name = extra[1] if extra else ""
        if package and package[0].replace("-", "_") != DISTRIBUTION and name not in COLLECTIONS:
            found.append(Part(package[0], name, version(package[0])))
    return found


def version(package: str) -> str | None:
    """The version of an installed package; None: it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
