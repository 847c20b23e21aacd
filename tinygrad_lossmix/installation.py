"""What the package asks for, in which extra, and what of it is installed.

>>> [part.package for part in parts() if part.extra == "prove"]
['sympy']
>>> install("prove")
'pip install "tinygrad_lossmix[prove]"'
"""

import contextlib
import re
from collections.abc import Iterator
from typing import NamedTuple

DISTRIBUTION = "tinygrad_lossmix"
COLLECTIONS = {"all", "dev", "test"}  # extras made of others, or for those who change the package


class Part(NamedTuple):
    """A package that this one asks for."""

    package: str
    extra: str  # "" for what is always needed
    version: str | None  # None: not installed

    @property
    def advice(self) -> str:
        """What installs it; '' for what came with the package."""
        return install(self.extra) if self.extra else ""


def install(extra: str) -> str:
    """The command that installs an extra."""
    return f'pip install "{DISTRIBUTION}[{extra}]"'


@contextlib.contextmanager
def needing(extra: str, what: str) -> Iterator[None]:
    """Around the import of an optional package that an extra brings, for what needs it in words:
    the ImportError names the extra.
    """
    try:
        yield
    except ImportError as error:
        raise ImportError(f"{what}: {install(extra)}") from error


def parts() -> list[Part]:
    """Everything that the package asks for; nothing where it was not installed by a tool."""
    from importlib import metadata  # as slow to import as many a package

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
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
