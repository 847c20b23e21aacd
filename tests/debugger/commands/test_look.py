"""Looking at a node, a rule, a gradient; pictures of the walk."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.prompt import answers_to


def test_contrib_names_who_wrote_a_gradient_and_where():
    lines = answers_to("end;;contrib n1").splitlines()[-4:]
    assert lines[0] == "dC/dn1"
    assert lines[1].split()[:3] == ["[5/8]", "from", "a"]
    assert lines[2].split()[:3] == ["[7/8]", "from", "n2"]
    assert lines[3].split()[:4] == ["accumulated", "2", "of", "2"]
    assert "0 of 2 contributions" in answers_to("contrib n1")
    assert "it is the seed" in answers_to("contrib C")


def test_args_and_local_are_about_the_node_at_work():
    assert answers_to("goto 5;;args").splitlines()[-2:] == [
        "  n1 = exp(z)                           [7.389, 2.718, 1]",
        "  n2 = sum(n1, axis=-1, keepdims=True)  [11.11]",
    ]
    assert answers_to("goto 5;;local").splitlines()[-1].endswith("shape (3, 1)")
    assert "is an input" in answers_to("args z")
    assert "no argument that is differentiated" in answers_to("local z")


def test_explain_shows_the_row_of_the_table():
    text = answers_to("explain a")
    assert "\n  → n1: g / y\n" in text
    assert "\n  → n2: g * z / -y, summed to shape (1,)\n" in text
    assert "\n  table row np.divide: g = dC/da, z = a, x = n1, y = n2\n" in text
    assert "is an input" in answers_to("explain z")


def test_explain_gives_the_formula_of_a_cost_that_is_one_node():
    cost = lm.Mix("softmax", "ce").cost(lm.Tensor([[2.0, 1.0]], name="z"), [0])
    formula = "Sa - y + (1 - y)r - a Σ(1 - y)r"
    said = f"  → z: g * delta, delta = {formula}\n"
    assert said in answers_to("explain", cost)


def test_explain_says_where_broadcasting_is_undone_and_only_there():
    w, b = lm.Tensor([[1.0], [2.0]], name="w"), lm.Tensor([1.0], name="b")
    total = (np.ones((3, 2)) @ w + b).sum()
    assert "summed to shape (1,)" in answers_to("explain n3", total)
    assert "summed to" not in answers_to("explain n2", total)


@pytest.mark.parametrize("name", ["z", "n1", "a", "C"])
def test_check_agrees_with_the_difference(name):
    text = answers_to(f"check {name}")
    assert text.splitlines()[-1].split()[-1] == "ok"
    assert "NOT" not in text


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("size", [1.0, 1e2, 1e4])
def test_check_agrees_at_large_logits_in_every_dtype(dtype, size):
    z = lm.Tensor(np.array([1.5, 0.5, -1.0], dtype) * dtype(size), name="z")
    of_float32 = z.astype(np.float32).sum() if dtype == np.float32 else z.sum()
    for cost in [*(mix.cost(z, 0) for mix in lm.MIXES), lm.softplus(z * 2).sum(), of_float32]:
        assert "ok" in answers_to("check z", cost).split(), cost


def test_check_sees_a_wrong_rule(own_table):
    wrong = lm.derivative(lambda x: x**3, lambda g, z, x: g * x)
    x = lm.Tensor([2.0], name="x")
    said = "NOT ok: the gradient is wrong, or the cost has a kink here\n"
    assert answers_to("check x", wrong(x).sum()).endswith(said)


def test_draw_writes_the_gradients_so_far(tmp_path):
    path = tmp_path / "so far.svg"
    assert answers_to(f"goto 4;;draw {path}").endswith(f"wrote {path}\n")
    words = [each.text for each in ElementTree.parse(path).iter() if each.text]
    assert "gradient [-1.503, 0, 0]" in words
    assert "gradient (delta) not computed" in words


def test_page_writes_the_steps_for_a_browser(tmp_path):
    path = tmp_path / "steps.html"
    assert answers_to(f"page {path}").endswith(f"wrote {path}\n")
    assert path.read_text("utf-8").startswith("<!doctype html>")


def overflowing():
    return lm.Mix("sigmoid", "ce").composed(lm.Tensor([800.0, -800.0, 1.0], name="z"), 0)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_where_the_graph_gives_nan_the_prompt_says_so_and_how_to_find_it():
    text = answers_to("b nan;;end;;delta;;check z;;forward;;c", overflowing())
    assert "the cost is NaN: `forward;;continue` finds where it arises" in text
    assert "the graph gives NaN or infinity: `forward;;break nan;;continue` finds where" in text
    assert re.search(
        "^max difference +nan +cannot be compared: NaN or infinity$", text, re.MULTILINE
    )
    assert "[forward 7/13] n6 = n5 * y" in text
    assert "the cost is NaN" not in answers_to("b nan")


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_a_local_derivative_that_is_infinite_leaves_the_others_as_they_are():
    text = answers_to("local n2", overflowing())
    assert text == "dn2/dn1  diag(0, inf, 0.3679)  shape (3, 3)\n"


def test_print_takes_comparisons_and_what_is_at_this_stop():
    text = answers_to("p downstream;;end;;p z.grad > 0;;p position;;p downstream")
    assert text.startswith("downstream has no value yet\n")
    assert "z.grad > 0 and a > 2 = 0" in answers_to("end;;p z.grad > 0 and a > 2")
    assert "z.grad > 0 = [0, 1, 1]\nposition = 8\ndownstream = [-0.3348, 0.2447, 0.09003]\n" in text


def test_a_shortened_name_is_printed_in_full():
    name = "x" * 60
    shown = "x" * 20 + "…" + "x" * 19
    assert f"its name in full: {name}\n" in answers_to(
        f"print {shown}", lm.Tensor(1.0, name=name) * 2.0
    )
