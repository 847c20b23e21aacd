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

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.numbering import Numbering
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import exact, short
from tinygrad_lossmix.views.picture import FEW_SHOWN, Arrow, Box, Cluster, Look, Picture, picture
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


def joined(
    first: Reading, other: Reading, known: tuple[Gradients, Gradients], look: Look
) -> Picture:
    """One picture of two recordings; the other's names are those that `renamed` gives.

    Raises:
        ValueError: as `picture` does.
    """
    one, two = picture(first, known[0], look), picture(other, known[1], look)
    same = _same_boxes(one, two, shared(first, other))
    boxes = list(one.boxes)
    for j, i in same.items():
        nodes = one.stands_for[i], two.stands_for[j]
        if look.values == "short" and all(isinstance(node, Tensor) for node in nodes):
            boxes[i] = _with_both(boxes[i], zip((first, other), nodes, known, strict=True))
    own = [j for j in range(len(two.boxes)) if j not in same]
    boxes += [two.boxes[j] for j in own]
    order = sorted(range(len(boxes)), key=lambda i: boxes[i].kind == "constant")
    at = {i: place for place, i in enumerate(order)}
    there = {j: at[i] for j, i in same.items()}
    there |= {j: at[i] for i, j in enumerate(own, start=len(one.boxes))}

    arrows = [each._replace(tail=at[each.tail], head=at[each.head]) for each in one.arrows]
    drawn: dict[tuple[int, int], list[Arrow]] = {}
    for each in arrows:
        drawn.setdefault((each.tail, each.head), []).append(each)
    for each in two.arrows:
        way = there[each.tail], there[each.head]
        twin = drawn[way].pop(0) if drawn.get(way) else None
        if twin is None or _diverge(each.downstream, twin.downstream):
            again = twin is not None
            arrows.append(each._replace(tail=way[0], head=way[1], cost=1, again=again))

    paths = _paths(one.everything), _paths(two.everything)
    apart = [i for j, i in same.items() if paths[0][i] != paths[1][j]]
    left = _moved(one.everything, {i: at[i] for i in at if i not in apart})
    right = _moved(two.everything, {j: there[j] for j in own})
    loose = dict.fromkeys(at[i] for i in apart)
    everything = Cluster("", [*left.boxes, *right.boxes, *loose], left.inner + right.inner)
    every = [*one.stands_for, *(two.stands_for[j] for j in own)]
    in_full = max(one.in_full, two.in_full)
    return Picture(
        [boxes[i] for i in order],
        arrows,
        everything,
        in_full,
        look.direction,
        [every[i] for i in order],
    )


def _same_boxes(one: Picture, two: Picture, twins: dict[Tensor, Tensor]) -> dict[int, int]:
    """For each box of the second picture that the first has too, the box it is there."""
    equal = Numbering(Tensor)

    def node(x: Tensor | Array) -> Any:
        return twins.get(x, x) if isinstance(x, Tensor) else id(equal.array(x))

    where: dict[Any, int] = {}
    for i, x in enumerate(one.stands_for):
        where.setdefault(x if isinstance(x, Tensor) else node(x), i)
    found = ((j, where.get(node(x))) for j, x in enumerate(two.stands_for))
    return {
        j: i for j, i in found if i is not None and one.boxes[i].lines[0] == two.boxes[j].lines[0]
    }


def _diverge(x: Array | None, y: Array | None) -> bool:
    """Whether there is a first gradient, and it is not the second."""
    return x is not None and (y is None or not np.allclose(x, y, equal_nan=True))


def _with_both(box: Box, sides: Iterable[tuple[Reading, Any, Gradients]]) -> Box:
    """A box with the gradient of each cost, where they are not the same."""
    found = [(reading, node, known.of.get(node)) for reading, node, known in sides]
    (*_, x), (*_, y) = found
    if not _diverge(x, y) and not _diverge(y, x):
        return box
    lines, exactly = list[str](), list[str]()
    for reading, node, gradient in found:
        what = f"gradient of {reading.call(reading.cost)}"
        what += reading.gradient_label(node).removeprefix("gradient")
        for texts, write in ((lines, partial(short, most=FEW_SHOWN)), (exactly, exact)):
            texts.append(f"{what} {'not computed' if gradient is None else write(gradient)}")
    before = box.tooltip.rpartition("\n")[0]
    return box._replace(lines=[*box.lines[:-1], *lines], tooltip="\n".join([before, *exactly]))


def _paths(cluster: Cluster, path: tuple[str, ...] = ()) -> dict[int, tuple[str, ...]]:
    """The names of the clusters around each box."""
    found = dict.fromkeys(cluster.boxes, path)
    for inner in cluster.inner:
        found |= _paths(inner, (*path, inner.name))
    return found


def _moved(cluster: Cluster, places: dict[int, int]) -> Cluster:
    """A cluster with its boxes at other places, without those that have none."""
    inner = [_moved(each, places) for each in cluster.inner]
    boxes = [places[i] for i in cluster.boxes if i in places]
    return Cluster(cluster.name, boxes, [each for each in inner if each.boxes or each.inner])
