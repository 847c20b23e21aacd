"""The app computes and shows what the package says, for every mix and wherever the logits are."""

import html
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import thinned

START = [2.0, 1.0, 0.0, -1.0]


@pytest.fixture
def explore():
    """Runs the app, from the controls given to all that is defined and shown."""
    pytest.importorskip("marimo")
    path = Path(__file__).parent.parent / "demos" / "explore.py"
    spec = importlib.util.spec_from_file_location("explore", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(**controls):
        outputs, found = module.app.run(defs=controls or None)
        return found, next(output.text for output in outputs if output is not None)

    return run


def controls(mix, z, y):
    mo = pytest.importorskip("marimo")
    return {
        "start": START,
        "output": mo.ui.radio(["softmax", "sigmoid"], value=mix.output),
        "cost": mo.ui.radio(["ce", "ll", "quadratic"], value=mix.cost_name),
        "label": mo.ui.radio(["0", "1", "2", "3"], value=str(y)),
        "logits": mo.ui.array([mo.ui.slider(-8, 8, step=0.1, value=x) for x in z]),
        "classes": ["0", "1", "2", "3"],
    }


@pytest.mark.slow
def test_it_opens_where_something_goes_wrong_and_says_what_to_look_at(explore):
    found, shown = explore()
    assert found["mix"] == lm.Mix("softmax", "quadratic")
    error = found["a"] - found["wanted"]
    assert error.argmax() != found["y"]
    assert np.linalg.norm(found["delta"]) < 0.02 * np.linalg.norm(error)
    assert "Class 1 has the largest output, class 0 is right, and hardly anything is" in shown
    assert "Compare the last two columns." in shown
    assert "softmax + quadratic" in found["arrows"].text
    assert "softmax + log-likelihood" in found["arrows"].text
    assert shown.count("marimo-slider") >= 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mix", "z", "seen"),
    [
        (("softmax", "ll"), [-3.0, 5.0, 0.0, -1.0], "δ is a - y"),
        (("sigmoid", "ll"), [2.0, 1.0, 0.0, -1.0], "Class 1 is wrong, its output is 0.73, and"),
        (("softmax", "quadratic"), [8.0, 0.0, 0.0, 0.0], "The answer is right, and δ is 0.1"),
        (
            ("softmax", "ce"),
            [0.0, 6.0, 4.0, 0.0],
            "Class 2 is wrong, and yet its logit is pushed",
        ),
        (("softmax", "ce"), [2.0, 1.0, 0.0, -1.0], "δ is 1.81 times"),
    ],
)
def test_what_it_says_to_look_at_is_there_to_be_seen(explore, mix, z, seen):
    found, shown = explore(**controls(lm.Mix(*mix), z, 0))
    assert found["seen"].startswith(seen)
    assert found["seen"] in html.unescape(shown)
    assert found["then"] in html.unescape(shown)


@pytest.mark.parametrize("mix", thinned(lm.MIXES, 6), ids=str)
def test_the_controls_decide_what_is_computed_and_shown(explore, mix):
    z = [-1.5, 0.2, 3.0, 0.0]
    found, shown = explore(**controls(mix, z, 2))
    np.testing.assert_allclose(found["delta"], mix.delta(np.array(z), 2), rtol=1e-12)
    np.testing.assert_array_equal(found["wanted"], [0, 0, 1, 0])
    assert found["costs"][mix.cost_name] == pytest.approx(float(found["recorded"].data))
    assert str(mix) in shown
    for x in (*found["a"], *found["delta"]):
        assert f"<code>{x + 0.0:.4f}</code>" in shown
    assert "<svg" in found["drawing"].text
    assert "<iframe" in found["views"].text


@pytest.mark.slow
def test_without_a_renderer_the_tree_is_shown(explore, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    found, _ = explore()
    assert "softmax output layer a" in found["drawing"].text
