"""The page in a real browser: stepped by keys and clicks, with nothing said on the console."""

import sys

import pytest

import tinygrad_lossmix as lm
from tests.helpers.hostile_names import HOSTILE
from tests.helpers.quick import thinned
from tinygrad_lossmix.printing import clean, shorten


def composed(name="z"):
    return lm.Mix("softmax", "ll").composed(lm.Tensor([2.0, 1.0, 0.0], name=name), 0)


@pytest.fixture
def in_a_notebook(chromium, tmp_path):
    """Opens what a notebook shows of an object; nothing may have been said on the console."""
    chromium.problems.clear()
    chromium.screen()

    def open_output(shown):
        path = tmp_path / "notebook.html"
        path.write_text(f"<!doctype html><body>{shown._repr_html_()}", encoding="utf-8")
        chromium.open(path)
        return chromium

    yield open_output
    assert chromium.problems == []


def step_of(page):
    return page.text("#position")


def test_keys_step_forwards_and_back(opened):
    page = opened(composed())
    assert step_of(page) == "step 1 of 9"
    assert page.text("#said") == "Seed: dC/dC = 1, the backward pass starts here"
    page.press("ArrowRight", "ArrowRight")
    assert page.text("#said") == "Backward: n6 → n5: [-1, -1, -1]; dC/dn5 = [-1, -1, -1]"
    page.press("ArrowLeft")
    assert step_of(page) == "step 2 of 9"
    page.press("End")
    assert page.text("#said") == (
        "Backward: n1 → z: [-0.3348, 0.2447, 0.09003]; delta = dC/dz = [-0.3348, 0.2447, 0.09003]"
    )
    page.press("ArrowRight")
    assert step_of(page) == "step 9 of 9"
    page.press("Home")
    assert step_of(page) == "step 1 of 9"


def test_values_and_gradients_come_into_the_drawing_with_their_steps(opened):
    page = opened(composed())
    drawn = "[...document.querySelectorAll('svg .input.box text')].map(t => t.textContent)"
    assert page.ask(drawn) == ["z", "[2, 1, 0]", ""]
    assert "11.11" in page.text("svg")
    assert page.text("svg").count("gradient") == 1  # of the cost
    page.press("f", " ")
    assert step_of(page) == "forward 1 of 8"
    assert page.text("#said") == "Forward: z is [2, 1, 0], an input"
    assert "11.11" not in page.text("svg")
    assert "gradient" not in page.text("svg")
    page.press("ArrowRight", "ArrowRight")
    assert page.text("#said").startswith("Forward: n2 is [11.11], from n2 = sum(n1")
    assert "11.11" in page.text("svg")
    page.press("End")
    assert page.ask(drawn)[2] == "gradient (delta) [-0.3348, 0.2447, 0.09003]"
    assert page.text("svg").count("gradient") == 8


def test_in_a_batch_the_gradient_of_the_logits_is_delta_over_n(opened):
    z = lm.Tensor([[2.0, 1.0], [0.0, 3.0]], name="z")
    page = opened(lm.Mix("softmax", "ll").composed(z, [0, 1]))
    page.press("End")
    assert "gradient (delta/n) [[-0.1345, 0.1345], [0.02371, -0.02371]]" in page.text("svg")
    assert page.text("#equation") == "logits z, their gradient is delta/n, n = 2, eq. (84)"
    assert "; delta/n = dC/dz = [[-0.1345" in page.text("#said")


def test_the_pointer_on_a_box_shows_all_that_is_known_in_full(opened):
    z = lm.Tensor([k / 8 for k in range(20)], name="a long name, " * 5)
    page = opened((z * z).sum())
    shown = "document.querySelector('svg .input.box title').textContent"
    entries = ", ".join(f"{k / 8:.4g}" for k in range(20))
    assert page.ask(shown) == f"{z.name}\n[{entries}]"
    page.press("End")
    slopes = ", ".join(f"{k / 4:.4g}" for k in range(20))
    assert page.ask(shown).endswith(f" = [{slopes}]")


def test_the_buttons_the_slider_and_the_table_step(opened):
    page = opened(composed())
    page.click("#next")
    assert step_of(page) == "step 2 of 9"
    page.click("#previous")
    assert step_of(page) == "step 1 of 9"
    page.ask("document.getElementById('slider').focus()")
    page.press("ArrowRight", "ArrowRight")
    assert step_of(page) == "step 3 of 9"
    page.click("summary")
    page.click("#products tbody tr:last-child button")
    assert step_of(page) == "step 9 of 9"
    assert page.text("tr[aria-current=step]").startswith("9n1")


def test_the_space_bar_plays_to_the_end_and_stops(opened):
    x = lm.Tensor(2.0, name="x")
    page = opened(x * 3.0)
    page.ask("{ const real = setInterval; window.setInterval = (f, pace) => real(f, pace / 20) }")
    page.press(" ")
    assert page.text("#play") == "Pause"
    page.wait("document.getElementById('position').textContent === 'step 2 of 2'")
    assert page.text("#play") == "Play"


def test_a_clicked_node_shows_value_derivative_gradient_and_contributions(opened):
    page = opened(composed())
    page.press("End")
    page.click('svg [aria-label^="n1 "]')
    assert page.text("#name") == "n1 = exp(z)"
    facts = page.text("#arrays") + page.text("#facts")
    for part in (
        "valuen1 (3,)7.3892.7181gradient",
        "dn1/dz = diag(7.389, 2.718, 1)",
        "gradientdC/dn1 (3,)-0.04530.090030.09003",
        "from a: [-0.1353, 0, 0]",
        "from n2: [0.09003, 0.09003, 0.09003]",
    ):
        assert part in facts
    for part in (
        "upstreamdC/dn1 (3,)-0.04530.090030.09003",
        "localdn1/dz (3,)7.3892.7181",
        "downstreamdC/dz (3,)-0.33480.24470.09003",
    ):
        assert part in page.text("#product")
    page.press("Home")
    assert page.text("#name") == "n1 = exp(z)"
    assert "not computed yet" in page.text("#facts")


def test_a_node_is_reached_and_pressed_by_the_keyboard(opened):
    page = opened(composed())
    box = "document.querySelector('svg .cost.box')"
    page.ask(f"{box}.focus()")
    page.press("Enter")
    assert page.ask(f"{box}.getAttribute('aria-pressed')") == "true"
    assert page.text("#name") == "C = -n6"
    page.press(" ")
    assert page.ask(f"{box}.getAttribute('aria-pressed')") == "false"


def test_arrows_between_the_same_boxes_show_the_gradient_of_each(opened):
    x = lm.Tensor(3.0, name="x")
    page = opened(x - x)
    page.press("End")
    arrows = "[...document.querySelectorAll('svg .edge')].filter(g => g.matches('.edge.on'))"
    assert page.ask(f"{arrows}.map(g => g.querySelector('text').textContent)") == ["-1"]


@pytest.mark.parametrize("name", thinned(HOSTILE, 7), ids=range(len(HOSTILE)))
def test_a_hostile_name_is_shown_and_not_executed(opened, name):
    page = opened(composed(name=name))
    page.press("End")
    shown = shorten(clean(name))
    assert shown in page.text("#values")
    assert page.text("#name") == shown
    assert clean(name) in page.text("#details")
    assert page.ask("document.querySelectorAll('img, b, script').length") == 2


def test_it_is_dark_for_those_who_want_it(opened):
    ground = "getComputedStyle(document.body).backgroundColor"
    assert opened(composed()).ask(ground) == "rgb(255, 255, 255)"
    assert opened(composed(), prefers_color_scheme="dark").ask(ground) == "rgb(22, 24, 28)"


def test_nothing_moves_for_those_who_do_not_want_it(opened):
    moving = "getComputedStyle(document.querySelector('svg .box')).transitionDuration"
    assert opened(composed()).ask(moving) == "0.2s"
    assert opened(composed(), prefers_reduced_motion="reduce").ask(moving) == "0s"


def test_a_phone_shows_it_legibly_and_without_scrolling_sideways(opened):
    page = opened(composed(), width=400, height=800)
    assert page.ask("document.documentElement.scrollWidth") <= 400
    letters = "document.querySelector('svg .box text').getBoundingClientRect().height"
    assert round(page.ask(letters), 2) >= 12
    page.press("End")
    visible = (
        "(() => { const r = document.querySelector('svg .node.on').getBoundingClientRect();"
        "return r.left < innerWidth && r.right > 0 && r.top < innerHeight && r.bottom > 0 })()"
    )
    assert page.ask(visible)


def test_the_sentence_on_a_phone_leaves_room_for_the_drawing_however_large_the_arrays(opened):
    x = lm.Tensor([[k / 7 for k in range(10)]] * 10, name="x")
    page = opened((x * x).sum(), width=400, height=800)
    for key in ("Home", "ArrowRight", "End"):
        page.press(key)
        assert page.ask("document.querySelector('header').offsetHeight") < 300


def test_without_a_renderer_the_table_still_steps(opened, tmp_path, monkeypatch):
    cost = composed()
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        patch.setitem(sys.modules, "pygraphviz", None)
        page = opened(cost)
    page.press("End")
    assert page.text("tr[aria-current=step]").startswith("9n1")


def test_in_a_notebook_the_page_steps_in_a_frame_of_its_own(in_a_notebook):
    page = in_a_notebook(lm.page(composed(name='"></iframe><script>alert(1)</script>')))
    page.ask_inside("document.getElementById('next').click()")
    assert page.ask_inside("document.getElementById('position').textContent") == "step 2 of 9"
    with pytest.raises(AssertionError, match="SecurityError"):
        page.ask_inside("parent.document.title")


def test_in_a_notebook_a_stepper_is_the_page_at_its_stop(in_a_notebook):
    walk = lm.Stepper(composed())
    walk.goto(3)
    page = in_a_notebook(walk)
    assert page.ask_inside("document.getElementById('said').textContent").startswith(
        f"Backward: {str(walk).removeprefix('[3/8] ')}"
    )
