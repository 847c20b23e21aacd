"""Names that try to break out, through pictures, pages, the tree and the prompt: all at once."""

import functools
import io
import json
import random
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pygraphviz
import pytest
from hypothesis import settings

import tinygrad_lossmix as lm
from tests.helpers import flowchart
from tests.helpers.quick import thinned
from tinygrad_lossmix.debugger.repl import Prompt
from tinygrad_lossmix.engine import graph
from tinygrad_lossmix.engine.graph import group
from tinygrad_lossmix.printing import LONGEST, clean, shorten
from tinygrad_lossmix.views.mermaid import mermaid as flowchart_of
from tinygrad_lossmix.views.picture import Box, Cluster, Picture

PARTS = (
    *('"', "'", "\\", "\\N", "\\l", "{", "|", "%s", "&amp;", "&#0;", "<!--", "-->", "]]>", "$("),
    *("<b>", "</script>", "<script>alert(1)</script>", '" URL="javascript:alert(1)', "; n0 -> n1 "),
    *("\x00", "\x1b[31m", "\r\n", "\u202e", "\u2028", "\ud800", "\uffff", "\u200b", "\u0301"),
    *(
        "end",
        "subgraph",
        "]",
        "](",
        ")]",
        "`",
        "%%{init: {}}%%",
        "%%",
        "click n0 call alert()",
        "\n",
    ),
    *("#quot;", "#35;", "ﬂ°°34¶ß", "<br/>", ":::cost", "@{shape: hex}", "style n0 a:#b;", "-.->"),
    *("**", "_", "~~", "# ", "1. ", "- ", "> ", "---", "$$x$$", "fa:fa-ban", "![x](//x.org)"),
    *("www.x.org", "http://x.org/", "a@x.org", "    ", "\n", "\t", "|", "\u2066", "\u2069"),
    *("x" * 60, "__import__('os')", ";;", " > 1", ".grad", "é", "𝕏"),
)


def hostile(seed, number):
    """Names of every kind, one of them 10,000 letters long."""
    rng = random.Random(seed)
    pieces = ["".join(rng.choices(PARTS, k=rng.randint(1, 6))) for _ in range(number // 2)]
    letters = [
        "".join(chr(rng.choice([rng.randrange(256), rng.randrange(0x110000)])) for _ in range(30))
        for _ in range(number // 2 - 1)
    ]
    return [*pieces, *letters, "".join(rng.choices(PARTS, k=10_000))[:10_000]]


# What Mermaid draws: the lines of its labels, and all that is in the picture.
DRAWN = """
(async text => {
    const {svg} = await mermaid.render("drawn", text);
    const all = [...new DOMParser().parseFromString(svg, "text/html").body.querySelectorAll("*")];
    const unique = found => [...new Set(found)];
    for (const line of all.filter(each => each.tagName === "BR")) line.replaceWith("\\n");
    return {
        labels: all.filter(each => each.matches("p")).map(each => each.textContent),
        tags: unique(all.map(each => each.tagName.toLowerCase())),
        attributes: unique(all.flatMap(each => each.getAttributeNames())),
    };
})
"""
INERT = {
    *("svg", "g", "style", "defs", "filter", "fedropshadow", "marker", "path", "circle", "rect"),
    *("polygon", "foreignobject", "div", "span", "p", "br"),
}


LOTS = 250 if settings.default.max_examples >= 1000 else 75  # 10,000 names if explored, or 3,000


@pytest.fixture(params=thinned(range(LOTS), 25))
def named(request):
    """40 hostile names, and a cost of Tensors that are called so."""
    names = hostile(request.param, 40)
    cost = called(names, names[::8])
    cost.backward()
    return names, cost


def shortened(name):
    return shorten(clean(name))


def elements(page):
    """The elements of a page, counted."""
    found = Counter()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.update([tag, *(key for key, _ in attrs)])
    parser.feed(page)
    return found


@functools.cache
def elements_of_harmless(names, groups):
    """Those of a page with so many names that are nothing but names."""
    cost = called([f"x{i}" for i in range(names)], ["g"] * groups)
    return elements(lm.page(cost).html)


def called(names, groups):
    """A cost of Tensors with these names, and of calls of functions with those."""
    cost = sum(lm.Tensor(1.0, name=name) for name in names)
    return sum((group(name)(np.negative)(cost) for name in groups), cost)


def squeezed(text):
    return "".join(text.split())


def test_the_svg_is_well_formed_inert_and_has_every_name_in_full(named):
    names, cost = named
    root = ElementTree.fromstring(lm.draw(cost).svg())
    tags = {each.tag.partition("}")[2] for each in root.iter()}
    assert tags <= {"svg", "style", "g", "title", "text", "path", *("ellipse", "polygon")}
    attributes = [key for each in root.iter() for key in each.attrib]
    assert not [key for key in attributes if "href" in key or key.startswith("on")]
    texts, titles = (
        squeezed("\0".join(each.text for each in root.iter() if each.tag.endswith(tag)))
        for tag in ("}text", "}title")
    )
    for name in map(clean, names):
        assert squeezed(name) in (texts if len(name) <= LONGEST else titles)


def test_the_dot_text_has_every_name_in_one_label_and_no_other_box(named):
    names, cost = named
    dot = pygraphviz.AGraph(string=lm.draw(cost).dot)
    boxes = [box for box in dot.nodes() if not box.startswith("legend")]
    labels = [dot.get_node(box).attr["label"].split(r"\n1\n")[0] for box in boxes]
    arrows = [(ends[0], ends[1]) for ends in dot.edges() if not ends[0].startswith("legend")]
    dot.close()
    assert set(boxes) == {f"n{i}" for i in range(len(graph.nodes(cost)))}
    shown = [label.replace("\\\\", "\\").replace("&amp;", "&") for label in labels]
    assert set(map(shortened, names)) <= set(shown)
    assert {part for ends in arrows for part in ends} == set(boxes)


def test_the_flowchart_has_every_name_in_one_label_and_no_other_box(named):
    names, cost = named
    chart = flowchart.read(lm.draw(cost).mermaid)
    assert set(chart.boxes) == {f"n{i}" for i in range(len(graph.nodes(cost)))}
    assert [title for title, _ in chart.frames.values()] == [*map(shortened, names[::8])][::-1]
    shown = [lines[0] for kind, lines in chart.boxes.values() if kind == "input"]
    assert set(map(shortened, names)) <= set(shown)


def test_mermaid_draws_every_name_as_text(named, mermaid):
    names = named[0]
    boxes = [Box("operation", name, [shortened(name), "1"], "", "") for name in names]
    clusters = [Cluster(clean(name), [i]) for i, name in enumerate(names)]
    shown = Picture(boxes, [], Cluster("", [], clusters))
    drawn = mermaid.ask(f"{DRAWN}({json.dumps(flowchart_of({'': shown}, []))})")
    assert set(drawn["tags"]) <= INERT
    assert [key for key in drawn["attributes"] if "href" in key or key.startswith("on")] == []
    labels = [label.partition("\n")[0].replace("\u2060", "") for label in drawn["labels"]]
    assert Counter(map(squeezed, labels)) == Counter(2 * [squeezed(shortened(n)) for n in names])
    found, mermaid.problems = mermaid.problems, []
    assert found == []


def test_the_page_has_no_more_elements_for_such_names(named, tmp_path):
    names, cost = named
    page = lm.page(cost, tmp_path / "steps.html").read_text("utf-8")
    assert elements(page) == elements_of_harmless(len(names), len(names[::8]))


def test_the_tree_is_printable(named):
    assert lm.tree(named[1]).replace("\n", "").isprintable()


def test_the_prompt_answers_in_printable_letters_and_evaluates_nothing(named):
    names, cost = named
    answers = io.StringIO()
    prompt = Prompt(lm.Stepper(cost), answers)
    for name in names[::4]:
        for command in ("", "print ", "break ", "watch ", "check ", "set ", "until ", "alias "):
            prompt.onecmd(f"{command}{name}")
    for command in ("list", "end", "where", "contrib", "break", "alias", "history", "args"):
        prompt.onecmd(command)
    assert answers.getvalue().replace("\n", "").isprintable()
