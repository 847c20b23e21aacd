"""`lossmix match` at the shell."""

import json

import pytest

from tinygrad_lossmix.cli import main

MODULE = """
import numpy as np


def squash(z):
    return 0.5 * np.tanh(z) + 0.5


def sheared(z):
    return z + np.concatenate([z[..., 1:], 0.0 * z[..., :1]], axis=-1)


def squares(z, y):
    return ((z - y) ** 2).mean()


def broken(z):
    raise RuntimeError("no such layer")
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    from click.testing import CliRunner

    (tmp_path / "match_layers.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return lambda *words: CliRunner().invoke(main, ["match", *words])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("output", "softmax"), "softmax, 3 classes: log-likelihood goes with it, delta = a - y."),
        (("output", "match_layers:squash"), "squash, 3 classes: a cost goes with it"),
        (("output", "match_layers:sheared"), "no cost whatever gives a - y here."),
        (("cost", "match_layers:squares"), "identity goes with it, delta = 0.6667 (a - y)."),
        (("output", "sigmoid", "--classes", "2"), "sigmoid, 2 classes: cross-entropy"),
        (("cost", "match_layers:squares", "--labels", "cube"), "labels from the cube: identity"),
    ],
)
def test_an_answer_is_printed(run, words, said):
    result = run(*words)
    assert result.exit_code == 0
    assert said in result.stdout.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("output",), "give output and a layer, or cost and module:function"),
        (("layer", "softmax"), "give output and a layer, or cost and module:function"),
        (
            ("output", "hardmax"),
            "there is no output layer 'hardmax': sigmoid, softmax, lml, or a function, ",
        ),
        (("cost", "ll"), "a cost is module:function, not 'll'"),
        (("output", "match_layers:broken"), "broken raises RuntimeError at z = "),
        (("output", "match_layers:missing"), "has no 'missing'"),
        (("output", "softmax", "--classes", "99"), "99 is not in the range 1<=x<=50"),
    ],
)
def test_what_cannot_be_answered_is_said_and_exits_with_2(run, words, said):
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_records_are_one_json_object(run):
    one = json.loads(run("output", "match_layers:sheared", "--json").stdout)
    assert one["matches"][0]["exists"] is False
    many = json.loads(run("--json").stdout)["matches"]
    costs = {each["output"]: each["name"] for each in many if each["exists"]}
    assert costs["softmax"] == "log-likelihood"
    assert costs["sigmoid"] == "cross-entropy"
    assert [each["output"] for each in many if not each["exists"]] == [
        "softmax of softmax",
        "sigmoid of softmax",
        "sigmoid over its sum",
        "softplus over its sum",
        "a temperature per class",
    ]


def test_the_rule_and_its_table_are_printed(run):
    lines = run().stdout.splitlines()
    assert lines[0].startswith("A cost with delta = a - y exists exactly if")
    rows = {line.split("  ")[0].strip(): line for line in lines}
    assert rows["exp"].split() == ["exp", "Poisson", "Poisson", "yes", "any", "y"]
    assert "Bernoulli" in rows["sigmoid"]
    assert "categorical" in rows["softmax"]
    assert rows["swish"].split()[-3:] == ["no", "no", "y"]
    assert "∂a_" in rows["softmax of softmax"]
