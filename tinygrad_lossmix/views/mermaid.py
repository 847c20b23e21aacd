r"""Pictures as Mermaid flowcharts, for Markdown pages that render them.

>>> from tinygrad_lossmix.views.picture import Box
>>> shown = Picture([Box("cost", "C", ["C = z * z", "4"], "", "")], [], Cluster("", [0]))
>>> mermaid({"": shown}, []).splitlines()[1:3]
['flowchart TB', '    n0{{"C = z #42; z<br/>4"}}:::cost']
"""

import itertools
import re
from collections.abc import Iterator, Mapping

from tinygrad_lossmix.printing import shorten
from tinygrad_lossmix.views.picture import LINE, Cluster, Picture
from tinygrad_lossmix.views.theme import LIGHT

# Boxes and the labels of arrows have their own ink and paper: they are read on a dark page, too.
SHEET = (
    '%%{init: {"flowchart": {"wrappingWidth": 400}, '
    f'"themeVariables": {{"edgeLabelBackground": "{LIGHT.paper}"}}}}}}%%'
)
# Lines between the gradient's colours for light paper and dark, and the ink beside them, by cost.
BACK = ("#c8641e", LIGHT.passed), ("#2f86c9", LIGHT.second)
WAYS = {"down": "TB", "right": "LR"}
SHAPES = {  # what stands before a label, and what behind it
    "input": ("([", "])"),
    "constant": (">", "]"),
    "operation": ("(", ")"),
    "group": ("[[", "]]"),
    "cost": ("{{", "}}"),
}
# Within quotes Mermaid reads entities, #34; for a quote. Some it decodes before it looks for
# formulas, icons, lines, Markdown and more entities: a letter without a width takes those apart.
READ = re.compile(r"[^\w ,.=+/()\[\]-]|\b_|_\b", re.ASCII)
APART = re.compile(
    r"(?<=\$)(?=\$)|(?<=:)(?=fa-|//)|(?<=\\)(?=n)|(?<=[@ﬂ\u00b6])|(?<=\])(?=\()|(?<=www)(?=\.)"
    r"|^(?=[ =+#>*-](?!\d)|\d+[.)](?!\d))"
)


def mermaid(pictures: Mapping[str, Picture], notes: list[str]) -> str:
    """The text of pictures, with notes below them. Users' words are in labels, escaped.

    Pictures beside each other have a frame each, with a title of letters only.
    """
    direction = next(iter(pictures.values())).direction
    lines, forward = [SHEET, f"flowchart {WAYS[direction]}"], list[str]()
    back: dict[int, list[str]] = {0: [], 1: []}  # by the cost it comes back from
    for ids, shown in pictures.items():
        everything = shown.everything
        within = Cluster("", [], [Cluster(ids, everything.boxes, everything.inner)])
        labels = [(box.kind, _label(box.lines)) for box in shown.boxes]
        lines += _inside(within if ids else everything, labels, ids, itertools.count())
        for tail, head, arrow, leads_back in shown.ways(ids):
            label = f"|{_label([arrow.label])}|" if arrow.label else ""
            if leads_back:
                back[arrow.cost].append(f"    {tail} <-.->{label} {head}")
            else:
                forward.append(f"    {tail} --> {head}")
    lines += [*forward, *back[0], *back[1]]
    if notes:
        lines.append(f"    notes[{_label(notes)}]:::frame")
    for kind, (fill, line) in LIGHT.boxes.items():
        lines.append(f"    classDef {kind} fill:{fill},stroke:{line},color:{LIGHT.ink}")
    lines.append(f"    classDef frame fill:none,stroke:{LIGHT.frame}")
    before = len(forward)
    for edges, (line, ink) in zip(back.values(), BACK, strict=True):
        if edges:  # drawn from the argument too, or they would change the order of the boxes
            places = ",".join(map(str, range(before, before + len(edges))))
            paint = f"stroke:{line},stroke-width:2px,color:{ink},marker-end:none"
            lines.append(f"    linkStyle {places} {paint}")
        before += len(edges)
    return "\n".join(lines) + "\n"


def _inside(
    cluster: Cluster, labels: list[tuple[str, str]], ids: str, count: Iterator[int]
) -> list[str]:
    """The boxes of a cluster, and the clusters in it."""
    lines = []
    for i in cluster.boxes:
        kind, label = labels[i]
        lines.append(f"    {ids}n{i}{label.join(SHAPES[kind])}:::{kind}")
    for inner in cluster.inner:
        frame = f"{ids}c{next(count)}"
        lines += [
            f"    subgraph {frame}[{_label([shorten(inner.name)])}]",
            *_inside(inner, labels, ids, count),
            f"    end\n    class {frame} frame",
        ]
    return lines


def _label(lines: list[str]) -> str:
    """Lines in quotes, with nothing in them that Mermaid, Markdown or HTML reads as its own."""
    cut = (APART.sub("\u2060", shorten(line, LINE)) for line in lines)
    safe = (READ.sub(lambda found: f"#{ord(found[0])};", line) for line in cut)
    return f'"{"<br/>".join(safe) or " "}"'
