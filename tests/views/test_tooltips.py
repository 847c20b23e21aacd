"""What is shown where the pointer rests on a drawing."""

import re
from xml.etree import ElementTree

import numpy as np

import tinygrad_lossmix as lm
from tinygrad_lossmix.engine.graph import group


def titles(cost, **options):
    """The text under the pointer for each element of the SVG that has one, by its class."""
    root = ElementTree.fromstring(lm.draw(cost, **options).svg())
    found = {}
    for each in root.iter():
        title = each.find("{*}title")
        if title is not None:
            found.setdefault(each.get("class").split()[0], []).append(title.text)
    return found


def test_a_value_is_shown_with_all_entries_and_digits(renderer):
    x = lm.Tensor(np.arange(20.0) / 3, name="x")
    cost = (x * x).sum()
    cost.backward()
    entries = "[" + ", ".join(str(i / 3) for i in range(20)) + "]"
    slopes = "[" + ", ".join(str(2 * (i / 3)) for i in range(20)) + "]"
    assert f"x\n{entries}\ngradient {slopes}" in titles(cost)["node"]


def test_each_arrow_says_where_it_goes_and_the_gradient_along_it(renderer):
    x = lm.Tensor(1 / 3, name="x")
    cost = x * 2.0 - x
    cost.backward()
    assert sorted(titles(cost)["edge"]) == [
        "from cost to n1\ndownstream gradient 1.0",
        "from cost to x\ndownstream gradient -1.0",
        "from n1 to cost",
        "from n1 to x\ndownstream gradient 2.0",
        "from x to cost",
        "from x to n1",
    ]


def test_arrows_between_the_same_boxes_show_the_gradient_of_each(renderer):
    x = lm.Tensor(3.0, name="x")
    cost = x - x
    cost.backward()
    svg = ElementTree.fromstring(lm.draw(cost).svg())
    seen = [
        (arrow.findtext("{*}title").split()[-1], arrow.findtext("{*}text").strip())
        for arrow in svg.iter("{http://www.w3.org/2000/svg}g")
        if arrow.get("class") == "edge gradient" and arrow.find("{*}title") is not None
    ]
    assert sorted(seen) == [("-1.0", "-1"), ("1.0", "1")]


def test_a_long_name_is_shown_in_full(renderer):
    name, called = "weights of <the> & layer " * 5, "function_of_a_very_long_name_" * 3

    @group(called)
    def long(x):
        return np.exp(x) + 1.0

    cost = long(lm.Tensor(1.0, name=name)).sum()
    assert any(text.startswith(f"{name}\n1.0") for text in titles(cost)["node"])
    assert titles(cost)["cluster"] == [called]
    assert any(called in text for text in titles(cost, collapse=True)["node"])


def test_no_made_up_title_is_left(renderer):
    cost = lm.Mix("softmax", "ll").composed(lm.Tensor([2.0, 1.0, 0.0], name="z"), 0)
    cost.backward()
    every = [text for texts in titles(cost).values() for text in texts]
    assert not [text for text in every if re.match(r"%|legend|cluster_|n\d+(->|$)", text)]
    assert "y\n[1.0, 0.0, 0.0]" in every
