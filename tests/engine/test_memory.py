"""The recording dies by reference counting, with its last holder."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

from tests.helpers.recording import leaves, network
from tinygrad_lossmix import Mix, Tensor, derivative, grad, sigmoid, value_and_grad
from tinygrad_lossmix.engine.graph import groups, names, nodes
from tinygrad_lossmix.engine.sweep import sweep


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def raw(cost, w):
    return grad(cost, w)


def recorded(cost, w):
    return grad(grad(cost, w, create_graph=True).sum(), w)


def filled(cost, w):
    cost.backward()
    return w.grad


def walked(cost, w):
    return [total for *_, total in sweep(cost, np.float64(1))][-1]


def read(cost, w):
    return names(cost, {"w": w}), groups(cost), repr(cost)


def failed(cost, w):
    with pytest.raises(ValueError, match="seed"):
        grad(cost, w, seed=[1.0, 2.0])
    with pytest.raises(TypeError):
        cost + None


@pytest.mark.parametrize("use", [raw, recorded, filled, walked, read, failed])
def test_no_node_outlives_the_recording(use, no_collector):
    w1, w2, x = leaves()
    cost = network(w1, w2, x)
    dying = [weakref.ref(n) for n in nodes(cost) if n.function is not None]
    use(cost, w1)
    assert all(r() is not None for r in dying)
    del cost
    assert [r for r in dying if r() is not None] == []
    dying = [weakref.ref(w1), weakref.ref(w2)]
    del w1, w2
    assert [r() for r in dying] == [None, None]


def test_a_result_with_a_graph_holds_the_recording_and_one_without_does_not(no_collector):
    x = Tensor([1.0, 2.0])
    cost = np.exp(x).sum()
    held = weakref.ref(cost.args[0])
    plain, graph = grad(cost, x), grad(cost, x, create_graph=True)
    del cost
    np.testing.assert_array_equal(plain, graph.data)
    assert held() is not None
    del graph
    assert held() is None


def test_functions_of_the_users_own_and_mixes_make_no_cycles(no_collector):
    cube = derivative(lambda x: x**3, lambda g, z, x: 3 * g * x * x)
    z = Tensor([[0.1, 0.2, 0.7]])
    cost = Mix("softmax", "ll").cost(cube(z), [1]) + Mix("sigmoid", "ce").composed(z, [[0, 1, 0]])
    dying = [weakref.ref(n) for n in nodes(cost)]
    grad(grad(cost, z, create_graph=True).sum(), z)
    del cost, z
    assert [r for r in dying if r() is not None] == []


@pytest.mark.slow
def test_ten_thousand_training_steps_do_not_grow(no_collector):
    """Less than 10 kB after 200 steps of warming up, and nothing for the collector to find."""
    w = np.random.default_rng(0).normal(size=4)
    x, y = np.eye(4), np.arange(4.0)
    step = value_and_grad(lambda w: np.square(np.exp(x @ w) - y).mean())

    def train(steps):
        nonlocal w
        for _ in range(steps):
            _, g = step(w)
            w = w - 0.01 * g

    train(200)
    gc.collect()
    tracemalloc.start()
    train(100)
    before = tracemalloc.get_traced_memory()[0]
    train(10_000)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 10_000
    assert gc.collect() == 0


def test_memory_of_a_sweep_does_not_grow_with_the_length_of_the_recording():
    """Gradients that have been consumed are released: a few arrays at once, not one per node."""
    x = Tensor(np.ones(100_000))
    t = x
    for _ in range(40):
        t = np.sin(t)
    cost = t.sum()
    tracemalloc.start()
    grad(cost, x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * x.data.nbytes


def test_a_recording_keeps_no_copies_of_tensors():
    x = Tensor(np.ones(100_000))
    tracemalloc.start()
    views = [x[::2], x.reshape(10, -1), x.T, x[None]]
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(views) == 4
    assert kept < 100_000


def test_classes_of_arguments_are_not_kept_for_ever():
    def asked():
        kind = type("Kind", (float,), {})
        sigmoid(kind(1.0))
        return weakref.ref(kind)

    kinds = [asked() for _ in range(1000)]
    gc.collect()
    assert sum(kind() is not None for kind in kinds) < 500
