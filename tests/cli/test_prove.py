"""`lossmix prove` as a user sees it."""

import json
import sys

import pytest
from click.testing import CliRunner, Result

from tinygrad_lossmix.cli import main
from tinygrad_lossmix.proof.proof import prove as proof_of


def prove(*args: str) -> Result:
    return CliRunner().invoke(main, ["prove", *args])


def test_every_number_of_classes_is_the_default() -> None:
    result = prove("softmax", "ll")
    assert (result.exit_code, result.stdout) == (0, f"{proof_of('softmax', 'll', 'all')}\n")


def test_three_classes_can_be_asked_for() -> None:
    result = prove("softmax", "ll", "--classes", "3")
    assert (result.exit_code, result.stdout) == (0, f"{proof_of('softmax', 'll', 3)}\n")


def test_a_mix_that_does_not_give_a_minus_y_is_answered_as_well() -> None:
    result = prove("softmax", "cross-entropy", "--classes", "2")
    assert result.exit_code == 0
    assert "It is exactly 2(a - y) where y0 + y1 = 1." in result.stdout


def test_latex_is_printed_alone() -> None:
    result = prove("sigmoid", "ll", "--classes", "2", "--latex")
    assert result.stdout == f"{proof_of('sigmoid', 'll', 2).latex}\n"


def test_json_is_one_object_with_exact_numbers_as_text() -> None:
    (mix,) = json.loads(prove("sigmoid", "ll", "--classes", "2", "--json").stdout)["mixes"]
    assert (mix["output"], mix["cost"], mix["classes"]) == ("sigmoid", "ll", 2)
    assert (mix["holds"], mix["condition"]) == (False, "y0 = 1, y1 = 1")
    assert mix["delta"] == ["-y0*(1 - a0)", "-y1*(1 - a1)"]
    assert mix["multiple"] is None
    assert mix["ignores_wrong_classes"]
    assert mix["counterexample"] == {
        "z": ["0", "0"],
        "y": ["1", "0"],
        "delta": ["-1/2", "0"],
        "a_minus_y": ["-1/2", "1/2"],
    }
    (right,) = json.loads(prove("softmax", "ll", "--classes", "3", "--json").stdout)["mixes"]
    assert (right["holds"], right["counterexample"]) == (True, None)
    (twice,) = json.loads(prove("softmax", "ce", "--classes", "2", "--json").stdout)["mixes"]
    assert twice["multiple"] == "2"


def test_without_sympy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tinygrad_lossmix.proof.proof", None)
    result = prove("softmax", "ll")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("Error: ") == 1
