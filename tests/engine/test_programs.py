"""Random programs: the engine against a naive one, and against itself read in other ways."""

from itertools import cycle

import numpy as np
import pytest
from hypothesis import given

from tests.helpers.programs import programs
from tests.helpers.reference import Dual, gradients
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.sweep import sweep


def recorded(program, dtypes=(np.float64,)):
    leaves = [Tensor(x.astype(d)) for x, d in zip(program.arrays(), cycle(dtypes), strict=False)]
    return program(*leaves), leaves


def bits(arrays):
    return [(a.shape, a.dtype, np.ascontiguousarray(a).tobytes()) for a in arrays]


def stepped(cost, targets):
    found = {}
    for node, position, _, _, total in sweep(cost, cost.dtype.type(1)):
        found[node.args[position]] = np.array(total)
    return [found[t] for t in targets]


def test_the_reference_differentiates_a_formula_known_by_hand():
    x, y = np.array([0.5, 2.0]), np.array([[1.0, 3.0]])
    gx, gy = gradients(lambda x, y: np.sum(np.sin(x) * y / (1.0 - x)) - np.max(x), x, y)
    np.testing.assert_allclose(gx, [np.cos(0.5) / 0.5 + np.sin(0.5) / 0.25,
                                    -3 * np.cos(2.0) + 3 * np.sin(2.0) - 1])  # fmt: skip
    np.testing.assert_allclose(gy, [[2 * np.sin(0.5), -np.sin(2.0)]])
    (g,) = gradients(lambda x: np.sum(np.exp(x) + np.log(x) + np.cos(x) + np.tanh(x) + np.sqrt(x)),
                     np.array([1.0]))  # fmt: skip
    np.testing.assert_allclose(g, np.e + 1 - np.sin(1) + 1 / np.cosh(1) ** 2 + 0.5)
    assert Dual(1.0) < Dual(2.0) <= 2.0


@given(programs())
def test_gradients_are_those_of_the_naive_engine(program):
    cost, leaves = recorded(program)
    assert np.isclose(cost.item(), program(*program.arrays()), rtol=1e-13)
    for g, expected in zip(grad(cost, leaves), gradients(program, *program.arrays()), strict=True):
        np.testing.assert_allclose(g, expected, rtol=1e-9, atol=1e-11)


@given(programs())
@pytest.mark.parametrize("dtypes", [[np.float64], [np.float32], [np.float32, np.float64]])
def test_gradients_are_the_same_bits_raw_recorded_and_stepped(dtypes, program):
    cost, leaves = recorded(program, dtypes)
    raw = grad(cost, leaves)
    again = grad(*recorded(program, dtypes))
    with_graph = [g.data for g in grad(cost, leaves, create_graph=True)]
    assert bits(raw) == bits(again) == bits(with_graph) == bits(stepped(cost, leaves))


@given(programs())
def test_backward_fills_the_same_bits_into_every_node(program):
    cost, _ = recorded(program)
    cost.backward()
    reached = [n for n in nodes(cost) if n.grad is not None]
    assert cost in set(reached)
    assert bits(n.grad for n in reached) == bits(grad(cost, reached))


@given(programs(max_steps=4))
def test_second_derivatives_are_those_of_finite_differences(program):
    """Along one direction; ties and kinks move with a probability of nought."""
    arrays = program.arrays()
    directions = [np.cos(1 + np.arange(x.size)).reshape(x.shape) for x in arrays]

    def slope(h):
        leaves = [Tensor(x + h * d) for x, d in zip(arrays, directions, strict=True)]
        gradients = grad(program(*leaves), leaves)
        return sum(np.sum(g * d) for g, d in zip(gradients, directions, strict=True))

    cost, leaves = recorded(program)
    first = grad(cost, leaves, create_graph=True)
    along = sum((g * d).sum() for g, d in zip(first, directions, strict=True))
    second = grad(along, leaves)
    curvature = sum(np.sum(g * d) for g, d in zip(second, directions, strict=True))
    np.testing.assert_allclose(curvature, (slope(1e-5) - slope(-1e-5)) / 2e-5, rtol=1e-5, atol=1e-6)
