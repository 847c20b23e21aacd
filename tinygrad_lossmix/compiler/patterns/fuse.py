"""A whole cost that is one of the six mixes, as its one node.

Such a cost is linear in a few logarithms of outputs, -Σ y·log_softmax(u), or in squares, however
the labels are put to it: times, dotted, indexed, averaged. The weights on those are the labels.
"""

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.calls import number, product, scalar
from tinygrad_lossmix.compiler.patterns import published
from tinygrad_lossmix.compiler.patterns.idioms import KINDS, Found
from tinygrad_lossmix.compiler.patterns.linear import Linear, Weight
from tinygrad_lossmix.compiler.patterns.stable_rules import StableRules
from tinygrad_lossmix.compiler.patterns.structure import Structure, negative
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.layers import LAYERS, PAIRS

LOGARITHMS = ("log_softmax", "log1m_softmax", "log_sigmoid", "softplus")


class End(NamedTuple):
    """A logarithm of outputs a or of 1 - a, or the squared error of outputs."""

    output: str
    of: str  # "a", "1 - a", "error"
    u: Tensor
    axis: int
    sign: float = 1.0
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

    parts = list(linear.terms(cost, Weight(), last))
    terms = [
        Term(ends[end], end, weight)
        for node, whole in parts
        if node in known
        for end, weight in linear.terms(node, whole, ends.__contains__)
    ]
    if any(weight.lost for _, weight in parts) or any(term.weight.lost for term in terms):
        return None
    found = [*itertools.chain(*map(_paired, _gathered(terms, rules.structure).values()))]
    costs = [each for each in found if isinstance(each, Cost)]
    known_labels = [each.y for each in costs if type(each.y) in (np.ndarray, float)]
    if not costs or not all(np.isfinite(y).all() for y in known_labels):
        return None
    rest: list[Tensor] = [
        _scaled(node, weight.up / weight.down) if weight.w is None else node * weight.whole(node)
        for node, weight in parts
        if node not in known
    ]
    rest += [(x.node * x.weight.whole(x.node)).sum() for x in found if isinstance(x, Term)]
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
    if KINDS.get(node.function) not in LOGARITHMS:
        return _square(node, rules)
    idiom = rules.idioms.core(node)
    if idiom is None or not idiom.u.ndim or not idiom.u.size:
        return None
    if idiom.axes:
        of = "a" if idiom.kind == "log_softmax" else "1 - a"
        return End("softmax", of, idiom.u, idiom.axes[0])
    u, sign = (idiom.u, 1.0) if idiom.kind == "log_sigmoid" else (negative(idiom.u), -1.0)
    return End("sigmoid", "1 - a" if u.function is np.negative else "a", u, -1, sign)


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
    a, y = error.args if type(error.args[0]) is Tensor else error.args[::-1]
    idiom = rules.idioms.is_a(a, *LAYERS) if squared else None
    if idiom is None or type(y) is Tensor or not a.ndim or not a.size or len(idiom.axes) > 1:
        return None
    if a.shape != node.shape or a.size != idiom.u.size or not {*idiom.axes} <= {*idiom.labels}:
        return None
    axis = idiom.labels.index(idiom.axes[0]) if idiom.axes else -1
    return End(idiom.kind, "error", idiom.logits(a.shape), axis, y=y)


def _gathered(terms: list[Term], structure: Structure) -> dict[Any, dict[str, Term]]:
    """The terms of each output layer, by what they are of, with the weights added up."""
    found: dict[Any, dict[str, Term]] = {}
    for i, term in enumerate(terms):
        end, node, weight = term.end, term.node, term.weight.times(term.end.sign, term.node)
        u = negative(end.u) if end.output == "sigmoid" and end.of == "1 - a" else end.u
        key = end.output, structure.number(u), end.axis, i if end.of == "error" else None
        group = found.setdefault(key, {})
        if end.of in group:
            weight = group[end.of].weight.plus(weight, node)
        group[end.of] = Term(end, node, weight)
    return found


def _paired(group: dict[str, Term]) -> list[Cost | Term]:
    """The mixes that the terms of one output layer are; a term that is part of none."""
    if error := group.get("error"):
        (output, _, u, axis, _, y), (up, down, w) = error.end, error.weight
        square = Cost((output, "quadratic"), u, axis, y, 2.0 * up, down)
        return [square if w is None else error]
    if len(group) == 2:
        term, rest = group["a"], group["1 - a"]
        both = _complementary(term, rest)
        if both is None and term.end.output == "sigmoid":
            both = _complementary(rest, term)
        if both is not None:
            return [both]
    return [_with_labels(group[of]) for of in ("1 - a", "a") if of in group]


def _with_labels(term: Term) -> Cost | Term:
    """Log-likelihood, of a logarithm of outputs alone."""
    (output, of, u, axis, *_), (up, down, w) = term.end, term.weight
    if output == "softmax" and of == "1 - a":
        return term
    if w is None:  # the same label everywhere
        examples = u.size / u.shape[axis]
        w, up, down = -up * examples / down, -1.0, examples
    return Cost((output, "ll"), u, axis, w, -up, down)


def _complementary(term: Term, partner: Term) -> Cost | None:
    """Cross-entropy, where the weights are y and 1 - y."""
    end, (up, down, y), (other_up, other_down, w) = term.end, term.weight, partner.weight
    pair = end.output, "ce"
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
    one, subtracted = w.args if getattr(w, "function", None) is np.subtract else (None, None)
    return number(one) == 1.0 and subtracted is y


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
    node = PAIRS[cost.pair].mean(u, y)
    return _scaled(node, cost.up * math.prod(u.shape[:-1]) / cost.down)


def _scaled(node: Tensor, factor: float) -> Tensor:
    return node if factor == 1.0 else node * factor
