"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil

import pytest

import tinygrad_lossmix
from tests.helpers import once

MODULES = ["tinygrad_lossmix"] + [
    module.name
    for module in pkgutil.walk_packages(tinygrad_lossmix.__path__, "tinygrad_lossmix.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    once.in_commands(monkeypatch)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_many_examples():
    finder = doctest.DocTestFinder()
    found = [t for name in MODULES for t in finder.find(importlib.import_module(name))]
    assert sum(bool(test.examples) for test in found) > 50
