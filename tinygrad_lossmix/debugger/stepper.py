"""A reverse sweep that can be walked in both directions, one vector-Jacobian product at a time.

The engine's own sweep is recorded once; walking moves an index, so that going back is exact and the
gradients at the end are those of `backward()` to the bit.

>>> z = Tensor([2.0, 1.0], name="z")
>>> walk = Stepper((z * z).sum())
>>> walk.next() and walk.next()
True
>>> walk.stop.argument is z, walk.gradient(z), (walk.stop.received, walk.stop.expected)
(True, array([2., 1.]), (1, 2))
>>> walk.next(), walk.gradient(z), walk.next()
(True, array([4., 2.]), False)
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.debugger.local import Local, local
from tinygrad_lossmix.engine.sweep import seed_of, sweep
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.views.numbers import short
from tinygrad_lossmix.views.reading import Reading


class Stop(NamedTuple):
    """One vector-Jacobian product: what a node passed back to one of its arguments."""

    node: Tensor
    place: int  # of the argument among node.args
    argument: Tensor
    g: Array  # the gradient that arrived at the node
    contribution: Array
    total: Array  # what the argument has received so far
    received: int  # contributions, this one included
    expected: int


class Link(NamedTuple):
    """A part of a way to the cost: from an argument to the node that was computed from it."""

    node: Tensor
    place: int

    @property
    def argument(self) -> Tensor:
        """Where this part begins."""
        argument: Tensor = self.node.args[self.place]
        return argument

    @property
    def local(self) -> Local | None:
        """How the node answers to the argument; None where that is too large to show."""
        return local(self.node, self.place)


class Delta(NamedTuple):
    """The gradient of the logits of a mix, so far, beside a - y."""

    mix: Mix
    logits: Tensor
    gradient: Array | None  # None: not arrived yet
    received: int
    expected: int
    a_minus_y: Array  # divided by the number of examples, as the gradient is


class Stepper:
    """A walk over the reverse sweep of a scalar cost; no input, no output.

    Args:
        cost: the recording, a Tensor.
        names: the caller's names for Tensors, such as `locals()`.

    Attributes:
        position: how many products have been taken: 0 … len(stepper).

    Raises:
        TypeError: cost is not a Tensor.
        ValueError: cost is not a scalar.
    """

    def __init__(self, cost: Tensor, names: Mapping[str, Any] | None = None) -> None:
        self.reading = Reading(cost, names)
        self._seed = seed_of(cost, None)
        with np.errstate(all="ignore"):  # NaN and infinity are seen when they are walked to
            self._steps = list(sweep(cost, self._seed))
        self.position = 0

    @cached_property
    def _arrivals(self) -> dict[Tensor, list[int]]:
        """For each node the positions at which it receives a contribution."""
        arrivals: dict[Tensor, list[int]] = {}
        for i, (node, place, *_) in enumerate(self._steps, 1):
            arrivals.setdefault(node.args[place], []).append(i)
        return arrivals

    @property
    def cost(self) -> Tensor:
        """The Tensor that the sweep starts from."""
        return self.reading.cost

    def __len__(self) -> int:
        return len(self._steps)

    def __str__(self) -> str:
        """The current stop on one line."""
        call, stop, here = self.reading.call, self.stop, f"[{self.position}/{len(self)}]"
        if stop is None:
            return f"{here} start at {call(self.cost)}"
        passed = short(stop.contribution)
        return f"{here} {call(stop.node)} passes {passed} to {call(stop.argument)}"

    @property
    def at_end(self) -> bool:
        """Whether every gradient has arrived."""
        return self.position == len(self)

    def next(self) -> bool:
        """Take the next product; False at the end."""
        return self._move(self.position + 1)

    def back(self) -> bool:
        """Undo the last product; False at the start."""
        return self._move(self.position - 1)

    def start(self) -> None:
        """Go to where only the cost has its gradient, 1."""
        self.position = 0

    def end(self) -> None:
        """Go to where every gradient has arrived."""
        self.position = len(self)

    def goto(self, position: int) -> None:
        """Go anywhere.

        Raises:
            ValueError: there is no such position.
        """
        if not self._move(position):
            raise ValueError(f"positions are 0 … {len(self)}, not {position}")

    def _move(self, position: int) -> bool:
        if not 0 <= position <= len(self):
            return False
        self.position = position
        return True

    @property
    def stop(self) -> Stop | None:
        """The product that was taken last; None at the start."""
        if self.position == 0:
            return None
        node, place, *arrays = self._steps[self.position - 1]
        argument = node.args[place]
        g, contribution, total = map(np.array, arrays)
        return Stop(node, place, argument, g, contribution, total, *self.progress(argument))

    def progress(self, node: Tensor) -> tuple[int, int]:
        """How many contributions a node has received at this position, and how many it will."""
        arrivals = self._arrivals.get(node, [])
        return bisect_right(arrivals, self.position), len(arrivals)

    def gradient(self, node: Tensor) -> Array | None:
        """The gradient of a node as far as it has arrived at this position; None before that."""
        received, _ = self.progress(node)
        if received:
            return np.array(self._steps[self._arrivals[node][received - 1] - 1][4])
        return np.array(self._seed) if node is self.cost else None

    def arrival(self, node: Tensor) -> int | None:
        """The position at which a node receives its first contribution; None: it never does."""
        return self._arrivals[node][0] if node in self._arrivals else None

    def where(self) -> list[Link]:
        """The way from the node reached last to the cost, that by which each was reached first.

        Local derivatives, multiplied along a way and summed over all ways, are the gradient.
        """
        links = []
        i = self.position
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
