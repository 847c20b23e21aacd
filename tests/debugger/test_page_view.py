"""What is seen of the page: it fits its window; zoom, groups, the address, two in lock-step."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from demos import network
from tests.helpers.hostile_names import HOSTILE
from tests.helpers.quick import thinned
from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.printing import clean, shorten
from tinygrad_lossmix.views.picture import size
from tinygrad_lossmix.views.reading import Reading

SIZES = [(1280, 800), (1920, 1080), (390, 844)]
OUTSIDE = """
(() => {
    const pane = document.getElementById('pane').getBoundingClientRect();
    const seen = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    const within = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1
        && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
    const drawn = [...document.querySelectorAll('svg .node, svg .cluster')];
    return [!within(pane, seen), ...drawn.map((g) => !within(g.getBoundingClientRect(), pane))]
        .filter(Boolean).length;
})()
"""
SCALE = "Number(document.querySelector('svg').getAttribute('viewBox').split(' ')[2])"


def mix(output="softmax", cost="ll", name="z"):
    return lm.Mix(output, cost).composed(lm.Tensor([2.0, 1.0, 0.0], name=name), 0)


def two_layers():
    rng = np.random.default_rng(1)
    shapes = {"W1": (3, 5), "b1": (5,), "W2": (5, 3), "b2": (3,)}
    return network.loss(*(lm.Tensor(rng.normal(size=n), name=k) for k, n in shapes.items()))


@pytest.mark.parametrize("size", thinned(zip(SIZES, strict=True), 2), ids=str)
@pytest.mark.parametrize("cost", thinned([two_layers, mix], 2))
def test_on_opening_all_of_the_drawing_and_its_values_are_seen(opened, cost, size):
    page = opened(cost(), width=size[0], height=size[1])
    assert page.text("#position").startswith("step 1 of")
    assert page.ask(OUTSIDE) == 0
    assert page.ask("document.documentElement.scrollWidth <= innerWidth")
    if size[0] > 1000:
        assert page.ask("document.documentElement.scrollHeight <= innerHeight")
    told = (
        "[...document.querySelectorAll('svg .node.box')].map((g) => g.getAttribute('aria-label'))"
    )
    assert all(any(c.isdigit() for c in text.partition(" ")[2]) for text in page.ask(told))


@pytest.mark.parametrize("width", [390, 820, 1200])
@pytest.mark.parametrize("beside", [False, True])
def test_no_button_covers_the_drawing(opened, width, beside):
    x = lm.Tensor(np.ones((4, 3)), name="x")
    cost = (x @ lm.Tensor(np.ones((3, 2)), name="w") + lm.Tensor(np.ones(2), name="b")).sum()
    other = (cost * 0.1).exp() if beside else None
    page = opened(cost, beside=other, width=width, height=844)
    covered = """[...document.querySelectorAll('.zoom button')].filter((button) => {
        const { left, right, top, bottom } = button.getBoundingClientRect();
        return [...document.querySelectorAll('svg .node, .legend span')].filter((each) => {
            const box = each.getBoundingClientRect();
            return box.left < right && left < box.right && box.top < bottom && top < box.bottom;
        }).length;
    }).length"""
    assert page.ask(covered) == 0
    cut = """[...document.querySelectorAll('.legend span')].filter((each) =>
        each.getBoundingClientRect().right > each.closest('.graph').getBoundingClientRect().right
    ).length"""
    assert page.ask(cut) == 0


def test_all_of_it_is_seen_again_when_the_window_changes(opened):
    page = opened(mix())
    page.screen(width=800, height=600)
    page.wait("innerWidth === 800")
    page.wait(f"({OUTSIDE}) === 0")


def test_what_a_box_has_no_room_for_is_drawn_in_colours(opened):
    page = opened(two_layers(), at="#step=18")
    coloured = "[...document.querySelectorAll('svg .box .heat')].filter((g) => g.childNodes.length)"
    assert page.ask(f"{coloured}.length") > 10
    page.press("Home")
    assert page.ask(f"{coloured}.length") > 5
    assert "W1 [[" in page.ask("document.querySelector('svg .box').getAttribute('aria-label')")


def test_a_mask_is_coloured_where_it_is_true(opened):
    x = lm.Tensor(np.arange(1.0, 26.0).reshape(5, 5), name="x")
    page = opened(np.where(np.tri(5, dtype=bool), x, 0.0).sum())
    shades = """[...document.querySelectorAll('svg .heat')].map((g) => [...g.children].map(
        (path) => path.style.getPropertyValue('--shade')))"""
    assert ["100%", "0%"] in page.ask(shades)


def test_buttons_keys_and_the_wheel_zoom_and_the_view_follows_the_step(opened):
    page = opened(two_layers())
    page.ask("new Promise(requestAnimationFrame)")
    whole = page.ask(SCALE)
    page.click("[data-zoom='1.25']")
    closer = page.ask(SCALE)
    assert closer < whole
    page.press("+")
    assert page.ask(SCALE) < closer
    page.wheel("#pane", -600)
    page.wait(f"{SCALE} < {closer / 2}")
    for _ in range(17):
        page.press("ArrowRight")
        box = "document.querySelector('svg .box.on').getBoundingClientRect()"
        pane = "document.getElementById('pane').getBoundingClientRect()"
        assert page.ask(f"{box}.top < {pane}.bottom && {box}.bottom > {pane}.top")
        assert page.ask(f"{box}.left < {pane}.right && {box}.right > {pane}.left")
    page.press("-")
    page.press("0")
    assert page.ask(SCALE) == pytest.approx(whole)
    assert page.ask(OUTSIDE) == 0


def test_two_fingers_zoom_and_one_moves_what_is_zoomed(opened):
    page = opened(two_layers())
    page.ask("new Promise(requestAnimationFrame)")
    whole = page.ask(SCALE)
    touch = """(kind, id, x, y) => document.getElementById('pane').dispatchEvent(
        new PointerEvent(kind, { pointerId: id, clientX: x, clientY: y, bubbles: true }))"""
    for step in ("'pointerdown', 1, 300, 300", "'pointerdown', 2, 400, 300"):
        page.ask(f"({touch})({step})")
    page.ask(f"({touch})('pointermove', 2, 600, 300)")
    assert page.ask(SCALE) == pytest.approx(whole / 3, rel=0.01)
    page.ask(f"({touch})('pointerup', 2, 600, 300)")
    left = "Number(document.querySelector('svg').getAttribute('viewBox').split(' ')[0])"
    before = page.ask(left)
    page.ask(f"({touch})('pointermove', 1, 250, 300)")
    assert page.ask(left) > before
    assert page.ask(SCALE) == pytest.approx(whole / 3, rel=0.01)


@pytest.mark.slow
def test_three_hundred_boxes_open_in_a_second_and_step_in_a_twentieth(opened):
    x = n = lm.Tensor(np.arange(12.0).reshape(4, 3) / 7.0, name="x")
    while size(Reading(n)) < 297:
        n = np.tanh(n * 1.01) + x
    page = opened(n.sum())
    opening = "performance.getEntriesByType('navigation')[0].loadEventEnd"
    assert page.ask(opening) < 1000
    step = "go(position + 1); document.body.offsetHeight; return performance.now() - begun"
    times = f"[...Array(60)].map(() => {{ const begun = performance.now(); {step} }})"
    assert np.median(page.ask(times)) < 50


def test_the_line_of_a_node_is_shown_where_it_is_known(opened):
    x = lm.Tensor([1.0, 2.0], name="x", lines=True)
    y = np.exp(x)
    page = opened(y.sum(), at="#step=3")
    assert page.text("#line") == f"test_page_view.py:{y.line[1]}"
    assert page.text("#values").count("test_page_view.py:") == 3
    page.press("Home")
    assert page.text("#line") == ""


def test_a_closed_group_is_one_box_and_one_step(opened):
    page = opened(mix())
    page.ask("document.querySelector('#drawing1-clust1').focus()")
    page.press("Enter")
    lid = "document.querySelector('svg .lid:not(.gone)')"
    assert page.ask(f"{lid}.getAttribute('aria-label')").startswith(
        "log_likelihood 0.4076 gradient 1"
    )
    assert page.ask(f"document.activeElement === {lid}")
    hidden = "[...document.querySelectorAll('svg .node.gone')].map((g) => g.textContent)"
    assert len(page.ask(hidden)) == 5  # four nodes and y
    page.ask("document.activeElement.blur()")
    page.press("ArrowRight")
    assert page.text("#said").startswith("Backward: n4 → a")
    page.press("ArrowLeft")
    assert page.text("#position") == "step 1 of 9"
    page.ask(f"{lid}.dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))")
    assert page.ask(hidden) == []
    page.press("ArrowRight")
    assert page.text("#position") == "step 2 of 9"


def test_a_group_in_a_group_is_under_its_lid(opened):
    square = lm.group("square")(lambda x: x * x)
    both = lm.group("outer")(lambda x: square(x) + square(x * 2.0))
    page = opened(both(lm.Tensor([1.0, 2.0], name="x")).sum())
    for inner in ("2", "1"):
        page.ask(f"document.querySelector('#drawing1-clust{inner}').focus()")
        page.press("Enter")
    lids = "[...document.querySelectorAll('svg .lid:not(.gone)')].map((g) => g.textContent)"
    assert [text[2:7] for text in page.ask(lids)] == ["outer"]


def test_the_address_says_the_step(opened):
    page = opened(mix(), at="#step=7")
    assert page.text("#position") == "step 7 of 9"
    page.press("ArrowRight")
    assert page.ask("document.getElementById('link').getAttribute('href')") == "#step=8"
    page.wait("location.hash === '#step=8'")
    page.ask("location.hash = '#forward=2'")
    page.wait("document.getElementById('position').textContent === 'forward 2 of 8'")


@pytest.mark.parametrize(
    ("at", "position"),
    [("#step=99", "step 9 of 9"), ("#step=0", "step 1 of 9"), ("#forward=99", "forward 8 of 8"),
     ("#step=x", "step 1 of 9"), ("#<b>", "step 1 of 9")],
)  # fmt: skip
def test_an_address_without_such_a_step_does_no_harm(opened, at, position):
    assert opened(mix(), at=at).text("#position") == position


def test_playing_forward_is_a_choice_and_ends_in_the_backward_pass(opened):
    page = opened(mix())
    assert page.ask("document.getElementById('previous').disabled")
    page.ask("{ const real = setInterval; window.setInterval = (f, pace) => real(f, pace / 40) }")
    page.click("#forward")
    page.wait("document.getElementById('position').textContent === 'step 9 of 9'")
    page.press("Home")
    assert page.text("#position") == "forward 1 of 8"
    page.click("#forward")
    assert page.text("#position") == "step 1 of 9"


def test_the_speed_is_chosen(opened):
    page = opened(mix())
    page.ask("{ window.paces = []; window.setInterval = (f, pace) => { paces.push(pace) } }")
    for speed in ("4", "0.5"):
        page.ask(f"document.getElementById('speed').value = '{speed}'")
        page.click("#play")
        page.click("#play")
    assert page.ask("paces") == [300, 2400]


def test_two_mixes_are_stepped_in_lock_step(opened):
    both = Lockstep(lm.Stepper(mix()), lm.Stepper(mix("sigmoid", "ll")))
    page = opened(mix(), beside=mix("sigmoid", "ll"), width=1280, height=800)
    assert page.ask("document.querySelectorAll('#pane svg, #pane2 svg').length") == 2
    assert page.ask("document.getElementById('forward').hidden")
    while both.next():
        page.press("ArrowRight")
        for suffix, walk in (("", both.left), ("2", both.right)):
            node, argument = walk.stop[0], walk.stop[2]
            reached = walk.reading.call(argument)
            assert page.text(f"#name{suffix}") == walk.reading.defined(argument)
            assert page.text(f"#rule{suffix}").startswith(f"dC/d{reached} ")
            assert f"dC/d{walk.reading.call(node)}" in page.text(f"#product{suffix}")
        if both.meeting:
            assert page.text("#said") == str(both.meeting)
        else:
            assert " | " in page.text("#said")
    assert page.text("#position") == f"step {len(both) + 1} of {len(both) + 1}"
    assert page.ask("document.documentElement.scrollHeight <= innerHeight")
    page.ask("document.querySelector('#products2 button').click()")
    assert page.text("#position") == f"step 1 of {len(both) + 1}"


@pytest.mark.parametrize("name", thinned(HOSTILE, 7), ids=range(len(HOSTILE)))
def test_beside_another_a_hostile_name_stays_text(opened, name):
    page = opened(mix(), beside=mix("softmax", "ce", name=name))
    page.press("End")
    assert page.text("#name2") == shorten(clean(name))
    assert page.ask("document.querySelectorAll('img, b, script').length") == 2
