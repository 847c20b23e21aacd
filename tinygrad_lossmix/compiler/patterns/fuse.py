"""A whole cost that is one of the six mixes, as its one node.

Such a cost is linear in a few logarithms of outputs, -Σ y·log_softmax(u), or in squares, however
the labels are put to it: times, dotted, indexed, averaged. The weights on those are the labels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.calls import product, scalar
from tinygrad_lossmix.compiler.patterns import published
from tinygrad_lossmix.compiler.patterns.idioms import KINDS, negative
from tinygrad_lossmix.compiler.patterns.linear import Linear, Weight
from tinygrad_lossmix.compiler.patterns.logs import Found
from tinygrad_lossmix.compiler.patterns.stable_rules import StableRules
from tinygrad_lossmix.compiler.patterns.structure import Structure
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.layers import cost_node

LOGARITHMS = ("log_softmax", "log1m_softmax", "log_sigmoid", "softplus")


class End(NamedTuple):
    """A logarithm of outputs, or their squared error."""

    kind: str  # log_softmax, log1m_softmax, log_sigmoid; softmax, sigmoid: its squared error
    u: Tensor
    axis: int
    sign: float
    y: Any = None  # of a squared error


class Term(NamedTuple):
    """Σ weight · end, part of a cost."""

    end: End
    node: Tensor
    weight: Weight


class Cost(NamedTuple):
    """A number times one of the mixes."""

    pair: tuple[str, str]
    u: Tensor
    axis: int
    y: Any
    up: float  # the number is up/down times the number of examples
    down: float


def fused(cost: Tensor, rules: StableRules) -> Found | None:
    """The cost with one node for each mix that is in it, and the pattern of the first."""
    if cost.ndim:
        return None
    linear = Linear(rules.weighted)
    ends, known = _ends(cost, rules, linear)
    if not ends:
        return None

    def last(node: Tensor) -> bool:
        """Whether a node is known, or a sum of arrays, not of numbers."""
        return node in known or any(x.ndim for x, _ in linear.operands(node))

    terms: list[Term] = []
    rest: list[Tensor] = []
    for node, weight in linear.terms(cost, Weight(), last):
        if weight.lost:
            return None
        if node not in known:
            rest.append(_scaled(node, weight.up / weight.down))
            continue
        inside = linear.terms(node, weight, ends.__contains__)
        terms += [Term(ends[end], end, part) for end, part in inside]
    if any(term.weight.lost for term in terms):
        return None
    costs = []
    for item in _paired(_gathered(terms, rules.structure), rules.structure):
        if isinstance(item, Term):
            rest.append((item.node * item.weight.whole(item.node)).sum())
        elif type(item.y) not in (np.ndarray, float) or np.isfinite(item.y).all():
            costs.append(item)
        else:
            return None
    if not costs:
        return None
    first, *others = [*map(_one_node, costs), *rest]
    total = sum(others, first)
    if total.dtype != cost.dtype:
        return None
    return total, published.MIXES[costs[0].pair]


def _ends(
    cost: Tensor, rules: StableRules, linear: Linear
) -> tuple[dict[Tensor, End], set[Tensor]]:
    """The logarithms and squares in a recording, and what is linear in them and nothing else."""
    ends: dict[Tensor, End] = {}
    known: set[Tensor] = set()
    for node in nodes(cost):
        if (end := _end(node, rules)) is not None:
            ends[node] = end
        operands = linear.operands(node)
        if node in ends or (operands and all(x in known for x, _ in operands)):
            known.add(node)
    return ends, known


def _end(node: Tensor, rules: StableRules) -> End | None:
    if (kind := KINDS.get(node.function, "")) in LOGARITHMS:
        idiom = rules.idioms.core(node)
        if idiom is None or not idiom.u.ndim or not idiom.u.size:
            return None
        if kind == "softplus":
            return End("log_sigmoid", negative(idiom.u), -1, -1.0)
        return End(kind, idiom.u, idiom.axes[0] if idiom.axes else -1, 1.0)
    return _square(node, rules)


def _square(node: Tensor, rules: StableRules) -> End | None:
    """(a - y)², a softmax or sigmoid."""
    error, *other = node.args or (None,)
    if type(error) is not Tensor or error.function is not np.subtract:
        return None
    if node.function is np.multiply and type(other[0]) is Tensor:
        squared = rules.structure.same(error, other[0])
    else:
        power = node.function is np.power and scalar(other[0]) == 2.0
        squared = power or node.function is np.square
    if not squared:
        return None
    a, y = error.args if type(error.args[0]) is Tensor else error.args[::-1]
    idiom = rules.idioms.is_a(a, "softmax", "sigmoid")
    if idiom is None or type(y) is Tensor or not a.ndim or not a.size or len(idiom.axes) > 1:
        return None
    if a.shape != node.shape or a.size != idiom.u.size:
        return None
    axis = idiom.labels.index(idiom.axes[0]) if idiom.axes else -1
    return End(idiom.kind, rules.idioms.logits(idiom, a.shape), axis, 1.0, y)


def _gathered(terms: list[Term], structure: Structure) -> dict[Any, Term]:
    """One term for each end, with the weights added up."""
    found: dict[Any, Term] = {}
    for number, term in enumerate(terms):
        end, node, (up, down, w) = term
        weight = Weight(end.sign * up, down, w)
        key = (end.kind, structure.number(end.u), end.axis, None if end.y is None else number)
        if key in found:
            weight = found[key].weight.plus(weight, node)
        found[key] = Term(end, node, weight)
    return found


def _paired(left: dict[Any, Term], structure: Structure) -> Iterator[Cost | Term]:
    """The mixes that these terms are; a term that is part of none."""
    for key in sorted(left, key=lambda key: key[0] == "log1m_softmax"):
        if (term := left.pop(key, None)) is None:
            continue
        kind, u, axis, _, y = term.end
        up, down, w = term.weight
        if y is not None:
            yield term if w is not None else Cost((kind, "quadratic"), u, axis, y, 2.0 * up, down)
            continue
        other = ("log1m_softmax", structure.number(u), axis, None)
        if kind == "log_sigmoid":
            other = (kind, structure.number(negative(u)), axis, None)
        partner = left.pop(other, None)
        if partner is None:
            yield _with_labels(term)
            continue
        if kind == "log_sigmoid" and u.function is np.negative:
            term, partner = partner, term
        both = _complementary(term, partner)
        if both is None and kind == "log_sigmoid":
            both = _complementary(partner, term)
        yield from [both] if both else map(_with_labels, (partner, term))


def _with_labels(term: Term) -> Cost | Term:
    """Log-likelihood, of a logarithm of outputs alone."""
    (kind, u, axis, *_), (up, down, w) = term.end, term.weight
    if kind == "log1m_softmax":
        return term
    if w is None:  # the same label everywhere
        examples = u.size / u.shape[axis]
        w, up, down = -up * examples / down, -1.0, examples
    return Cost((kind.removeprefix("log_"), "ll"), u, axis, w, -up, down)


def _complementary(term: Term, partner: Term) -> Cost | None:
    """Cross-entropy, where the weights are y and 1 - y."""
    end, (up, down, y), (other_up, other_down, w) = term.end, term.weight, partner.weight
    pair = end.kind.removeprefix("log_"), "ce"
    if y is None and w is None:
        y = product(up, other_down)
        total, both = y + product(other_up, down), product(down, other_down)
        if not total or math.isnan(total + both):
            return None
        return Cost(pair, end.u, end.axis, y / total, -total, both)
    if up * other_down != other_up * down or not is_complement(w, y):
        return None
    return Cost(pair, end.u, end.axis, y, -up, down)


def is_complement(w: Any, y: Any) -> bool:
    """Whether constants are known to be w = 1 - y."""
    if type(w) is type(y) is np.ndarray:
        return np.array_equal(w, 1 - y)
    return hasattr(w, "is_complement_of") and bool(w.is_complement_of(y))


def _one_node(cost: Cost) -> Tensor:
    u, y = cost.u, cost.y
    if getattr(y, "shape", ()) != u.shape:
        y = np.broadcast_to(y, u.shape)
    if cost.axis not in (-1, u.ndim - 1):
        order = [i for i in range(u.ndim) if i != cost.axis] + [cost.axis]
        u, y = u.transpose(order), np.transpose(y, order)
    if type(y) is np.ndarray:
        y = np.array(y, u.dtype, order="C")
        y.flags.writeable = False
    elif y.dtype != u.dtype:
        y = y.astype(u.dtype)
    node = cost_node(cost.pair, u, y)
    return _scaled(node, cost.up * math.prod(u.shape[:-1]) / cost.down)


def _scaled(node: Tensor, factor: float) -> Tensor:
    return node if factor == 1.0 else node * factor
