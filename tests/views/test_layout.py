"""Golden drawings, measured: no text leaves its box, nothing lies over what is not its own."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.layout import faults
from tests.helpers.quick import thinned

BOXES = """[...document.querySelectorAll("text")].map((text) => {
  const { x, y, width, height } = text.getBBox();
  return [x, y, x + width, y + height];
})"""


def mix(output, cost):
    cost = lm.Mix(output, cost).composed(lm.Tensor([2.0, 1.0, 0.0], name="z"), 0)
    cost.backward()
    return cost


def network():
    """Two layers and a batch of four."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 3)).round(2), np.eye(3)[[0, 1, 2, 1]]
    shapes = {"W1": (3, 5), "b1": (5,), "W2": (5, 3), "b2": (3,)}
    W1, b1, W2, b2 = (lm.Tensor(rng.normal(size=s).round(2), name=n) for n, s in shapes.items())
    a = lm.book.softmax(np.tanh(x @ W1 + b1) @ W2 + b2)
    cost = lm.book.log_likelihood(a, y)
    cost.backward()
    return cost


def hostile():
    names = "x" * 60, '"; n0 [label=<b>&amp;\\N', "WM" * 30, "\u202e\x1b[31m" * 4, "é漢𝕏字" * 10
    cost = sum(lm.Tensor([1.0, 2.0], name=name) for name in names).sum()
    cost.backward()
    return cost


def scalars():
    x = lm.Tensor(2.0, name="x")
    cost = x * x * x - np.exp(x) * x
    cost.backward()
    return cost


def large():
    W = lm.Tensor(np.linspace(-1e3, 1e3, 10**5).reshape(100, 1000), name="W")
    x = lm.Tensor(np.full(1000, 1 / 3), name="x")
    cost = (np.tanh(W @ x) ** 2).mean()
    cost.backward()
    return cost


GOLDEN = {
    "softmax ll": lambda: lm.draw(mix("softmax", "ll")),
    "sigmoid ce": lambda: lm.draw(mix("sigmoid", "ce")),
    "softmax quadratic": lambda: lm.draw(mix("softmax", "quadratic")),
    "network": lambda: lm.draw(network()),
    "network, to the right": lambda: lm.draw(network(), direction="right"),
    "network, collapsed": lambda: lm.draw(network(), collapse=True),
    "network, one group open": lambda: lm.draw(network(), open="softmax"),
    "two mixes": lambda: lm.draw(mix("softmax", "ll"), beside=mix("softmax", "ce")),
    "stabilised": lambda: lm.rewriting(mix("softmax", "ce")).draw(),
    "hostile names": lambda: lm.draw(hostile()),
    "scalars": lambda: lm.draw(scalars()),
    "large arrays": lambda: lm.draw(large()),
}


@pytest.mark.parametrize("name", thinned(GOLDEN, 2))
def test_nothing_lies_over_anything_by_the_widths_of_helvetica(name, monkeypatch, tmp_path):
    drawing = GOLDEN[name]()
    assert faults(drawing.svg()) == []
    monkeypatch.setenv("PATH", str(tmp_path))  # without dot
    assert faults(drawing.svg()) == []
    assert drawing.renderer == "pygraphviz"


@pytest.mark.parametrize("name", thinned(GOLDEN, 3))
def test_nothing_lies_over_anything_in_a_browser(name, chromium, tmp_path):
    path = GOLDEN[name]().save(tmp_path / "graph.svg")
    chromium.open(path)
    assert faults(path.read_text(), chromium.ask(BOXES)) == []


SPOILT = """<svg xmlns="http://www.w3.org/2000/svg">
<g class="graph"><polygon points="0,0 200,0 200,200 0,200"/>
<!-- n0 -->
<g class="node"><polygon points="10,10 90,10 90,40 10,40"/>
<text x="50" y="30" font-size="14" text-anchor="middle">too long for it</text></g>
<!-- n1 -->
<g class="node"><ellipse cx="95" cy="25" rx="20" ry="10"/></g>
<!-- n2 -->
<g class="node"><path d="M10,150C10,150 90,150 90,150 90,150 90,180 90,180"/></g>
<!-- n0&#45;&gt;n1 -->
<g class="edge"><path d="M50,40C50,90 50,120 50,190"/>
<text x="50" y="160" font-size="11" text-anchor="middle">one</text></g>
<!-- n1&#45;&gt;n2 -->
<g class="edge"><path d="M100,35C90,90 60,120 51,150"/>
<text x="52" y="158" font-size="11" text-anchor="middle">other</text></g>
<g class="cluster"><path d="M120,120C120,120 160,120 160,120"/>
<text x="140" y="130" font-size="14" text-anchor="middle">softmax</text></g>
</g></svg>"""


def test_what_lies_over_something_is_seen():
    assert faults(SPOILT) == [
        "'too long for it' leaves the box n0",
        "the boxes n0 and n1 overlap",
        "'one' is over n2",
        "'other' is over n2",
        "'softmax' leaves cluster",
        "'one' is over 'other'",
        "n0->n1 crosses the box n2",
        "n0->n1 crosses 'other'",
    ]
