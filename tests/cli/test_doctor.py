"""`lossmix doctor` as a user sees it."""

import json
import platform
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import tinygrad_lossmix as lm
from tinygrad_lossmix import installation
from tinygrad_lossmix.cli import main


def doctor(*args):
    result = CliRunner().invoke(main, ["doctor", *args])
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


@pytest.fixture
def nothing_draws(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


def test_versions_are_those_that_run():
    found = json.loads(doctor("--json"))
    assert found["version"] == lm.__version__
    assert found["python"] == platform.python_version()
    versions = {part["package"]: part["version"] for part in found["packages"]}
    assert versions["numpy"] == np.__version__


def test_what_draws_is_what_draw_uses(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert json.loads(doctor("--json"))["renderer"] == "pygraphviz"
    drawing = lm.draw(lm.Tensor(1.0) * 2.0)
    drawing.svg()
    assert drawing.renderer == "pygraphviz"


def test_without_a_renderer_it_says_what_to_install(nothing_draws):
    assert json.loads(doctor("--json"))["renderer"] is None
    assert 'pip install "tinygrad_lossmix[draw]"' in doctor()


def test_a_missing_extra_comes_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(installation, "version", lambda package: None)
    found = {part["package"]: part for part in json.loads(doctor("--json"))["packages"]}
    assert found["sympy"]["version"] is None
    assert found["sympy"]["install"] == 'pip install "tinygrad_lossmix[prove]"'
    line = next(line for line in doctor().splitlines() if line.startswith("sympy"))
    assert line.split() == ["sympy", "for", "prove", "missing", *found["sympy"]["install"].split()]


def test_a_folder_that_was_not_installed_says_so(monkeypatch):
    monkeypatch.setattr(installation, "DISTRIBUTION", "no-such-distribution")
    assert "not installed: python -m pip install ." in doctor()
