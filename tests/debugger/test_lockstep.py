"""Two walks in lock-step."""

import itertools

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix.debugger.lockstep import Lockstep

Z = [2.0, 1.0, 0.0]


def pair_of(left, right):
    return Lockstep(*(lm.Stepper(mix.composed(lm.Tensor(Z, name="z"), 0)) for mix in (left, right)))


PAIRS = list(itertools.combinations(lm.MIXES, 2))


@in_one(("left", "right"), PAIRS, ids=str)
def test_both_have_the_whole_gradient_of_a_and_z_at_the_same_step(left, right):
    pair = pair_of(left, right)
    assert [meeting.name for meeting in pair.met.values()] == ["C", "a", "z"]
    for meeting, side, mix in (
        ([*pair.met.values()][2], side, mix) for side, mix in (("left", left), ("right", right))
    ):
        np.testing.assert_allclose(getattr(meeting, side), mix.delta(np.array(Z), 0), atol=1e-12)


@in_one(("left", "right"), PAIRS, ids=str)
def test_a_step_moves_each_side_by_one_product_at_most_and_back_undoes_it(left, right):
    pair = pair_of(left, right)
    while pair.position < len(pair):
        before = pair.left.position, pair.right.position
        assert pair.next()
        after = pair.left.position, pair.right.position
        assert {b - a for a, b in zip(before, after, strict=True)} <= {0, 1}
        assert after != before
        assert pair.back()
        assert (pair.left.position, pair.right.position) == before
        pair.next()
    assert pair.left.at_end
    assert pair.right.at_end
    assert not pair.next()


def test_the_gradients_of_the_matched_corner_and_its_neighbour_part_at_a():
    pair = pair_of(lm.Mix("softmax", "ll"), lm.Mix("softmax", "ce"))
    assert pair.part()
    assert pair.meeting.name == "a"
    assert pair.part()
    assert pair.meeting.name == "z"
    assert not pair.part()


def test_the_same_mix_parts_nowhere():
    pair = pair_of(*[lm.Mix("softmax", "ll")] * 2)
    assert not pair.part()
    assert pair.position == 0


def test_costs_without_a_mix_are_stepped_to_their_ends():
    pair = Lockstep(lm.Stepper(lm.Tensor(1.0) * 2.0), lm.Stepper(lm.Tensor(1.0).exp().exp()))
    pair.end()
    assert (len(pair), pair.meeting) == (2, None)
    with pytest.raises(ValueError, match=r"0 … 2"):
        pair.goto(3)


def test_gradients_of_other_shapes_are_apart():
    costs = [lm.Mix("softmax", "ll").composed(lm.Tensor([1.0] * k), 0) for k in (2, 3)]
    assert Lockstep(*map(lm.Stepper, costs)).met.popitem()[1].gap == np.inf
