"""The page as a file: what it holds, whatever the names are."""

import base64
import hashlib
import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from demos import network
from tests.helpers.hostile_names import HOSTILE
from tests.helpers.quick import thinned
from tinygrad_lossmix.printing import clean, short, shorten


class Elements(HTMLParser):
    """The elements of a page as a browser finds them, and what is in scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.found, self.raw = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.raw.append((tag, dict(attrs).get("type"), ""))

    def handle_data(self, data):
        if self.cdata_elem:
            tag, kind, text = self.raw.pop()
            self.raw.append((tag, kind, text + data))


def composed(output="softmax", cost="ll"):
    return lm.Mix(output, cost).composed(lm.Tensor([2.0, 1.0, 0.0], name="z"), 0)


@pytest.fixture
def text(tmp_path):
    """Writes the page of a cost and reads it."""
    return lambda cost, **names: lm.page(cost, tmp_path / "steps.html", **names).read_text("utf-8")


def content(text):
    """The data of a page."""
    return json.loads(next(raw for _, kind, raw in Elements(text).raw if kind))


def side(text):
    """The recording of a page, each array in its two lengths of text."""
    data = content(text)
    (recording,) = data["sides"]
    texts = [array["text"] for array in data["arrays"]]
    for node in recording["nodes"]:
        node["value"] = texts[node["value"]]
    names = "upstream", "downstream", "accumulated"
    for product in recording["products"]:
        product |= zip(names, (texts[i] for i in product["gradients"]), strict=True)
    return recording


def without_drawing(text):
    start, end = text.index("<svg"), text.index("</svg>")
    return text[:start] + text[end:]


def test_the_policy_allows_the_one_script_and_the_one_style_and_nothing_else(text):
    elements = Elements(text(composed()))
    policy = next(a["content"] for _, a in elements.found if "http-equiv" in a)
    running = [(tag, raw) for tag, kind, raw in elements.raw if kind is None]
    assert [tag for tag, _ in running] == ["style", "script"]
    hashes = {
        tag: base64.b64encode(hashlib.sha256(raw.encode()).digest()).decode()
        for tag, raw in running
    }
    assert [part.strip() for part in policy.split(";")] == [
        "default-src 'none'",
        f"script-src 'sha256-{hashes['script']}'",
        f"style-src 'sha256-{hashes['style']}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_nothing_is_fetched_and_nothing_needs_an_inline_style(text):
    page = text(composed())
    attributes = {name for _, found in Elements(page).found for name in found}
    assert not {"src", "href", "xlink:href", "style", "srcset", "action"} & attributes
    assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?:", page)


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_the_page_of_a_mix_is_less_than_60_kilobytes_beside_its_drawing(text, mix):
    page = text(composed(mix.output, mix.cost_name))
    assert len(without_drawing(page).encode()) < 60_000


def test_the_steps_are_those_of_the_stepper(text):
    cost = composed("softmax", "ce")
    data = side(text(cost))
    walk = lm.Stepper(cost)
    assert [node["name"] for node in data["nodes"]] == list(walk.reading.names.values())
    for product in data["products"]:
        assert walk.next()
        at, to = (data["nodes"][product[key]]["name"] for key in ("node", "to"))
        assert str(walk).endswith(f"{at} → {to}: {product['downstream'][0]}")
    assert walk.at_end
    delta = lm.Mix("softmax", "ce").delta(np.array([2.0, 1.0, 0.0]), 0)
    assert data["products"][-1]["accumulated"] == [short(delta)]


def test_gradients_are_drawn_and_the_recording_stays_as_it_is(text):
    cost = composed()
    page = text(cost)
    assert "gradient not computed" not in page
    assert cost.grad is None
    cost.backward(seed=np.float64(2.0))
    assert text(cost) == page


def test_arguments_that_are_the_same_tensor_keep_their_own_arrows(text):
    x = lm.Tensor(3.0, name="x")
    products = side(text(x - x))["products"]
    assert [(p["arrow"], p["downstream"]) for p in products] == [(0, ["1"]), (1, ["-1"])]


def test_a_long_value_is_shortened_in_the_drawing_only(text):
    z = lm.Tensor(np.arange(40.0), name="z")
    value = side(text(z.sum()))["nodes"][0]["value"]
    assert value[0].startswith("[0, ..., 39]")
    assert value[1].count(",") == 39


def test_the_callers_names_are_used(text):
    z = lm.Tensor([2.0, 1.0])
    cost = (z * z).sum()
    nodes = side(text(cost, names={"weights": z}))["nodes"]
    assert nodes[0]["name"] == "weights"


@given(st.text(st.characters(), min_size=1, max_size=30))
def test_a_name_stays_data_whatever_it_holds(tmp_path_factory, name):
    path = tmp_path_factory.mktemp("page") / "steps.html"
    plain = Elements(lm.page(lm.Tensor(1.0, name="x") * 2.0, path).read_text("utf-8"))
    page = lm.page(lm.Tensor(1.0, name=name) * 2.0, path).read_text("utf-8")
    found = Elements(page)
    long = {"g", "a"}  # around what has a whole name to point at
    assert [tag for tag, _ in found.found if tag not in long] == [
        tag for tag, _ in plain.found if tag not in long
    ]
    assert not [key for _, attrs in found.found for key in attrs if key.endswith("href")]
    assert side(page)["nodes"][0]["name"] == shorten(clean(name))


@pytest.mark.parametrize("name", thinned(HOSTILE, 4), ids=range(len(HOSTILE)))
def test_a_hostile_name_of_the_cost_stays_text_in_the_title_and_the_data(text, name):
    cost = lm.Tensor(1.0, name="x") * 2.0
    page = text(cost, names={name: cost})
    tags = [tag for tag, _ in Elements(page).found]
    assert (tags.count("script"), tags.count("img"), tags.count("style")) == (2, 0, 1)
    raw = next(raw for _, kind, raw in Elements(page).raw if kind)
    assert not set("<>&") & set(raw)


def test_without_a_renderer_there_is_the_table_and_one_line_says_what_to_install(
    text, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    page = text(composed())
    advice = 'pip install "tinygrad_lossmix[draw]"'
    assert advice.replace('"', "&quot;") in page
    assert "<svg" not in page
    assert len(side(page)["products"]) == 8
    said = capsys.readouterr().err
    assert advice in said
    assert said.count("\n") == 1


def test_too_many_boxes_are_refused_with_advice(text):
    x = lm.Tensor(1.0)
    for _ in range(300):
        x = x + 1.0
    with pytest.raises(ValueError, match=r"301 boxes .* step\(cost\) take any size"):
        text(x)


@pytest.mark.parametrize("cost", [3.0, lm.Tensor([1.0, 2.0])])
def test_only_scalar_tensors_have_a_page(text, cost):
    with pytest.raises((TypeError, ValueError), match=r"not a Tensor|take its sum"):
        text(cost)


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(FileNotFoundError):
        lm.page(composed(), tmp_path / "nowhere" / "steps.html")
    assert list(tmp_path.iterdir()) == []


def test_without_a_path_it_is_the_same_file(tmp_path):
    made = lm.page(composed())
    path = lm.page(composed(), tmp_path / "steps.html")
    assert made.html == path.read_text("utf-8")
    again = made.save(tmp_path / "again.html")
    assert again.read_bytes() == path.read_bytes()
    assert repr(made) == 'Page: .show(), .save("steps.html"), .html'
    with pytest.raises(ValueError, match=r"saved as \.html or \.htm .*, not \.png"):
        made.save(tmp_path / "steps.png")


@pytest.mark.parametrize("name", thinned(HOSTILE, 4), ids=range(len(HOSTILE)))
def test_in_a_notebook_it_is_one_frame_that_holds_the_file(name):
    cost = lm.Tensor(1.0, name="x") * 2.0
    made = lm.page(cost, names={name: cost})
    ((tag, attributes),) = Elements(made._repr_html_()).found
    assert (tag, attributes["sandbox"], attributes["srcdoc"]) == (
        "iframe",
        "allow-scripts",
        made.html,
    )


def test_the_page_of_the_network_is_less_than_90_kilobytes_beside_its_drawing(text):
    rng = np.random.default_rng(0)
    tensors = [lm.Tensor(rng.normal(size=shape)) for shape in [(3, 5), 5, (5, 3), 3]]
    page = text(network.loss(*tensors))
    assert len(without_drawing(page).encode()) < 90_000


@pytest.mark.slow
def test_an_array_of_any_size_takes_no_more_room_than_its_corners(text):
    sizes = []
    for n in (100, 1_000):
        x = lm.Tensor(np.linspace(-1.0, 1.0, n * n).reshape(n, n), name="x")
        sizes.append(len(text((np.tanh(x) * x).sum())))
    assert sizes[1] < 1.1 * sizes[0] < 200_000


def test_two_beside_each_other_need_not_be_mixes_nor_of_one_size(text):
    x = lm.Tensor([1.0, 2.0], name="x")
    page = text(np.exp(x).sum(), beside=(x * x).sum())
    data = content(page)
    assert [len(side["nodes"]) for side in data["sides"]] == [3, 3]
    assert data["moments"][-1] == [2, 3]
    with pytest.raises(ValueError, match="take its sum"):
        text(np.exp(x).sum(), beside=x * x)
