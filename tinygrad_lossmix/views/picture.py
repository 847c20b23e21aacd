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
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tinygrad_lossmix.engine.graph import Group, groups
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import FEW, LONGEST, brief, clean, exact, shaped, short
from tinygrad_lossmix.views.reading import Gradients, Reading, is_array

CROWDED = 300  # boxes; beyond, groups are collapsed
FEW_SHOWN = 4  # entries of an array in a box
LINE = 200  # letters of a line in a box
DIRECTIONS = ("down", "right")
VALUES = ("short", "shapes", "none")
MOST = 1000  # boxes; beyond, laying them out takes minutes and nobody can read them


@dataclass(frozen=True)
class Look:
    """How a recording is drawn; of what is none of these, it says what was expected."""

    direction: str = "down"  # or right
    collapse: bool = False  # one box of each outermost group
    open: str | Collection[str] = ()  # but not of these: they are named, or their outputs
    values: str = "short"  # or shapes, or none

    def __post_init__(self) -> None:
        for name, choices in (("direction", DIRECTIONS), ("values", VALUES)):
            if (given := getattr(self, name)) not in choices:
                words = " or ".join(map(repr, choices))
                raise ValueError(f"{name} is {words}, not {brief(repr(given))}")
        several = isinstance(self.open, list | tuple | set | str)
        if not several or not all(isinstance(name, str) for name in self.open):
            given = brief(repr(self.open))
            raise TypeError(f"open is the name of a group, or a list of names, not {given}")

    @property
    def opened(self) -> list[str]:
        """Names of groups that are not collapsed."""
        return [self.open] if isinstance(self.open, str) else [*self.open]


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
    label: str = ""  # of that one; '' where it is all of the gradient, which the box says
    step: int = 0  # of the sweep, the last that came back along it
    cost: int = 0  # which of the costs it comes back from
    again: bool = False  # the arrow itself is there already


@dataclass(eq=False)
class Cluster:
    """The boxes that belong to a call of a named function, except those of inner ones."""

    name: str
    boxes: list[int] = field(default_factory=list)
    inner: list[Cluster] = field(default_factory=list)

    def within(self) -> Iterator[Cluster]:
        """The clusters in this one, each before those in it."""
        for inner in self.inner:
            yield inner
            yield from inner.within()

    def all_boxes(self) -> list[int]:
        """Its boxes and those of the clusters in it."""
        return self.boxes + [i for inner in self.inner for i in inner.all_boxes()]


class Picture(NamedTuple):
    """What is to be drawn. The boxes of constants come last."""

    boxes: list[Box]
    arrows: list[Arrow]
    everything: Cluster
    direction: str = "down"
    stands_for: Sequence[Tensor | Array] = ()  # a node or a constant for each box
    costs: Sequence[str] = ()  # the names of two

    def ways(self, ids: str = "") -> Iterator[tuple[str, str, Arrow, bool]]:
        """The ids of its tail and head, for each arrow, and whether it is the one that leads back,
        which comes first.
        """
        for arrow in self.arrows:
            for back in [True] * (arrow.downstream is not None) + [False] * (not arrow.again):
                yield f"{ids}n{arrow.tail}", f"{ids}n{arrow.head}", arrow, back

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


def pictures(sides: Iterable[tuple[Reading, Gradients]], look: Look) -> list[Picture]:
    """A picture of each of several recordings; the groups to open have to be somewhere in them."""
    sides = [*sides]
    every = [(reading, group) for reading, _ in sides for group in groups(reading.cost)[::-1]]
    called = dict.fromkeys(name for each in every for name in _names(*each))
    if missing := [name for name in look.opened if name not in called]:
        words = f"there is no group {brief(missing[0])!r} to open"
        known = ", ".join(map(brief, [*called][:FEW]))
        raise ValueError(f"{words}: choose one of {known}" if known else f"{words}, nor another")
    return [picture(*side, look) for side in sides]


def picture(reading: Reading, known: Gradients, look: Look | None = None) -> Picture:
    """The boxes and arrows of a recording, with its gradients as far as they are known.

    If the picture is crowded, groups are collapsed whatever the look.
    """
    look = look or Look()
    closed = look.collapse or bool(look.opened) or size(reading) > CROWDED
    everything, homes, fronts = _nested(reading, closed, look.opened)
    heads = {node: fronts[node].output if node in fronts else node for node in reading.nodes}
    places = {head: i for i, head in enumerate(dict.fromkeys(heads.values()))}
    constants = _constants(reading.nodes, fronts)
    if (count := len(places) + len(constants)) > MOST:
        raise ValueError(
            f"a drawing of {count:,} boxes cannot be read, the most is {MOST:,}: draw "
            "a node further in or fewer examples; tree(cost) and step(cost) take any size"
        )
    boxes = [_box(reading, head, fronts.get(head), known, look) for head in places]
    boxes += [_constant(reading, x, look) for _, x in constants]
    for i, head in enumerate([*places, *(head for head, _ in constants)]):
        homes.get(head, everything).boxes.append(i)
    ways: dict[tuple[int, int, int], list[tuple[int, Array]]] = {}
    swept = {each: (i, back) for i, (each, back) in enumerate(known.downstream.items())}
    for node, head in heads.items():
        for position, arg in enumerate(node.args):
            if isinstance(arg, Tensor) and heads[arg] is not head:
                way = places[heads[arg]], places[head], 0 if head in fronts else position
                parts = ways.setdefault(way, [])
                parts += [swept[node, position]] if (node, position) in swept else []
    received = Counter(tail for (tail, *_), parts in ways.items() if parts)
    arrows = []
    for (tail, end, _), parts in ways.items():
        back = sum((part for _, part in parts[1:]), parts[0][1]) if parts else None
        written = back is not None and received[tail] > 1 and look.values == "short"
        step = max((step for step, _ in parts), default=0)
        arrows.append(Arrow(tail, end, back, short(back, FEW_SHOWN) if written else "", step))
    for i, (head, _) in enumerate(constants, start=len(places)):
        arrows.append(Arrow(i, places[head], None))
    stands_for: list[Tensor | Array] = [*places, *(x for _, x in constants)]
    return Picture(boxes, arrows, everything, look.direction, stands_for)


def _constants(nodes: Iterable[Tensor], fronts: dict[Tensor, Group]) -> list[tuple[Tensor, Array]]:
    """Each constant array, and the node whose box it goes to; once for a collapsed group."""
    found: dict[tuple[Tensor, Any], Array] = {}
    for node in nodes:
        for position, x in enumerate(node.args):
            if is_array(x):
                way: tuple[Tensor, Any] = node, position
                if node in fronts:
                    way = fronts[node].output, (x.shape, x.dtype, hash(x.tobytes()))
                found.setdefault(way, x)
    return [(head, x) for (head, _), x in found.items()]


def _constant(reading: Reading, x: Array, look: Look) -> Box:
    """The box of a constant array."""
    name = reading.call(x)
    lines = [*filter(None, [name, _value(x, look)])] or ["constant"]
    return Box("constant", name, lines, "\n".join(filter(None, [name, exact(x)])), "")


def _value(x: Array, look: Look) -> str:
    """An array as it stands in a box; '' where values are not shown."""
    if look.values == "short":
        return shaped(x, FEW_SHOWN)
    return "" if look.values == "none" else str(x.shape) if x.ndim else "scalar"


def _box(reading: Reading, node: Tensor, group: Group | None, known: Gradients, look: Look) -> Box:
    """The box of a node, or of a group whose output it is."""
    formula, called = reading.formula(node), ""
    if group:
        formula = reading.called(group)
        called = clean(group.name) if len(clean(group.name)) > LONGEST else ""
    kind = "group" if group else "operation" if formula else "input"
    defined = f" = {formula}" if formula else ""
    name, full = reading.names[node] + defined, reading.full_names[node]
    label, gradient = reading.gradient_label(node), known.of.get(node)
    back = exactly = "not computed"
    if gradient is not None:
        back, exactly = short(gradient, FEW_SHOWN), exact(gradient)
    numbers = exact(node.data), f"{label} {exactly}"
    tooltip = filter(None, [full + defined, reading.line(node), called, *numbers])
    written = f"{label} {back}" if look.values == "short" else ""
    return Box(
        "cost" if node is reading.cost else kind,
        full,
        [*filter(None, [name, _value(node.data, look), written])],
        "\n".join(tooltip),
        " ".join(text for text in (full, called) if len(text) > LONGEST),
    )


def _nested(
    reading: Reading, closed: bool, opened: Collection[str]
) -> tuple[Cluster, dict[Tensor, Cluster], dict[Tensor, Group]]:
    """Clusters inside clusters, the innermost one of each node, and the collapsed group of each.

    Groups that partly overlap a larger one cannot be drawn as boxes: they are left out.
    """
    everything = Cluster("")
    homes: dict[Tensor, Cluster] = {}
    fronts: dict[Tensor, Group] = {}
    every = sorted(groups(reading.cost), key=lambda group: len(group.members))[::-1]
    inside = {group.output for group in every if {*_names(reading, group)} & {*opened}}
    for group in every:
        around = {homes.get(node, everything) for node in group.members}
        if len(around) > 1 or not fronts.keys().isdisjoint(group.members):
            continue
        if closed and inside.isdisjoint(group.members):
            fronts |= dict.fromkeys(group.members, group)
            continue
        cluster = Cluster(clean(group.name))
        around.pop().inner.append(cluster)
        homes |= dict.fromkeys(group.members, cluster)
    return everything, homes, fronts


def _names(reading: Reading, group: Group) -> tuple[str, str]:
    """What a group is called: as its function, and as its output."""
    return clean(group.name), reading.call(group.output)
