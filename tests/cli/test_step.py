"""`lossmix step` as a user sees it."""

import json
import re

import pytest
from click.testing import CliRunner

import tinygrad_lossmix as lm
from tests.helpers.prompt import on_one_line
from tinygrad_lossmix.cli import main


def step(*args, typed=None):
    return CliRunner().invoke(main, ["step", *args], input=typed)


def test_a_batch_carries_out_its_commands_and_prints():
    result = step("softmax", "ll", "--z", "-1,2,0", "--y", "1", "--batch", "-c", "next;;end;;delta")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.findall(r"^\[\d/\d\]", result.stdout, re.MULTILINE) == ["[1/8]", "[8/8]"]
    assert "equal, max difference" in result.stdout.splitlines()[-1]


def test_without_a_mix_it_is_softmax_ll():
    bare = step("--batch", "-c", "end;;delta;;where")
    assert bare.exit_code == 0
    assert bare.stdout == step("softmax", "ll", "--batch", "-c", "end;;delta;;where").stdout


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_every_mix_is_walked_to_its_delta(mix):
    result = step(mix.output, mix.cost_name, "--batch", "-c", "end;;delta;;where")
    assert result.exit_code == 0
    matched = (mix.output, mix.cost_name) in {("sigmoid", "ce"), ("softmax", "ll")}
    assert ("equal, max difference" in result.stdout) == matched


def test_a_batch_exits_with_one_at_the_first_mistake():
    result = step("softmax", "ll", "--batch", "-c", "next;;foo;;next")
    assert result.exit_code == 1
    assert result.stderr == "*** there is no command foo: `help` lists the commands\n"
    assert "[2/8]" not in result.stdout


def test_a_batch_without_commands_reads_them():
    result = step("softmax", "ll", "--batch", typed="next\n\nnext;;where\n")
    assert result.exit_code == 0
    assert "from n5 to C:" in result.stdout


def test_commands_are_carried_out_before_the_prompt_asks():
    result = step("softmax", "ll", "-c", "next", typed="next\nquit\n")
    assert result.exit_code == 0
    assert re.findall(r"^\[\d/\d\]", result.stdout, re.MULTILINE) == ["[0/8]", "[1/8]", "[2/8]"]


def test_the_end_of_what_is_typed_leaves():
    result = step("softmax", "ll", typed="next\n")
    assert result.exit_code == 0
    assert "[1/8]" in result.stdout


def test_a_single_neuron_is_walked():
    result = step("sigmoid", "ce", "--z", "2", "--y", "0", "--batch", "-c", "start;;end;;delta")
    assert "eq. (57)" in result.stdout
    assert "equal, max difference" in result.stdout


def test_overflow_is_walked_without_warnings():
    result = step("softmax", "ll", "--z", "1000,0", "--batch", "-c", "end;;delta")
    assert (result.exit_code, result.stderr) == (0, "")
    said = "the graph gives NaN or infinity: `forward;;break nan;;continue` finds where"
    assert said in on_one_line(result.stdout)


def test_another_mix_is_stepped_beside():
    result = step("softmax", "ll", "--beside", "sigmoid", "ll", "--batch", "-c", "part;;delta")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "dC/da is complete on both sides; they differ by up to 0.3679" in result.stdout
    assert re.search(r"^dC/dz .* 0.2447$", result.stdout, re.MULTILINE)


def test_a_quiz_in_a_batch_is_one_json_object():
    result = step("--batch", "--json", "-c", "quiz on 7;;answer 1;;answer -1,1,-1;;answer;;where")
    found = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (found["seed"], found["steps"]) == (7, 8)
    assert found["score"] == {"correct": 2, "entries": 7}
    first, second, third = found["questions"]
    assert first["hint"] == "the sign of what np.negative passes back"
    assert (second["step"], second["node"], second["to"]) == (2, "n6 = sum(n5)", "n5")
    assert (second["shape"], second["at"], second["expected"]) == ([3], [], [-1.0, -1.0, -1.0])
    assert (second["answer"], second["correct"]) == ([-1.0, 1.0, -1.0], [True, False, True])
    assert (third["answer"], third["correct"]) == (None, [False, False, False])


def test_json_of_a_batch_that_fails_has_what_was_answered_before():
    result = step("--batch", "--json", "-c", "quiz on;;answer -1;;answer 1,2;;answer 1")
    assert result.exit_code == 1
    assert "2 numbers where the shape (3,) takes 3" in result.stderr
    assert len(json.loads(result.stdout)["questions"]) == 1
    assert step("--json").exit_code == 2
    assert json.loads(step("--batch", "--json", "-c", "next").stdout)["questions"] == []
