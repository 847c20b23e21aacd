"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil

import pytest

import tinygrad_lossmix
from tinygrad_lossmix.engine.table import COMPOSED, PLAIN, TABLE

MODULES = ["tinygrad_lossmix"] + [
    module.name
    for module in pkgutil.walk_packages(tinygrad_lossmix.__path__, "tinygrad_lossmix.")
    if not module.name.endswith("__main__")
]


@pytest.fixture
def tables():
    """Examples may add rows; other tests shall not see them."""
    kept = [(table, table.copy()) for table in (TABLE, COMPOSED, PLAIN)]
    yield
    for table, before in kept:
        table.clear()
        table.update(before)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tables, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_many_examples():
    finder = doctest.DocTestFinder()
    found = [t for name in MODULES for t in finder.find(importlib.import_module(name))]
    assert sum(bool(test.examples) for test in found) > 50
