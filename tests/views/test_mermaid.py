"""A drawing as a Mermaid flowchart, read back and by Mermaid itself."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers import flowchart
from tinygrad_lossmix.engine import graph
from tinygrad_lossmix.engine.sweep import sweep
from tinygrad_lossmix.printing import clean, shaped, short, shorten
from tinygrad_lossmix.testing import strategies
from tinygrad_lossmix.views.picture import FEW_SHOWN

# What Mermaid has read: its nodes, and its links from start to end.
READ = """
(texts => Promise.all(texts.map(async text => {
    const {db} = await mermaid.mermaidAPI.getDiagramFromText(text);
    return [
        [...db.getVertices().values()].map(v => [v.id, v.classes, v.text]),
        db.getEdges().map(e => [e.start, e.end, e.type, e.stroke, e.text]),
    ];
})))
"""


def recorded(program):
    """The cost of a program, differentiated."""
    f, inputs = program
    cost = f(*map(lm.Tensor, inputs))
    cost.backward()
    return cost


def is_array(arg):
    return isinstance(arg, np.ndarray) and arg.ndim > 0


def as_recorded(cost):
    """What a flowchart of a cost has to say, from the recording and the sweep themselves."""
    nodes, names = graph.nodes(cost), graph.names(cost)
    ids = {node: f"n{i}" for i, node in enumerate(nodes)}
    boxes = {
        ids[node]: [
            names[node],
            shaped(node.data, FEW_SHOWN),
            f"gradient {short(node.grad, FEW_SHOWN)}",
        ]
        for node in nodes
    }
    forward = [(ids[x], ids[node]) for node in nodes for x in node.args if type(x) is lm.Tensor]
    for x, user in [(x, node) for node in nodes for x in node.args if is_array(x)]:
        constant = f"n{len(boxes)}"
        boxes[constant] = ["", shaped(x, FEW_SHOWN), ""]
        forward.append((constant, ids[user]))
    steps = list(sweep(cost, cost.grad))
    received = Counter(node.args[place] for node, place, *_ in steps)
    back = [
        (ids[node], ids[x], short(part, FEW_SHOWN) if received[x] > 1 else "")
        for node, x, part in ((node, node.args[place], part) for node, place, _, part, _ in steps)
    ]
    return boxes, forward, back


def check(cost):
    """The nodes, edges and gradients of the flowchart are those of the recording."""
    chart = flowchart.read(lm.draw(cost, names={}).mermaid)
    boxes, forward, back = as_recorded(cost)
    assert chart.boxes.keys() == boxes.keys()
    for name, (kind, lines) in chart.boxes.items():
        title, value, gradient = boxes[name]
        assert lines[-1 if kind == "constant" else 1] == value
        if kind != "constant":
            assert lines[0].partition(" = ")[0] == title
            assert lines[2] == gradient
    assert sorted(chart.forward) == sorted(forward)
    assert sorted(chart.back) == sorted(back)
    assert chart.turned == list(range(len(forward), len(forward) + len(back)))


@given(strategies.programs())
def test_nodes_edges_and_gradients_are_those_of_the_recording(program):
    check(recorded(program))


@pytest.mark.slow
@settings(max_examples=1000)
@given(strategies.programs())
def test_nodes_edges_and_gradients_of_a_thousand_programs(program):
    check(recorded(program))


def test_the_text_of_a_small_graph():
    w = lm.Tensor(3.0, name="w")
    cost = (w * np.array([1.0, 2.0])).sum()
    cost.backward()
    assert lm.draw(cost, names={}).mermaid == (Path(__file__).parent / "small.mmd").read_text()


def test_before_backward_nothing_flows_back():
    chart = flowchart.read(lm.draw(lm.Tensor(3.0, name="w") * 2.0).mermaid)
    assert (chart.back, chart.turned) == ([], [])
    assert chart.boxes["n0"] == ("input", ["w", "3", "gradient not computed"])


def test_groups_are_subgraphs_or_boxes_of_their_own(cost):
    chart = flowchart.read(lm.draw(cost).mermaid)
    assert {title: len(boxes) for title, boxes in chart.frames.values()} == {
        "softmax": 3,
        "log_likelihood": 5,
    }
    collapsed = flowchart.read(lm.draw(cost, collapse=True).mermaid)
    assert [kind for kind, _ in collapsed.boxes.values()] == ["input", "group", "cost", "constant"]
    assert collapsed.frames == {}


def test_pictures_beside_each_other_have_frames_and_notes(cost):
    chart = flowchart.read(lm.rewriting(cost).draw().mermaid)
    assert {"recorded", "stabilised"} <= {title for title, _ in chart.frames.values()}
    assert chart.boxes["notes"][1][0].startswith("a: e^u / ")


@given(st.text(st.characters(), min_size=1, max_size=30))
def test_a_name_is_read_back_as_it_is_shown_whatever_it_holds(name):
    chart = flowchart.read(lm.draw(lm.Tensor(1.0, name=name) * 2.0).mermaid)
    assert chart.boxes["n0"][1][0] == shorten(clean(name))


def as_mermaid_reads_it(chromium, texts):
    """Boxes and links of each flowchart by Mermaid's parser, in the manner of `flowchart.read`."""
    for boxes, links in chromium.ask(f"{READ}({json.dumps(texts)})"):
        yield (
            {name: (kinds[0], shown(label).split("<br/>")) for name, kinds, label in boxes},
            [(start, end) for start, end, kind, *_ in links if kind == "arrow_point"],
            [
                (end, start, shown(label))
                for start, end, kind, stroke, label in links
                if (kind, stroke) == ("double_arrow_point", "dotted")
            ],
        )


def shown(label):
    """A label as Mermaid keeps it until it is drawn."""
    kept = label.replace("ﬂ°°", "#").replace("¶ß", ";").replace("<br>", "<br/>")
    return "<br/>".join(map(flowchart.decoded, kept.split("<br/>")))


def by_mermaid(chromium, costs):
    texts = [lm.draw(cost).mermaid for cost in costs]
    for text, read in zip(texts, as_mermaid_reads_it(chromium, texts), strict=True):
        assert read == flowchart.read(text)[:3]


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_mermaid_reads_the_mixes(mermaid, mix):
    cost = mix.composed(lm.Tensor([[2.0, 1.0, 0.0]] * 2, name="z"), [0, 1])
    cost.backward()
    by_mermaid(mermaid, [cost])
    texts = [lm.draw(cost, collapse=True).mermaid, lm.rewriting(cost).draw().mermaid]
    assert len(list(as_mermaid_reads_it(mermaid, texts))) == 2


@settings(max_examples=1)
@given(st.lists(strategies.programs(), min_size=10, max_size=20))
def test_mermaid_reads_programs(mermaid, programs):
    by_mermaid(mermaid, map(recorded, programs))


@pytest.mark.slow
@settings(max_examples=30)
@given(st.lists(strategies.programs(), min_size=10, max_size=10))
def test_mermaid_reads_three_hundred_programs(mermaid, programs):
    by_mermaid(mermaid, map(recorded, programs))


def test_values_flow_to_the_right_where_that_is_asked_for():
    cost = lm.Tensor(1.0, name="x") * 2.0
    assert "\nflowchart TB\n" in lm.draw(cost).mermaid
    assert "\nflowchart LR\n" in lm.draw(cost, direction="right").mermaid
