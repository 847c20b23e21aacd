"""The reverse sweep as a sequence of steps, and `backward` on top of it."""

import itertools
import time
import weakref

import numpy as np
import pytest

from tests.helpers.quick import in_one, thinned
from tinygrad_lossmix import Tensor, constant, derivative, grad
from tinygrad_lossmix.engine import tensor
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.sweep import sweep

ONE = np.float64(1)


def diamond():
    x, y = Tensor([2.0, 1.0]), Tensor([3.0, 5.0])
    product = x * y
    middle = product + x
    return x, y, product, middle, (middle * 2.0).sum()


def test_there_is_one_step_per_product_from_the_newest_node_to_the_oldest():
    x, y, product, middle, cost = diamond()
    double = cost.args[0]
    steps = [(n, position) for n, position, *_ in sweep(cost, ONE)]
    assert steps == [(cost, 0), (double, 0), (middle, 0), (middle, 1), (product, 0), (product, 1)]
    assert [node.args[i] for node, i in steps] == [double, middle, product, x, x, y]


def test_a_step_tells_what_arrived_what_is_passed_on_and_the_sum_so_far():
    x, _, product, middle, cost = diamond()
    steps = {(node, i): rest for node, i, *rest in sweep(cost, ONE)}
    for key, expected in {
        (middle, 0): ([2, 2], [2, 2], [2, 2]),
        (middle, 1): ([2, 2], [2, 2], [2, 2]),
        (product, 0): ([2, 2], [6, 10], [8, 12]),
        (product, 1): ([2, 2], [4, 2], [4, 2]),
    }.items():
        for shown, value in zip(steps[key], expected, strict=True):
            np.testing.assert_array_equal(shown, value)
    np.testing.assert_array_equal(steps[product, 0][2], grad(cost, x))


def test_only_steps_to_what_is_wanted_are_given_and_nothing_older_than_it_is_entered():
    x, y, product, middle, cost = diamond()
    assert [(n, i) for n, i, *_ in sweep(cost, ONE, {y.order})] == [(product, 1)]
    assert [(n, i) for n, i, *_ in sweep(cost, ONE, {x.order, middle.order})] == [
        (cost.args[0], 0),
        (middle, 1),
        (product, 0),
    ]
    product.function = None  # to enter it would raise
    assert [(n, i) for n, i, *_ in sweep(cost, ONE, {product.order})] == [(middle, 0)]
    assert list(sweep(cost, ONE, set())) == list(sweep(cost, ONE, {cost.order})) == []


def test_the_first_variable_of_a_process_gets_its_gradient(monkeypatch):
    monkeypatch.setattr("tinygrad_lossmix.engine.tensor.tick", itertools.count().__next__)
    x = Tensor(3.0)
    (x * x).backward()
    assert (x.order, x.grad) == (0, 6.0)


def test_contributions_are_shown_after_broadcasting_is_undone():
    x, y = Tensor([[1.0], [2.0]]), Tensor([1.0, 2.0, 3.0])
    for node, i, g, contribution, total in sweep((x * y).sum(), ONE):
        assert contribution.shape == total.shape == node.args[i].shape
        assert g.shape == node.shape
        assert contribution.dtype == node.args[i].dtype


@in_one("wide", [(1, 1, 3), (2, 1, 3), (1, 4, 3), (5, 1, 4, 1), (1, 1, 1, 3)])
@in_one("narrow", [(), (1,), (1, 1), (4, 1), (1, 3)])
def test_a_gradient_is_summed_over_all_that_broadcasting_repeated(narrow, wide):
    x, y = Tensor(np.ones(narrow)), np.ones(wide)
    out = x + y if np.broadcast_shapes(narrow, wide) else None
    got = grad(out.sum(), x)
    np.testing.assert_array_equal(got, np.full(narrow, out.size / x.size))


def test_what_arrives_at_a_node_is_the_sum_of_all_contributions_to_it():
    *_, cost = diamond()
    received = {}
    for node, i, g, contribution, total in sweep(cost, ONE):
        if node in received:
            np.testing.assert_array_equal(g, received[node])
        arg = node.args[i]
        received[arg] = received.get(arg, 0) + contribution
        np.testing.assert_array_equal(total, received[arg])


def test_constants_get_no_step():
    x = Tensor([1.0, 2.0])
    cost = (np.where([True, False], constant(x) * x, 3.0) * np.ones(2)).sum()
    assert all(isinstance(node.args[i], Tensor) for node, i, *_ in sweep(cost, ONE))
    assert constant not in {node.function for node, *_ in sweep(cost, ONE)}


def test_a_sweep_can_be_paused_and_many_walk_the_same_recording():
    *_, cost = diamond()
    alone = [total.tolist() for *_, total in sweep(cost, ONE)]
    interleaved = list(zip(sweep(cost, ONE), sweep(cost, ONE), strict=True))
    assert [a[-1].tolist() for a, _ in interleaved] == alone
    assert [b[-1].tolist() for _, b in interleaved] == alone


def test_a_leaf_has_no_steps():
    assert list(sweep(Tensor(1.0), ONE)) == []


def test_recorded_steps_are_tensors_that_can_be_differentiated():
    x = Tensor(3.0)
    *_, (_, _, _, contribution, total) = sweep(x * x * x, Tensor(1.0), recorded=True)
    assert isinstance(total, Tensor)
    assert (float(total), float(grad(total, x))) == (27.0, 18.0)
    assert isinstance(contribution, Tensor)


def test_nodes_without_influence_on_what_is_wanted_are_not_entered():
    entered = []
    spy = derivative(lambda x: x, lambda g, z, x: entered.append(1) or g)
    x = Tensor(1.0)
    old = spy(x)
    y = Tensor(2.0)
    grad(old * y, y)
    grad(old * y, old)
    assert entered == []
    grad(old * y, x)
    assert entered == [1]


def test_no_product_is_computed_for_a_variable_that_nobody_asked_for():
    computed = []
    spy = derivative(
        lambda x, y: x * y, lambda g, z, x, y: g * y, lambda g, z, x, y: computed.append(1) or g * x
    )
    x, later = Tensor(2.0), Tensor(3.0)
    assert grad(spy(x, later), x) == 3.0
    older, x = Tensor(2.0) + 1.0, Tensor(3.0)
    assert grad(spy(x, older), x) == 3.0
    assert computed == []
    assert grad(spy(x, later), later) == 3.0
    assert computed == [1]


def test_sixty_four_doublings_take_linear_time():
    t = x = Tensor(1.0)
    for _ in range(64):
        t = t + t
    assert len(list(sweep(t, ONE))) == 128
    assert grad(t, x) == 2.0**64
    assert grad(grad(t * t, x, create_graph=True), x) == 2.0**129


def chain(length):
    x = Tensor(1.0)
    t = x
    for _ in range(length):
        t = t * 1.0
    return x, t


@pytest.mark.parametrize("length", [10_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_long_chain_is_built_differentiated_read_and_freed_without_recursion(length):
    x, t = chain(length)
    assert grad(t, x) == 1.0
    t.backward()
    assert (x.grad, t.grad) == (1.0, 1.0)
    assert len(nodes(t)) == length + 1
    last = weakref.ref(t)
    del t
    assert last() is None


def test_a_long_chain_is_differentiated_twice_without_recursion():
    x, t = chain(3_000)
    once = grad(t * t, x, create_graph=True)
    assert (float(once), float(grad(once, x))) == (2.0, 2.0)


@pytest.mark.slow
def test_a_fan_out_of_100_000_takes_less_than_3_seconds():
    start = time.process_time()
    x = t = Tensor(1.0)
    for _ in range(100_000):
        t = t + x
    assert grad(t, x) == 100_001.0
    assert time.process_time() - start < 3.0


@pytest.mark.parametrize(
    "join", thinned([lambda ts: np.concatenate([t[None] for t in ts]), np.stack], 2)
)
def test_joining_many_tensors_takes_linear_time(join):
    """A cost per example, then the mean: the most natural fan-out and fan-in."""
    x = Tensor(1.0)
    cost = join([x * 2.0 for _ in range(20_000)]).mean()
    start = time.process_time()
    assert grad(cost, x) == pytest.approx(2.0)
    assert time.process_time() - start < 1.5


def test_gradients_are_released_as_soon_as_they_are_consumed():
    x = Tensor(np.ones(1000))
    t = x
    for _ in range(50):
        t = np.sin(t)
    alive, most = [], 0
    for _, _, g, _, _ in sweep(t.sum(), ONE):
        if isinstance(g, np.ndarray):
            alive.append(weakref.ref(g))
        del g
        most = max(most, sum(r() is not None for r in alive))
    assert len(alive) == 50
    assert most <= 2


def test_a_sweep_that_is_abandoned_leaves_nothing_behind():
    x = Tensor([1.0])
    held = weakref.ref(x)
    walk = sweep((x * x).sum(), ONE)
    next(walk)
    del walk, x
    assert held() is None


def test_backward_fills_every_node_including_the_cost():
    x, y, product, middle, cost = diamond()
    assert all(n.grad is None for n in nodes(cost))
    cost.backward()
    for node, expected in [(x, [8, 12]), (y, [4, 2]), (product, [2, 2]), (middle, [2, 2])]:
        assert type(node.grad) is np.ndarray
        np.testing.assert_array_equal(node.grad, expected)
    assert (type(cost.grad), cost.grad.shape, cost.grad) == (np.ndarray, (), 1.0)


def test_backward_is_idempotent():
    *leaves, cost = diamond()
    for _ in range(3):
        cost.backward()
    np.testing.assert_array_equal(leaves[0].grad, [8, 12])


def test_backward_of_another_cost_replaces_and_never_adds():
    x = Tensor(3.0)
    (x * x).backward()
    (2.0 * x).backward()
    assert x.grad == 2.0


def test_backward_leaves_alone_what_no_gradient_reaches():
    x, y = Tensor(3.0), Tensor(4.0)
    held = constant(x)
    (held * y).backward()
    assert x.grad is None
    assert held.grad == 4.0
    assert y.grad == 3.0


def test_backward_takes_a_seed_of_the_shape_of_the_cost():
    x = Tensor([1.0, 2.0])
    y = x * x
    for seed in ([10.0, 1.0], (10, 1), np.array([10, 1]), Tensor([10.0, 1.0])):
        y.backward(seed)
        np.testing.assert_array_equal(x.grad, [20, 4])
        assert type(x.grad) is type(y.grad) is np.ndarray
    y.backward(seed=np.zeros(2))
    np.testing.assert_array_equal(x.grad, [0, 0])


@pytest.mark.parametrize("seed", [None, 1.0, [1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]]])
def test_backward_of_a_vector_needs_a_seed_of_its_shape(seed):
    x = Tensor([1.0, 2.0])
    with pytest.raises(ValueError, match=r"shape|seed"):
        (x * x).backward(seed)
    assert x.grad is None


def test_a_rule_that_fails_is_named_and_fills_nothing():
    bad = derivative(lambda x: x, lambda g, z, x: 1 / 0)
    x = Tensor(1.0)
    y = bad(x)
    cost = y * y
    with pytest.raises(ZeroDivisionError) as caught:
        cost.backward()
    assert caught.value.__notes__ == ["in the derivative rule of <lambda>"]
    assert x.grad is y.grad is cost.grad is None


def test_gradients_of_float32_leaves_are_summed_in_float32():
    x = Tensor(np.array([1.0, 2.0], np.float32))
    y = Tensor([3.0, 4.0])
    cost = (x * y).sum() + x.sum()
    cost.backward()
    assert [n.grad.dtype.name for n in (x, y, cost)] == ["float32", "float64", "float64"]
    for _, _, _, contribution, total in sweep(cost, ONE):
        assert contribution.dtype == total.dtype


def test_a_rule_gets_what_its_node_kept_on_arrays_and_none_when_recorded():
    seen = []

    def rule(g, z, x, kept=None):
        seen.append(kept)
        return g * np.exp(x) if kept is None else g * kept

    grow = derivative(lambda x: np.exp(x), rule)
    x = Tensor(0.5)
    kept = np.exp(x.data)
    cost = tensor.node(grow, (x,), (x.data,), (0,), False, value=(kept, kept))
    assert grad(cost, x) == grad(cost, x, create_graph=True).data == kept
    assert seen == [kept, None]


def test_orders_of_creation_are_strictly_increasing():
    made = [Tensor(1.0) for _ in range(3)]
    made.append(made[0] + made[2])
    assert all(a.order < b.order for a, b in itertools.pairwise(made))
