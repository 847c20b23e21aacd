"""A backward pass that can be walked in both directions, one vector-Jacobian product at a time.

The engine's own sweep is recorded once; walking moves an index, so that going back is exact and the
gradients at the end are those of `backward()` to the bit.

>>> z = Tensor([2.0, 1.0], name="z")
>>> walk = Walk((z * z).sum())
>>> walk.next() and walk.next()
True
>>> walk.stop.argument is z, walk.gradient(z), (walk.stop.received, walk.stop.expected)
(True, array([2., 1.]), (1, 2))
>>> walk.next(), walk.gradient(z), walk.next()
(True, array([4., 2.]), False)

Before the products come the values, node by node, where they are asked for; between them, at 0, is
the seed:

>>> walk.forward()
>>> walk.position, walk.computed is z, walk.gradient(walk.cost)
(-3, True, None)
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from copy import copy
from functools import cached_property
from operator import index
from typing import Any, NamedTuple, Self

import numpy as np

from tinygrad_lossmix.debugger.chain_rule import Link, Product
from tinygrad_lossmix.engine import graph
from tinygrad_lossmix.engine.sweep import seed_of, sweep
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import short
from tinygrad_lossmix.views.reading import Gradients, Reading, collected, constants


class Delta(NamedTuple):
    """The gradient of the logits of a mix beside a - y."""

    mix: Mix
    logits: Tensor
    gradient: Array | None  # None: not computed yet
    received: int
    expected: int
    a_minus_y: Array  # divided by the number of examples, as the gradient is


class Steps:
    """Something that is walked in both directions.

    Attributes:
        position: how many steps have been taken, at most len().
        first: the lowest position that there is.
    """

    position = first = 0

    def __len__(self) -> int:
        raise NotImplementedError

    @property
    def at_end(self) -> bool:
        """Whether every gradient is complete."""
        return self.position == len(self)

    def next(self) -> bool:
        """Take the next step; False at the end."""
        return self._move(self.position + 1)

    def back(self) -> bool:
        """Undo the last step; False at the start."""
        return self._move(self.position - 1)

    def start(self) -> None:
        """Go to the seed, where only the cost has its gradient, 1."""
        self.goto(0)

    def end(self) -> None:
        """Go to the end, where every gradient is complete."""
        self.goto(len(self))

    def goto(self, position: int) -> None:
        """Go anywhere.

        Raises:
            TypeError: position is not an integer.
            ValueError: there is no such position.
        """
        if not self._move(index(position)):
            raise ValueError(f"positions are {self.first} … {len(self)}, not {position}")

    def _move(self, position: int) -> bool:
        if not self.first <= position <= len(self):
            return False
        self.position = position
        return True


class Walk(Steps):
    """A walk over the recording of a scalar cost; no input, no output.

    Args:
        cost: the recording, a Tensor.
        names: names for Tensors and constant arrays, in place of the caller's variables.

    Attributes:
        position: how many products have been taken: 0 … len(walk); 0 is the seed. Below it, where
            `forward` was asked for: the values, -n … -1 for n nodes.
        first: the lowest position that there is.
        seed: the gradient that the cost has at the start, 1.

    Raises:
        TypeError: cost is not a Tensor.
        ValueError: cost is not a scalar.
    """

    def __init__(self, cost: Tensor, names: Mapping[str, Any] | None = None) -> None:
        self.reading = Reading(cost, names)
        if cost.ndim:
            words = f"a backward pass starts at a scalar, the cost has shape {cost.shape}"
            raise ValueError(f"{words}: take its sum or mean")
        self.seed = seed_of(cost, None)
        with np.errstate(all="ignore"):  # NaN and infinity are seen when they are walked to
            self._steps = list(sweep(cost, self.seed))

    @cached_property
    def known(self) -> dict[str, Any]:
        """What names stand for: those of constant arrays and nodes, the caller's others too."""
        reading = self.reading
        others = {name: x for name, x in reading.known.items() if name.isidentifier()}
        arrays = {name: x for x in constants(reading) if (name := reading.call(x))}
        return others | arrays | {name: node for node, name in reading.names.items()}

    @cached_property
    def _arrivals(self) -> dict[Tensor, list[int]]:
        """For each node the positions at which it receives a contribution."""
        arrivals: dict[Tensor, list[int]] = {}
        for i, (node, place, *_) in enumerate(self._steps, 1):
            arrivals.setdefault(node.args[place], []).append(i)
        return arrivals

    @cached_property
    def _computed_at(self) -> dict[Tensor, int]:
        """For each node the position at which its value is computed, in the forward phase."""
        nodes = self.reading.nodes
        return {node: i - len(nodes) for i, node in enumerate(nodes)}

    @cached_property
    def _spans(self) -> list[tuple[str, int, int]]:
        """Each call of a named function: its first and last position, forward and backward."""
        taken: dict[Tensor, list[int]] = {}
        for i, (node, *_) in enumerate(self._steps, 1):
            taken.setdefault(node, []).append(i)
        spans = []
        for group in graph.groups(self.cost):
            values = [self._computed_at[node] for node in group.members]
            products = [i for node in group.members for i in taken.get(node, [])]
            spans += [(group.name, min(span), max(span)) for span in (values, products) if span]
        return spans

    @property
    def cost(self) -> Tensor:
        """The Tensor that the sweep starts from."""
        return self.reading.cost

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def place(self) -> str:
        """Where we are: `[3/8]`, or `[forward 2/9]`."""
        if self.position < 0:
            nodes = len(self.reading.nodes)
            return f"[forward {nodes + self.position + 1}/{nodes}]"
        return f"[{self.position}/{len(self)}]"

    def __str__(self) -> str:
        """The current stop on one line."""
        call, stop = self.reading.call, self.stop
        if self.computed is not None:
            return f"{self.place} {call(self.computed)} is {short(self.computed.data)}"
        if stop is None:
            return f"{self.place} start at {call(self.cost)}"
        way = f"{call(stop.node)} → {call(stop.argument)}"
        return f"{self.place} {way}: {short(stop.contribution)}"

    def at(self, position: int) -> Self:
        """Another walk over the same recording, at a position.

        Raises:
            ValueError: there is no such position.
        """
        other = copy(self)
        other.goto(position)
        return other

    def forward(self) -> None:
        """Go to the first value that was computed; the walk reaches back to it from now on."""
        self.position = self.first = -len(self.reading.nodes)

    def over(self) -> bool:
        """`next`, but a call of a named function that begins here counts as one; False at the end.

        Of several that begin here, the outermost.
        """
        begun = [last for _, first, last in self._spans if first == self.position + 1]
        return self._move(max(begun, default=self.position + 1))

    def finish(self) -> bool:
        """Go to the end of the innermost call of a named function around us; False: of none."""
        around = [last for _, first, last in self._spans if first <= self.position < last]
        return self._move(min(around)) if around else False

    def until(self, node: Tensor) -> bool:
        """Go on until a node has all its gradient, or its value; False: nothing more comes."""
        moments = [self._computed_at[self._own(node)], self.complete(node)]
        ahead = [moment for moment in moments if moment is not None and moment > self.position]
        return self._move(min(ahead)) if ahead else False

    def run(self, stops: Callable[[Self], bool], step: int = 1) -> bool:
        """Go on (step -1: back) until `stops` says so of the walk; False: the end came first."""
        if not callable(stops):
            raise TypeError(f"stops is a function of the walk, not {type(stops).__name__}")
        while self._move(self.position + step):
            if stops(self):
                return True
        return False

    @property
    def computed(self) -> Tensor | None:
        """The node whose value is computed here; None after the forward phase."""
        return self.reading.nodes[self.position] if self.position < 0 else None

    @property
    def current(self) -> Tensor:
        """The node we are at: the one computed, else the one that a gradient reached last."""
        if (node := self.computed) is not None:
            return node
        at = self.position
        return Link(*self._steps[at - 1][:2]).argument if at else self.cost

    @property
    def entered(self) -> list[str]:
        """The named functions whose calls begin here."""
        return [name for name, first, _ in self._spans if first == self.position]

    @property
    def stop(self) -> Product | None:
        """The product that was taken last; None at the start."""
        return self._product(self.position) if self.position > 0 else None

    @property
    def products(self) -> list[Product]:
        """Every product, in order."""
        return [self._product(i) for i in range(1, len(self) + 1)]

    def _product(self, position: int) -> Product:
        node, place, *arrays = self._steps[position - 1]
        argument = node.args[place]
        arrivals = self._arrivals[argument]
        received = bisect_right(arrivals, position)
        g, contribution, total = map(np.array, arrays)
        return Product(node, place, argument, g, contribution, total, received, len(arrivals))

    def _own(self, node: Tensor) -> Tensor:
        """The node; an error where it is none of this recording."""
        if not isinstance(node, Tensor):
            raise TypeError(f"a node is a Tensor of the recording, not {type(node).__name__}")
        if node not in self._computed_at:
            raise ValueError(f"{self.reading.call(self.cost)} was not computed from this Tensor")
        return node

    def progress(self, node: Tensor) -> tuple[int, int]:
        """How many contributions a node has received at this position, and how many it will."""
        arrivals = self._arrivals.get(self._own(node), [])
        return bisect_right(arrivals, self.position), len(arrivals)

    def gradient(self, node: Tensor) -> Array | None:
        """What the gradient of a node has accumulated at this position; None before that."""
        received, _ = self.progress(node)
        if received:
            return np.array(self._steps[self._arrivals[node][received - 1] - 1][4])
        return np.array(self.seed) if node is self.cost and self.position >= 0 else None

    def value(self, node: Tensor) -> Array | None:
        """The value of a node; None as long as it is not computed."""
        return node.data if self.position >= self._computed_at[self._own(node)] else None

    def arrival(self, node: Tensor) -> int | None:
        """The position at which a node receives its first contribution; None: it never does."""
        return self._arrivals[node][0] if self._own(node) in self._arrivals else None

    def complete(self, node: Tensor) -> int | None:
        """The position at which a node has all its gradient; None: it gets none."""
        if self._own(node) in self._arrivals:
            return self._arrivals[node][-1]
        return 0 if node is self.cost else None

    def terms(self, node: Tensor) -> list[tuple[int, Product]]:
        """The contributions that a node has received at this position, and where each came."""
        received, _ = self.progress(node)
        return [(i, self._product(i)) for i in self._arrivals.get(node, [])[:received]]

    def gradients(self) -> Gradients:
        """All gradients at this position, and those downstream of the products so far."""
        if self.position < 0:
            return Gradients({}, {})
        return collected(self.cost, self.seed, self._steps[: self.position])

    @property
    def taken(self) -> list[Link]:
        """The products that have been taken, from the cost on."""
        return [Link(*step[:2]) for step in self._steps[: max(self.position, 0)]]

    def where(self) -> list[Link]:
        """The path from the node reached last to the cost, that by which each was reached first.

        Local Jacobians, multiplied along a path and summed over all paths, are the gradient.
        """
        links = []
        i = max(self.position, 0)
        while i:
            link = Link(*self._steps[i - 1][:2])
            links.append(link)
            i = 0 if link.node is self.cost else self._arrivals[link.node][0]
        return links

    def delta(self) -> Delta | None:
        """How far the gradient of the logits has come; None where no mix is recorded."""
        symbols = self.reading.symbols
        if symbols is None:
            return None
        z = symbols.z
        return Delta(symbols.mix, z, self.gradient(z), *self.progress(z), symbols.a_minus_y)
