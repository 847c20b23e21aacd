"""The animated drawing: what it plays, in which order, and what is left where nothing moves."""

import re
import time
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given

import tinygrad_lossmix as lm
from tinygrad_lossmix.engine import graph
from tinygrad_lossmix.engine.sweep import sweep
from tinygrad_lossmix.testing import strategies

NAME = re.compile(r"animation-name: ([a-z]+)(\d+)-\w+")
FRAMES = re.compile(r"@keyframes ([a-z]+)(\d+)-\w+\{(.*)\}$", re.MULTILINE)
MOVING = re.compile(r' style="animation-name: [\w-]+"| pathLength="1"|<style>(?!@media \(prefers-c)'
                    r".*?</style>\n?", re.DOTALL)  # fmt: skip


def played(svg):
    """What appears at each step: the titles of boxes and arrows, and the lines with gradients."""
    found = {}
    for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):
        title = (element.findtext("{*}title") or "").split("\n")[0].split(" = ")[0]
        for each in (element, *element.findall("{*}text")):
            if name := NAME.match(each.get("style", "")):
                found.setdefault((int(name[2]), name[1]), []).append(title)
    return found


def walked(cost):
    """The same by the recording and by the sweep themselves."""
    nodes, names = graph.nodes(cost), graph.names(cost)
    arrow = "from {} to {}".format
    found = {}
    for step, node in enumerate(nodes):
        users = [arrow(names[x], names[node]) for x in node.args if type(x) is lm.Tensor]
        users += [arrow("", names[node]) for x in node.args if isinstance(x, np.ndarray) and x.ndim]
        found[step, "value"] = sorted([names[node], *users])
    complete = {cost: len(nodes)}
    for step, (node, place, *_) in enumerate(sweep(cost, cost.grad), len(nodes) + 1):
        found[step, "product"] = [arrow(names[node], names[node.args[place]])]
        complete[node.args[place]] = step
    for node, step in complete.items():
        found[step, "total"] = [names[node]]
    return found


@given(strategies.programs())
def test_it_plays_the_values_and_then_the_sweep_in_its_order(program):
    f, inputs = program
    cost = f(*map(lm.Tensor, inputs))
    cost.backward()
    drawing = lm.draw(cost, names={})
    found = {key: sorted(each) for key, each in played(drawing.svg(animate=True)).items()}
    assert found == walked(cost)


def test_two_arrows_between_the_same_boxes_come_one_after_the_other(renderer):
    x = lm.Tensor(3.0, name="x")
    cost = x - x
    cost.backward()
    root = ElementTree.fromstring(lm.draw(cost, names={}).svg(animate=True))
    labels = {
        int(NAME.match(each.get("style"))[2]): each.findtext("{*}text").strip()
        for each in root.iter("{http://www.w3.org/2000/svg}g")
        if each.get("class") == "edge gradient" and each.get("style")
    }
    assert labels == {3: "1", 4: "-1"}


def test_a_collapsed_group_passes_on_what_left_it_last(cost):
    svg = lm.draw(cost, collapse=True).svg(animate=True)
    order = [titles for (_, move), titles in sorted(played(svg).items()) if move == "product"]
    assert order == [["from C to a"], ["from a to z"]]


def test_each_step_follows_the_one_before_it_and_the_whole_is_held(cost):
    frames = {int(f[2]): f[3] for f in FRAMES.finditer(lm.draw(cost).svg(animate=True))}
    seconds = float(re.search(r"animation: ([\d.]+)s infinite", lm.draw(cost).svg(animate=True))[1])
    times = [
        [float(t) * seconds / 100 for t in re.findall(r"([\d.]+)%", frames[i])] for i in frames
    ]
    begins = sorted(min(t[1:]) for t in times)
    assert np.all(np.diff(begins) > 0.2)
    assert seconds - begins[-1] > 4


def test_without_backward_the_values_alone_are_played():
    svg = lm.draw(lm.Tensor(3.0, name="w") * 2.0).svg(animate=True)
    assert {move for _, move in played(svg)} == {"value"}
    assert svg.count(">gradient not computed<") == 2


def test_what_does_not_move_is_the_drawing(cost, renderer):
    drawing = lm.draw(cost)
    still, moving = drawing.svg(), drawing.svg(animate=True)
    assert MOVING.sub("", moving) == still
    ElementTree.fromstring(moving)
    assert "<script" not in moving


def test_a_box_that_is_called_gradient_has_its_name_from_the_start():
    x = lm.Tensor(3.0, name="gradient")
    cost = x * 2.0
    cost.backward()
    svg = lm.draw(cost, names={}).svg(animate=True)
    assert re.findall(r"<text style=[^>]*>(.*?)</text>", svg) == ["gradient 2", "gradient 1"]


def test_two_costs_in_one_picture_are_swept_at_the_same_time():
    z = lm.Tensor([2.0, 1.0, 0.0], name="z")
    one, two = (lm.Mix("softmax", cost).composed(z, 0) for cost in ("ll", "ce"))
    one.backward()
    two.backward()
    svg = lm.draw(one, names={}, beside=two).svg(animate=True)
    found = played(svg)
    last = {
        move: [titles for (_, each), titles in sorted(found.items()) if each == move][-1]
        for move in ("product", "total")
    }
    assert last == {"product": ["from n1 to z"], "total": ["z", "z"]}
    assert svg.count('class="edge gradient second" style="animation-name: product') > 5


def test_pictures_beside_each_other_play_at_the_same_time(cost):
    found = played(lm.rewriting(cost).draw().svg(animate=True))
    assert found[0, "value"] == ["z", "z"]


@pytest.mark.slow
def test_a_large_walk_takes_a_minute_and_a_bounded_file():
    x = z = lm.Tensor([2.0, 1.0, 0.0], name="z")
    for _ in range(73):
        x = np.exp(-x) + z * 1.0
    cost = x.sum()
    cost.backward()
    drawing = lm.draw(cost)
    still, moving = drawing.svg(), drawing.svg(animate=True)
    assert len(moving) < 1.8 * len(still)
    assert 60 < float(re.search(r"animation: ([\d.]+)s", moving)[1]) < 65


def opacities(chromium, seconds):
    """Of the boxes and of the arrows back, at a moment."""
    chromium.ask(
        "document.getAnimations().forEach(each => {"
        f"each.pause(); each.currentTime = {1000 * seconds} }})"
    )
    return [
        chromium.ask(
            f"[...document.querySelectorAll('{kind}')].map(each => +getComputedStyle(each).opacity)"
        )
        for kind in (".node:not([id^=legend])", ".gradient[style]")
    ]


def test_a_browser_plays_it_and_begins_again(cost, chromium, tmp_path):
    path = lm.draw(cost).save(tmp_path / "walk.svg", animate=True)
    chromium.screen(prefers_reduced_motion="no-preference")
    chromium.open(path)
    every = "document.getAnimations()"
    assert chromium.ask(f"{every}.every(each => each.effect.getTiming().iterations === Infinity)")
    seconds = chromium.ask(f"{every}[0].effect.getTiming().duration") / 1000
    boxes, back = opacities(chromium, 1.9)  # z and exp(z), and the legend
    assert (min(boxes), max(boxes), set(back)) == (0.2, 1, {0})
    boxes, back = opacities(chromium, 12.5)
    assert set(boxes) == {1}
    assert 0 < sum(back) < len(back)
    assert opacities(chromium, seconds - 1) == [[1] * len(boxes), [1] * len(back)]
    assert opacities(chromium, seconds + 1.9)[1] == [0] * len(back)
    assert chromium.problems == []


def test_who_prefers_reduced_motion_sees_all_at_once(cost, chromium, tmp_path):
    path = lm.draw(cost).save(tmp_path / "walk.svg", animate=True)
    chromium.screen(prefers_reduced_motion="reduce")
    chromium.open(path)
    assert chromium.ask("document.getAnimations().length") == 0
    boxes, back = opacities(chromium, 0)
    assert {*boxes, *back} == {1}


@pytest.mark.slow
def test_it_plays_inside_an_image(cost, chromium, tmp_path):
    lm.draw(cost).save(tmp_path / "walk.svg", animate=True)
    page = tmp_path / "page.html"
    page.write_text('<!doctype html><meta charset="utf-8"><img src="walk.svg" width="400">')
    chromium.screen(prefers_reduced_motion="no-preference")
    chromium.open(page)
    before = chromium.picture()
    time.sleep(1.2)
    assert chromium.picture() != before


def test_only_an_svg_is_animated(cost, tmp_path):
    with pytest.raises(ValueError, match=r"only an \.svg is animated, not \.png"):
        lm.draw(cost).save(tmp_path / "walk.png", animate=True)
