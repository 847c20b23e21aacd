"""Ways to the cost: the gradient is the sum over them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.debugger.ways import along, every, number


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
@given(st.data())
def test_the_products_along_all_ways_add_up_to_the_gradient_so_far(mix, data):
    walk = Walk(mix.composed(lm.Tensor([0.3, -1.0, 2.0]), 1))
    walk.goto(data.draw(st.integers(1, len(walk))))
    node = walk.stop.argument
    ways = every(walk, node)
    assert len(ways) == number(walk, node)
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
    products = [float(product) for product in along(walk, way)]
    np.testing.assert_allclose(products, np.cumprod(slopes[::-1])[::-1], rtol=1e-12)


def test_a_way_begins_with_the_product_just_taken():
    walk = Walk(lm.Mix("softmax", "ll").composed(lm.Tensor([2.0, 1.0, 0.0]), 0))
    while walk.next():
        way = walk.where()
        assert (way[0].node, way[0].place) == (walk.stop.node, walk.stop.place)
        np.testing.assert_array_equal(along(walk, way)[0].shape, walk.stop.contribution.shape)


def test_there_are_no_ways_from_what_nothing_has_come_to():
    walk = Walk((lm.Tensor(1.0, name="x") * 2.0).sum())
    assert (number(walk, walk.reading.nodes[0]), every(walk, walk.reading.nodes[0])) == (0, [])
    assert number(walk, walk.cost) == 1
