"""A user's code, named at the shell: found, heard, blamed."""

import json
import sys

import pytest
from click.testing import CliRunner

from tinygrad_lossmix.cli import main
from tinygrad_lossmix.cli.options import users_function

LAYER = "def talking(z):\n    print('hello')\n    return 2.0 * z\nprint('imported')\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    inside = tmp_path / "here"
    inside.mkdir()
    (inside / "v1.0").mkdir()
    ours = dict.fromkeys(["layer_a", "dotted.v1", "v1.0/layer"], LAYER)
    for name, text in {**ours, "broken_a": "def f(z:", "needing_a": "import none_"}.items():
        (inside / f"{name}.py").write_text(text)
    (tmp_path / "beside_a.py").write_text(LAYER)
    for name in ("layer_a", "beside_a", "dotted.v1", "v1.0.layer"):
        sys.modules.pop(name, None)
    users_function.cache_clear()
    monkeypatch.chdir(inside)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return lambda *words: CliRunner().invoke(main, words)


@pytest.mark.parametrize(
    "file",
    [
        *("layer_a.py", "./layer_a.py", "./layer_a", "../here/layer_a.py"),
        *("../beside_a.py", "{}/beside_a.py"),
        *("dotted.v1.py", "{}/here/dotted.v1.py", "v1.0/layer.py"),
    ],
)
def test_a_file_is_found_however_its_path_is_typed(run, tmp_path, file):
    result = run("match", "output", f"{file.format(tmp_path)}:talking")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("talking, 3 classes")


@pytest.mark.parametrize(
    "words",
    [
        ["match", "output", "layer_a:talking"],
        ["delta", "layer_a:talking", "quadratic"],
        ["check", "layer_a:talking", "quadratic"],
        ["step", "layer_a:talking", "--input", "scalar", "--batch", "-c", "next"],
    ],
)
def test_what_it_prints_is_no_part_of_the_answer(run, words):
    result = run(*words, "--json")
    assert json.loads(result.stdout)
    assert result.stderr.splitlines() == ["imported", "hello"]


LATE = """
calls = []
def late(z):
    calls.append(z)
    print("call", len(calls))
    if len(calls) == 4:
        raise ValueError("late")
    return 2.0 * z
"""


def test_what_it_prints_before_it_fails_is_heard(run, tmp_path):
    (tmp_path / "here" / "late_a.py").write_text(LATE)
    result = run("match", "output", "late_a:late")
    assert result.stderr.splitlines()[:2] == ["call 1", "call 4"]


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("broken_a:f", "SyntaxError: '(' was never closed (broken_a.py, line 1)\n"),
        ("missing_a:f", "ModuleNotFoundError: No module named 'missing_a'\n"),
        ("needing_a:f", "No module named 'none_' (needing_a.py:1)\n"),
    ],
)
def test_an_error_names_a_line_only_of_the_users(run, name, end):
    assert run("match", "output", name).stderr.endswith(end)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("none_a.py", "Error: cannot import 'none_a', there is no file none_a.py: ModuleNotFound"),
        ("./none_a", "Error: cannot import 'none_a', there is no file ./none_a: ModuleNotFound"),
        ("folder_a.py", "Error: cannot import 'folder_a', there is no file folder_a.py: ModuleNot"),
        ("random.py", "Error: random.py: another module is called random: rename the file\n"),
        ("./time.py", "Error: ./time.py: another module is called time: rename the file\n"),
    ],
)
def test_a_file_that_is_not_the_one_imported_is_told(run, tmp_path, file, said):
    for name in ("random.py", "time.py"):
        (tmp_path / "here" / name).write_text(LAYER)
    (tmp_path / "here" / "folder_a.py").mkdir()
    result = run("match", "output", f"{file}:talking")
    assert result.exit_code == 2
    assert result.stderr.startswith(said)


def test_a_module_is_not_the_file_of_its_bare_name(run, tmp_path):
    (tmp_path / "here" / "layer_a").write_text("")
    assert run("match", "output", "layer_a:talking").exit_code == 0


def test_no_name_becomes_a_picture(run, tmp_path):
    text = "def leaves(x):\n    return (x * x).sum()\n"
    (tmp_path / "here" / "heart_a.py").write_text(text)
    result = run("check", "heart_a:leaves", "--input", "3")
    assert result.stdout.startswith("heart_a:leaves: gradcheck passed")
