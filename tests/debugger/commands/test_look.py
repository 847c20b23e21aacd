"""Looking at a node, a rule, a gradient; pictures of the walk."""

import re
from xml.etree import ElementTree

import pytest

import tinygrad_lossmix as lm
from tests.helpers.prompt import answers_to, on_one_line


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
    assert answers_to("goto 5;;local").splitlines()[-2:] == [
        "da/dn1  diag(0.09003, 0.09003, 0.09003)        1 / n2",
        "da/dn2  [[-0.05989], [-0.02203], [-0.008106]]  a / -n2",
    ]
    assert "is an input" in answers_to("args z")
    assert "no argument that is differentiated" in answers_to("local z")


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
    assert (
        "the graph gives NaN or infinity: `forward;;break nan;;continue` finds where"
        in on_one_line(text)
    )
    assert re.search(
        "^max difference +nan +cannot be compared: NaN or infinity$", text, re.MULTILINE
    )
    assert "[forward 7/13] n6 = n5 * y" in text
    assert "the cost is NaN" not in answers_to("b nan")


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
