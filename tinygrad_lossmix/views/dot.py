"""A recording as a drawing, in the DOT language.

>>> z = Tensor([2.0, 1.0], name="z")
>>> cost = (z * z).sum()
>>> cost.backward()
>>> drawing = draw(cost)
>>> drawing
Drawing: .svg(), .png(), .save("graph.svg"), .dot
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import graphviz

from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import LONGEST, short, shorten
from tinygrad_lossmix.views.drawing import Drawing
from tinygrad_lossmix.views.picture import (
    Cluster,
    Picture,
    lines,
    picture,
    size,
    tooltips,
    unshortened,
)
from tinygrad_lossmix.views.reading import Gradients, Reading
from tinygrad_lossmix.views.theme import LIGHT, SHAPES
from tinygrad_lossmix.views.tree import tree_of

CROWDED = 300  # boxes; beyond, groups are collapsed
MOST = 1000  # boxes; beyond, laying them out takes minutes and nobody can read them
TANGLED = 1000  # ranks passed by arrows; beyond, the layout is not polished: it takes minutes

LINE = 200  # letters of a line in a box
IN_DOT = 4000  # letters of any other text: Graphviz reads strings of at most 16 kB
LARGEST = "40,120"  # inches; a larger picture shrinks, or its pixels would fill the memory
FONT = "Helvetica,Arial,sans-serif"
CLUSTER = {
    "style": "rounded",
    "bgcolor": "transparent",
    "color": LIGHT.frame,
    "fontcolor": LIGHT.arrow,
    "labeljust": "l",
}


def draw(cost: Tensor, names: Mapping[str, Any] | None = None, collapse: bool = False) -> Drawing:
    """Draw a recording: values, gradients, and the downstream gradient of each operation.

    Args:
        cost: a Tensor of any shape; call `cost.backward()` first to see gradients.
        names: the caller's names for Tensors and constant arrays, such as `locals()`.
        collapse: show each group (softmax, log_likelihood …) as one box. Above 300 boxes this is
            done anyway.

    Returns:
        a Drawing: `.dot`, `.svg()`, `.png()`, `.save(path)`; notebooks show it.

    Raises:
        TypeError: cost is not a Tensor.
        ValueError: more than 1000 boxes.
    """
    return drawing(Reading(cost, names), collapse=collapse)


def drawing(reading: Reading, known: Gradients | None = None, collapse: bool = False) -> Drawing:
    """`draw`, of what is read already, with the gradients that are known."""
    full = size(reading)
    shown = readable(reading, known, collapse)
    notes = []
    if full > max(CROWDED, len(shown.boxes)):
        notes = [f"each group is shown as one box: in full, {full:,} boxes"]
    texts = dot({"": (reading, shown)}, notes), tree_of(reading, known)
    return Drawing(*texts, tooltips(reading, shown))


def readable(reading: Reading, known: Gradients | None, collapse: bool) -> Picture:
    """What is to be drawn, not too much of it.

    Raises:
        ValueError: more than 1000 boxes.
    """
    shown = picture(reading, collapse or size(reading) > CROWDED, known)
    if len(shown.boxes) > MOST:
        raise ValueError(
            f"a drawing of {len(shown.boxes):,} boxes cannot be read, the most is {MOST:,}: draw "
            "a node further in or fewer examples; tree(cost) and step(cost) take any size"
        )
    return shown


def dot(pictures: Mapping[str, tuple[Reading, Picture]], notes: list[str]) -> str:
    """The DOT text of pictures, with notes below them. Users' words are in labels, escaped.

    Pictures beside each other have a frame each, with a title of letters only.
    """
    every = [shown for _, shown in pictures.values()]
    graph = _sheet(notes, every)
    for title, (reading, shown) in pictures.items():
        with graph.subgraph(name=f"cluster_{title}") if title else nullcontext(graph) as part:
            _put(part, reading, shown, title)
    _legend(graph, every)
    return str(graph.source)


def _sheet(notes: list[str], pictures: list[Picture]) -> Any:
    """An empty graph, with notes below it."""
    graph = graphviz.Digraph(
        graph_attr={"bgcolor": LIGHT.paper, "fontname": FONT, "pad": "0.2", "size": LARGEST},
        node_attr={"style": "filled", "fontname": FONT, "fontcolor": LIGHT.ink},
        edge_attr={
            "color": LIGHT.arrow,
            "fontname": FONT,
            "fontsize": "11",
            "fontcolor": LIGHT.passed,
        },
    )
    if notes:
        graph.attr(label=_label(notes), fontcolor=LIGHT.ink)
    if sum(shown.detours() for shown in pictures) > TANGLED:
        graph.attr(splines="line", nslimit="0", nslimit1="0.1", mclimit="0.01")
    return graph


def _put(graph: Any, reading: Reading, shown: Picture, ids: str) -> None:
    """A picture, with `ids` before the id of each box, and as the title of its frame."""
    if ids:
        graph.attr(label=ids, **CLUSTER)
    clusters = (f"cluster_{ids}{i}" for i in itertools.count())
    _cluster(graph, reading, shown, shown.everything, clusters, ids)
    for arrow in shown.arrows:
        label = (
            {} if arrow.downstream is None else {"label": _label([f" {short(arrow.downstream)} "])}
        )
        graph.edge(f"{ids}n{arrow.tail}", f"{ids}n{arrow.head}", **label)


def _cluster(
    graph: Any, reading: Reading, shown: Picture, cluster: Cluster, names: Iterator[str], ids: str
) -> None:
    """The boxes of a cluster, and the clusters inside it."""
    for i in cluster.boxes:
        box = shown.boxes[i]
        label = _label(lines(reading, box, shown.gradients))
        graph.node(f"{ids}n{i}", label, **_style(box.kind), **_whole(unshortened(reading, box)))
    for inner in cluster.inner:
        with graph.subgraph(name=next(names)) as within:
            whole = inner.name if len(inner.name) > LONGEST else ""
            within.attr(label=_label([shorten(inner.name)]), **_whole(whole), **CLUSTER)
            _cluster(within, reading, shown, inner, names, ids)


def _legend(graph: Any, pictures: list[Picture]) -> None:
    """A box of each kind that is shown, one below the other, and what is written at an arrow."""
    drawn = {box.kind for shown in pictures for box in shown.boxes}
    kinds = [kind for kind in SHAPES if kind in drawn]
    downstream = any(arrow.downstream is not None for shown in pictures for arrow in shown.arrows)
    with graph.subgraph(name="cluster_legend") as legend:
        legend.attr(label="", **CLUSTER)
        for kind in kinds:
            legend.node(f"legend_{kind}", kind, fontsize="11", **_style(kind))
        for above, below in itertools.pairwise(kinds):
            shown = downstream and below == "cost"
            style = {"label": "  downstream gradient  "} if shown else {"style": "invis"}
            legend.edge(f"legend_{above}", f"legend_{below}", **style)


def _style(kind: str) -> dict[str, str]:
    fill, line = LIGHT.boxes[kind]
    return {"class": kind, "fillcolor": fill, "color": line, **SHAPES[kind]}


def _whole(text: str) -> dict[str, str]:
    """A name that the label has shortened, as an attribute that Graphviz does not read."""
    return {"whole": graphviz.escape(shorten(text, IN_DOT))} if text else {}


def _label(texts: list[str]) -> str:
    """Lines of a label, with nothing in them that DOT, HTML or a URL could read as its own."""
    cut = [shorten(text, LINE).replace("&", "&amp;") for text in texts]
    escaped = map(graphviz.escape, cut)
    return str(graphviz.nohtml(r"\n".join(escaped)))
