"""`lossmix draw` as a user sees it."""

import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import tinygrad_lossmix as lm
from tests.helpers.quick import thinned
from tinygrad_lossmix.cli import main


def draw(*args):
    return CliRunner().invoke(main, ["draw", *args])


def tree(mix, z, y):
    cost = mix.composed(lm.Tensor(z, name="z"), y)
    cost.backward()
    return lm.tree(cost) + "\n"


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_without_a_file_the_tree_is_printed(mix):
    assert draw(mix.output, mix.cost_name).stdout == tree(mix, [2.0, 1.0, 0.0], 0)


def test_without_a_mix_it_is_softmax_ll():
    assert draw().stdout == tree(lm.Mix("softmax", "ll"), [2.0, 1.0, 0.0], 0)


def test_negative_logits_and_soft_labels_are_taken_as_they_are():
    mix = lm.Mix("softmax", "cross-entropy")
    result = draw("softmax", "cross-entropy", "--z", "-1,2,0", "--y", "0,.5,.5")
    assert result.stdout == tree(mix, [-1.0, 2.0, 0.0], [0.0, 0.5, 0.5])


def test_a_file_is_written_and_what_drew_it_is_said(tmp_path):
    path = tmp_path / "graph.svg"
    result = draw("softmax", "ll", "-o", str(path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith(f"{path}, drawn by ")
    assert path.read_text().startswith("<svg")


def test_the_walk_is_played_in_an_svg(tmp_path):
    path = tmp_path / "walk.svg"
    result = draw("softmax", "ll", "--collapse", "--animate", "-o", str(path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert path.read_text().count("@keyframes product") == 2


def test_a_flowchart_is_written_for_markdown(tmp_path):
    path = tmp_path / "graph.mmd"
    result = draw("softmax", "ll", "-o", str(path))
    assert (result.exit_code, result.stderr) == (0, f"{path}\n")
    assert "\nflowchart TB\n" in path.read_text()


def test_collapsed_groups_are_one_box_each(tmp_path):
    path = tmp_path / "graph.dot"
    assert draw("softmax", "ll", "--collapse", "-o", str(path)).exit_code == 0
    assert "a = softmax(z)" in path.read_text()


def test_a_drawing_is_turned_opened_and_shortened(tmp_path):
    path = tmp_path / "graph.dot"
    how = ["--direction", "right", "--open", "softmax", "--values", "none"]
    assert draw("softmax", "ll", *how, "-o", str(path)).exit_code == 0
    dot = path.read_text()
    assert "rankdir=LR" in dot
    assert 'label="C = log_likelihood(a, y)"' in dot
    assert 'label="n1 = exp(z)"' in dot
    assert "0.4076" not in dot


def test_two_mixes_are_drawn_in_one_picture(tmp_path):
    path = tmp_path / "graph.dot"
    args = ["softmax", "ll", "--beside", "softmax", "ce"]
    assert draw(*args, "-o", str(path)).exit_code == 0
    assert path.read_text().count("n1 = exp(z)") == 1
    text = draw(*args).stdout
    assert text.startswith("softmax + log-likelihood: C = 0.4076\n")
    assert "\n\nsoftmax + cross-entropy: C' = 0.7826\n" in text


@pytest.mark.parametrize("mix", thinned(lm.MIXES, 4), ids=str)
def test_the_backward_pass_is_written_as_a_program(mix, tmp_path):
    path = tmp_path / "backward.py"
    assert draw(mix.output, mix.cost_name, "--z", "3,-1,0", "-o", str(path)).exit_code == 0
    out = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True).stdout
    value, gradient = out.splitlines()
    z = np.array([3.0, -1.0, 0.0])
    assert np.isclose(float(value), mix.cost(z, 0), rtol=1e-12)
    assert np.allclose(np.fromstring(gradient.strip("[]"), sep=" "), mix.delta(z, 0), 1e-6, 1e-8)


def test_overflow_is_drawn_without_warnings():
    result = draw("softmax", "ll", "--z", "1000,0")
    assert result.exit_code == 0
    assert "nan" in result.stdout
    assert result.stderr == ""


@pytest.mark.slow
def test_a_field_is_of_the_mix_that_is_named_or_of_the_six(tmp_path):
    assert draw("sigmoid", "ll", "--field").stdout == lm.field(lm.Mix("sigmoid", "ll")).text + "\n"
    assert draw("--field", "--y", "1").stdout == lm.field(y=1).text + "\n"
    soft = draw("softmax", "ll", "--field", "--y", ".7,.3", "-o", str(tmp_path / "field.svg"))
    assert (soft.exit_code, soft.stdout) == (0, "")
    assert soft.stderr == f"{tmp_path / 'field.svg'}, drawn by matplotlib\n"
    expected = lm.field(lm.Mix("softmax", "ll"), y=[0.7, 0.3]).svg()
    assert (tmp_path / "field.svg").read_text("utf-8") == expected


def test_without_matplotlib_a_field_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = draw("--field", "-o", str(tmp_path / "field.svg"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert 'matplotlib: pip install "tinygrad_lossmix[plot]"' in result.stderr
    assert not list(tmp_path.iterdir())


def test_without_a_renderer_the_dot_is_written_and_the_exit_code_is_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    result = draw("softmax", "ll", "-o", str(tmp_path / "graph.svg"))
    assert result.exit_code == 1
    assert 'pip install "tinygrad_lossmix[draw]"' in result.stderr
    assert (tmp_path / "graph.dot").read_text().startswith("digraph")


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_the_stabilised_graph_is_shown_beside_the_composed_one(mix):
    result = draw(mix.output, mix.cost_name, "--stable")
    assert (result.exit_code, result.stderr) == (0, "")
    recorded, stabilised = result.stdout.split("stabilised:\n")
    assert recorded == "recorded:\n" + tree(mix, [2.0, 1.0, 0.0], 0) + "\n"
    assert f"C = {mix.output}_{mix.cost_name}(z, y)" in stabilised
    assert "replacement" in stabilised


def test_both_graphs_go_into_one_file(tmp_path):
    path = tmp_path / "both.svg"
    result = draw("softmax", "ll", "--stable", "--z", "1000,0", "-o", str(path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "softmax_ll(z, y)" in path.read_text()
    assert "log(a)" in path.read_text()
