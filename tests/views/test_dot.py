"""The DOT text of a drawing."""

import re
from pathlib import Path

import numpy as np
import pygraphviz
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tinygrad_lossmix.printing import clean, shorten


def labels(dot):
    """The labels of the boxes of a drawing as Graphviz reads them."""
    graph = pygraphviz.AGraph(string=dot)
    nodes = [n for n in graph.nodes() if n.startswith("n")]
    found = {n: graph.get_node(n).attr["label"] for n in nodes}
    graph.close()
    return found


def test_the_dot_text_of_a_small_graph():
    w = lm.Tensor(3.0, name="w")
    cost = (w * np.array([1.0, 2.0])).sum()
    cost.backward()
    assert lm.draw(cost).dot == (Path(__file__).parent / "small.dot").read_text()


def test_a_gradient_that_was_not_computed_says_so():
    dot = lm.draw(lm.Tensor(3.0, name="w") * 2.0).dot
    assert dot.count("gradient not computed") == 2


def test_groups_are_clusters_unless_they_are_collapsed(cost):
    assert re.findall(r"label=(softmax|log_likelihood) ", lm.draw(cost).dot)
    collapsed = lm.draw(cost, collapse=True).dot
    assert "cluster_0" not in collapsed
    assert 'label="a = softmax(z)' in collapsed


def test_the_callers_names_are_used(cost):
    assert 'label="loss = ' in lm.draw(cost, names={"loss": cost}).dot


def test_the_legend_has_the_kinds_that_are_there(cost):
    def legend(drawing):
        return re.findall(r"legend_(\w+) \[label=\S* class", drawing.dot)

    assert legend(lm.draw(lm.Tensor(1.0) * 2.0)) == ["input", "cost"]
    assert legend(lm.draw(cost)) == ["input", "constant", "operation", "cost"]
    assert legend(lm.draw(cost, collapse=True)) == ["input", "constant", "group", "cost"]


@given(st.text(st.characters(), max_size=30))
def test_a_name_is_read_back_as_it_is_shown_whatever_it_holds(name):
    dot = lm.draw(lm.Tensor(1.0, name=name or "x") * 2.0).dot
    dot.encode()
    title = labels(dot)["n0"].split(r"\n1\n")[0]
    assert title.replace("\\\\", "\\").replace("&amp;", "&") == shorten(clean(name or "x"))


@pytest.mark.parametrize(
    "name",
    [
        '"; bad [label="x"] "',
        "<b>bold</b>",
        "&lt;b&gt;",
        r"\N\G\l\n\"",
        "\\",
        "</script><script>alert(1)</script>",
        "\u202egnp.exe",
        "\ud800",
        "a\x00b\x1b[31m",
        "x" * 10_000,
    ],
)
def test_hostile_names_reach_no_further_than_a_label(name):
    x = lm.Tensor(1.0, name=name)
    drawing = lm.draw(x * 2.0)
    assert set(labels(drawing.dot)) == {"n0", "n1"}
    assert len(drawing.dot) < 3000 + 2 * len(name)


@pytest.mark.parametrize("options", [{}, {"collapse": True}, {"values": "none"}], ids=str)
def test_a_label_is_no_html_where_a_name_is_all_of_it(options):
    name = "<<b>bold</b>>"
    cost = lm.group(name)(np.exp)(lm.Tensor(1.0, name=name)) + 1.0
    dot = lm.draw(cost, **options).dot
    assert "label=<" not in dot
    assert name.replace("<", "&lt;") in lm.draw(cost, **options).svg().replace("&gt;", ">")


@given(st.text(st.characters(), min_size=41, max_size=200))
def test_a_long_name_is_kept_in_full(name):
    dot = lm.draw(lm.Tensor(1.0, name=name) * 2.0).dot
    graph = pygraphviz.AGraph(string=dot)
    whole = graph.get_node("n0").attr["whole"]
    graph.close()
    assert whole.replace("\\\\", "\\") == (clean(name) if len(clean(name)) > 40 else "")


def chain(links):
    x = lm.Tensor(1.0)
    for _ in range(links):
        x = x + 1.0
    return x


def test_a_crowded_drawing_is_collapsed_and_says_so():
    z = lm.Tensor([1.0, 2.0])
    for _ in range(100):
        z = lm.book.softmax(z)
    dot = lm.draw(z).dot
    assert labels(dot).keys() == {f"n{i}" for i in range(101)}
    assert "in full, 301 boxes" in dot
    assert "in full" not in lm.draw(chain(400)).dot


def test_more_than_a_thousand_boxes_are_refused_with_advice():
    assert "n999 " in lm.draw(chain(999)).dot
    with pytest.raises(ValueError, match=r"1,001 boxes .* draw a node further in"):
        lm.draw(chain(1000))


@pytest.mark.slow
def test_three_hundred_tangled_boxes_are_drawn():
    x = z = lm.Tensor([2.0, 1.0, 0.0])
    for _ in range(73):
        x = np.exp(-x) + z * 1.0
    cost = x.sum()
    cost.backward()
    svg = lm.draw(cost).svg()
    assert svg.count("= exp(") >= 73


def test_only_tensors_are_drawn():
    with pytest.raises(TypeError, match="not a Tensor"):
        lm.draw(3.0)
