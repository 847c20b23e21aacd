"""Ways to the cost: the gradient is the sum over them, and what finite differences say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tinygrad_lossmix.debugger.chain_rule import (
    DIRECTIONS,
    MOVED,
    count_paths,
    difference,
    paths,
    products_along,
    slopes_along,
)
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.graph import nodes


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
    slopes = [float(link.local.values) for link in way]
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


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_the_difference_at_every_node_is_its_gradient(mix):
    cost = mix.composed(lm.Tensor([2.0, 1.0, 0.0]), 0)
    cost.backward()
    for node in nodes(cost):
        np.testing.assert_allclose(difference(cost, node), node.grad, atol=1e-8)


def test_what_is_not_differentiated_is_held():
    x = lm.Tensor([2.0, 3.0])
    cost = (x * lm.constant(x)).sum()
    np.testing.assert_allclose(difference(cost, x), x.data, atol=1e-8)


def test_a_large_node_is_not_moved_entry_by_entry():
    x = lm.Tensor(np.ones(MOVED + 1))
    assert difference(x.sum(), x) is None


def test_it_is_moved_along_random_directions():
    x = lm.Tensor(np.linspace(-1.0, 1.0, 200).reshape(20, 10))
    cost = np.exp(x).sum() + x[0, 0] ** 3
    cost.backward()
    expected, found = slopes_along(cost, x, x.grad)
    assert len(found) == DIRECTIONS == len(set(expected))
    np.testing.assert_allclose(found, expected, 1e-8, 1e-8)
    off = x.grad.copy()
    off[7, 3] += 0.1
    np.testing.assert_allclose(np.abs(slopes_along(cost, x, off)[0] - expected), 0.1)
