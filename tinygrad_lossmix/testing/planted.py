"""Faults planted in the backward pass of a recording, one at a time, and the gradients they give.

A fault changes what one node passes back. The sweep is linear in that: what becomes of the gradient
of a leaf is the change, pulled back from there.
"""

import math
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import reduced, scalar
from tinygrad_lossmix.compiler.patterns.idioms import VIEWS, Idiom, Idioms, unshifted
from tinygrad_lossmix.compiler.patterns.structure import Structure
from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.graph import names, nodes
from tinygrad_lossmix.engine.replay import recorded, replay
from tinygrad_lossmix.engine.sweep import seed_of, sweep
from tinygrad_lossmix.engine.table import TABLE, Array, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.layers import LAYERS, PAIR_OF
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.mixes.outputs import sigmoid, softmax

Fault = tuple[str, Array]  # in words, and a gradient, a change or what is passed back

LARGEST = 200  # nodes of a recording that is searched
SOFTMAX, SIGMOID = (LAYERS[name].named for name in ("softmax", "sigmoid"))  # idioms that hold one
SLOPES = {"sigmoid": "sigma'(z) = a(1 - a)", "np.tanh": "tanh'(z) = 1 - a²"}
LINEAR = {np.add, np.subtract, np.negative, np.multiply, np.divide}
MEAN, SUM = "a mean where the cost takes a sum", "a sum where the cost takes a mean"
ANOTHER = "labels: another class is taken for right (off by one: classes count from 0)"
PRODUCT = "for z = x @ w the gradients are g @ w.T and x.T @ g"


def near(a: Array, b: Array) -> bool:
    """Whether two arrays are the same but for rounding and the error of a method."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or not np.all(np.isfinite(a) & np.isfinite(b)):
        return False
    return bool(np.all(np.abs(a - b) <= 1e-6 * np.abs(b) + 1e-9 * np.max(np.abs(b), initial=0.0)))


def multiple(a: Array, b: Array) -> float | None:
    """The number c ≠ 0 with a = c·b."""
    if a.shape != b.shape or not np.any(b) or not np.all(np.isfinite(a)):
        return None
    c = float(np.vdot(b, a)) / float(np.vdot(b, b))
    return c if c and near(a, c * b) else None


class Plant:
    """A recording, one of its leaves, and the seed; its own rules are taken to be right.

    A mix that was recorded as one node is spelled out as the book's graph.
    """

    def __init__(self, leaf: Tensor, cost: Tensor, seed: Array) -> None:
        self.leaf, self.cost = leaf, spelled_out(cost)
        self.seed = seed.reshape(self.cost.shape)
        self.right = grad(self.cost, self.leaf, self.seed)
        self.called = names(self.cost)
        self.above = {self.leaf: 0}  # what depends on the leaf, in order
        for each in nodes(self.cost)[:LARGEST]:
            if any(arg in self.above for arg in each.args if isinstance(arg, Tensor)):
                self.above[each] = len(self.above)
        steps = sweep(self.cost, seed_of(self.cost, self.seed))
        self.steps = [step for step in steps if step[0].args[step[1]] in self.above]
        self.arrived = {step[0]: step[2] for step in self.steps}
        self.structure = Structure()
        idioms = Idioms(self.structure)
        self.idioms = [(each, idiom) for each in self.above if (idiom := idioms.find(each))]
        self.layers = {each for each, idiom in self.idioms if idiom.kind in (*SOFTMAX, "sigmoid")}
        logged = {each.args[0] for each in self.above if each.function is np.log}
        self.logits = {
            unshifted(idiom.u, idiom.axes): idiom.axes
            for each, idiom in self.idioms
            if len(idiom.axes) < 2
            and (idiom.kind in SOFTMAX + SIGMOID or (idiom.kind == "total" and each in logged))
        }
        outputs = [(u, axes[0] if axes else -1) for u, axes in self.logits.items() if u.ndim]
        size, k = next(((u.size, u.shape[axis]) for u, axis in reversed(outputs)), (1, 1))
        self.sizes = {
            "n, the number of examples": size // k,
            "K, the number of outputs": k,
            "n·K, the number of entries": size * (size > k),
        }

    def faults(self) -> Iterator[Fault]:
        """Each with the gradient of the leaf that it gives, the most telling first."""
        for at, changes in self._changes():
            for words, change in changes:
                change = np.asarray(change, at.dtype)
                pulled = change if at is self.leaf else grad(at, self.leaf, change)
                yield words, self.right + pulled
        for each in self.above:
            if each.shape == self.leaf.shape and each is not self.leaf and each is not self.cost:
                yield (
                    f"this is the gradient with respect to node {self.called[each]}, the output of "
                    f"{spelling(each.function)}, not to the input",
                    grad(self.cost, each, self.seed),
                )

    def _changes(self) -> Iterator[tuple[Tensor, Iterator[Fault]]]:
        """Changes of what is passed back to a node."""
        layers = [(idiom.u, idiom.kind, self._of_a_layer(x, idiom)) for x, idiom in self.idioms]
        yield from ((u, changes) for u, kind, changes in layers if kind == "sigmoid")
        for u, axes in self.logits.items():
            if u in self.called:
                yield u, self._of_outputs(u, axes)
        yield from ((u, changes) for u, kind, changes in layers if kind != "sigmoid")
        for node, position, g, part, _ in self.steps:
            faults = self._of_a_node(node, position, g, part)
            fitting = (fault for fault in faults if np.shape(fault[1]) == part.shape)
            yield node.args[position], ((words, passed - part) for words, passed in fitting)

    def _arrived_at(self, idiom: Idiom) -> Any:
        """The gradient at an output layer, at all of it where it is computed more than once."""
        same = [
            g
            for each, other in self.idioms
            if each.function not in VIEWS
            and other._replace(u=idiom.u) == idiom
            and self.structure.same(other.u, idiom.u)
            and (g := self.arrived.get(each)) is not None
        ]
        return sum(same) if same else None

    def _of_a_layer(self, each: Tensor, idiom: Idiom) -> Iterator[Fault]:
        """Of a sigmoid, a softmax or its logarithm, however it is spelled, as changes."""
        g, u, over = self._arrived_at(idiom), idiom.u.data, idiom.axes
        if g is None or u.shape != g.shape:
            return
        if idiom.kind == "sigmoid":
            a = sigmoid(u)
            others = {"z(1 - z)": u * (1.0 - u), "sigma'(a)": sigmoid(a) * (1.0 - sigmoid(a))}
            for words, passed in self._of_a_slope(each, "sigmoid", g, a * (1.0 - a), others):
                yield words, passed - g * a * (1.0 - a)
        elif idiom.kind in ("softmax", "log_softmax"):
            a = softmax(u, over[0])
            g = g / a if idiom.kind == "log_softmax" else g
            right = a * (g - (g * a).sum(axis=over, keepdims=True))
            yield (
                "the off-diagonal terms -a_j a_k of the softmax's Jacobian are missing: each "
                "output depends on every logit",
                g * a * (1.0 - a) - right,
            )
            yield "the softmax's Jacobian is missing: this is dC/da, dC/dz is wanted", g - right

    def _of_a_slope(
        self, each: Tensor, function: str, g: Array, slope: Array, others: dict[str, Array]
    ) -> Iterator[Fault]:
        """Of an elementwise function, as what is passed back."""
        factor = SLOPES.get(function, f"that is the derivative of {function}")
        at = f"at node {self.called[each]}"
        yield f"the factor {factor} is missing: this is dC/da {at}, dC/dz is wanted", g
        yield f"the factor {factor} is there once too often, {at}", g * slope * slope
        for name, other in others.items():
            yield f"{name} in place of the factor {factor}, {at}", g * other

    def _of_outputs(self, u: Tensor, axes: tuple[int, ...]) -> Iterator[Fault]:
        """Of a - y: other outputs or labels than the cost has, or where it is not the delta."""
        delta, axis = grad(self.cost, u, self.seed), axes[0] if axes else u.ndim - 1
        a = softmax(u.data, axis) if axes else sigmoid(u.data)
        arrived, args = self.arrived.values(), [arg for each in self.above for arg in each.args]
        constants = [x for x in args if isinstance(x, np.ndarray) and x.shape == u.shape]
        for part in {1.0, u.shape[axis] / u.size} if u.ndim else ():
            y = a - delta / part
            total = y.sum(axis=axis)
            distribution = near(total, np.ones(total.shape))
            found: list[Fault] = []
            if distribution if axes else near(y * y, y):
                other, name = (sigmoid(u.data), "sigmoid") if axes else (softmax(u.data), "softmax")
                found.append((f"output layer: {name} was taken, the cost has another", other - a))
            if axes and distribution:
                whole = softmax(u.data.reshape(-1)).reshape(u.shape)
                found.append(("axis: softmax was taken over the whole batch", whole - a))
                words = "axis: softmax was taken over the examples, not the classes"
                found += [(words, softmax(u.data, i) - a) for i in {*range(u.ndim)} - {axis}]
            if distribution and near(y * y, y):  # one-hot
                numbers = np.expand_dims(y.argmax(axis=axis), axis)
                words = "labels: class numbers were subtracted; make them one-hot first"
                found.append((words, y - numbers))
                found += [(ANOTHER, y - np.roll(y, by, axis=axis)) for by in (1, -1)]
            yield from ((f"the {words}", part * change) for words, change in found)
            for y in constants:
                off = part * (a - y)
                if multiple(off, delta) is None and not any(near(off, g) for g in arrived):
                    yield (
                        f"this is a - y with a = {'softmax' if axes else 'sigmoid'}(z): the delta "
                        "of softmax with log-likelihood and of sigmoid with cross-entropy, not of "
                        "this pair",
                        off - delta,
                    )

    def _of_a_node(self, each: Tensor, position: int, g: Array, part: Array) -> Iterator[Fault]:
        """Of one rule, as what is passed back."""
        function, x = each.function, each.args[position]
        at = f"{spelling(function)} (node {self.called[each]})"
        other: Any = each.args[1 - position] if len(each.args) == 2 else None
        times = function is np.multiply or (function is np.divide and position == 0)
        c = scalar(other) if times and not isinstance(other, Tensor) else None
        if function is np.sum or function is np.mean:
            sides = [x.shape[i] for i in reduced(each)]
            for n in {*sides, math.prod(sides)} - {0, 1}:
                yield self._times(n, MEAN if function is np.sum else SUM, at, part)
        elif function is np.matmul and x.ndim == np.ndim(other) == 2:
            other = other.data if isinstance(other, Tensor) else other
            for left, right in permutations((g, g.T, other, other.T), 2):
                if left.shape[1] == right.shape[0]:
                    yield f"a transpose is missing: {PRODUCT}, at {at}", left @ right
        elif c:
            yield from self._of_a_constant(c if function is np.multiply else 1.0 / c, at, part)
        elif times:
            yield f"the factor that {at} multiplies by is missing", g
        elif x.shape == each.shape and function not in LINEAR and each not in self.layers:
            yield from self._of_a_function(each, position, g, part)
        if function in LINEAR and each.size > x.size:
            broadcast = "a mean over what was broadcast, not a sum"
            yield self._times(each.size // x.size, broadcast, at, part)
        uses = sum(step[0].args[step[1]] is x for step in self.steps)
        if uses > 1:
            gap = "only one contribution arrived" if uses == 2 else "one contribution is missing"
            name = "the argument" if x is self.leaf else f"node {self.called[x]}"
            words = f"{name} is used {uses} times, and {gap}, not that of {at}: add them up"
            yield words, 0 * part
        elif function is np.add or function is np.subtract:
            yield f"the term {self.called[x]} of the sum at {at} passes nothing back", 0 * part
        yield f"the sign of what {at} passes back", -part

    def _of_a_constant(self, c: float, at: str, part: Array) -> Iterator[Fault]:
        for n in {*self.sizes.values()} - {0, 1}:
            if abs(c) < 1.0 and math.isclose(round(1.0 / c / n) * c * n, 1.0, rel_tol=1e-9):
                yield self._times(n, SUM, at, part)
        yield f"the constant factor {c:g}{', the ½,' * (c == 0.5)} is missing at {at}", part / c
        if math.isclose(round(0.5 / c) * c * 2.0, 1.0, rel_tol=1e-9):
            yield f"the ½ of the cost is missing at {at}", part * 2.0

    def _of_a_function(self, each: Tensor, position: int, g: Array, part: Array) -> Iterator[Fault]:
        name, others = spelling(each.function), {}
        if each.function is np.square or each.function is np.power:
            p = 2.0 if each.function is np.square else scalar(each.args[1])
            if p and position == 0:
                yield f"the factor {p:g} of the derivative of x^{p:g} is missing", part / p
        if len(each.args) == 1 and isinstance(each.function, np.ufunc):
            rule, z, a = TABLE[each.function].rules[0], each.args[0].data, each.data
            ones = np.ones_like(a)
            others[f"{name}'(a)"] = rule(ones, each.function(a), a)
            others["z where a = f(z) belongs"] = rule(ones, z, z)
        slope = np.divide(part, g, out=np.zeros_like(part), where=g != 0)
        yield from self._of_a_slope(each, name, g, slope, others)

    def _times(self, n: int, why: str, at: str, part: Array) -> Fault:
        """A factor n too many or too few, and what that number is, as far as it is known."""
        squares = any(step[0].function in (np.square, np.power) for step in self.steps)
        known = self.sizes | {"the 2 of a square": 2 * squares}
        found = " or ".join(name for name, number in known.items() if number == n)
        size, passed = ("large", part * n) if why == SUM else ("small", part / n)
        return f"{n} times too {size}{found and f', {found}'}: {why}, at {at}", passed


def spelled_out(cost: Tensor) -> Tensor:
    """A recording with the book's graph in place of each mix that is one node, where it can be."""

    def spelled(each: Tensor, args: list[Any]) -> Any:
        pair = PAIR_OF.get(each.function)
        return Mix(*pair).composed(*args) if pair else recorded(each, args)

    new: Tensor = replay(cost, {}, spelled)[cost]
    return new if all(np.all(np.isfinite(each.data)) for each in nodes(new)) else cost
