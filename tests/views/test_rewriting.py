"""A recording before and after, printed and drawn."""

import numpy as np
import pygraphviz
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.compiler.patterns import published
from tinygrad_lossmix.printing import short


def found_in(mix, z=(2.0, 1.0, 0.0), name="z"):
    with np.errstate(all="ignore"):
        return lm.rewriting(mix.composed(lm.Tensor(list(z), name=name), 0))


@pytest.fixture
def found():
    return found_in(lm.Mix("softmax", "ll"))


def boxes(drawing, title):
    graph = pygraphviz.AGraph(string=drawing.dot)
    labels = [n.attr["label"] for n in graph.nodes() if n.startswith(title)]
    graph.close()
    return labels


def test_what_was_replaced_is_printed_with_the_reason(found):
    first, *rows = str(found).splitlines()
    assert first == "3 replacements"
    assert [row.split()[0] for row in rows[::2]] == ["a", "n4", "C"]
    kinds = [published.SOFTMAX, published.LOG_SOFTMAX, published.MIXES["softmax", "ll"]]
    assert [each.pattern for each in found.replacements] == kinds
    assert [row.strip() for row in rows[1::2]] == [kind.reason for kind in kinds]
    assert [each.where for each in found.replacements] == ["n3", "n4", "n7"]


def test_nothing_found_says_so():
    cost = lm.Tensor([1.0, 2.0]).sum()
    found = lm.rewriting(cost)
    assert str(found) == "nothing to replace"
    assert found.after is found.before is cost
    assert not boxes(found.draw(), "stabilised")
    assert "nothing to replace" in found.draw().dot


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_both_are_drawn_with_values_and_gradients(mix):
    found = found_in(mix)
    drawing = found.draw()
    assert any("C = " in box for box in boxes(drawing, "recorded"))
    z, cost, *_ = boxes(drawing, "stabilised")
    assert f"C = {mix.output}_{mix.cost_name}(z, y)" in cost
    delta = short(mix.delta([2.0, 1.0, 0.0], 0))
    assert delta in z
    assert all("not computed" not in box for box in boxes(drawing, ""))
    assert found.before.grad is None
    text = drawing.text
    assert text.index("recorded:") < text.index("stabilised:") < text.index("replacement")


def test_overflow_is_drawn_beside_what_is_right():
    text = found_in(lm.Mix("softmax", "ll"), (1000.0, 0.0)).draw().text
    before, after = text.split("stabilised:")
    assert "nan" in before
    assert "nan" not in after.lower().split("replacement")[0]


def test_a_cost_that_is_no_number_has_no_gradient_yet():
    found = lm.rewriting(np.log(lm.softmax(lm.Tensor([1.0, 2.0]))))
    assert "not computed" in found.draw().dot


def test_what_is_computed_again_keeps_the_name_of_the_caller():
    z = lm.Tensor([2.0, 1.0, 0.0], name="z")
    a = np.exp(z) / np.exp(z).sum()
    twice = 2.0 * a
    found = lm.rewriting((twice * twice).sum())
    before, after = found.draw(values="none").text.split("stabilised:")
    assert "twice = 2 * a" in before
    assert "twice = 2 * a" in after


def test_wrong_pairings_are_listed():
    found = lm.rewriting(lm.softmax(lm.softmax(lm.Tensor([1.0, 2.0]))))
    assert "wrong pairing: softmax of softmax" in str(found)
    assert "softmax of softmax" in found.draw().dot


def test_many_replacements_are_not_all_drawn():
    z = lm.Tensor([1.0, 2.0])
    for _ in range(30):
        z = lm.book.softmax(z) * 3.0
    found = lm.rewriting(z)
    assert "30 replacements in all" in found.draw().dot
    assert str(found).count("softmax(u)") == 30


@pytest.mark.parametrize(
    "name", ['"; bad [label="x"]', r"\N\l", "</script>", "a\x00\x1b[31m", "é" * 99]
)
def test_hostile_names_reach_no_further_than_a_label(name):
    found = found_in(lm.Mix("softmax", "ll"), name=name)
    assert len(boxes(found.draw(), "stabilised")) == 3
    assert all(line.isprintable() for line in str(found).splitlines())
    assert "\x1b" not in str(found) + found.draw().text
    assert found.draw().svg().startswith("<svg")


def test_a_group_of_either_is_opened(found):
    recorded = boxes(found.draw(open="softmax"), "recorded")
    assert any("n1 = exp(z)" in box for box in recorded)
    assert any("log_likelihood(a, y)" in box for box in recorded)
    with pytest.raises(ValueError, match="no group 'softmx' to open"):
        found.draw(open="softmx")


def test_a_prompt_shows_it_as_it_prints(found):
    assert repr(found) == str(found)


def test_notebooks_show_it(found):
    bundle = found._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    assert "stabilised:" in bundle["text/plain"]


def test_a_notebook_shows_the_list_where_the_graph_is_too_large():
    x = lm.Tensor(1.0)
    for _ in range(1001):
        x = x + 1.0
    assert lm.rewriting(x)._repr_mimebundle_() == {"text/plain": "nothing to replace"}
