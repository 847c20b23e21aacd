"""The tree in the terminal."""

import re

import numpy as np
import pytest

import tinygrad_lossmix as lm

A = "softmax output layer a, eq. (78)"
FROM_A = "from a: [-0.1353, 0, 0]"
DELTA = "logits z, their gradient is delta, eq. (84)"


def test_the_tree_of_softmax_with_log_likelihood(cost, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    cells = [re.split(" {2,}", line.strip()) for line in lm.tree(cost).splitlines()]
    assert cells == [
        ["value", "gradient"],
        ["C = -n6", "0.4076", "1", "log-likelihood cost C, eq. (80)"],
        ["n6 = sum(n5)", "-0.4076", "-1"],
        ["n5 = n4 * y", "[-0.4076, 0, 0]", "[-1, -1, -1]"],
        ["├─ n4 = log(a)", "[-0.4076, -1.408, -2.408]", "[-1, 0, 0]"],
        ["│", "a = n1 / n2", "[0.6652, 0.2447, 0.09003]", "[-1.503, 0, 0]", A],
        ["│", "├─ n1 = exp(z)", "[7.389, 2.718, 1]", "[-0.0453, 0.09003, 0.09003]", FROM_A],
        ["│", "│", "z, input", "[2, 1, 0]", "[-0.3348, 0.2447, 0.09003]", DELTA],
        ["│", "└─ n2 = sum(n1, axis=-1, keepdims=True)", "[11.11]", "[0.09003]"],
        ["│", "n1, shown above", "from n2: [0.09003, 0.09003, 0.09003]"],
        ["└─ y, constant", "[1, 0, 0]"],
    ]


def test_a_mask_is_written_alike_as_a_box_and_in_a_formula():
    mask = np.array([True, False, True, True])
    cost = np.where(mask, lm.Tensor([1.0, 2.0, 3.0, 4.0], name="w"), 0.0).sum()
    box, formula = "[True, False, True, True]", "where([True, False, True, True], w, 0)"
    text = lm.tree(cost, {})
    assert formula in text
    assert text.count(box) == 2


def network():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 3)), np.eye(3)[[0, 2, 1, 1]]
    W1, b1, W2 = (lm.Tensor(rng.normal(size=shape)) for shape in [(3, 5), 5, (5, 3)])
    h = np.tanh(x @ W1 + b1)
    return lm.Mix("softmax", "ll").composed(h @ W2, y)


@pytest.mark.parametrize("columns", [48, 60, 80, 120])
def test_a_tree_is_as_wide_as_the_terminal_and_cuts_no_number(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    cost = network()
    cost.backward()
    lines = lm.tree(cost).splitlines()
    assert max(map(len, lines)) <= columns
    numbers = re.findall(r"-?\d+\.\d+(?:e-\d+)?", "\n".join(lines))
    walk = lm.Stepper(cost)
    arrays = [x for node in walk.reading.nodes for x in (node.data, node.grad)]
    arrays += [product.contribution for product in walk.products]
    arrays += [x for node in walk.reading.nodes for x in node.args if isinstance(x, np.ndarray)]
    shown = {f"{entry + 0.0:.4g}" for x in arrays for entry in np.ravel(x)}
    assert len(numbers) > columns // 8
    assert not [each for each in numbers if each not in shown and each not in ("84", "80", "78")]


def test_what_a_node_is_stands_below_where_there_is_no_room_behind(cost, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = lm.tree(cost).splitlines()
    assert lines[1].split()[:3] == ["C", "=", "-n6"]
    assert lines[2] == "   log-likelihood cost C, eq. (80)"


def test_a_shared_node_is_shown_once_and_referred_to():
    x = lm.Tensor(2.0, name="x")
    text = lm.tree(x.exp() * x)
    assert text.count("x, shown above") == 1


def test_what_each_user_of_a_node_contributes_is_shown():
    x = lm.Tensor(2.0, name="x")
    cost = 3.0 * x + 5.0 * x
    cost.backward()
    text = lm.tree(cost)
    assert "from n1: 3" in text
    assert "from n2: 5" in text


def test_gradients_are_not_computed_before_backward():
    x = lm.Tensor(2.0, name="x")
    assert lm.tree(x * 2.0).count("not computed") == 2


def test_a_gradient_left_by_another_cost_is_not_shown():
    x = lm.Tensor(2.0, name="x")
    (x * 7.0).backward()
    cost = x * 2.0
    assert "not computed" in lm.tree(cost)
    cost.backward()
    (x * 7.0).backward()
    assert lm.tree(cost).splitlines()[2].split() == ["x,", "input", "2", "2"]


def test_what_no_gradient_flows_to_says_so():
    x = lm.Tensor(2.0, name="x")
    cost = x * lm.constant(x * 3.0)
    cost.backward()
    assert lm.tree(cost).count("not computed") == 1


def test_a_chain_of_many_nodes_is_cut_with_a_note():
    x = lm.Tensor(1.0)
    for _ in range(5_000):
        x = x + 0.0
    lines = lm.tree(x).splitlines()
    assert len(lines) == 202
    assert "5,001 nodes" in lines[-1]


def test_deep_branching_is_cut():
    x = lm.Tensor(1.0)
    for _ in range(100):
        x = (x * 1.0) + (x * 2.0)
    assert max(map(len, lm.tree(x).splitlines())) < 200
    assert "too deep" in lm.tree(x)


def test_an_input_is_shown_however_deep_it_is(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    x = lm.Tensor(1.0, name="w0")
    for i in range(1, 16):
        x = x * lm.Tensor(2.0, name=f"w{i}")
    lines = lm.tree(x, {}).splitlines()
    [cut] = [i for i, line in enumerate(lines) if "too deep to show" in line]
    assert lines[cut + 1].count("│") == lines[cut].count("│")
    assert re.search(r"└─ w\d+, input ", lines[cut + 1])


def test_only_tensors_have_a_tree():
    with pytest.raises(TypeError, match="the cost is ndarray, not a Tensor"):
        lm.tree(np.ones(2))


def test_a_prompt_shows_a_tree_as_it_prints():
    found = lm.tree(lm.Tensor([1.0, 2.0], name="x").sum())
    assert repr(found) == str(found)
    assert isinstance(found, str)
    assert found == "\n".join(found.splitlines())
