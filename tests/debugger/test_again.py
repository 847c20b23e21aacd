"""Recordings made again."""

import numpy as np
import pytest
from hypothesis import given

import tinygrad_lossmix as lm
from tests.helpers.programs import programs
from tinygrad_lossmix.debugger.again import again
from tinygrad_lossmix.engine.graph import groups


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_the_same_values_give_the_same_recording(mix):
    for cost in (mix.composed(lm.Tensor([2.0, 1.0], name="z"), 0), mix.cost(lm.Tensor([2.0]), [1])):
        other = again(cost, {})[cost]
        assert other is not cost
        cost.backward()
        other.backward()
        assert lm.tree(other) == lm.tree(cost)
        sizes = [[(g.name, len(g.members)) for g in groups(each)] for each in (cost, other)]
        assert sizes[0] == sizes[1]


@given(programs())
def test_a_program_of_other_leaves_is_that_of_the_replay(program):
    leaves = list(map(lm.Tensor, program.arrays()))
    cost = program(*leaves)
    moved = [lm.Tensor(leaf.data + 0.125) for leaf in leaves]
    found = again(cost, dict(zip(leaves, moved, strict=True)))[cost]
    np.testing.assert_array_equal(found.data, program(*moved).data)
