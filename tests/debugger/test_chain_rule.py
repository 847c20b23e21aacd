"""Local derivatives, at any size and as factors; the gradient is the sum over ways to the cost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers.programs import programs
from tinygrad_lossmix.debugger.chain_rule import (
    count_paths,
    downstream,
    entrywise,
    factors,
    gathered,
    is_elementwise,
    local_jacobian,
    paths,
    products_along,
    rowwise,
)
from tinygrad_lossmix.debugger.rule import differentiated
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.testing import strategies

x = lm.Tensor([2.0, 3.0])
y = lm.Tensor([5.0, 7.0])


def test_an_elementwise_function_has_a_diagonal():
    found = local_jacobian(x * y, 1)
    assert found.diagonal
    np.testing.assert_array_equal(found.values, x.data)


def test_a_sum_has_a_row():
    found = local_jacobian((x * y).sum(), 0)
    assert not found.diagonal
    np.testing.assert_array_equal(found.values, [1.0, 1.0])


def test_the_other_argument_is_held_even_where_it_depends_on_the_same_input():
    np.testing.assert_array_equal(local_jacobian(x * x.exp(), 0).values, np.exp(x.data))


def test_a_jacobian_has_the_axes_of_the_node_then_those_of_the_argument():
    w = lm.Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    np.testing.assert_array_equal(local_jacobian(w @ x, 1).values, w.data)
    assert local_jacobian(w @ x, 0).values.shape == (3, 3, 2)


def test_the_jacobian_of_softmax_is_that_of_the_formula():
    z = lm.Tensor([2.0, 1.0, 0.0])
    a = lm.softmax(z)
    p = a.data
    np.testing.assert_allclose(local_jacobian(a, 0).values, np.diag(p) - np.outer(p, p), atol=1e-16)


def test_a_stable_cost_answers_to_its_logits_by_delta():
    z = lm.Tensor([2.0, 1.0, 0.0])
    mix = lm.Mix("softmax", "ce")
    np.testing.assert_array_equal(local_jacobian(mix.cost(z, 0), 0).values, mix.delta(z.data, 0))


def test_what_is_too_large_or_empty_is_left_out():
    assert local_jacobian(lm.softmax(lm.Tensor(np.ones(17))), 0) is None
    assert local_jacobian(lm.Tensor(np.ones(0)).sum(), 0) is None


@pytest.mark.parametrize("size", [2, 17, 1000])
def test_what_is_elementwise_is_known_at_any_size(size):
    x, y = lm.Tensor(np.linspace(-2.0, 2.0, size)), lm.Tensor(np.linspace(1.0, 2.0, size))
    for node, place, slopes in [
        (x * y, 1, x.data),
        (lm.sigmoid(x), 0, lm.sigmoid(x.data) * (1 - lm.sigmoid(x.data))),
        (np.where(x.data > 0.0, x, y), 1, x.data > 0.0),
    ]:
        np.testing.assert_allclose(local_jacobian(node, place).values, slopes, 1e-14)
        assert local_jacobian(node, place).diagonal
    for node in (x[::-1], lm.softmax(x), np.broadcast_to(x, (size, size)) @ y):
        assert entrywise(node, 0) is None


def test_what_is_broadcast_has_a_derivative_for_each_use():
    x, y = lm.Tensor(np.ones((4, 3))), lm.Tensor([5.0, 6.0, 7.0])
    np.testing.assert_array_equal(entrywise(x / y, 1), -x.data / y.data**2)
    assert local_jacobian(x / y, 1).values.shape == (4, 3, 3)


@given(strategies.programs())
def test_a_corner_tells_what_is_elementwise(program):
    f, inputs = program
    for node in nodes(f(*map(lm.Tensor, inputs))):
        for place in differentiated(node):
            assert is_elementwise(node, place) == (entrywise(node, place) is not None)


def test_a_join_is_not_elementwise_though_its_corners_joined_look_so():
    joined = np.concatenate([lm.Tensor(np.ones(9)), lm.Tensor([1.0])])
    assert not is_elementwise(joined, 0)
    assert not is_elementwise(joined, 1)


def test_a_corner_is_all_that_is_looked_at_of_what_is_large():
    seen = []
    double = lm.derivative(lambda x: x + x, lambda g, z, x: (seen.append(g.shape), g * 2.0)[1])
    assert is_elementwise(double(lm.Tensor(np.ones((300, 2)))), 0)
    assert set(seen) == {(8, 2)}
    weights = np.ones(300)
    weighted = lm.derivative(lambda x: x * weights, lambda g, z, x: g * weights)
    assert is_elementwise(weighted(lm.Tensor(weights)), 0)
    assert not is_elementwise(lm.softmax(lm.Tensor(np.ones((300, 2)))), 0)


X = np.random.default_rng(0).normal(size=(4, 3))
G = np.random.default_rng(1).normal(size=(4, 3))


@pytest.mark.parametrize(
    "function", [lm.softmax, lm.log_softmax, lambda x: lm.softmax(x, axis=-1), np.tanh]
)
def test_the_jacobian_of_each_row_gives_what_goes_downstream(function):
    node = function(lm.Tensor(X))
    found = rowwise(node, 0)
    assert found.shape == (4, 3, 3)
    np.testing.assert_allclose(
        np.einsum("ij,ijk->ik", G, found), downstream(node, 0, G), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize(
    "function",
    [
        lambda x: lm.softmax(x, axis=0),
        lambda x: x.T.reshape(4, 3),
        lambda x: x[::-1],
        lambda x: lm.softmax(x[0]),
        lambda x: lm.softmax(x @ np.ones((3, 40))),
    ],
)
def test_rows_that_are_mixed_or_long_have_no_jacobian_of_their_own(function):
    assert rowwise(function(lm.Tensor(X)), 0) is None


@pytest.mark.parametrize(
    ("function", "expand"),
    [
        (lambda x: lm.logsumexp(x), lambda g: g[:, None]),
        (lambda x: x.sum(axis=1, keepdims=True), lambda g: g),
        (lambda x: x.mean(axis=0), lambda g: g),
        (lambda x: x.max(axis=-1), lambda g: g[:, None]),
        (lambda x: x[:, 1], lambda g: g[:, None]),
        (lambda x: x @ np.array([1.0, -2.0, 0.5]), lambda g: g[:, None]),
        (lambda x: np.prod(x), lambda g: g),
    ],
)
def test_what_gathers_entries_has_a_derivative_by_each(function, expand):
    node = function(lm.Tensor(X))
    g = np.random.default_rng(2).normal(size=node.shape)
    np.testing.assert_allclose(gathered(node, 0) * expand(g), downstream(node, 0, g), rtol=1e-9)


def test_what_mixes_entries_is_not_gathered():
    assert gathered(lm.softmax(lm.Tensor(X)), 0) is None
    assert gathered(lm.Tensor(X)[0] * 2.0, 0) is None


rng = np.random.default_rng(0)


def tensor(*shape, name="x"):
    return lm.Tensor(rng.normal(size=shape), name=name)


def found(cost, argument):
    """The factors of the products that go to an argument."""
    return [
        factors(each.node, each.place, each.g)
        for each in lm.Stepper(cost).products
        if each.argument is argument
    ]


def multiplied(part):
    sign, left, right, _ = part
    return left @ right if sign == "@" else left * right


def summed(x, shape):
    """A product entry by entry, summed over what was broadcast."""
    extra = x.ndim - len(shape)
    x = x.sum(axis=tuple(range(extra)))
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and x.shape[i] != 1)
    return x.sum(axis=axes, keepdims=True)


@given(programs())
def test_the_factors_of_every_product_give_its_downstream_gradient(program):
    for product in lm.Stepper(program(*map(lm.Tensor, program.arrays()))).products:
        if (part := factors(product.node, product.place, product.g)) is None:
            continue
        sign, left, right, local = part
        expected = product.contribution
        upstream = (left, right)[1 - local]
        np.testing.assert_array_equal(np.ravel(upstream), np.ravel(product.g))
        with np.errstate(all="ignore"):
            given_back = multiplied(part)
        if sign == "@":
            given_back = given_back.reshape(expected.shape)
        else:
            given_back = summed(given_back, expected.shape)
        np.testing.assert_allclose(given_back, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("left", "right", "first", "second"),
    [
        ((4, 3), (3, 5), "(4, 5) @ (5, 3)", "(3, 4) @ (4, 5)"),
        ((3,), (3, 5), "(1, 5) @ (5, 3)", "(3, 1) @ (1, 5)"),
        ((4, 3), (3,), "(4, 1) @ (1, 3)", "(3, 4) @ (4, 1)"),
    ],
)
def test_a_matrix_product_goes_back_as_a_matrix_product(left, right, first, second):
    x, y = tensor(*left), tensor(*right, name="y")
    shapes = []
    for argument in (x, y):
        (part,) = found((x @ y).sum(), argument)
        shapes.append(f"{part.left.shape} {part.sign} {part.right.shape}")
        other = y if argument is x else x
        local = (part.left, part.right)[part.local]
        np.testing.assert_array_equal(local, other.data.reshape(local.shape[::-1]).T)
    assert shapes == [first, second]


@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (lambda x: np.sum(x), ((1, 1), (40, 30))),
        (lambda x: np.sum(x, axis=0).sum(), ((1, 30), (40, 30))),
        (lambda x: np.sum(x, axis=-1, keepdims=True).sum(), ((40, 1), (40, 30))),
        (lambda x: np.max(x), ((1, 1), (40, 30))),
        (lambda x: np.exp(x).sum(), ((40, 30), (40, 30))),
    ],
)
def test_what_reduces_repeats_the_gradient_whatever_the_size(f, shapes):
    x = tensor(40, 30)
    (part,) = found(f(x), x)
    assert (part.sign, part.left.shape, part.right.shape) == ("∘", *shapes)


def test_a_bias_is_the_sum_of_what_comes_entry_by_entry():
    x, b = tensor(4, 5), tensor(5, name="b")
    (part,) = found((np.tanh(x) + b).sum(), b)
    assert (part.sign, part.right.shape) == ("∘", (4, 5))
    np.testing.assert_array_equal(part.right, entrywise((np.tanh(x) + b), 1))


def test_what_is_neither_has_a_jacobian_where_it_fits_and_else_nothing():
    small, large = tensor(4), tensor(40)
    (part,) = found(small[::-1].sum(), small)
    assert (part.sign, part.left.shape, part.right.shape) == ("@", (1, 4), (4, 4))
    assert found(large[::-1].sum(), large) == [None]


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
@given(st.data())
def test_the_products_along_all_ways_add_up_to_the_gradient_so_far(mix, data):
    walk = Walk(mix.composed(lm.Tensor([0.3, -1.0, 2.0]), 1))
    walk.goto(data.draw(st.integers(1, len(walk))))
    node = walk.stop.argument
    ways = paths(walk.taken, node, walk.seed)
    assert len(ways) == count_paths(walk.taken, node, walk.cost)
    np.testing.assert_allclose(sum(product for _, product in ways), walk.gradient(node), atol=1e-14)


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=8))
def test_the_product_along_a_chain_of_numbers_is_that_of_its_local_derivatives(factors):
    x = lm.Tensor(0.7)
    for factor in factors:
        x = np.sin(x) * factor
    walk = Walk(x)
    walk.end()
    way = walk.where()
    slopes = [float(local_jacobian(*link).values) for link in way]
    products = [float(product) for product in products_along(way, walk.seed)]
    np.testing.assert_allclose(products, np.cumprod(slopes[::-1])[::-1], rtol=1e-12)


def test_a_way_begins_with_the_product_just_taken():
    walk = Walk(lm.Mix("softmax", "ll").composed(lm.Tensor([2.0, 1.0, 0.0]), 0))
    while walk.next():
        way = walk.where()
        assert (way[0].node, way[0].place) == (walk.stop.node, walk.stop.place)
        np.testing.assert_array_equal(
            products_along(way, walk.seed)[0].shape, walk.stop.contribution.shape
        )


def test_there_are_no_ways_from_what_nothing_has_come_to():
    walk = Walk((lm.Tensor(1.0, name="x") * 2.0).sum())
    node = walk.reading.nodes[0]
    assert count_paths(walk.taken, node, walk.cost) == 0
    assert paths(walk.taken, node, walk.seed) == []
    assert count_paths(walk.taken, walk.cost, walk.cost) == 1
