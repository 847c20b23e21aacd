"""What is in a drawing."""

import numpy as np

import tinygrad_lossmix as lm
from tinygrad_lossmix.engine.graph import group
from tinygrad_lossmix.views.picture import picture
from tinygrad_lossmix.views.reading import Reading, gradients


def pictured(cost, collapse=False):
    shown = picture(Reading(cost), gradients(cost), collapse)
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
    assert titles == ["z", "a = softmax(z)", "C = log_likelihood(a)", "y"]
    downstream = arrows(shown, titles)
    np.testing.assert_allclose(downstream["z", titles[1]], [-0.33475904, 0.24472847, 0.09003057])
    assert downstream["y", titles[2]] is None


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
