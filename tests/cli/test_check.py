"""`lossmix check` as a user sees it."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tinygrad_lossmix.cli import main

MODULE = """
import numpy as np


def right(x, w):
    return np.tanh(x @ w)


def squares(x):
    return (x**2).sum()


wrong = (squares, lambda x: -2 * x)
by_hand = (squares, lambda x: 2 * x)
number = 3


def broken(x):
    raise RuntimeError("never mind")


def leaving(x):
    raise SystemExit


def skipped(x):
    raise BaseException("neither an Exception nor an exit")


leaves_in_its_gradient = (squares, leaving)


def of_classes(z, y):
    return -z[np.arange(len(z)), y].mean()


of_classes_as_a_pair = (of_classes, lambda z, y: (z, y))
"""


def check(*args: str) -> Result:
    return CliRunner().invoke(main, ["check", *args])


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "losses_of_mine.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "not_python.py").write_text("def", encoding="utf-8")
    (tmp_path / "a_script.py").write_text("import sys\nsys.exit(0)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "losses_of_mine", raising=False)
    return "losses_of_mine"


@pytest.mark.parametrize("pair", [("softmax", "ll"), ("sigmoid", "quadratic"), ("softmax", "ce")])
def test_a_mix_passes_as_one_node_and_as_a_graph(pair: tuple[str, str]) -> None:
    result = check(*pair)
    assert result.exit_code == 0
    assert result.stdout.count("gradcheck passed") == 2
    assert "one node" in result.stdout


def test_a_function_of_several_arguments(module: str) -> None:
    result = check(f"{module}:right", "--input", "3x4", "--input", "4x2", "--order", "2")
    assert result.exit_code == 0
    assert "20 entries" in result.stdout


def test_a_pair_and_a_scalar(module: str) -> None:
    assert check(f"{module}:by_hand", "--input", "4").exit_code == 0
    assert check(f"{module}:by_hand", "--input", "scalar", "--method", "complex").exit_code == 0


def test_a_wrong_gradient_exits_1_and_says_why(module: str) -> None:
    result = check(f"{module}:wrong", "--input", "4")
    assert result.exit_code == 1
    assert "FAILED" in result.stdout
    assert "the sign" in result.stdout


def test_json_is_one_object(module: str) -> None:
    result = check(f"{module}:wrong", "--input", "2x2", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["passed"], found["inputs"]) == (False, [[2, 2]])
    assert found["checks"][0]["mismatches"]
    assert [c["passed"] for c in json.loads(check("softmax", "ll", "--json").stdout)["checks"]] == [
        True,
        True,
    ]


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["softmax"],
        ["softmax", "no-such-cost"],
        ["softmax", "ll", "ce"],
        ["softmax", "ll", "--input", "3", "--input", "3"],
        ["softmax", "ll", "--input", "scalar"],
        ["softmax", "ll", "--input", "3y4"],
        ["softmax", "ll", "--input", "-3"],
        ["softmax", "ll", "--input", "0"],
        ["softmax", "ll", "--input", "99999999x99999999"],
        ["softmax", "ll", "--order", "3"],
        ["softmax", "ll", "--method", "guess"],
        ["softmax", "ll", "--seed", "-1"],
        ["losses_of_mine:right"],
        ["losses_of_mine:missing", "--input", "3"],
        ["losses_of_mine:number", "--input", "3"],
        ["losses_of_mine:broken", "--input", "3"],
        ["losses_of_mine:right", "--input", "3", "--input", "4"],
        ["losses_of_mine:", "--input", "3"],
        [":right", "--input", "3"],
        ["no_such_module:f", "--input", "3"],
        ["not_python:f", "--input", "3"],
        ["a_script:f", "--input", "3"],
        ["losses_of_mine:leaving", "--input", "3"],
        ["losses_of_mine:leaves_in_its_gradient", "--input", "3"],
        ["losses_of_mine:skipped", "--input", "3"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2_with_one_error(args: list[str], module: str) -> None:
    result = check(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("Error: ") >= 1
    assert "Traceback" not in result.stderr


def test_an_exit_is_named_and_an_interrupt_is_one(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    said = check(f"{module}:leaving", "--input", "3").stderr
    assert "leaving: SystemExit (it calls sys.exit" in said
    monkeypatch.setattr("tinygrad_lossmix.cli.check.gradcheck", interrupted)
    assert check(f"{module}:right", "--input", "3").exit_code == 130


def test_many_entries_are_announced_with_what_takes_less_time(monkeypatch) -> None:
    monkeypatch.setattr("tinygrad_lossmix.cli.check.MANY", 5)
    said = "6 entries one by one: --mode project, by directions, takes less time\n"
    assert CliRunner().invoke(main, ["check", "softmax", "ll"]).stderr == ""
    full = CliRunner().invoke(main, ["check", "softmax", "ll", "--input", "2x3"])
    project = CliRunner().invoke(
        main, ["check", "softmax", "ll", "--input", "2x3", "--mode", "project"]
    )
    assert (full.exit_code, full.stderr, project.stderr) == (0, said, "")


def test_labels_among_the_inputs_are_said_to_be_random_numbers(module: str) -> None:
    for name in ("of_classes", "of_classes_as_a_pair"):
        said = check(f"{module}:{name}", "--input", "2x3", "--input", "2").stderr
        assert said.count("Error: ") == 2
        assert ": inputs and labels are real numbers here, never classes: multiply by" in said
