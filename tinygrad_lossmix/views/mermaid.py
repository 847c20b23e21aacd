r"""Pictures as Mermaid flowcharts, for Markdown pages that render them.

>>> from tinygrad_lossmix.views.picture import Arrow, Box, Cluster
>>> boxes = [Box("input", "z", ["z", "2"], "", ""), Box("cost", "C", ["C = z * z", "4"], "", "")]
>>> shown = Picture(boxes, [Arrow(0, 1, None, "")], Cluster("", [0, 1]), 2)
>>> print("\n".join(mermaid({"": shown}, []).splitlines()[1:5]))
flowchart TB
    n0(["z<br/>2"]):::input
    n1{{"C = z #42; z<br/>4"}}:::cost
    n0 --> n1
>>> text('end"]; click n0')
'end#34;]#59; click n0'
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping

from tinygrad_lossmix.printing import shorten
from tinygrad_lossmix.views.picture import Cluster, Picture
from tinygrad_lossmix.views.theme import LIGHT

LINE = 200  # letters of a line in a box
SHAPES = {  # what stands before a label, and what behind it
    "input": ("([", "])"),
    "constant": (">", "]"),
    "operation": ("(", ")"),
    "group": ("[[", "]]"),
    "cost": ("{{", "}}"),
}
# Boxes have their own ink and paper, and so have the labels of arrows: they are read on a dark page
# too. The rest is in the colours of the page.
SHEET = json.dumps(
    {
        "flowchart": {"wrappingWidth": 400},
        "themeVariables": {"edgeLabelBackground": LIGHT.paper},
    }
)
# Within quotes Mermaid reads entities, #34; for a quote. Some it decodes before it looks for
# formulas, icons, lines and Markdown: those are taken apart by a letter without a width.
READ = re.compile(r"[^\w ,.=+/()\[\]-]|\b_|_\b", re.ASCII)
APART = re.compile(
    r"(?<=\$)(?=\$)|(?<=:)(?=fa-|//)|(?<=\\)(?=n)|(?<=@)|(?<=\])(?=\()|(?<=www)(?=\.)"
    r"|^(?=[ =+#>*-](?!\d)|\d+[.)](?!\d))"
)


def mermaid(pictures: Mapping[str, Picture], notes: list[str]) -> str:
    """The text of pictures, with notes below them. Users' words are in labels, escaped.

    Pictures beside each other have a frame each, with a title of letters only.
    """
    lines = [f"%%{{init: {SHEET}}}%%", "flowchart TB"]
    forward, back = [], []
    for ids, shown in pictures.items():
        frames = (f"{ids}c{i}" for i in itertools.count())
        inside = _cluster(shown, shown.everything, frames, ids)
        lines += _framed(ids, ids, inside) if ids else inside
        for arrow in shown.arrows:
            tail, head = f"{ids}n{arrow.tail}", f"{ids}n{arrow.head}"
            forward.append(f"    {tail} --> {head}")
            if arrow.downstream is not None:
                label = f'|"{text(arrow.label)}"|' if arrow.label else ""
                back.append(f"    {tail} <-.->{label} {head}")
    lines += [*forward, *back]
    lines += [f'    notes["{_label(notes)}"]:::frame'] if notes else []
    for kind, (fill, line) in LIGHT.boxes.items():
        lines.append(f"    classDef {kind} fill:{fill},stroke:{line},color:{LIGHT.ink}")
    lines.append(f"    classDef frame fill:none,stroke:{LIGHT.frame}")
    if back:
        # Drawn from the argument too, or they would change the order of the boxes: the head of
        # such an arrow is at its start.
        places = ",".join(str(i) for i in range(len(forward), len(forward) + len(back)))
        paint = (
            f"stroke:{LIGHT.boxes['cost'][1]},color:{LIGHT.passed},stroke-width:2px,marker-end:none"
        )
        lines.append(f"    linkStyle {places} {paint}")
    return "\n".join(lines) + "\n"


def _cluster(shown: Picture, cluster: Cluster, frames: Iterator[str], ids: str) -> list[str]:
    """The boxes of a cluster, and the clusters inside it."""
    lines = []
    for i in cluster.boxes:
        before, behind = SHAPES[shown.boxes[i].kind]
        label = _label(shown.boxes[i].lines)
        lines.append(f'    {ids}n{i}{before}"{label}"{behind}:::{shown.boxes[i].kind}')
    for inner in cluster.inner:
        frame = next(frames)
        lines += _framed(frame, shorten(inner.name), _cluster(shown, inner, frames, ids))
    return lines


def _framed(frame: str, title: str, lines: list[str]) -> list[str]:
    return [
        f'    subgraph {frame}["{text(title) or " "}"]',
        *lines,
        "    end",
        f"    class {frame} frame",
    ]


def _label(lines: list[str]) -> str:
    return "<br/>".join(text(shorten(line, LINE)) for line in lines)


def text(words: str) -> str:
    """Words in a label, with nothing in them that Mermaid, Markdown or HTML reads as its own."""
    return READ.sub(lambda found: f"#{ord(found[0])};", APART.sub("\u2060", words))
