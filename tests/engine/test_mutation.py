"""Changing an array after it was recorded: the gradient is right, or the change raises."""

import contextlib
import ctypes
import itertools

import numpy as np
import pytest

from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, derivative, grad, value_and_grad

X = np.array([[1.0, 2.0], [3.0, 4.0]])
W = np.array([[1.0, 10.0], [100.0, 1000.0]])


# (how the array is used, the array as it is when recorded, what it is changed to afterwards)
SCENARIOS = {
    "factor": (lambda t, a: t * a, X, -1.0),
    "left factor": (lambda t, a: a * t, X, -1.0),
    "divisor": (lambda t, a: t / a, X, -1.0),
    "exponent": (lambda t, a: t**a, X, -1.0),
    "base": (lambda t, a: a**t, X, 5.0),
    "matrix": (lambda t, a: t @ a, X, -1.0),
    "left matrix": (lambda t, a: a @ t, X, -1.0),
    "0-d factor": (lambda t, a: t * a, np.array(2.0), -1.0),
    "mask of where": (lambda t, a: np.where(a, t, 0), X > 2, True),
    "bound of clip": (lambda t, a: np.clip(t, 0, a), np.array([1.5, 3.5]), 9.0),
    "bound of maximum": (lambda t, a: np.maximum(t, a), np.array([1.5, 3.5]), 9.0),
    "concatenated": (lambda t, a: np.prod(np.concatenate([t, a]), axis=0), X, -1.0),
    "stacked": (lambda t, a: np.prod(np.stack([t, a]), axis=0), X, -1.0),
    "outer": (lambda t, a: np.outer(t[0], a), np.array([1.0, 5.0]), -1.0),
    "einsum": (lambda t, a: np.einsum("ij,jk->ik", t, a), X, -1.0),
    "dot": (lambda t, a: np.dot(a, t), X, -1.0),
    "integer index": (lambda t, a: t[a], np.array([0, 0]), 1),
    "index in a tuple": (lambda t, a: t[:, a], np.array([1, 1]), 0),
    "0-d index": (lambda t, a: t[a] * t, np.array(1), 0),
    "boolean index": (lambda t, a: t[a][:, None], np.array([[True, False], [False, True]]), True),
    "taken index": (lambda t, a: np.take(t, a, axis=0), np.array([0, 0]), 1),
    "axis of np.sum": (lambda t, a: np.sum(t * t, axis=a), np.array(0), 1),
    "axis of sum": (lambda t, a: (t * t).sum(axis=a), np.array(0), 1),
    "axis of max": (lambda t, a: t.max(axis=a), np.array(0), 1),
    "axis of concatenate": (
        lambda t, a: np.concatenate([t, t * t], a).reshape(2, 4)[:, :2], np.array(0), 1
    ),
    "bound of a slice": (lambda t, a: t[a : a + 1] * t, np.array(0), 1),
    "both bounds of a slice": (
        lambda t, a: t[a[:1].reshape(()) : a[1:].reshape(())], np.array([0, 1]), [1, 2]
    ),
    "shape": (lambda t, a: np.broadcast_to(t, a)[0], np.array([3, 2, 2]), 1),
    "order of axes": (lambda t, a: np.transpose(t, a), np.array([1, 0]), [0, 1]),
}  # fmt: skip


@in_one("create_graph", [False, True])
@in_one("scenario", SCENARIOS)
def test_an_array_changed_after_it_was_used_does_no_harm(scenario, create_graph):
    function, array, later = SCENARIOS[scenario]
    array = array.copy()

    def cost_of(t):
        return (function(t, array) * W).sum()

    t = Tensor(X)
    expected = grad(cost_of(t), t)
    value = function(t, array)
    cost = (value * W).sum()
    shown = cost.item()
    array[...] = later
    np.testing.assert_array_equal(gradient(cost, t, create_graph), expected)
    assert cost.item() == shown


def gradient(cost, t, create_graph):
    result = grad(cost, t, create_graph=create_graph)
    return result.data if create_graph else result


def test_the_scenarios_would_notice():
    """Used after the change instead of before it, each array does give another gradient."""
    for name, (function, array, later) in SCENARIOS.items():
        t, changed = Tensor(X), array.copy()
        changed[...] = later
        try:
            gradients = [grad((function(t, a) * W).sum(), t) for a in (array, changed)]
        except (ValueError, IndexError):
            continue  # it would have been an error: noticed too
        assert (gradients[0] != gradients[1]).any(), name


def test_the_callers_array_changed_after_it_became_a_tensor():
    x = X.copy()
    view = x[0]
    t = Tensor(x)
    cost = (t * t * t).sum()
    view[...] = 0.0
    x[1] = -1.0
    np.testing.assert_array_equal(grad(cost, t), 3 * X**2)
    np.testing.assert_array_equal(t.data, X)


def test_a_list_changed_after_it_was_recorded():
    numbers, index, rows = [1.0, 2.0], [0, 0], [[1.0, 2.0], [3.0, 4.0]]
    t, u = Tensor(numbers), Tensor(rows)
    cost = (t * numbers).sum() + u[index].sum() + (u @ rows).sum() + u[([1], index[:1])].sum()
    numbers[:], index[:], rows[0][:] = [9.0, 9.0], [1, 1], [9.0, 9.0]
    np.testing.assert_array_equal(grad(cost, t), [1.0, 2.0])
    np.testing.assert_array_equal(grad(cost, u), [[5.0, 9.0], [4.0, 7.0]])


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_seed_changed_after_it_was_given(create_graph):
    t, seed = Tensor([1.0, 2.0]), np.array([3.0, 4.0])
    y = t * t
    first = grad(y, [t, y], seed=seed, create_graph=create_graph)
    seed[...] = 0.0
    values = [g.data if create_graph else g for g in first]
    np.testing.assert_array_equal(values, [[6.0, 16.0], [3.0, 4.0]])
    if create_graph:
        np.testing.assert_array_equal(grad(first[0].sum(), t), [6.0, 8.0])


def test_a_seed_of_backward_changed_afterwards():
    t, seed = Tensor([1.0, 2.0]), np.array([3.0, 4.0])
    y = +t
    y.backward(seed)
    seed[...] = 0.0
    for node in (t, y):
        np.testing.assert_array_equal(node.grad, [3.0, 4.0])


def aliases():
    """Recordings whose contributions are one and the same array inside the sweep."""
    t, u = Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    middle = t + u
    yield (middle + (+t)).sum(), [t, u, middle]
    yield np.concatenate([t, u]).sum(), [t, u]
    yield np.stack([t + u, +u]).sum(), [t, u]
    yield (t.reshape(2, 1) + u[None]).sum(), [t, u]
    yield (t[:] + u[::-1]).sum(), [t, u]


@pytest.mark.parametrize("cost_and_nodes", [*aliases()])
def test_gradients_handed_out_share_no_memory(cost_and_nodes):
    cost, nodes = cost_and_nodes
    seed = np.array(1.0)
    results = grad(cost, [*nodes, cost, *nodes], seed=seed)
    arrays = [*results, seed, *(n.data for n in nodes)]
    for one, other in itertools.combinations(arrays, 2):
        assert one is not other
        assert not (np.shares_memory(one, other) and one.flags.writeable)
    before = [r.copy() for r in results]
    for i, result in enumerate(results):
        result += 1.0
        before[i] += 1.0
        np.testing.assert_array_equal(np.concatenate([np.ravel(r) for r in results]),
                                      np.concatenate([np.ravel(b) for b in before]))  # fmt: skip
    fresh = grad(cost, nodes)
    for g, changed in zip(fresh, results, strict=False):
        np.testing.assert_array_equal(g, changed - 1.0)


@pytest.mark.parametrize("cost_and_nodes", [*aliases()])
def test_grads_of_backward_share_no_memory(cost_and_nodes):
    cost, nodes = cost_and_nodes
    cost.backward()
    for one, other in itertools.combinations([*nodes, cost], 2):
        assert not np.shares_memory(one.grad, other.grad)
    nodes[0].grad += 7.0
    kept = [n.grad.copy() for n in nodes[1:]]
    cost.backward()
    for node, before in zip(nodes[1:], kept, strict=True):
        np.testing.assert_array_equal(node.grad, before)
    np.testing.assert_array_equal(nodes[0].grad, grad(cost, nodes[0]))


def test_changing_a_gradient_does_not_change_the_next_one():
    t = Tensor([1.0, 2.0])
    cost = (t * 3.0).sum()
    grad(cost, t)[...] = 0.0
    np.testing.assert_array_equal(grad(cost, t), [3.0, 3.0])


def test_arguments_of_value_and_grad_may_be_changed_by_the_caller():
    w = np.array([1.0, 2.0])
    step = value_and_grad(lambda w: (w * w).sum())
    value, gradient = step(w)
    w -= 0.5 * gradient
    assert (value, gradient.tolist(), w.tolist()) == (5.0, [2.0, 4.0], [0.0, 0.0])


def test_an_option_of_a_users_function_changed_afterwards():
    f = derivative(lambda x, scale=None: x * scale, lambda g, z, x, scale=None: g * scale)
    scale = np.array([2.0, 3.0])
    t = Tensor([1.0, 1.0])
    cost = f(t, scale=scale).sum()
    scale[...] = 0.0
    np.testing.assert_array_equal(grad(cost, t), [2.0, 3.0])


def test_a_users_function_that_reuses_its_buffer():
    buffer = np.empty(2)
    f = derivative(lambda x: np.exp(x, out=buffer), lambda g, z, x: g * z)
    t = Tensor([0.0, 1.0])
    first = f(t)
    f(2 * t)
    np.testing.assert_array_equal(grad(first.sum(), t), np.exp(t.data))


def test_a_users_function_that_writes_into_its_argument():
    """It is given what nobody may change: it raises, or has worked on a copy."""

    def doubled(x):
        x *= 2.0
        return x

    f = derivative(doubled, lambda g, z, x: 2.0 * g)
    t = Tensor([0.0, 1.0])
    with contextlib.suppress(ValueError):
        f(t)
    assert t.data.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("view", [False, True])
def test_a_gradient_does_not_share_what_a_users_rule_keeps(view):
    kept = np.array([3.0, 4.0])
    f = derivative(lambda x: x * kept, lambda g, z, x: kept[:] if view else kept)
    t, u = Tensor([1.0, 1.0]), Tensor([1.0, 1.0])
    for gradient in grad((f(t) + f(u)).sum(), [t, u]):
        gradient += 1.0
    assert kept.tolist() == [3.0, 4.0]


def test_constants_shown_by_a_node_cannot_be_changed():
    t = Tensor([1.0, 2.0])
    product, picked = t * np.array([3.0, 4.0]), t[np.array([0, 0])]
    with pytest.raises(ValueError, match="read-only"):
        product.args[1][...] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        picked.kwargs["key"][...] = 1


def test_an_option_changed_deep_inside_afterwards():
    f = derivative(lambda x, by=(): x * by[0][0], lambda g, z, x, by=(): g * by[0][0])
    by = [[2.0]]
    t = Tensor([1.0, 1.0])
    cost = f(t, by=by).sum()
    by[0][0] = 7.0
    np.testing.assert_array_equal(grad(cost, t), [2.0, 2.0])


def test_an_option_that_refuses_to_be_copied_says_so_itself():
    class Stubborn:
        def __deepcopy__(self, memo):
            raise TypeError("this is mine")

    f = derivative(lambda x, by=None: x, lambda g, z, x, by=None: g)
    with pytest.raises(TypeError, match="this is mine"):
        f(Tensor(1.0), by=Stubborn())


def test_the_values_shown_lead_to_no_memory_of_the_recording():
    """Whatever ignores that they are read-only, as torch.from_numpy does, changes a copy."""
    for x in (np.arange(6.0).reshape(2, 3), np.float64(2.0), np.zeros((0, 2), np.float32)):
        t = Tensor(x)
        cost = (t * t).sum()
        shown = t.data
        assert not shown.flags.writeable
        assert shown.dtype is t.dtype
        np.testing.assert_array_equal(shown, x)
        with pytest.raises(ValueError, match="WRITEABLE"):
            shown.flags.writeable = True
        holder = shown
        while holder is not None:
            assert not isinstance(holder, np.ndarray) or not holder.flags.writeable
            assert not np.shares_memory(shown, t._value)
            holder = getattr(holder, "obj", getattr(holder, "base", None))
        assert memoryview(shown).readonly
        ctypes.memset(shown.ctypes.data, 0, shown.nbytes)
        np.testing.assert_array_equal(grad(cost, t), 2 * np.asarray(x))
        np.testing.assert_array_equal(t.data, x)
