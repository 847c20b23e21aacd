"""What the package asks for, read from its own metadata."""

import ast
import re
import tomllib
from pathlib import Path

from tinygrad_lossmix import installation

ROOT = Path(__file__).parent.parent


def test_what_is_asked_for_is_read_with_the_extra_that_brings_it(monkeypatch):
    lines = [
        "numpy>=2",
        "pygraphviz>=2.0.4; (sys_platform != 'win32' or platform_machine != 'ARM64') and "
        "extra == 'draw'",
        'mpmath>=1.3; extra == "verify"',
        "tinygrad-lossmix[draw,verify]; extra == 'all'",
        "pytest>=8; extra == 'dev'",
    ]
    monkeypatch.setattr("importlib.metadata.requires", lambda package: lines)
    found = {(part.extra, part.package) for part in installation.parts()}
    assert found == {("", "numpy"), ("draw", "pygraphviz"), ("verify", "mpmath")}


def test_what_is_required_is_here():
    needed = [part for part in installation.parts() if not part.extra]
    assert {part.package for part in needed} == {"numpy", "graphviz", "click", "rich"}
    assert all(part.version and not part.advice for part in needed)


def test_every_extra_is_used():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    asked = {
        re.match(r"[\w-]+", line)[0]
        for extra in extras.keys() - installation.COLLECTIONS
        for line in extras[extra]
    }
    imported = {"scipy"}  # Numba's linear algebra needs it
    for folder in ("tinygrad_lossmix", "demos"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text("utf-8")
            if not any(name in text for name in asked):
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    imported.add((node.module or "").partition(".")[0])
    assert asked <= imported
    collected = {
        name for line in extras["all"] for name in re.search(r"\[(.*)\]", line)[1].split(",")
    }
    assert collected == extras.keys() - installation.COLLECTIONS


def test_a_package_that_is_not_there_has_no_version():
    assert installation.version("no-such-distribution") is None
