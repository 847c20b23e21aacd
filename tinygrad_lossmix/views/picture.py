"""What is in a drawing of a recording: boxes, arrows, clusters; not how it is drawn.

>>> from tinygrad_lossmix.views.reading import gradients
>>> z = Tensor([2.0, 1.0], name="z")
>>> reading = Reading((z * z).sum())
>>> shown = picture(reading, gradients(reading.cost))
>>> [box.lines[0] for box in shown.boxes]
['z', 'n1 = z * z', 'n2 = sum(n1)']
>>> [(arrow.tail, arrow.head) for arrow in shown.arrows]
[(0, 1), (0, 1), (1, 2)]
>>> shown.boxes[0].tooltip
'z\\n[2.0, 1.0]\\ngradient not computed'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tinygrad_lossmix.engine.graph import Group, groups
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import LONGEST, brief, clean, exact, shaped, short
from tinygrad_lossmix.views.reading import Gradients, Reading, is_array

CROWDED = 300  # boxes; beyond, groups are collapsed
MOST = 1000  # boxes; beyond, laying them out takes minutes and nobody can read them


class Box(NamedTuple):
    """A node, a constant array, or the output of a group that stands for all of it."""

    kind: str  # input, constant, operation, group or cost
    name: str  # in full; '' for a constant without one
    lines: list[str]  # name and formula, value, gradient
    tooltip: str  # the same with all names and numbers in full
    whole: str  # the names that are shortened in its lines


class Arrow(NamedTuple):
    """From an argument to what was computed from it, with what came back along it."""

    tail: int  # the index of a box
    head: int
    downstream: Array | None  # a second arrow, the other way round; None: nothing came back
    label: str  # of that one; '' where it is all of the gradient, which the box says
    step: int = 0  # of the sweep, the last that came back along it


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
    in_full: int  # how many boxes show every node

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


def picture(reading: Reading, known: Gradients, collapse: bool = False) -> Picture:
    """The boxes and arrows of a recording.

    Args:
        reading: the recording.
        known: its gradients, as far as they are known.
        collapse: make one box of each outermost group; done anyway if the picture is crowded.

    Raises:
        ValueError: more than 1000 boxes.
    """
    everything, homes, outermost = _nested(groups(reading.cost))
    fronts: dict[Tensor, Group] = {}
    in_full = size(reading)
    collapse = collapse or in_full > CROWDED
    if collapse:
        fronts = {node: group for group in outermost for node in group.members}
        everything, homes = Cluster(""), {}
    heads = {node: fronts[node].output if node in fronts else node for node in reading.nodes}
    places = {head: i for i, head in enumerate(dict.fromkeys(heads.values()))}
    constants = [(node, x) for node in heads for x in filter(is_array, node.args)]
    if (count := len(places) + len(constants)) > MOST:
        raise ValueError(
            f"a drawing of {count:,} boxes cannot be read, the most is {MOST:,}: draw "
            "a node further in or fewer examples; tree(cost) and step(cost) take any size"
        )
    boxes = [_box(reading, head, fronts.get(head), known.of.get(head)) for head in places]
    boxes += [_constant(reading, x) for _, x in constants]
    for i, node in enumerate([*places, *(node for node, _ in constants)]):
        homes.get(node, everything).boxes.append(i)
    ways: dict[tuple[int, int, int], list[Array]] = {}
    steps = {way: step for step, way in enumerate(known.downstream)}
    last: dict[tuple[int, int, int], int] = {}
    for node, head in heads.items():
        for position, arg in enumerate(node.args):
            if isinstance(arg, Tensor) and heads[arg] is not head:
                way = places[heads[arg]], places[head], 0 if collapse else position
                back = known.downstream.get((node, position))
                ways.setdefault(way, []).extend([] if back is None else [back])
                last[way] = max(last.get(way, 0), steps.get((node, position), 0))
    received = Counter(tail for (tail, *_), parts in ways.items() if parts)
    arrows = []
    for way, parts in ways.items():
        tail, end, _ = way
        back = sum(parts[1:], parts[0]) if parts else None
        label = "" if back is None or received[tail] == 1 else short(back)
        arrows.append(Arrow(tail, end, back, label, last[way]))
    for i, (node, _) in enumerate(constants, start=len(places)):
        arrows.append(Arrow(i, places[heads[node]], None, ""))
    return Picture(boxes, arrows, everything, in_full)


def _constant(reading: Reading, x: Array) -> Box:
    """The box of a constant array."""
    name = reading.call(x)
    lines, tooltip = ([*filter(None, [name, text])] for text in (shaped(x), exact(x)))
    return Box("constant", name, lines, "\n".join(tooltip), "")


def _box(reading: Reading, node: Tensor, group: Group | None, gradient: Array | None) -> Box:
    """The box of a node, or of a group whose output it is."""
    formula, called = reading.formula(node), ""
    if group:
        formula = f"{brief(group.name)}({', '.join(map(reading.call, group.inputs))})"
        called = clean(group.name) if len(clean(group.name)) > LONGEST else ""
    kind = "group" if group else "operation" if formula else "input"
    defined = f" = {formula}" if formula else ""
    name, full = reading.names[node] + defined, reading.full_names[node]
    label, value = reading.gradient_label(node), node.data
    back = exactly = "not computed"
    if gradient is not None:
        back, exactly = short(gradient), exact(gradient)
    tooltip = filter(None, [full + defined, called, exact(value), f"{label} {exactly}"])
    return Box(
        "cost" if node is reading.cost else kind,
        full,
        [name, shaped(value), f"{label} {back}"],
        "\n".join(tooltip),
        " ".join(text for text in (full, called) if len(text) > LONGEST),
    )


def _nested(groups: Iterable[Group]) -> tuple[Cluster, dict[Tensor, Cluster], list[Group]]:
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
