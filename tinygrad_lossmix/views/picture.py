"""What is in a drawing of a recording: boxes, arrows, clusters; not how it is drawn.

>>> z = Tensor([2.0, 1.0], name="z")
>>> reading = Reading((z * z).sum())
>>> drawn = picture(reading, collapse=False)
>>> [lines(reading, box, {})[0] for box in drawn.boxes]
['z', 'n1 = z * z', 'n2 = sum(n1)']
>>> [(arrow.tail, arrow.head) for arrow in drawn.arrows]
[(0, 1), (0, 1), (1, 2)]
>>> tooltips(reading, drawn)["n0"], tooltips(reading, drawn)["n0->n1"]
(['z\\n[2.0, 1.0]\\ngradient not computed'], ['from z to n1', 'from z to n1'])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tinygrad_lossmix.engine import graph
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import LONGEST, brief, clean, exact, shaped, short
from tinygrad_lossmix.views.reading import Gradients, Reading, gradients, is_array

Write = Callable[[Array], str]


class Box(NamedTuple):
    """A node, a constant array, or the output of a group that stands for all of it."""

    kind: str  # input, constant, operation, group or cost
    content: Tensor | Array
    group: graph.Group | None = None


class Arrow(NamedTuple):
    """From an argument to what was computed from it, with what came back along it."""

    tail: int  # the index of a box
    head: int
    downstream: Array | None


@dataclass(eq=False)
class Cluster:
    """The boxes that belong to a call of a named function, except those of inner ones."""

    name: str
    boxes: list[int] = field(default_factory=list)
    inner: list[Cluster] = field(default_factory=list)


class Picture(NamedTuple):
    """What is to be drawn. The boxes of constants come last."""

    boxes: list[Box]
    arrows: list[Arrow]
    everything: Cluster
    gradients: dict[Tensor, Array]

    def detours(self) -> int:
        """How many ranks its arrows pass without stopping: what makes a layout slow."""
        ranks = [0] * len(self.boxes)
        for arrow in self.arrows:
            ranks[arrow.head] = max(ranks[arrow.head], ranks[arrow.tail] + 1)
        ways = [a for a in self.arrows if self.boxes[a.tail].kind != "constant"]
        return sum(ranks[a.head] - ranks[a.tail] - 1 for a in ways)


def size(reading: Reading) -> int:
    """How many boxes a picture has that shows every node."""
    return sum(1 + sum(map(is_array, node.args)) for node in reading.nodes)


def picture(reading: Reading, collapse: bool, known: Gradients | None = None) -> Picture:
    """The boxes and arrows of a recording; `collapse` makes one box of each outermost group.

    The gradients are those that `backward()` filled, or those that are `known`.
    """
    everything, homes, outermost = _nested(graph.groups(reading.cost))
    fronts: dict[Tensor, graph.Group] = {}
    if collapse:
        fronts = {node: group for group in outermost for node in group.members}
        everything, homes = Cluster(""), {}
    found, downstream = gradients(reading.cost) if known is None else known
    boxes: list[Box] = []
    places: dict[Tensor, int] = {}
    arrows: list[Arrow] = []
    ways: dict[tuple[int, int, int], list[Array]] = {}

    def put(box: Box, node: Tensor) -> int:
        homes.get(node, everything).boxes.append(len(boxes))
        boxes.append(box)
        return len(boxes) - 1

    for node in reading.nodes:
        group = fronts.get(node)
        head = group.output if group else node
        if head not in places:
            places[head] = put(Box(_kind(reading, head, group), head, group), head)
        for position, arg in enumerate(node.args):
            if not isinstance(arg, Tensor) or (group and fronts.get(arg) is group):
                continue
            tail = fronts[arg].output if arg in fronts else arg
            way = places[tail], places[head], 0 if collapse else position
            parts = ways.setdefault(way, [])
            if (node, position) in downstream:
                parts.append(downstream[node, position])
    for (start, end, _), parts in ways.items():
        arrows.append(Arrow(start, end, sum(parts) if parts else None))
    for node in reading.nodes:
        head = fronts[node].output if node in fronts else node
        for constant in filter(is_array, node.args):
            arrows.append(Arrow(put(Box("constant", constant), node), places[head], None))
    return Picture(boxes, arrows, everything, found)


def lines(reading: Reading, box: Box, found: dict[Tensor, Array]) -> list[str]:
    """What is written in a box: its name and formula, its value, its gradient."""
    return _lines(reading, box, found, reading.call(box.content), (shaped, short))


def _lines(
    reading: Reading, box: Box, found: dict[Tensor, Array], name: str, write: tuple[Write, Write]
) -> list[str]:
    value, gradient = write
    if not isinstance(x := box.content, Tensor):
        return [*filter(None, [name]), value(x)]
    formula = formula_of(reading, box)
    known = gradient(found[x]) if x in found else "not computed"
    defined = f"{name} = {formula}" if formula else name
    return [defined, value(x.data), f"{gradient_of(reading, x)} {known}"]


def formula_of(reading: Reading, box: Box) -> str:
    """What a box of a Tensor was computed from; '' for an input."""
    if box.group is None:
        return reading.formula(box.content)
    inputs = ", ".join(map(reading.call, box.group.inputs))
    return f"{brief(box.group.name)}({inputs})"


def gradient_of(reading: Reading, node: Tensor) -> str:
    """What its gradient is called in a box."""
    delta = reading.symbols.delta_at(node) if reading.symbols else ""
    return f"gradient ({delta})" if delta else "gradient"


def unshortened(reading: Reading, box: Box) -> str:
    """The names in a box that are shown shortened, in full; '' where there are none."""
    long = []
    if isinstance(box.content, Tensor):
        long.append(reading.full_name(box.content))
    if box.group and len(group := clean(box.group.name)) > LONGEST:
        long.append(group)
    return " ".join(filter(None, long))


def tooltips(reading: Reading, shown: Picture, ids: str = "") -> dict[str, list[str]]:
    """One for each box, arrow and cluster of a picture, whose ids begin with `ids`."""
    texts: dict[str, list[str]] = {}
    for i, box in enumerate(shown.boxes):
        name = _call(reading, box.content)
        words = _lines(reading, box, shown.gradients, name, (exact, exact))
        if box.group and len(box.group.name) > LONGEST:
            words.insert(1, clean(box.group.name))
        texts[f"{ids}n{i}"] = ["\n".join(words)]
    for arrow in shown.arrows:
        way = f"{ids}n{arrow.tail}->{ids}n{arrow.head}"
        texts.setdefault(way, []).append(_arrow(reading, shown, arrow))
    for i, cluster in enumerate(_inside(shown.everything)):
        texts[f"cluster_{ids}{i}"] = [cluster.name]
    return texts


def _arrow(reading: Reading, shown: Picture, arrow: Arrow) -> str:
    tail, head = shown.boxes[arrow.tail].content, shown.boxes[arrow.head].content
    ends = f"from {_call(reading, tail)} to {_call(reading, head)}"
    if arrow.downstream is None:
        return ends
    return f"{ends}\ndownstream gradient {exact(arrow.downstream)}"


def _call(reading: Reading, content: object) -> str:
    return reading.full_names[content] if isinstance(content, Tensor) else reading.call(content)


def _inside(cluster: Cluster) -> Iterator[Cluster]:
    """The clusters in a cluster, each before those in it."""
    for inner in cluster.inner:
        yield inner
        yield from _inside(inner)


def _nested(
    groups: Iterable[graph.Group],
) -> tuple[Cluster, dict[Tensor, Cluster], list[graph.Group]]:
    """Clusters inside clusters, the innermost one of each node, and the outermost groups.

    Groups that partly overlap a larger one cannot be drawn as boxes: they are left out.
    """
    everything = Cluster("")
    homes: dict[Tensor, Cluster] = {}
    outermost = []
    for group in sorted(groups, key=lambda group: len(group.members))[::-1]:
        around = {homes.get(node, everything) for node in group.members}
        if len(around) > 1:
            continue
        cluster = Cluster(clean(group.name))
        outer = around.pop()
        outer.inner.append(cluster)
        if outer is everything:
            outermost.append(group)
        homes |= dict.fromkeys(group.members, cluster)
    return everything, homes, outermost


def _kind(reading: Reading, node: Tensor, group: graph.Group | None) -> str:
    if node is reading.cost:
        return "cost"
    if node.function is None:
        return "input"
    return "group" if group else "operation"
