"""What a drawing shows where the pointer rests: names and values in full.

>>> from tinygrad_lossmix.engine.tensor import Tensor
>>> from tinygrad_lossmix.views.picture import picture
>>> reading = Reading(Tensor(2.0, name="x") * 3.0)
>>> found = tooltips(reading, picture(reading, collapse=False))
>>> found["n0"], found["n0->n1"]
(['x\\n2.0\\ngradient not computed'], ['from x to n1'])
>>> titled('<g id="node1" class="node">\\n<title>n0</title>\\n</g>', found).splitlines()
['<g id="node1" class="node">', '<title>x', '2.0', 'gradient not computed</title>', '</g>']
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape, unescape

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import LONGEST, clean
from tinygrad_lossmix.views.numbers import exact
from tinygrad_lossmix.views.picture import Arrow, Box, Cluster, Picture, formula_of, gradient_of
from tinygrad_lossmix.views.reading import Reading

IN_FULL = 100  # entries of an array

TITLE = re.compile(r'(<g id="[a-z]+(\d+)"[^>]*>\n)<title>([^<]*)</title>\n')  # by Graphviz

Texts = Mapping[str, list[str]]  # of what is called so in the DOT text, in the order it has there


def tooltips(reading: Reading, shown: Picture, ids: str = "") -> dict[str, list[str]]:
    """One for each box, arrow and cluster of a picture, whose ids begin with `ids`."""
    texts: dict[str, list[str]] = {}
    for i, box in enumerate(shown.boxes):
        texts[f"{ids}n{i}"] = ["\n".join(_box(reading, box, shown.gradients))]
    for arrow in shown.arrows:
        way = f"{ids}n{arrow.tail}->{ids}n{arrow.head}"
        texts.setdefault(way, []).append(_arrow(reading, shown, arrow))
    for i, cluster in enumerate(_inside(shown.everything)):
        texts[f"cluster_{ids}{i}"] = [cluster.name]
    return texts


def titled(svg: str, texts: Texts) -> str:
    """Graphviz's SVG with these texts in place of its own made-up titles."""
    waiting = {name: iter(each) for name, each in texts.items()}
    titles = {}
    for found in sorted(TITLE.finditer(svg), key=lambda found: int(found[2])):
        titles[found.start()] = next(waiting.get(unescape(found[3]), iter(())), "")

    def title(found: re.Match[str]) -> str:
        text = titles[found.start()]
        return f"{found[1]}<title>{escape(text)}</title>\n" if text else found[1]

    return TITLE.sub(title, svg)


def _box(reading: Reading, box: Box, found: dict[Tensor, Array]) -> list[str]:
    value = box.content
    if not isinstance(value, Tensor):
        return [*filter(None, [reading.call(value)]), exact(value, IN_FULL)]
    name, formula = reading.full_names[value], formula_of(reading, box)
    gradient = exact(found[value], IN_FULL) if value in found else "not computed"
    return [
        f"{name} = {formula}" if formula else name,
        *([clean(box.group.name)] if box.group and len(box.group.name) > LONGEST else []),
        exact(value.data, IN_FULL),
        f"{gradient_of(reading, value)} {gradient}",
    ]


def _arrow(reading: Reading, shown: Picture, arrow: Arrow) -> str:
    tail, head = shown.boxes[arrow.tail].content, shown.boxes[arrow.head].content
    ends = f"from {_call(reading, tail)} to {_call(reading, head)}"
    if arrow.downstream is None:
        return ends
    return f"{ends}\ndownstream gradient {exact(arrow.downstream, IN_FULL)}"


def _call(reading: Reading, content: object) -> str:
    return reading.full_names[content] if isinstance(content, Tensor) else reading.call(content)


def _inside(cluster: Cluster) -> Iterator[Cluster]:
    """The clusters in a cluster, each before those in it."""
    for inner in cluster.inner:
        yield inner
        yield from _inside(inner)
