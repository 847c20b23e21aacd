"""Drawings as pictures and files."""

import itertools
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers.quick import thinned
from tinygrad_lossmix.printing import clean, shorten
from tinygrad_lossmix.views.drawing import NoRenderer, render


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    """A machine without Graphviz."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def no_renderer(no_dot, monkeypatch):
    """A machine without Graphviz and pygraphviz."""
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


def test_pygraphviz_draws_where_there_is_no_dot(cost, no_dot, capfd):
    drawing = lm.draw(cost)
    assert drawing.renderer is None
    assert "<svg" in drawing.svg()
    assert drawing.png().startswith(b"\x89PNG")
    assert drawing.renderer == "pygraphviz"
    assert capfd.readouterr() == ("", "")


def install_dot(folder, script):
    dot = folder / "dot"
    dot.write_text(f"#!/bin/sh\n{script}\n")
    dot.chmod(0o755)


def test_dot_draws_where_it_is(cost, no_dot, tmp_path):
    install_dot(tmp_path, "while read -r line; do :; done; echo '<svg width=\"8pt\"><g/></svg>'")
    drawing = lm.draw(cost)
    assert drawing.svg().endswith("<g/></svg>\n")
    assert drawing.renderer == "dot"


def test_pygraphviz_draws_where_dot_is_broken(cost, no_dot, tmp_path):
    install_dot(tmp_path, "while read -r line; do :; done; exit 1")
    drawing = lm.draw(cost)
    assert drawing.png().startswith(b"\x89PNG")
    assert drawing.renderer == "pygraphviz"


def test_an_svg_takes_the_size_it_is_given(cost, no_dot):
    root = ElementTree.fromstring(lm.draw(cost).svg())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "viewBox" in root.attrib
    assert not {"width", "height"} & set(root.attrib)


def test_gradients_flow_back_by_arrows_of_their_own():
    x = lm.Tensor(3.0, name="x")
    cost = x * 2.0
    assert 'class="edge gradient"' not in lm.draw(cost).svg()
    cost.backward()
    root = ElementTree.fromstring(lm.draw(cost).svg())
    tips = {}
    for each in root.iter("{http://www.w3.org/2000/svg}g"):
        if each.findtext("{*}title") in (
            "from x to cost",
            "from cost to x\ndownstream gradient 2.0",
        ):
            heights = re.findall(r",(-\d+)", each.find("{*}polygon").get("points"))
            tips[each.get("class")] = sum(map(int, heights)) / len(heights)
    assert tips["edge gradient"] < tips["edge"]  # x is above its product


def test_an_svg_turns_dark_only_inside_itself(cost, no_dot):
    svg = lm.draw(cost).svg()
    style = svg[svg.index("<style>") : svg.index("</style>")]
    assert "prefers-color-scheme: dark" in style
    assert all(rule.startswith(".lossmix ") for rule in re.findall(r"^\..*", style, re.MULTILINE))


@given(st.text(st.characters(), min_size=1, max_size=20))
def test_an_svg_is_well_formed_and_shows_the_name_whatever_it_holds(name):
    svg = lm.draw(lm.Tensor(1.0, name=name) * 2.0).svg()
    shown = ["".join((text.text or "").split()) for text in ElementTree.fromstring(svg).iter()]
    assert "".join(shorten(clean(name)).split()) in shown


@pytest.mark.parametrize(
    ("suffix", "start"),
    [
        ("svg", b"<svg"),
        ("PNG", b"\x89PNG"),
        ("pdf", b"%PDF"),
        ("dot", b"digraph"),
        ("txt", b"   "),
    ],
)
def test_a_file_is_written_by_its_suffix(cost, tmp_path, suffix, start):
    path = tmp_path / f"graph.{suffix}"
    assert lm.draw(cost).save(path) == path
    assert path.read_bytes().startswith(start)
    assert os.listdir(tmp_path) == [path.name]


def test_another_suffix_is_refused(cost, tmp_path):
    with pytest.raises(ValueError, match=r"saved as \.svg, .*not \.jpg"):
        lm.draw(cost).save(tmp_path / "graph.jpg")


def test_a_folder_that_is_not_there_is_an_error(cost, tmp_path):
    with pytest.raises(FileNotFoundError):
        lm.draw(cost).save(tmp_path / "nowhere" / "graph.dot")


def test_without_a_renderer_the_dot_is_written_and_one_line_says_what_to_install(
    cost, no_renderer, tmp_path, capsys
):
    drawing = lm.draw(cost)
    with pytest.raises(NoRenderer, match=re.escape('pip install "tinygrad_lossmix[draw]"')):
        drawing.svg()
    written = drawing.save(tmp_path / "graph.svg")
    assert written == tmp_path / "graph.dot"
    assert written.read_text() == drawing.dot
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert 'pip install "tinygrad_lossmix[draw]"' in said


def test_a_notebook_shows_the_svg_or_else_the_tree(cost, no_dot, monkeypatch):
    bundle = lm.draw(cost)._repr_mimebundle_()
    assert "<svg" in bundle["image/svg+xml"]
    assert bundle["text/plain"] == lm.tree(cost)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    assert lm.draw(cost)._repr_mimebundle_() == {"text/plain": lm.tree(cost)}
    assert lm.draw(cost)._repr_svg_() is None


def test_threads_draw_at_the_same_time(cost, no_dot):
    drawing = lm.draw(cost)
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: drawing.svg(), range(12)))) == 1


@pytest.mark.parametrize(
    ("renderer", "letters"),
    thinned(itertools.product(["dot", "pygraphviz"], ["\\", "x", "𝕏", '"']), 5),
)
def test_a_name_of_any_length_is_drawn_and_whole_in_the_tooltip(letters, renderer, request):
    if renderer == "pygraphviz":
        request.getfixturevalue("no_dot")
    name = letters * 17_000
    drawing = lm.draw(lm.Tensor(1.0, name=name) * 2.0)
    root = ElementTree.fromstring(drawing.svg())
    assert drawing.renderer == renderer
    assert any((each.text or "").startswith(name) for each in root.iter())


def test_an_operation_on_very_many_arguments_is_drawn():
    parts = [lm.Tensor([1.0], name=f"an input with a long name, number {i}") for i in range(600)]
    assert "<svg" in lm.draw(np.concatenate(parts).sum()).svg()


def test_what_the_renderer_said_is_told(no_dot, tmp_path, monkeypatch):
    with pytest.raises(NoRenderer, match=r"^pygraphviz failed to draw a svg: Invalid Input$"):
        render("digraph { a -> ", "svg")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(NoRenderer, match=r"^drawing a svg needs Graphviz: pip install"):
        render("digraph { a -> ", "svg")
    install_dot(tmp_path, "while read -r line; do :; done; echo 'no \033[31m room' >&2; exit 1")
    with pytest.raises(NoRenderer, match=r"^dot failed to draw a svg: no \\x1b\[31m room$"):
        render("digraph { a -> b }", "svg")
