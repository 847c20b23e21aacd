"""`stabilize`: the same recording with stable nodes in place of unstable patterns.

>>> z = Tensor([1000.0, 0.0, -1000.0], name="z")
>>> with np.errstate(all="ignore"):
...     cost = -np.log(np.exp(z) / np.exp(z).sum())[1]
...     print(cost, grad(cost, z))
Tensor(inf, by=negative) [nan nan nan]
>>> stabilize(cost), grad(stabilize(cost), z)
(Tensor(1000., by=softmax_ll), array([ 1., -1.,  0.]))

It warns of output layers applied to what an output layer gave: outputs between 0 and 1, taken for
logits, can never push the next output far, and the cost gets stuck on a floor.
"""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.caller import variables
from tinygrad_lossmix.compiler.patterns.fuse import fused
from tinygrad_lossmix.compiler.patterns.idioms import VIEWS, Idioms
from tinygrad_lossmix.compiler.patterns.published import Pattern
from tinygrad_lossmix.compiler.patterns.stable_rules import StableRules
from tinygrad_lossmix.compiler.patterns.structure import regroup
from tinygrad_lossmix.engine.gradient import grad as grad
from tinygrad_lossmix.engine.graph import names, nodes
from tinygrad_lossmix.engine.replay import recorded, replay
from tinygrad_lossmix.engine.tensor import Tensor, tick
from tinygrad_lossmix.mixes.layers import LAYERS, PAIR_OF, PAIRS

OUTPUT_OF = {cost: output for cost, (output, _) in PAIR_OF.items()}  # by what a node holds
OUTPUT_OF |= {
    function: name
    for name, layer in LAYERS.items()
    for function in layer.rows
    if function is not layer.potential
}


FLOORS = {  # of an output layer given outputs: the cost, and in words where it comes to stop
    "softmax": ("ll", "log-likelihood stops at ln(1 + (K - 1)/e), {:.4f} for K = {}"),
    "lml": ("ce", "cross-entropy stops at {:.4f} for one of K = {}"),
    "sigmoid": (
        "ce",
        "cross-entropy stops at ln(1 + 1/e) = 0.3133 for each label 1 and ln 2 = 0.6931 for each "
        "label 0, {:.4f} for one of K = {}",
    ),
}


class WrongPairing(UserWarning):
    """An output layer is applied to what another one gave."""


class Replacement(NamedTuple):
    """An unstable pattern that was found."""

    pattern: Pattern
    where: str  # the name of what was replaced
    before: Tensor
    after: Tensor


class Rewritten(NamedTuple):
    """A recording made stable."""

    after: Tensor  # the cost itself where nothing was found
    replacements: tuple[Replacement, ...]
    pairings: tuple[str, ...]  # wrong ones, and the plateau to expect of each


def stabilize(cost: Tensor) -> Tensor:
    """The same recording with stable nodes in place of unstable patterns.

    What is looked for is the table that `published.table()` prints: softmax, sigmoid and
    their logarithms spelled out in exponentials, in any spelling, found by structure. The recording
    is rewritten before it is differentiated, on the same leaves: value and gradient are finite and
    right where those of the plain one overflow, underflow or lose the tail. Whatever depends on a
    node that is replaced is computed again, under the name that the caller's variable gave it.

    Args:
        cost: a Tensor of any shape.

    Returns:
        a Tensor of its shape and dtype; `cost` itself where there is nothing to replace. A whole
        cost that is one of the six mixes becomes one node, times a number.

    Raises:
        TypeError: cost is not a Tensor.

    Warns:
        WrongPairing: an output layer is applied to what another one gave.

    >>> z = Tensor([40.0, 0.0])
    >>> a = np.exp(z) / np.exp(z).sum()
    >>> grad(-np.log(a[0]), z), grad(stabilize(-np.log(a[0])), z)
    (array([0.00000000e+00, 4.24835426e-18]), array([-4.24835426e-18,  4.24835426e-18]))
    """
    found = rewritten(cost, {name: x for name, x in variables().items() if x is not cost})
    for pairing in found.pairings:
        warnings.warn(pairing, WrongPairing, stacklevel=2)
    return found.after


@np.errstate(all="ignore")  # the caller has been warned when it was recorded
def rewritten(cost: Tensor, known: Mapping[str, Any] | None = None) -> Rewritten:
    """`stabilize`, with what was replaced and what is wrong; nothing is warned of.

    What is computed again gets the first of its known names, if it has none of its own.
    """
    if not isinstance(cost, Tensor):
        raise TypeError(
            f"the cost is a {type(cost).__name__}, not a Tensor: it was computed from plain "
            "arrays; wrap what you differentiate, z = Tensor(z)"
        )
    rules = StableRules()
    found: list[tuple[Pattern, Tensor, Tensor]] = []
    moments: dict[Tensor, int] = {}  # when a node was come to

    def visit(old: Tensor, args: list[Any]) -> Tensor:
        moments[old] = now = tick()
        new = old
        if any(arg is not before for arg, before in zip(args, old.args, strict=True)):
            pair = PAIR_OF.get(old.function)
            new = PAIRS[pair].mean(*args) if pair else recorded(old, args)
        rules.learn(new, now)
        if (better := rules.stable(new)) is not None:
            new, pattern = better
            rules.learn(new, now)
            found.append((pattern, old, new))
        return _named(new, old, now)

    new = replay(cost, {}, visit)
    if (whole := fused(new[cost], rules)) is not None:
        found.append((whole[1], cost, whole[0]))
        new[cost] = _named(whole[0], cost, moments[cost])
    if not found:
        return Rewritten(cost, (), wrong_pairings(cost, rules.idioms))
    after = new[cost]
    regroup(cost, new, moments)
    for name, x in (known or {}).items():
        if type(x) is Tensor and x in new and new[x].order > moments[x] and name[0] != "_":
            new[x].name = new[x].name or name
    called = names(cost)
    replacements = tuple(Replacement(p, called[before], before, x) for p, before, x in found)
    return Rewritten(after, replacements, wrong_pairings(after, rules.idioms))


def _named(new: Tensor, old: Tensor, start: int) -> Tensor:
    """What takes the place of a node: if it is new since a moment, with its line and its name."""
    if new.order > start:
        new.name, new.line = new.name or old.name, old.line
    return new


def wrong_pairings(cost: Tensor, idioms: Idioms) -> tuple[str, ...]:
    """A line for each kind of wrong pairing in a recording."""
    found: dict[tuple[str, str], tuple[int, ...]] = {}
    for node in nodes(cost):
        outer = OUTPUT_OF.get(node.function)
        if outer is None:
            continue
        u = node.args[0]
        while type(u) is Tensor and u.function in VIEWS and idioms.find(u) is None:
            u = u.args[0]
        inner = idioms.is_a(u, *LAYERS)
        if inner is not None:
            found.setdefault((outer, inner.kind), node.args[0].shape)
    return tuple(_words(outer, inner, shape) for (outer, inner), shape in found.items())


def _words(outer: str, inner: str, shape: tuple[int, ...]) -> str:
    k, (cost, stuck) = shape[-1] if shape else 1, FLOORS[outer]
    best = np.equal(np.arange(k), 0).astype(float)  # outputs that are the labels, taken for logits
    floor = float(PAIRS[outer, cost].evaluate(best, best)[0])
    return (
        f"{outer} of {inner}: an output layer is given outputs, between 0 and 1, where it takes "
        f"logits; expect a plateau: {stuck.format(floor, k)}. Give it the logits"
    )
