"""`grad`: a pure function of a recording."""

import itertools

import numpy as np
import pytest

from tests.helpers.finite import jacobian
from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.table import row
from tinygrad_lossmix.engine.tensor import record


def rosenbrock(x):
    return ((1.0 - x[:-1]) ** 2 + 100.0 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def test_one_tensor_gives_an_array_and_several_give_a_list():
    x, y = Tensor([1.0, 2.0]), Tensor(3.0)
    cost = (x * y).sum()
    alone = grad(cost, x)
    assert type(alone) is np.ndarray
    for several in ([x, y], (x, y)):
        result = grad(cost, several)
        assert type(result) is list
        assert [type(g) for g in result] == [np.ndarray, np.ndarray]
        np.testing.assert_array_equal(result[0], alone)
        assert (result[1], result[1].shape) == (3.0, ())
    assert grad(cost, []) == []
    assert [g.tolist() for g in grad(cost, [x])] == [[3.0, 3.0]]


def test_nothing_is_stored_and_the_recording_is_unchanged():
    x = Tensor([1.0, 2.0])
    cost = rosenbrock(x)
    before = [(n, n.data.tobytes(), tuple(n.args), n.name, n.groups) for n in nodes(cost)]
    first = grad(cost, [x, cost])
    second = grad(cost, [x, cost], create_graph=True)
    assert [(n, n.data.tobytes(), tuple(n.args), n.name, n.groups) for n in nodes(cost)] == before
    assert all(n.grad is None for n in nodes(cost))
    for a, b, c in zip(first, second, grad(cost, [x, cost]), strict=True):
        np.testing.assert_array_equal(a, b.data)
        np.testing.assert_array_equal(a, c)


def test_zeros_where_the_cost_does_not_depend_on_it():
    x = Tensor([1.0, 2.0])
    older, newer = Tensor(np.ones((2, 3), np.float32)), None
    cost = (x * x).sum()
    newer = Tensor(np.ones(4))
    consumer = cost * 2.0
    for target in (older, newer, consumer):
        for create_graph in (False, True):
            g = grad(cost, target, create_graph=create_graph)
            assert isinstance(g, Tensor if create_graph else np.ndarray)
            assert (g.shape, g.dtype) == (target.shape, target.dtype)
            np.testing.assert_array_equal(getattr(g, "data", g), np.zeros(target.shape))


def test_the_zeros_of_two_targets_are_two_arrays():
    unrelated = Tensor([1.0])
    one, other = grad(Tensor(2.0) * 3.0, [unrelated, unrelated])
    one += 1
    assert other == 0.0


def test_the_gradient_at_the_cost_itself_is_the_seed():
    x = Tensor([1.0, 2.0])
    assert grad(x.sum(), []) == []
    assert grad(x.sum(), leaf := Tensor(1.0)) == 0.0
    cost = x.sum()
    assert grad(cost, cost) == 1.0
    assert grad(leaf, leaf) == 1.0
    y = x * x
    for create_graph in (False, True):
        g = grad(y, y, seed=[3.0, 4.0], create_graph=create_graph)
        np.testing.assert_array_equal(getattr(g, "data", g), [3.0, 4.0])
        gx, gy = grad(y, [x, y], seed=[3.0, 4.0], create_graph=create_graph)
        np.testing.assert_array_equal(getattr(gx, "data", gx), [6.0, 16.0])
        np.testing.assert_array_equal(getattr(gy, "data", gy), [3.0, 4.0])


def test_interior_nodes_get_what_a_leaf_in_their_place_would():
    x = Tensor([0.3, 0.7])
    hidden = np.tanh(2.0 * x)
    inner = hidden * hidden
    cost = (inner * hidden).sum()
    leaf = Tensor(hidden.data)
    np.testing.assert_allclose(grad(cost, hidden), grad((leaf * leaf * leaf).sum(), leaf))
    np.testing.assert_allclose(grad(cost, inner), hidden.data)
    all_at_once = grad(cost, [x, hidden, inner])
    for g, target in zip(all_at_once, [x, hidden, inner], strict=True):
        np.testing.assert_array_equal(g, grad(cost, target))


def test_the_same_target_twice_gives_the_gradient_twice():
    x = Tensor([1.0, 2.0])
    a, b = grad((x * x).sum(), [x, x])
    assert a is not b
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, [2, 4])


@pytest.mark.parametrize(
    "seed", [[2, 3], (2.0, 3.0), np.array([2, 3]), np.array([2, 3], np.float32), Tensor([2.0, 3.0])]
)
def test_a_seed_may_be_anything_of_the_shape_of_the_cost(seed):
    x = Tensor([1.0, 2.0])
    np.testing.assert_array_equal(grad(x * x, x, seed=seed), [4, 12])
    np.testing.assert_array_equal(grad(x * x, x, seed=seed, create_graph=True).data, [4, 12])


@pytest.mark.parametrize("seed", [2, 2.0, np.float32(2), np.array(2.0), Tensor(2.0)])
def test_a_scalar_may_have_a_seed(seed):
    x = Tensor(3.0)
    assert grad(x * x, x, seed=seed) == 12.0


@in_one("create_graph", [False, True])
@in_one(
    ("shape", "seed"),
    [((2,), 1.0), ((2,), [1.0]), ((2,), [[1.0, 1.0]]), ((2, 1), [1.0, 1.0]), ((), [1.0]),
     ((1,), 1.0), ((0,), 0.0), ((2,), Tensor([1.0])), ((), np.ones((1, 1)))],
)  # fmt: skip
def test_a_seed_of_another_shape_never_broadcasts(shape, seed, create_graph):
    x = Tensor(np.ones(shape))
    with pytest.raises(ValueError, match=r"the seed has shape \(.*\), the cost \(.*\)"):
        grad(x * x, x, seed=seed, create_graph=create_graph)


@pytest.mark.parametrize("shape", [(2,), (1,), (1, 1), (0,)])
def test_no_seed_for_what_is_no_scalar(shape):
    x = Tensor(np.ones(shape))
    with pytest.raises(ValueError, match=r"take its sum or mean, or give a seed"):
        grad(x * x, x)


@pytest.mark.parametrize("seed", [[1j, 1.0], ["a", "b"], [None, 1.0], "ab", object()])
def test_a_seed_that_is_no_number(seed):
    x = Tensor([1.0, 2.0])
    with pytest.raises(TypeError):
        grad(x * x, x, seed=seed)


def test_a_seed_takes_the_dtype_of_the_cost():
    x = Tensor(np.ones(2, np.float32))
    y = x * x
    for seed in (np.array([1.0, 2.0]), [1, 2], Tensor([1.0, 2.0])):
        for g in grad(y, [x, y], seed=seed):
            assert g.dtype == np.float32
        for g in grad(y, [x, y], seed=seed, create_graph=True):
            assert g.dtype == np.float32


@pytest.mark.parametrize("cost", [3.0, np.float64(3), np.ones(2), None, [Tensor(1.0)], "cost"])
def test_a_cost_that_is_no_tensor(cost):
    with pytest.raises(TypeError, match=r"not a Tensor.*wrap what you differentiate"):
        grad(cost, Tensor(1.0))


@pytest.mark.parametrize("wrt", [np.ones(2), None, 0, "x", {}, [1.0], (Tensor(1.0), np.ones(1))])
def test_a_target_that_is_no_tensor(wrt):
    x = Tensor(1.0)
    with pytest.raises(TypeError, match="wrt is a Tensor or a list of them"):
        grad(x * x, wrt)


def test_create_graph_gives_tensors_that_lead_back_to_the_leaves():
    x = Tensor([1.0, 2.0])
    g = grad((x**3).sum(), x, create_graph=True)
    assert isinstance(g, Tensor)
    assert x in set(nodes(g))


def test_derivatives_to_the_fifth_order_of_a_polynomial():
    t = Tensor(2.0)
    value = t**5
    for expected in (80.0, 160.0, 240.0, 240.0, 120.0):
        value = grad(value, t, create_graph=True)
        assert float(value) == expected
    assert float(grad(value, t)) == 0.0


@pytest.mark.parametrize(
    ("f", "third"),
    [
        (np.exp, np.exp),
        (np.sin, lambda x: -np.cos(x)),
        (np.log, lambda x: 2 / x**3),
        (np.sqrt, lambda x: 0.375 * x**-2.5),
        (np.tanh, lambda x: 2 * (np.tanh(x) ** 2 - 1) * (1 - 3 * np.tanh(x) ** 2)),
        (lambda x: x**-1, lambda x: -6 / x**4),
        (lambda x: 2.0**x, lambda x: np.log(2) ** 3 * 2**x),
        (lambda x: x * np.log1p(x) / np.expm1(x), None),
    ],
)
def test_third_derivatives(f, third):
    point = 0.7
    t = Tensor(point)
    first = grad(f(t), t, create_graph=True)
    second = grad(first, t, create_graph=True)

    def second_at(x):
        u = Tensor(x)
        return float(grad(grad(f(u), u, create_graph=True), u))

    expected = third(point) if third else (second_at(0.7 + 1e-5) - second_at(0.7 - 1e-5)) / 2e-5
    assert float(grad(second, t)) == pytest.approx(expected, rel=1e-12 if third else 1e-7)


def test_a_hessian_row_by_row_is_symmetric_and_right():
    x = Tensor([0.5, -1.2, 0.8])
    first = grad(rosenbrock(x), x, create_graph=True)
    hessian = np.array([grad(first[i], x) for i in range(3)])

    def slope(point):
        t = Tensor(point)
        return grad(rosenbrock(t), t)

    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-14)
    np.testing.assert_allclose(hessian, jacobian(slope, [x.data], 0, analytic=False), rtol=1e-7)


def test_a_recorded_seed_is_differentiated_too():
    """The gradient is linear in its seed; its derivative by the seed is a directional one."""
    x, seed = Tensor([0.3, 0.7]), Tensor([1.0, -2.0])
    direction = np.array([5.0, 7.0])
    pulled = grad(np.sin(x), x, seed=seed, create_graph=True)
    np.testing.assert_allclose(grad((pulled * direction).sum(), seed), np.cos(x.data) * direction)


def test_results_with_a_graph_have_data_that_nobody_can_change():
    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    for one, other in itertools.permutations(grad((x + y).sum(), [x, y], create_graph=True)):
        assert not one.data.flags.writeable
        np.testing.assert_array_equal(one.data, other.data)


def test_the_gradient_of_a_view_or_a_scalar_is_an_array_of_its_own():
    x = Tensor(np.ones((2, 3)))
    for g in (grad(x.T.sum(), x), grad(x[0, 0], x), grad(x.sum(), x)):
        assert type(g) is np.ndarray
        assert g.flags.owndata
        assert g.flags.writeable
    assert type(grad(x[0, 0] * 1.0, x[0, 0])) is np.ndarray


@pytest.mark.parametrize("held", [False, True])
def test_a_gradient_is_copied_only_where_somebody_else_holds_it(held):
    made, kept = [], []

    def rule(g, z, x):
        answer = g * np.ones(3)
        made.append(id(answer))
        if held:
            kept.append(answer)
        return answer

    own = row(lambda x: x + 0.0, rule)
    x = Tensor(np.ones(3))
    found = grad(record(own, (x,)), x, seed=np.ones(3))
    assert (id(found) == made[0]) is not held
