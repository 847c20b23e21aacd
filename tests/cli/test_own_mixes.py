"""A mix of a user's own layer and cost at the shell: each word may be module:function."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.helpers.quick import thinned
from tinygrad_lossmix.caller import INSIDE
from tinygrad_lossmix.cli import main
from tinygrad_lossmix.cli.output import warning
from tinygrad_lossmix.compiler.loops.backend import NotCompiledWarning

ROOT = Path(__file__).parents[2]
MODULE = """
import functools
import warnings

import numpy as np


def hot(z):
    e = np.exp(3 * z)
    return e / e.sum(axis=-1, keepdims=True)


def focal(a, y):
    return -(y * (1 - a) ** 2 * np.log(a)).sum(axis=-1).mean()


def total(z):
    return z.sum()


def noisy(z):
    return z + np.random.default_rng().normal()


def decided(z):
    return np.where(z > 0, 1.0, 0.0)


def of_batches(z):
    return z - z.max(axis=1, keepdims=True)


def silent(z):
    pass


def plain(a, y):
    return float(((a - y) ** 2).sum())


def wide(a, y):
    return (a - y).sum(axis=0)


def ramp(z):
    return np.maximum(z, 0.0)


def broken(a, y):
    raise RuntimeError("out of order")


def shouted(z):
    warnings.warn("beware")
    return z.sum()


def odd(z):
    if np.abs(z).max() > 50:
        return hot(z * 1.0)
    return hot(z)


def strict(z):
    if z[0] > 0:
        return z
    return hot(z)


warm = functools.partial(hot)
half = lambda z: hot(z / 2)
number = 3
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "own_mixes.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return lambda *words: CliRunner().invoke(main, words)


@pytest.mark.parametrize(
    ("words", "said"),
    thinned(
        [
            (("delta", "softmax", "own_mixes:focal"), "softmax + focal: C = 0.04568"),
            (("verdict", "own_mixes:hot", "ll", "--classes", "2"), "delta = 3 (a - y)"),
            (("verdict", "softmax", "own_mixes:focal", "--classes", "2"), "not convex in z"),
            (("delta", "softmax", "ll", "--beside", "own_mixes:hot", "ll"), "hot + log-likelihood"),
            (("step", "own_mixes:hot", "own_mixes:focal", "--batch", "-c", "next"), "[1/"),
            (("draw", "own_mixes:hot", "ll", "-o", "g.txt"), "g.txt"),
            (("draw", "softmax", "ll", "--beside", "own_mixes:hot", "ll", "-o", "g.dot"), "g.dot"),
            (("page", "own_mixes:hot", "own_mixes:focal", "-o", "p.html"), "p.html"),
            (("check", "own_mixes:hot", "own_mixes:focal"), "gradcheck passed"),
            (("match", "output", "own_mixes:hot"), "hot, 3 classes: 0.3333 × log-likelihood goes"),
        ],
        3,
    ),
)
def test_every_command_takes_it(run, words, said):
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert said in result.output


@pytest.mark.parametrize("name", ["hot", "warm", "half"])
def test_it_is_called_as_it_was_typed(run, name):
    assert run("match", "output", f"own_mixes:{name}").stdout.startswith(f"{name}, 3 classes")
    assert run("delta", f"own_mixes:{name}", "ll").stdout.startswith(f"{name} + log-likelihood")


def test_a_group_of_its_name_is_drawn(run, tmp_path):
    run("draw", "own_mixes:hot", "own_mixes:focal", "-o", "g.txt")
    text = (tmp_path / "g.txt").read_text()
    for name in ("hot", "focal"):
        assert re.search(rf"^[│├└─ ]+{name}\b", text, re.MULTILINE)


@pytest.mark.slow
def test_compare_trains_it_beside_ours(run):
    words = ("--mixes", "softmax ll,own_mixes:hot ll", "--seeds", "1", "--epochs", "1", "--json")
    found = json.loads(run("compare", *words).stdout)["mixes"]
    assert [(mix["output"], mix["cost"]) for mix in found] == [("softmax", "ll"), ("hot", "ll")]
    assert all(0.2 < mix["accuracy"]["mean"] < 1 for mix in found)


def test_compare_trains_one_with_if_too_and_says_once_that_it_is_slower(run, tmp_path):
    one = ("--seeds", "2", "--epochs", "1", "--mixes")
    command = [sys.executable, "-m", "tinygrad_lossmix", "compare", *one]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*command, "own_mixes:odd ll"], capture_output=True, text=True, env=env)
    line = MODULE.splitlines().index("    if np.abs(z).max() > 50:") + 1
    assert done.returncode == 0
    assert done.stderr == (
        "Warning: odd + log-likelihood depends on the numbers in its arrays (if, float, a "
        "mask), so that it cannot be compiled: it is trained by value_and_grad, with the same "
        f"gradient, only more slowly; np.where can be compiled (own_mixes.py:{line})\n"
    )
    assert done.stdout.replace("odd", "hot") == run("compare", *one, "own_mixes:hot ll").stdout


@pytest.mark.slow
def test_report_trains_one_with_if_too(run, tmp_path):
    with pytest.warns(NotCompiledWarning, match="odd"):
        result = run("report", "--only", "boundaries", "--beside", "own_mixes:odd", "ll")
    assert result.exit_code == 0, result.output
    assert "odd + log-likelihood" in (tmp_path / "lossmix-report.html").read_text("utf-8")


def test_a_warning_is_one_line_with_the_line_of_the_user_if_it_is_about_one(run, tmp_path):
    words = ["compare", "--seeds", "1", "--epochs", "1", "--mixes", "own_mixes:noisy quadratic"]
    command = [sys.executable, "-m", "tinygrad_lossmix"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}
    for args, said in (
        (words, "Warning: value_and_grad runs instead of what was compiled, which gives another"),
        (["check", "own_mixes:shouted", "--input", "3"], "Warning: beware (own_mixes.py:54)\n"),
    ):
        done = subprocess.run([*command, *args], capture_output=True, text=True, env=env)
        assert done.stderr.startswith(said)
        assert done.stderr.count("\n") == 1
    assert warning("overflow", RuntimeWarning, f"{INSIDE[0]}lab/training.py", 7) == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verdict", "own_mixes:noisy", "quadratic"), "noisy gives another answer each time"),
        (("verdict", "own_mixes:total", "ll"), "total gives shape (), not (3,)"),
        (("delta", "own_mixes:total", "ll"), "Error: total gives shape (), not (3,)"),
        (("step", "own_mixes:total", "ll", "--batch"), "total gives shape (), not (3,)"),
        *[
            ((*words, "own_mixes:decided", "ll"), "decided gives an array for a Tensor")
            for words in (("verdict",), ("delta",), ("check",), ("draw",), ("prove",))
        ],
        (("delta", "own_mixes:silent", "ll"), "silent gives None, not an array of shape (3,)"),
        (("match", "output", "own_mixes:silent"), "silent gives None, not an array of shape (3,)"),
        (("verdict", "softmax", "own_mixes:plain"), "plain gives float for a Tensor"),
        *[
            ((*words, "own_mixes:of_batches", "ll"), "a batch as (…, K): write axis=-1")
            for words in (("verdict",), ("draw",))
        ],
        (("delta", "own_mixes:of_batches", "ll"), "of_batches raises AxisError at z = ("),
        (("draw", "softmax", "own_mixes:broken"), "RuntimeError: out of order"),
        (("prove", "own_mixes:ramp", "ll"), "np.maximum stands in the way of a proof"),
        (("match", "cost", "own_mixes:focal"), "a cost is given logits here, not outputs"),
        (("verdict", "exp", "own_mixes:focal"), "or a function, at the shell as numpy:exp"),
        (("verdict", "own_mixes:number", "ll"), "own_mixes:number is int, not a function"),
        *[
            ((*words, "own_mixes.hot", "ll")[:3], "'own_mixes.hot' is no name; a function of your")
            for words in (("verdict",), ("match", "output"), ("prove",))
        ],
        (("verdict", "own_mixes:none", "ll"), "'own_mixes' has no 'none'"),
        (
            (*["compare", "--epochs", "1", "--seeds", "1", "--mixes"], "softmax own_mixes:wide"),
            "wide gives shape (10,), not ()",
        ),
        (("compare", "--mixes", "own_mixes:none ll"), "'own_mixes' has no 'none'"),
        (("compare", "--mixes", "own_mixes:strict ll"), "ValueError: The truth value of an array"),
    ],
)
def test_what_is_no_layer_or_cost_is_one_error(run, words, said):
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert said in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr
