"""What is installed beside the package: which extras are complete, and what would complete them.

>>> [part.package for part in parts() if part.extra == "prove"]
['sympy']
"""

from __future__ import annotations

import re
from importlib import metadata
from typing import NamedTuple

DISTRIBUTION = "tinygrad_lossmix"
COLLECTIONS = {"all", "dev"}  # extras made of others, or for those who change the package


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
