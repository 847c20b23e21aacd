"""What is in a drawing."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.engine.graph import group
from tinygrad_lossmix.views.picture import Look, pictures
from tinygrad_lossmix.views.reading import Reading, gradients


def pictured(cost, **look):
    (shown,) = pictures([(Reading(cost), gradients(cost))], Look(**look))
    return shown, [box.lines[0] for box in shown.boxes]


def arrows(shown, titles):
    return {(titles[arrow.tail], titles[arrow.head]): arrow.downstream for arrow in shown.arrows}


def test_constants_are_boxes_of_their_own_and_single_numbers_are_not(cost):
    shown, titles = pictured(cost)
    kinds = dict(zip(titles, (box.kind for box in shown.boxes), strict=True))
    assert kinds["z"] == "input"
    assert kinds["y"] == "constant"
    assert kinds["n1 = exp(z)"] == "operation"
    assert kinds["C = -n6"] == "cost"
    assert len(pictured(1.0 + lm.Tensor(2.0))[1]) == 2


def test_an_arrow_carries_the_gradient_for_one_argument():
    x = lm.Tensor([2.0, 3.0], name="x")
    cost = (x * x).sum()
    assert [arrow.downstream for arrow in pictured(cost)[0].arrows] == [None, None, None]
    cost.backward()
    to_x = [arrow.downstream for arrow in pictured(cost)[0].arrows if arrow.tail == 0]
    np.testing.assert_array_equal(to_x, [[2.0, 3.0], [2.0, 3.0]])


def test_a_gradient_is_written_at_the_arrow_only_where_it_is_one_of_several():
    x = lm.Tensor(3.0, name="x")
    cost = np.exp(x) * x * 2.0
    assert {arrow.label for arrow in pictured(cost)[0].arrows} == {""}
    cost.backward()
    shown, titles = pictured(cost)
    labels = {(titles[each.tail], titles[each.head]): each.label for each in shown.arrows}
    assert labels == {
        ("x", "n1 = exp(x)"): "120.5",
        ("x", "n2 = n1 * x"): "40.17",
        ("n1 = exp(x)", "n2 = n1 * x"): "",
        ("n2 = n1 * x", "cost = n2 * 2"): "",
    }


def test_a_collapsed_group_passes_back_the_sum_over_its_inside(cost):
    shown, titles = pictured(cost, collapse=True)
    assert titles == ["z", "a = softmax(z)", "C = log_likelihood(a, y)", "y"]
    downstream = arrows(shown, titles)
    np.testing.assert_allclose(downstream["z", titles[1]], [-0.33475904, 0.24472847, 0.09003057])
    assert downstream["y", titles[2]] is None


@pytest.mark.parametrize("name", ["softmax", "a"])
def test_one_group_is_opened_by_its_name_or_that_of_its_output(cost, name):
    shown, titles = pictured(cost, open=name)
    assert [cluster.name for cluster in shown.everything.inner] == ["softmax"]
    assert titles[0] == "z"
    assert titles[-2:] == ["C = log_likelihood(a, y)", "y"]
    assert [titles[i] for i in shown.everything.inner[0].boxes] == titles[1:4]


def test_opening_an_inner_group_opens_those_around_it_alone():
    layer = group("layer")(lambda x: lm.book.softmax(x) + lm.book.sigmoid(x))
    cost = lm.book.quadratic(layer(lm.Tensor([1.0, 2.0], name="x")), np.ones(2))
    shown, titles = pictured(cost, open=["softmax"])
    (outer,) = shown.everything.inner
    assert (outer.name, [inner.name for inner in outer.inner]) == ("layer", ["softmax"])
    kinds = [(shown.boxes[i].kind, titles[i].partition(" = ")[2]) for i in outer.boxes]
    assert kinds[0] == ("group", "sigmoid(x)")
    assert pictured(cost, open=["layer"])[0].everything.inner[0].inner == []


def test_a_group_that_is_not_there_is_not_opened(cost):
    with pytest.raises(ValueError, match=r"no group 'softmx' to open: choose one of log_likelih"):
        pictured(cost, open="softmx")
    with pytest.raises(ValueError, match="no group 'n1' to open, nor another"):
        pictured(lm.Tensor(1.0) * 2.0, open="n1")


@pytest.mark.parametrize("what", [5, None, np.ones(2), ["softmax", 5]])
def test_what_is_to_be_opened_is_named(cost, what):
    with pytest.raises(TypeError, match="open is the name of a group, or a list of names"):
        pictured(cost, open=what)


def test_a_collapsed_group_keeps_its_constants_each_once():
    x = lm.Tensor([1.0, 2.0], name="x")
    twice = group("twice")(lambda x, y: (x * y + y).sum())
    shown, titles = pictured(twice(x, np.array([3.0, 4.0])), collapse=True)
    assert titles == ["x", "cost = twice(x, [3, 4])", "[3, 4]"]
    assert [(arrow.tail, arrow.head) for arrow in shown.arrows] == [(0, 1), (2, 1)]


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ("short", ["n1 = x * 2", "[0, ..., 78] (40,)", "gradient [1, ..., 1]"]),
        ("shapes", ["n1 = x * 2", "(40,)"]),
        ("none", ["n1 = x * 2"]),
    ],
)
def test_values_are_shown_as_wished(values, lines):
    x = lm.Tensor(np.arange(40.0), name="x")
    cost = (x * 2.0).sum() + x[0]
    cost.backward()
    shown, _ = pictured(cost, values=values)
    assert shown.boxes[1].lines == lines
    assert any(arrow.label for arrow in shown.arrows) == (values == "short")
    assert (
        shown.boxes[-1].lines[1:2] == {"shapes": ["scalar"], "short": ["1560"], "none": []}[values]
    )


def test_a_direction_and_values_that_there_are_not_are_refused():
    with pytest.raises(ValueError, match="direction is 'down' or 'right', not True"):
        lm.draw(lm.Tensor(1.0), None, True)
    with pytest.raises(ValueError, match="values is 'short' or 'shapes' or 'none', not 'long'"):
        lm.draw(lm.Tensor(1.0), values="long")


def test_groups_are_clusters_and_inner_ones_lie_in_outer_ones():
    @group("layer")
    def layer(x):
        return lm.book.softmax(x * 2.0)

    shown, titles = pictured(layer(lm.Tensor([1.0, 2.0], name="x")).sum())
    (outer,) = shown.everything.inner
    (inner,) = outer.inner
    assert (outer.name, inner.name) == ("layer", "softmax")
    assert [titles[i] for i in outer.boxes] == ["n1 = x * 2"]
    assert len(inner.boxes) == 3


def test_two_groups_with_the_same_output_are_one_inside_the_other():
    outer = group("outer")(group("inner")(lambda x: x * 2.0))
    shown, _ = pictured(outer(lm.Tensor(1.0)))
    assert shown.everything.inner[0].name == "outer"
    assert shown.everything.inner[0].inner[0].name == "inner"


def test_a_group_that_partly_overlaps_another_is_left_out():
    kept = []

    @group("inner")
    def inner(x):
        kept.append(x * 2.0)
        return kept[0] * 3.0

    @group("outer")
    def outer(x):
        kept.append(inner(x))
        return kept[0] * 5.0

    cost = outer(lm.Tensor(1.0)) + kept[1]
    shown, _ = pictured(cost)
    assert [cluster.name for cluster in shown.everything.inner] == ["outer"]
    assert shown.everything.inner[0].inner == []
