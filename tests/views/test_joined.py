"""Two recordings in one picture."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given

import tinygrad_lossmix as lm
from tinygrad_lossmix.engine.graph import group
from tinygrad_lossmix.printing import shaped
from tinygrad_lossmix.testing import strategies
from tinygrad_lossmix.views.joined import joined, renamed
from tinygrad_lossmix.views.picture import FEW_SHOWN, Look, picture
from tinygrad_lossmix.views.reading import Reading, gradients


def composed(output, cost, y=0):
    cost = lm.Mix(output, cost).composed(lm.Tensor([2.0, 1.0, 0.0], name="z"), y)
    cost.backward()
    return cost


def pictured(cost, beside, **look):
    first = Reading(cost, {})
    other = renamed(first, Reading(beside, {}))
    shown = joined([(first, gradients(cost)), (other, gradients(beside))], Look(**look))
    return shown, [box.lines[0] for box in shown.boxes]


def arrows(shown, titles, **kind):
    found = [each for each in shown.arrows if all(getattr(each, k) == v for k, v in kind.items())]
    return [(titles[each.tail].split()[0], titles[each.head].split()[0]) for each in found]


@pytest.mark.parametrize("name", ["softmax", "sigmoid"])
def test_a_group_that_one_of_them_has_is_opened(name):
    shown, _ = pictured(composed("softmax", "ll"), composed("sigmoid", "ll"), open=name)
    assert [cluster.name for cluster in shown.everything.within()] == [name]
    with pytest.raises(ValueError, match="no group 'softmx' to open: choose one of"):
        pictured(composed("softmax", "ll"), composed("sigmoid", "ll"), open="softmx")


def test_what_two_mixes_share_is_there_once():
    shown, titles = pictured(composed("softmax", "ll"), composed("softmax", "ce"))
    assert max(Counter(titles).values()) == 1
    assert titles[:4] == ["z", "n1 = exp(z)", "n2 = sum(n1, axis=-1, keepdims=True)", "a = n1 / n2"]
    assert {"n5 = n4 * y", "n9' = n5 + n8'", "C = -n6", "C' = -n10'"} < set(titles)
    assert titles[-2:] == ["y", "1 - y"]
    forward = arrows(shown, titles, again=False)
    assert forward.count(("z", "n1")) == 1
    assert {("n5", "n6"), ("n5", "n9'")} < set(forward)


def test_gradients_that_differ_are_those_of_each_cost():
    shown, titles = pictured(composed("softmax", "ll"), composed("softmax", "ce"))
    assert shown.boxes[0].lines[2:] == [
        "gradient of C (delta) [-0.3348, 0.2447, 0.09003]",
        "gradient of C' (delta) [-0.6161, 0.4652, 0.1509]",
    ]
    assert shown.boxes[0].tooltip.count("\n") == 3
    second = [each for each in shown.arrows if each.cost and each.tail == 0]
    assert [(titles[each.head], each.again) for each in second] == [("n1 = exp(z)", True)]
    delta = lm.Mix("softmax", "ce").delta(np.array([2.0, 1.0, 0.0]), 0)
    np.testing.assert_allclose(second[0].downstream, delta)


def test_gradients_that_are_the_same_are_there_once():
    """Sigmoid with cross-entropy twice, spelled in two ways."""
    z, y = lm.Tensor([2.0, 1.0], name="z"), np.array([1.0, 0.0])
    a = lm.book.sigmoid(z)
    first = -(y * np.log(a) + (1.0 - y) * np.log(1.0 - a)).sum()
    other = -(y * np.log(a) + (1.0 - y) * np.log(1.0 - a)).sum() * 1.0
    for cost in (first, other):
        cost.backward()
    shown, titles = pictured(first, other)
    assert arrows(shown, titles, cost=1) == [(titles[-4].split()[0], titles[-3].split()[0])]
    assert not [line for box in shown.boxes for line in box.lines if "gradient of" in line]


def test_the_same_cost_beside_itself_is_one_picture():
    cost = composed("softmax", "quadratic")
    shown, _ = pictured(cost, cost)
    assert not [each for each in shown.arrows if each.cost or each.again]
    alone = lm.draw(cost, {}).dot
    assert len(shown.boxes) == len(re.findall(r"^\t+n\d+ \[", alone, re.MULTILINE))


def test_two_costs_that_are_equal_are_drawn_with_a_tree_each():
    drawing = lm.draw(composed("softmax", "ll"), {}, beside=composed("softmax", "ll"))
    assert drawing.text.count("softmax + log-likelihood: C = 0.4076\n") == 2
    assert drawing.dot.count('label="C =') == 1


@pytest.mark.parametrize("values", ["short", "shapes"])
@pytest.mark.parametrize("penalised_first", [True, False])
def test_a_cost_that_the_other_is_computed_from_is_a_cost_too(values, penalised_first):
    w = lm.Tensor([2.0, 1.0], name="w")
    loss = np.exp(w).sum()
    penalised = 2.0 * np.exp(w).sum() + (w * w).sum()
    costs = [loss, penalised]
    for cost in costs:
        cost.backward()
    first, other = costs[::-1] if penalised_first else costs
    text = lm.draw(first, {}, values=values, beside=other).dot
    names = re.search(r'label="(\S+) = \S+\\n(\S+) = ', text).groups()
    assert set(re.findall(r'label="(\S+) = .*class=cost', text)) == {*names}
    assert tuple(re.findall(r'label=" gradient of (\S+) "', text)) == names


def test_a_cost_differentiated_from_two_seeds_has_both_gradients():
    w = lm.Tensor([2.0, 1.0], name="w")
    one, two = (np.exp(w).sum() for _ in range(2))
    one.backward()
    two.backward(2.0)
    text = lm.draw(one, {}, beside=two).dot
    assert "gradient of n2 [7.389, 2.718]\\ngradient of n2 [14.78, 5.437]" in text
    assert text.count('label=" gradient of n2 "') == 2


def test_a_box_shared_by_two_groups_is_in_neither():
    shown, titles = pictured(composed("softmax", "ll"), composed("softmax", "ce"))
    inside = {each.name: [titles[i] for i in each.boxes] for each in shown.everything.inner}
    assert inside.keys() == {"softmax", "log_likelihood", "cross_entropy"}
    assert inside["log_likelihood"] == ["n6 = sum(n5)", "C = -n6"]
    loose = [titles[i] for i in shown.everything.boxes]
    assert loose == ["z", "n4 = log(a)", "n5 = n4 * y", "y"]


def test_collapsed_groups_are_shared_where_they_are_the_same():
    _, titles = pictured(composed("softmax", "ll"), composed("softmax", "ce"), collapse=True)
    assert titles == [
        *("z", "a = softmax(z)", "C = log_likelihood(a, y)", "C' = cross_entropy(a, y)"),
        *("y", "1 - y"),
    ]


def test_leaves_are_the_same_by_identity_or_by_name_and_values():
    x = lm.Tensor([1.0, 2.0])
    for others, count in (
        ((x, x), 1),
        ((lm.Tensor([1.0, 2.0], name="w"), lm.Tensor([1.0, 2.0], name="w")), 1),
        ((lm.Tensor([1.0, 2.0], name="w"), lm.Tensor([1.0, 3.0], name="w")), 2),
        ((lm.Tensor([1.0, 2.0], name="w"), lm.Tensor([1.0, 2.0], name="v")), 2),
    ):
        shown, _ = pictured(*(np.exp(each).sum() for each in others))
        assert sum(box.kind == "input" for box in shown.boxes) == count


def test_steps_made_twice_are_told_apart():
    x = lm.Tensor(2.0, name="x")
    shown, titles = pictured(x * 2.0 + x * 2.0, x * 2.0 + x * 2.0 + x * 2.0)
    assert sum(title.endswith("= x * 2") for title in titles) == 3
    assert len(set(arrows(shown, titles))) == len(shown.arrows)


def test_before_backward_there_are_no_gradients():
    z = lm.Tensor([2.0, 1.0, 0.0], name="z")
    costs = [mix.composed(z, 0) for mix in lm.MIXES[:2]]
    shown, _ = pictured(*costs)
    assert {each.downstream for each in shown.arrows} == {None}
    assert shown.boxes[0].lines[2:] == ["gradient (delta) not computed"]


def test_one_cost_that_is_differentiated_has_its_gradient():
    z = lm.Tensor([2.0, 1.0, 0.0], name="z")
    first, other = (mix.composed(z, 0) for mix in lm.MIXES[:2])
    other.backward()
    shown, _ = pictured(first, other)
    assert shown.boxes[0].lines[2].startswith("gradient of C (delta) not computed")
    assert shown.boxes[0].lines[3].startswith("gradient of C' (delta) [")


@pytest.mark.parametrize("form", ["dot", "mermaid"])
def test_each_cost_has_its_own_colour(form):
    drawing = lm.draw(composed("softmax", "ll"), {}, beside=composed("softmax", "ce"))
    text = getattr(drawing, form)
    assert text.count("n1 = exp(z)") == 1
    colours = {"dot": r'color="(#8a3b00|#00579c)"', "mermaid": r"stroke:(#c8641e|#2f86c9)"}
    assert len(set(re.findall(colours[form], text))) == 2
    assert drawing.svg(animate=True).startswith("<svg")


@given(strategies.programs(), strategies.programs())
def test_every_node_and_gradient_of_both_is_in_the_picture(one, two):
    """Programs with the same inputs by name, whose values may be the same too."""
    costs = []
    for f, inputs in (one, two):
        costs.append(f(*(lm.Tensor(x, name=f"v{i}") for i, x in enumerate(inputs))))
        costs[-1].backward()
    shown, _ = pictured(*costs)
    lines = {line for box in shown.boxes for line in box.lines}
    passed = [each.downstream for each in shown.arrows if each.downstream is not None]
    for cost in costs:
        reading = Reading(cost, {})
        for node in reading.nodes:
            assert shaped(node.data, FEW_SHOWN) in lines
        for each in picture(reading, gradients(cost)).arrows:
            if (back := each.downstream) is not None:
                alike = [x for x in passed if x.shape == back.shape]
                assert any(np.allclose(back, x, equal_nan=True) for x in alike)


def test_a_group_of_the_users_that_both_call_is_shared():
    @group("layer")
    def layer(x):
        return np.tanh(x * 2.0)

    x = lm.Tensor([1.0, 2.0], name="x")
    shown, _ = pictured(layer(x).sum(), (layer(x) ** 2).sum())
    assert [each.name for each in shown.everything.inner] == ["layer"]
    assert len(shown.everything.inner[0].boxes) == 2
