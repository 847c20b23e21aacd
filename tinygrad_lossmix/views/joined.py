"""Two recordings in one picture: what they share is there once, with the gradient of each cost.

Shared are Tensors and constants, those with the same name and values too, and whatever was
computed from them in the same way.

>>> z = Tensor([2.0, 1.0], name="z")
>>> first, other = Reading(np.exp(z).sum(), {}), Reading(np.exp(z).max(), {})
>>> [first.call(twin) for twin in shared(first, other).values()]
['z', 'n1']
>>> renamed(first, other).names.values()
dict_values(['z', 'n1', "n2'"])
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import Numbering
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import exact, short
from tinygrad_lossmix.views.picture import FEW_SHOWN, Arrow, Box, Cluster, Look, Picture, pictures
from tinygrad_lossmix.views.reading import Gradients, Reading


def shared(first: Reading, other: Reading) -> dict[Tensor, Tensor]:
    """For each node of the other recording that the first has too, the node it is there."""
    numbers, theirs = Numbering(Tensor), set(other.nodes)
    alike: dict[Any, list[Tensor]] = {}

    def key(reading: Reading, node: Tensor) -> Any:
        if node.function is None:
            return reading.full_names[node], numbers.key(np.asarray(node.data))
        return node.function, numbers.key(node.args), numbers.key(node.kwargs)

    for node in first.nodes:
        numbers.of[node] = len(numbers.of)
        if node not in theirs:
            alike.setdefault(key(first, node), []).append(node)
    twins = {}
    for node in other.nodes:
        if node in first.full_names:
            twins[node] = node
        elif waiting := alike.get(key(other, node)):
            twins[node] = waiting.pop(0)
        numbers.of[node] = numbers.of[twins[node]] if node in twins else len(numbers.of)
    return twins


def renamed(first: Reading, other: Reading) -> Reading:
    """The other recording, named as the first in what they share; the rest with a prime."""
    twins, taken = shared(first, other), set(first.full_names.values())
    names = {first.full_names[twin]: node for node, twin in twins.items()}
    for node, name in other.full_names.items():
        if node not in twins:
            names[f"{name}'" if node.function or name in taken else name] = node
    return Reading(other.cost, {**other.known, **names})


def joined(sides: Sequence[tuple[Reading, Gradients]], look: Look) -> Picture:
    """One picture of two recordings; the other's names are those that `renamed` gives."""
    twins, equal = shared(*(reading for reading, _ in sides)), Numbering(Tensor)
    boxes: dict[Any, Box] = {}
    keys: list[list[Any]] = [[], []]
    both = pictures(sides, look)
    for own, shown in zip(keys, both, strict=True):
        for box, x in zip(shown.boxes, shown.stands_for, strict=True):
            same = twins.get(x, x) if isinstance(x, Tensor) else id(equal.array(x))
            own.append((same, box.lines[0]))
            if (known := boxes.get(own[-1])) and isinstance(x, Tensor):
                kind = "cost" if known.kind == "cost" else box.kind
                if look.values == "short":
                    known = _with_both(known, zip(sides, (same, x), strict=True))
                box = known._replace(kind=kind)
            boxes[own[-1]] = box
    order = sorted(boxes, key=lambda key: boxes[key].kind == "constant")
    index = {key: i for i, key in enumerate(order)}
    placed = [(shown, [index[key] for key in own]) for shown, own in zip(both, keys, strict=True)]

    arrows: list[Arrow] = []
    drawn: dict[tuple[int, int], list[Arrow]] = {}
    for cost, (shown, places) in enumerate(placed):
        for each in shown.arrows:
            way = places[each.tail], places[each.head]
            twin = drawn[way].pop(0) if cost and drawn.get(way) else None
            if twin is None or _diverge(each.downstream, twin.downstream):
                again = twin is not None
                arrows.append(each._replace(tail=way[0], head=way[1], cost=cost, again=again))
            if not cost:
                drawn.setdefault(way, []).append(each)

    one, two = (dict(_homes(shown.everything, places)) for shown, places in placed)
    loose = {i for i in one.keys() & two.keys() if one[i] != two[i]}  # in two groups, so in none
    taken = set(loose)
    left, right = (_moved(shown.everything, places, taken) for shown, places in placed)
    everything = Cluster("", sorted({*loose, *left.boxes, *right.boxes}), left.inner + right.inner)
    costs = [reading.call(reading.cost) for reading, _ in sides]
    return Picture([boxes[key] for key in order], arrows, everything, look.direction, costs=costs)


def _diverge(x: Array | None, y: Array | None) -> bool:
    """Whether there is a first gradient, and it is not the second."""
    return x is not None and (y is None or not np.allclose(x, y, equal_nan=True))


def _with_both(box: Box, sides: Iterable[tuple[tuple[Reading, Gradients], Any]]) -> Box:
    """A box with the gradient of each cost, where they are not the same."""
    found = [(reading, node, known.of.get(node)) for (reading, known), node in sides]
    (*_, x), (*_, y) = found
    if not _diverge(x, y) and not _diverge(y, x):
        return box
    lines, exactly = list[str](), list[str]()
    for reading, node, gradient in found:
        what = reading.gradient_label(node, f" of {reading.call(reading.cost)}")
        for texts, write in ((lines, partial(short, most=FEW_SHOWN)), (exactly, exact)):
            texts.append(f"{what} {'not computed' if gradient is None else write(gradient)}")
    before = box.tooltip.rpartition("\n")[0]
    return box._replace(lines=[*box.lines[:-1], *lines], tooltip="\n".join([before, *exactly]))


def _homes(cluster: Cluster, places: list[int], path: str = "") -> Iterator[tuple[int, str]]:
    """The place of each box, with the names of the clusters around it."""
    for i in cluster.boxes:
        yield places[i], path
    for inner in cluster.inner:
        yield from _homes(inner, places, f"{path}\n{inner.name}")


def _moved(cluster: Cluster, places: list[int], taken: set[int]) -> Cluster:
    """A cluster with its boxes at their places, without those that are taken; then they are."""
    boxes = [i for i in dict.fromkeys(places[i] for i in cluster.boxes) if i not in taken]
    taken.update(boxes)
    inner = [_moved(each, places, taken) for each in cluster.inner]
    return Cluster(cluster.name, boxes, [each for each in inner if each.boxes or each.inner])
