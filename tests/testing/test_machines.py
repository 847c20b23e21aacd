"""Long random interactions: the engine beside a naive one, the stepper beside a plain pass."""

import itertools

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

import tinygrad_lossmix as lm
from tests.helpers.reference import Dual
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.table import TABLE
from tinygrad_lossmix.testing.strategies import programs
from tinygrad_lossmix.testing.strategies.programs import ANY, ANY_TWO, TOGETHER, WITH_AXES, soft

INPUTS = 24  # numbers that are differentiated by, all leaves together
ONE, TWO = ANY | WITH_AXES, TOGETHER | ANY_TWO


def value_of(duals):
    return np.array([x.value for x in duals.flat]).reshape(duals.shape)


def small(array):
    return array.size <= 40 and array.ndim <= 4


def tame(tensor, duals):
    """What goes on in the graph; sums of sums would leave where sines are accurate."""
    return (tensor, duals) if np.abs(tensor.data).max() <= 10 else multiple()


class EngineBesideReference(RuleBasedStateMachine):
    """Grow a graph, differentiate anywhere in it, fill gradients, change arrays that went in.

    A value is a Tensor with the same in numbers that carry their gradient. Where such a number is
    fed on, its derivatives by all the leaves are known without any sweep.
    """

    values = Bundle("values")

    def __init__(self):
        super().__init__()
        self.leaves, self.filled, self.used = [], {}, 0
        self.rng = np.random.default_rng(0)
        self.units = np.eye(INPUTS)

    @rule(target=values, shape=st.sampled_from([(), (1,), (2,), (3,), (2, 1), (1, 3), (2, 3)]))
    def leaf(self, shape):
        x = self.rng.normal(size=shape)
        if self.used + x.size > INPUTS:
            return multiple()
        units = iter(self.units[self.used : self.used + x.size])
        duals = np.array([Dual(v, next(units)) for v in x.flat], object).reshape(shape)
        tensor = lm.Tensor(x)
        self.leaves.append((tensor, slice(self.used, self.used + x.size)))
        self.used += x.size
        x[...] = np.nan  # the caller's array is the caller's again
        return tensor, duals

    @rule(target=values, operation=st.sampled_from(sorted(ONE)), x=values)
    def one(self, operation, x):
        tensor, duals = x
        if not small(duals) or (operation in WITH_AXES and not duals.ndim):
            return multiple()
        return tame(ONE[operation](tensor), np.asarray(ONE[operation](duals), object))

    @rule(target=values, operation=st.sampled_from(sorted(TWO)), x=values, y=values)
    def two(self, operation, x, y):
        (t, a), (u, b) = x, y
        if operation in TOGETHER:
            try:
                shape = np.broadcast_shapes(a.shape, b.shape)
            except ValueError:
                return multiple()
            fits = np.prod(shape) <= 40
        else:
            fits = a.size * b.size <= 40
        if not fits:
            return multiple()
        return tame(TWO[operation](t, u), np.asarray(TWO[operation](a, b), object))

    @rule(target=values, x=values, factor=st.floats(-1, 1).filter(lambda f: abs(f) > 0.01))
    def scale_by_an_array_that_changes_afterwards(self, x, factor):
        tensor, duals = x
        array = np.full(tensor.shape, factor)
        product = soft(tensor) * array
        array[...] = np.nan
        return product, np.asarray(soft(duals) * factor, object)

    @rule(x=values)
    def the_values_are_the_same(self, x):
        tensor, duals = x
        np.testing.assert_allclose(tensor.data, value_of(duals), rtol=1e-10, atol=1e-12)

    @rule(x=values, recorded=st.booleans())
    def grad(self, x, recorded):
        tensor, duals = x
        weights = np.cos(np.arange(tensor.size)).reshape(tensor.shape)
        targets = [leaf for leaf, _ in self.leaves]
        found = lm.grad(tensor, targets, seed=weights, create_graph=recorded)
        self.compare([g.data if recorded else g for g in found], weights, duals)

    def compare(self, found, weights, duals):
        slope = sum(w * x.slope for w, x in zip(weights.flat, duals.flat, strict=True))
        slope = np.broadcast_to(slope, INPUTS)
        for gradient, (leaf, where) in zip(found, self.leaves, strict=True):
            expected = slope[where].reshape(leaf.shape)
            np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-10)

    @rule(x=values)
    def backward(self, x):
        tensor, _ = x
        seed = np.ones(tensor.shape)
        tensor.backward(seed)
        reached = set(nodes(tensor))
        for leaf, _ in self.leaves:
            if leaf in reached:
                self.filled[leaf] = lm.grad(tensor, leaf, seed=seed)

    @invariant()
    def what_was_filled_stays_until_it_is_filled_again(self):
        for leaf, _ in self.leaves:
            if leaf in self.filled:
                np.testing.assert_array_equal(leaf.grad, self.filled[leaf])
            else:
                assert leaf.grad is None


def plain_pass(cost):
    """The gradients of all nodes after each product, without a heap: (gradients, …)."""
    gradients = {cost: np.float64(1)}
    history = [dict(gradients)]
    for node in reversed(nodes(cost)):
        for i, arg in enumerate(node.args):
            if not isinstance(arg, lm.Tensor) or node not in gradients:
                continue
            derivative = TABLE[node.function].rules[i]
            part = derivative(gradients[node], node.data[()], *node.values, **node.kwargs)
            part = unbroadcast(np.asarray(part), arg.shape)
            gradients[arg] = gradients[arg] + part if arg in gradients else part
            history.append(dict(gradients))
    return history


def unbroadcast(part, shape):
    while part.ndim > len(shape):
        part = part.sum(axis=0)
    for axis, n in enumerate(shape):
        if n == 1:
            part = part.sum(axis=axis, keepdims=True)
    return part


class StepperBesidePlainPass(RuleBasedStateMachine):
    """Walk anywhere, while the graph is used for other things; every sight is the plain pass's."""

    @initialize(drawn=programs(max_steps=5))
    def open(self, drawn):
        f, inputs = drawn
        self.leaves = [lm.Tensor(x) for x in inputs]
        self.cost = f(*self.leaves)
        self.history = plain_pass(self.cost)
        self.walk = lm.Stepper(self.cost)
        self.at = 0

    @rule()
    def next(self):
        assert self.walk.next() == (self.at + 1 < len(self.history))
        self.at = min(self.at + 1, len(self.history) - 1)

    @rule()
    def back(self):
        assert self.walk.back() == (self.at > 0)
        self.at = max(self.at - 1, 0)

    @rule(share=st.floats(0, 1))
    def goto(self, share):
        self.at = round(share * (len(self.history) - 1))
        self.walk.goto(self.at)

    @rule()
    def start(self):
        self.walk.start()
        self.at = 0

    @rule()
    def end(self):
        self.walk.end()
        self.at = len(self.history) - 1

    @rule()
    def fill_the_gradients(self):
        self.cost.backward()
        for node, gradient in self.history[-1].items():
            np.testing.assert_allclose(node.grad, gradient, rtol=1e-9, atol=1e-12)

    @rule()
    def record_more_on_the_same_leaves(self):
        lm.grad(sum((leaf * leaf).sum() for leaf in self.leaves) * self.cost, self.leaves)

    @precondition(lambda self: self.at > 0)
    @rule()
    def write_into_what_was_handed_out(self):
        stop = self.walk.stop
        for array in (stop.g, stop.contribution, stop.total, self.walk.gradient(stop.argument)):
            array[...] = np.nan

    @invariant()
    def every_gradient_is_as_far_as_the_plain_pass_at_this_step(self):
        if not hasattr(self, "walk"):
            return
        assert self.walk.position == self.at
        assert self.walk.at_end == (self.at == len(self.walk) == len(self.history) - 1)
        known = self.history[self.at]
        for node in nodes(self.cost):
            found = self.walk.gradient(node)
            if node in known:
                np.testing.assert_allclose(found, known[node], rtol=1e-9, atol=1e-12)
            else:
                assert found is None

    @invariant()
    def where_leads_from_the_last_argument_to_the_cost(self):
        links = self.walk.where() if hasattr(self, "walk") else []
        for link, following in itertools.pairwise(links):
            assert link.node is following.argument
        assert bool(links) == bool(getattr(self, "at", 0))


EngineBesideReference.TestCase.settings = settings(stateful_step_count=30)
StepperBesidePlainPass.TestCase.settings = settings(stateful_step_count=20)
TestEngineBesideReference = EngineBesideReference.TestCase
TestStepperBesidePlainPass = StepperBesidePlainPass.TestCase
