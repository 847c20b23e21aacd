"""What `step`, `draw` and `page` are given: mixes, random ones too, and functions of the user's."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import tinygrad_lossmix as lm
from tinygrad_lossmix.cli import main

MODULE = """
import numpy as np
import tinygrad_lossmix as lm

x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])
rng = np.random.default_rng()
V = lm.Tensor([1.0, 2.0], name="V")


@lm.group("net")
def loss(W, b=0.0, *rest):
    hidden = np.tanh(x @ W + b)
    return (hidden**2).sum()


pair = (loss, None)


class Net:
    scale = 2.0

    def cost(self, W):
        doubled = W * self.scale
        return doubled.sum()


net = Net()


def own():
    return (V * V).sum()


def batch(W):
    return W


def array(W):
    return np.asarray(W.data)


def number(W):
    return float(W.sum())


def nothing(W):
    pass


def dropout(W):
    return (W * rng.random(W.shape)).sum()


def overflowing(W):
    return np.exp(W * 1e4).sum()


def raising(W):
    raise RuntimeError("never mind")


def leaving(W):
    raise SystemExit
"""
ON_NETWORK = ["--input", "3x5", "--input", "5", "--input", "5x3", "--input", "3"]


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets_of_mine.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "nets_of_mine", raising=False)


def run(*args: str) -> Result:
    return CliRunner().invoke(main, args)


def drawn(function: str, *args: str) -> str:
    result = run("draw", f"nets_of_mine:{function}", *args)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_parameters_constants_and_local_variables_have_their_names():
    said = drawn("loss", "--input", "3x2", "--input", "2")
    assert "hidden = tanh(" in said
    assert "= x @ W" in said
    assert re.search(r"─ b, input +\[", said)
    assert re.search(r"─ x, constant +\[\[1, 2, 3\], ", said, re.MULTILINE)


def test_the_network_of_the_demos_is_stepped_drawn_and_paged(tmp_path):
    for args in (["step", "--batch", "-c", "end;;where;;list"], ["draw"], ["page", "-o", "p.html"]):
        result = run(args[0], "demos.network:loss", *ON_NETWORK, *args[1:])
        assert result.exit_code == 0, result.output
    assert "h @ W2" in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_gradients_are_those_of_the_function_at_the_random_numbers():
    said = run("step", "nets_of_mine:net.cost", "--input", "3", "--seed", "5", "--batch", "-c",
               "end;;print W;;print W.grad;;print doubled").stdout  # fmt: skip
    z = np.random.default_rng(5).normal(size=3)
    assert "W = " + lm.tree(lm.Tensor(z)).split("[")[1].split("]")[0].join("[]") in said
    assert "[2, 2, 2]" in said
    assert "doubled = " in said


@pytest.mark.parametrize(
    "args",
    [
        ["loss", "--input", "3x2"],
        ["loss", "--input", "3x2", "--input", "scalar"],
        ["loss", "--input", "3x2", "--input", "2", "--input", "4"],
        ["pair", "--input", "3x2"],
        ["own"],
        ["overflowing", "--input", "3"],
    ],
    ids=" ".join,
)
def test_arguments_with_defaults_may_be_left_out_and_more_may_be_taken(args):
    assert ", input" in drawn(*args)


def test_each_of_several_arguments_is_called_as_the_function_calls_it(tmp_path):
    (tmp_path / "layers_of_mine.py").write_text(
        "def loss(*Ws):\n    return (Ws[0] @ Ws[1]).sum()\n"
    )
    args = ("layers_of_mine:loss", "--input", "3x2", "--input", "2x4")
    assert "n2 = Ws[0] @ Ws[1]" in run("draw", *args).stdout
    said = run("step", *args, "--batch", "-c", "Ws[1][0];;end;;dn3/dWs[0]").stdout
    assert said.startswith("Ws[1][0] = [")
    assert "dn3/dWs[0] (3, 2)" in said


def test_random_logits_are_a_batch():
    said = run("step", "softmax", "ll", "--input", "4x3", "--batch", "-c", "end;;delta")
    assert said.exit_code == 0
    assert "(a - y)/n" in said.stdout
    assert "(4, 3)" in run("draw", "--input", "4x3").stdout


def test_random_numbers_in_a_function_are_noticed():
    result = run("draw", "nets_of_mine:dropout", "--input", "3")
    assert result.exit_code == 0
    assert result.stderr.count("\n") == 1
    assert "returns another value" in result.stderr


@pytest.mark.parametrize("command", ["step", "draw", "page"])
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["loss"], "0 of --input do not fit the arguments, W, b, rest:"),
        (["loss", "--input", "3x4x"], "is not a shape"),
        (["loss", "--input", "2x2"], "loss: ValueError"),
        (["net.cost", "--input", "2", "--input", "2"], "2 of --input do not fit the arguments, W:"),
        (["own", "--input", "2"], "the arguments, none:"),
        (["loss", "--input", "3x2", "--z", "1,2"], "--z is for a mix"),
        (["loss", "--input", "3x2", "--y", "0"], "--y is for a mix"),
        (["batch", "--input", "3"], "an array of shape (3,)"),
        (["array", "--input", "3"], "returns ndarray, not a Tensor"),
        (["number", "--input", "3"], "returns float, not a Tensor"),
        (["nothing", "--input", "3"], "returns NoneType, not a Tensor"),
        (["raising", "--input", "3"], "raising: RuntimeError: never mind"),
        (["leaving", "--input", "3"], "leaving: SystemExit"),
        (["missing", "--input", "3"], "has no 'missing'"),
        (["x", "--input", "3"], "x is ndarray, not a function"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_what_cannot_be_recorded_is_one_error(command, args, words):
    result = run(command, f"nets_of_mine:{args[0]}", *args[1:])
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(re.findall("^Error: ", result.stderr, re.MULTILINE)) == 1
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_profiler_that_runs_is_left_alone():
    seen = []
    sys.setprofile(seen_by := lambda *event: seen.append(event))
    try:
        drawn("own")
        assert sys.getprofile() is seen_by
    finally:
        sys.setprofile(None)


def test_lines_are_those_of_the_function():
    lines = MODULE.splitlines()
    number = lines.index("    hidden = np.tanh(x @ W + b)") + 1
    where = f"nets_of_mine.py:{number}"
    args = ["nets_of_mine:loss", "--input", "3x2", "--lines"]
    said = run("step", *args, "--batch", "-c", "until hidden;;list;;explain hidden").stdout
    assert said.splitlines()[0].endswith(f"→ hidden  nets_of_mine.py:{number + 1}")
    assert f"\nhidden = tanh(n2)  {where}\n" in said
    run("draw", *args, "-o", "x.svg")
    assert f"\n{where}\n" in Path("x.svg").read_text(encoding="utf-8")
    decorated = lines.index('@lm.group("net")') + 1
    assert re.search(rf"^ +W +\S+:{decorated} ", said, re.MULTILINE)


def test_a_file_may_be_named_as_such():
    assert drawn("own") == run("draw", "nets_of_mine.py:own").stdout
    assert "h @ W2" in run("draw", "demos/network.py:loss", *ON_NETWORK).stdout


def test_without_lines_there_are_none():
    assert ".py" not in run("step", "nets_of_mine:own", "--batch", "-c", "list;;explain V").stdout


def test_an_error_in_the_function_says_its_line():
    number = MODULE.splitlines().index('    raise RuntimeError("never mind")') + 1
    said = run("draw", "nets_of_mine:raising", "--input", "3").stderr
    assert said == (
        f"Error: nets_of_mine:raising: RuntimeError: never mind (nets_of_mine.py:{number})\n"
    )
