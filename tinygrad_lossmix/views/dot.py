"""Pictures in the DOT language.

>>> from tinygrad_lossmix.views.picture import Box
>>> shown = Picture([Box("input", "z", ["z", "2"], "z is 2", "")], [], Cluster("", [0]))
>>> [line.strip() for line in dot({"": shown}, []).splitlines() if "n0" in line]
['n0 [label="z\\\\n2" class=input color="#0072b2" fillcolor="#d6ebfa" margin=0.05 shape=ellipse]']
>>> tooltips({"": shown})
{'n0': ['z is 2']}
"""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import graphviz

from tinygrad_lossmix.printing import LONGEST, exact, shorten
from tinygrad_lossmix.views.picture import LINE, Cluster, Picture
from tinygrad_lossmix.views.theme import LIGHT, SHAPES

TANGLED = 1000  # ranks passed by arrows; beyond, the layout is not polished: it takes minutes
IN_DOT = 4000  # letters of any other text: Graphviz reads strings of at most 16 kB
FONT = "Helvetica,Arial,sans-serif"
# Drawn from the argument too, or it would change the order of the boxes. One for each cost.
BACK = [
    {"class": kind, "dir": "back", "color": colour, "fontcolor": colour, **style}
    for kind, colour, style in (
        ("gradient", LIGHT.passed, {}),
        ("gradient second", LIGHT.second, {"style": "dashed"}),
    )
]
DIRECTIONS = {  # with a size in inches; a larger picture shrinks, or it would fill the memory
    "down": {"rankdir": "TB", "size": "40,120"},
    "right": {"rankdir": "LR", "size": "120,40", "nodesep": "0.45"},  # labels lie side by side
}
CLUSTER = {
    "style": "rounded",
    "bgcolor": "transparent",
    "color": LIGHT.frame,
    "fontcolor": LIGHT.arrow,
    "labeljust": "l",
    "fontsize": "12",
}


def dot(pictures: Mapping[str, Picture], notes: list[str]) -> str:
    """The DOT text of pictures, with notes below them. Users' words are in labels, escaped.

    Pictures beside each other have a frame each, with a title of letters only.
    """
    every = [*pictures.values()]
    graph = _sheet(notes, every)
    for title, shown in pictures.items():
        with graph.subgraph(name=f"cluster_{title}") if title else nullcontext(graph) as part:
            _put(part, shown, title)
    _legend(graph, every)
    return str(graph.source)


def bare(shown: Picture) -> str:
    """The DOT text of a picture alone, its boxes close together: for a page with its own legend."""
    graph = _sheet([], [shown])
    graph.attr(ranksep="0.1", nodesep="0.15")
    _put(graph, shown, "")
    return str(graph.source)


def tooltips(pictures: Mapping[str, Picture]) -> dict[str, list[str]]:
    """What to show under the pointer of each box, arrow and cluster, by its id in the DOT text."""
    texts: dict[str, list[str]] = {}
    for ids, shown in pictures.items():
        for i, box in enumerate(shown.boxes):
            texts[f"{ids}n{i}"] = [box.tooltip]
        for tail, head, arrow, back in shown.ways(ids):
            x, y = (shown.boxes[i].name for i in arrow[:2])
            words = f"from {x} to {y}"
            if back:
                words = f"from {y} to {x}\ndownstream gradient {exact(arrow.downstream)}"
            texts.setdefault(f"{tail}->{head}", []).append(words)
        for i, cluster in enumerate(shown.everything.within()):
            texts[f"cluster_{ids}{i}"] = [cluster.name]
    return texts


def _sheet(notes: list[str], pictures: list[Picture]) -> Any:
    """An empty graph, with notes below it."""
    graph = graphviz.Digraph(
        graph_attr={
            "bgcolor": LIGHT.paper,
            "fontname": FONT,
            "pad": "0.2",
            "newrank": "true",  # clusters beside each other, nothing drawn through their names
            **DIRECTIONS[pictures[0].direction],
        },
        node_attr={"style": "filled", "fontname": FONT, "fontcolor": LIGHT.ink},
        edge_attr={"color": LIGHT.arrow, "fontname": FONT, "fontsize": "11"},
    )
    if notes:
        graph.attr(label=_label(notes), fontcolor=LIGHT.ink)
    if sum(shown.detours() for shown in pictures) > TANGLED:
        graph.attr(splines="line", nslimit="0", nslimit1="0.1", mclimit="0.01")
    return graph


def _put(graph: Any, shown: Picture, ids: str) -> None:
    """A picture, with `ids` before the id of each box, and as the title of its frame."""
    if ids:
        graph.attr(label=ids, **CLUSTER)
    clusters = (f"cluster_{ids}{i}" for i in itertools.count())
    _cluster(graph, shown, shown.everything, clusters, ids)
    for tail, head, arrow, back in shown.ways(ids):  # its label comes between the two
        label = {"label": _label([f" {arrow.label} "])} if back and arrow.label else {}
        graph.edge(tail, head, **label, **(BACK[arrow.cost] if back else {}))


def _cluster(graph: Any, shown: Picture, cluster: Cluster, names: Iterator[str], ids: str) -> None:
    """The boxes of a cluster, and the clusters inside it."""
    for i in cluster.boxes:
        box = shown.boxes[i]
        graph.node(f"{ids}n{i}", _label(box.lines), **_style(box.kind), **_whole(box.whole))
    for inner in cluster.inner:
        with graph.subgraph(name=next(names)) as within:
            whole = inner.name if len(inner.name) > LONGEST else ""
            within.attr(label=_label([shorten(inner.name)]), **_whole(whole), **CLUSTER)
            if any(shown.boxes[i].kind == "cost" for i in inner.boxes):
                within.attr(labelloc="b", labeljust="r")  # where no arrow goes in or out
            _cluster(within, shown, inner, names, ids)


def _legend(graph: Any, pictures: list[Picture]) -> None:
    """A box of each kind that is shown, one below the other, and the arrows of gradients."""
    down = pictures[0].direction == "down"
    drawn = {box.kind for shown in pictures for box in shown.boxes}
    kinds = [kind for kind in SHAPES if kind in drawn]
    back = {a.cost for shown in pictures for a in shown.arrows if a.downstream is not None}
    with graph.subgraph(name="cluster_legend") as legend:
        legend.attr(label="", **CLUSTER)
        for kind in kinds:
            legend.node(f"legend_{kind}", kind, fontsize="11", **_style(kind))
        for above, below in itertools.pairwise(kinds):
            ends = f"legend_{above}", f"legend_{below}"
            for cost in sorted(back) if below == "cost" else ():
                of = f" of {pictures[0].costs[cost]}" if 1 in back else ""
                legend.edge(*ends, label=_label([f" gradient{of} "]), **BACK[cost])
            if down:
                legend.edge(*ends, style="invis")


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
    return graphviz.nohtml(r"\n".join(escaped))  # marked as such: of a type of its own
