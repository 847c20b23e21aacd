"""The page by the rules of axe-core, where npm has put it: .ci/run does where there is npm."""

import pytest

import tinygrad_lossmix as lm
from tests.helpers import browser
from tests.helpers.hostile_names import HOSTILE

VIOLATIONS = """
axe.run(document, {resultTypes: ["violations"]}).then(({violations, passes}) => [
    passes.length,
    violations.map(v => `${v.impact} ${v.id}: ${v.nodes.map(n => n.html).join(" ").slice(0, 300)}`),
])
"""


@pytest.fixture(scope="module")
def rules():
    """The script of axe-core."""
    return browser.from_npm("axe-core", "axe.min.js").read_text(encoding="utf-8")


def batch():
    z = lm.Tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]], name="z")
    return lm.Mix("softmax", "ce").composed(z, [0, 1])


def single(name="z"):
    return lm.Mix("softmax", "ll").composed(lm.Tensor([2.0, 1.0, 0.0], name=name), 0)


@pytest.mark.parametrize("cost", [single, batch, lambda: single(HOSTILE[1])])
@pytest.mark.parametrize(
    "screen",
    [{}, {"width": 400, "height": 800}, {"prefers_color_scheme": "dark"}],
    ids=["light", "phone", "dark"],
)
def test_no_rule_is_broken_at_any_kind_of_step(rules, chromium, tmp_path, cost, screen):
    chromium.screen(**screen, prefers_reduced_motion="reduce")
    chromium.open(lm.page(cost(), tmp_path / "steps.html"))
    chromium.ask(f"{rules};0")
    for keys in ([], ["ArrowRight"] * 3, ["End"], ["ArrowLeft", "ArrowLeft"], ["f", " "]):
        chromium.press(*keys)
        passed, violations = chromium.ask(VIOLATIONS)
        assert violations == []
        assert passed > 10
    for click in ("#plain", ".tables summary", "svg .cluster text", "[data-zoom='1.25']"):
        chromium.click(click)
        assert chromium.ask(VIOLATIONS)[1] == []


@pytest.mark.parametrize("screen", [{}, {"width": 400, "height": 800}], ids=["wide", "phone"])
def test_no_rule_is_broken_by_two_beside_each_other(rules, chromium, tmp_path, screen):
    chromium.screen(**screen)
    chromium.open(lm.page(single(), tmp_path / "steps.html", beside=batch()))
    chromium.ask(f"{rules};0")
    for keys in ([], ["ArrowRight"] * 4, ["End"]):
        chromium.press(*keys)
        assert chromium.ask(VIOLATIONS)[1] == []


def test_a_broken_rule_is_found(rules, chromium, tmp_path):
    chromium.screen()
    chromium.open(lm.page(single(), tmp_path / "steps.html"))
    chromium.ask(f"{rules};0")
    chromium.ask("document.querySelector('#next').textContent = ''")
    _, violations = chromium.ask(VIOLATIONS)
    assert [v for v in violations if v.startswith("critical button-name")]
