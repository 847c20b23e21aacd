"""A recording before and after `stabilize`: what was replaced, why, and both drawn.

>>> z = Tensor([40.0, 0.0], name="z")
>>> print(rewriting(-np.log(np.exp(z) / np.exp(z).sum())[0]))
3 replacements
  n4  e^u / Σ e^u -> softmax(u)
      e^u overflows above 709, inf/inf is NaN; its rule loses the tail
  n5  ln(softmax(u)) -> log_softmax(u)
      an output that underflows has ln 0; one near 1 loses its logarithm and its gradient
  n7  -Σ y ln(softmax(u)) -> softmax_ll(u, y)
      one node, whose delta is a - y without the subtraction
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.patterns.published import Pattern
from tinygrad_lossmix.compiler.stabilize import Replacement, rewritten
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import count
from tinygrad_lossmix.views.drawing import Drawing
from tinygrad_lossmix.views.picture import Look, pictures
from tinygrad_lossmix.views.reading import Gradients, Reading, gradients, swept

BEFORE, AFTER = "recorded", "stabilised"
MOST = 20  # replacements that are listed in a drawing


class Rewriting(NamedTuple):
    """What `stabilize` does to a recording.

    Attributes:
        before: the cost as it was recorded.
        after: the stabilised one; `before` itself where nothing was found.
        replacements: what was found, in the order of the recording: the pattern with its reason,
            the name of the node, the node, what took its place.
        pairings: wrong ones (softmax of softmax …), and the plateau to expect.
        known: what the caller called some of the nodes.
    """

    before: Tensor
    after: Tensor
    replacements: tuple[Replacement, ...]
    pairings: tuple[str, ...]
    known: Mapping[str, Any] = {}

    def draw(
        self,
        direction: str = "down",
        *,
        collapse: bool = False,
        open: str | Collection[str] = (),
        values: str = "short",
    ) -> Drawing:
        """Both recordings beside each other, with values and gradients.

        Args:
            direction, collapse, open, values: as for `lm.draw`.

        Raises:
            ValueError: more than 1000 boxes in one of them; another direction or other values; a
                group to open that is in neither.
        """
        look = Look(direction, collapse, open, values)
        costs = {BEFORE: self.before} | ({} if self.after is self.before else {AFTER: self.after})
        sides = [(Reading(cost, self.known), _gradients(cost)) for cost in costs.values()]
        shown = dict(zip(costs, pictures(sides, look), strict=True))
        titles = (f"{title}:" for title in costs)
        return Drawing(shown, self._notes(), zip(titles, sides, strict=True), str(self))

    def _found(self) -> list[tuple[str, Pattern]]:
        """Each pattern, with what the node is called where the recording is shown."""
        reading = Reading(self.before, self.known)
        return [(reading.call(each.before), each.pattern) for each in self.replacements]

    def _notes(self) -> list[str]:
        lines = [f"{name}: {it.unstable} -> {it.stable}" for name, it in self._found()]
        if len(lines) > MOST:
            lines[MOST:] = [f"… {len(lines):,} replacements in all"]
        return lines + list(self.pairings) or ["nothing to replace"]

    def __repr__(self) -> str:
        found = self._found()
        lines = [count(len(found), "replacement") if found else "nothing to replace"]
        width = max((len(name) for name, _ in found), default=0)
        for name, pattern in found:
            lines.append(f"  {name:{width}}  {pattern.unstable} -> {pattern.stable}")
            lines.append(f"  {'':{width}}  {pattern.reason}")
        return "\n".join([*lines, *(f"wrong pairing: {words}" for words in self.pairings)])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return self.draw()._repr_mimebundle_()
        except ValueError:
            return {"text/plain": str(self)}


def rewriting(cost: Tensor, names: Mapping[str, Any] | None = None) -> Rewriting:
    """What `stabilize` does to a recording: printed, what was replaced and why; drawn, both.

    Args:
        cost: a Tensor.
        names: names for Tensors and constant arrays, in place of the caller's variables.

    Raises:
        TypeError: cost is not a Tensor.

    >>> rewriting(Tensor([1.0, 2.0]).sum()).after
    Tensor(3., by=sum)
    """
    known = Reading(cost, names).carried
    return Rewriting(cost, *rewritten(cost, known), known)


def _gradients(cost: Tensor) -> Gradients:
    """Those that `backward()` filled, else those of a scalar cost."""
    if cost.grad is not None or cost.ndim:
        return gradients(cost)
    return swept(cost, np.ones((), cost.dtype))
