"""Movements beyond next and back: the values, calls as one, until, run."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import tinygrad_lossmix as lm
from tests.helpers.programs import programs
from tinygrad_lossmix.engine.graph import group


def bits(array):
    return None if array is None else (np.shape(array), np.asarray(array).tobytes())


@pytest.fixture
def walk():
    return lm.Stepper(lm.Mix("softmax", "ll").composed(lm.Tensor([2.0, 1.0, 0.0], name="z"), 0))


def test_forward_shows_every_value_once_then_the_seed_then_the_products(walk):
    walk.forward()
    seen = [walk.computed]
    while walk.next() and walk.position < 0:
        seen.append(walk.computed)
    assert seen == walk.reading.nodes
    assert walk.position == 0
    assert walk.gradient(walk.cost) == 1.0
    assert walk.next()
    assert walk.stop.node is walk.cost


def test_before_the_seed_no_gradient_and_after_a_value_only_what_is_computed(walk):
    walk.forward()
    while walk.position < 0:
        known = [node for node in walk.reading.nodes if walk.value(node) is not None]
        assert known[-1] is walk.computed is walk.current
        assert all(walk.gradient(node) is None for node in walk.reading.nodes)
        walk.next()


def test_a_walk_that_did_not_ask_for_the_values_begins_at_the_seed(walk):
    assert not walk.back()
    walk.forward()
    walk.start()
    assert walk.back()
    assert walk.computed is walk.cost


def test_over_takes_a_call_at_once_and_return_goes_to_its_end(walk):
    walk.over()
    assert str(walk).startswith("[4/8]")
    walk.over()
    assert walk.at_end
    walk.goto(6)
    assert walk.finish()
    assert walk.at_end
    assert not walk.finish()
    walk.goto(2)
    walk.finish()
    assert walk.position == 4


def test_over_and_return_know_calls_inside_calls():
    @group("inner")
    def inner(x):
        return (x * 2.0).exp()

    @group("outer")
    def outer(x):
        return inner(x) + 1.0

    walk = lm.Stepper(outer(lm.Tensor(1.0)) * 3.0)
    assert len(walk) == 4
    walk.next()
    walk.over()
    assert walk.at_end
    walk.goto(2)
    walk.over()
    assert walk.position == 4
    walk.goto(3)
    walk.finish()
    assert walk.position == 4


def test_until_stops_where_the_gradient_is_whole(walk):
    n1 = walk.reading.nodes[1]
    assert walk.until(n1)
    assert walk.progress(n1) == (2, 2)
    assert not walk.until(n1)
    walk.forward()
    assert walk.until(n1)
    assert walk.computed is n1


def test_run_stops_at_the_first_position_in_either_direction(walk):
    assert walk.run(lambda walk: walk.position in (3, 5))
    assert walk.position == 3
    walk.end()
    assert walk.run(lambda walk: walk.position in (3, 5), -1)
    assert walk.position == 5
    assert not walk.run(lambda walk: False)
    assert walk.at_end


def test_the_terms_of_a_gradient_add_up_to_it(walk):
    n1 = walk.reading.nodes[1]
    walk.goto(5)
    assert len(walk.terms(n1)) == 1
    walk.end()
    terms = walk.terms(n1)
    assert [position for position, _ in terms] == [5, 7]
    np.testing.assert_array_equal(sum(stop.contribution for _, stop in terms), walk.gradient(n1))


def test_another_walk_at_a_position_leaves_this_one_where_it_is(walk):
    assert walk.at(5).position == 5
    assert walk.position == 0


def test_what_has_arrived_is_what_a_drawing_of_this_position_shows(walk):
    walk.goto(4)
    found = walk.gradients()
    for node in walk.reading.nodes:
        assert bits(found.of.get(node)) == bits(walk.gradient(node))
    assert len(found.downstream) == 4


class RandomWalks(RuleBasedStateMachine):
    """Every movement, in any order, on random programs."""

    @initialize(program=programs(max_steps=4))
    def record(self, program):
        self.walk = lm.Stepper(program(*map(lm.Tensor, program.arrays())))
        self.walk.cost.backward()
        self.nodes = self.walk.reading.nodes

    @rule(move=st.sampled_from(["next", "back", "over", "finish", "start", "end", "forward"]))
    def move(self, move):
        getattr(self.walk, move)()

    @rule(place=st.floats(0, 1))
    def until(self, place):
        self.walk.until(self.nodes[int(place * (len(self.nodes) - 1))])

    @rule(place=st.floats(0, 1), step=st.sampled_from([1, -1]))
    def run(self, place, step):
        at = int(place * len(self.walk))
        self.walk.run(lambda walk: walk.position == at, step)

    @rule(place=st.floats(0, 1))
    def goto(self, place):
        span = len(self.walk) - self.walk.first
        self.walk.goto(self.walk.first + int(place * span))

    def seen(self):
        walk = self.walk
        stop = walk.stop and tuple(map(bits, walk.stop[3:6]))
        return walk.position, str(walk), stop, [bits(walk.gradient(node)) for node in self.nodes]

    @precondition(lambda self: not self.walk.at_end)
    @rule()
    def back_undoes_next(self):
        before = self.seen()
        assert self.walk.next()
        assert self.seen() != before
        assert self.walk.back()
        assert self.seen() == before

    @invariant()
    def stays_on_the_way(self):
        assert self.walk.first <= self.walk.position <= len(self.walk)
        assert bits(self.walk.value(self.walk.current)) == bits(self.walk.current.data)

    def teardown(self):
        if not hasattr(self, "walk"):
            return
        while self.walk.next():
            pass
        for node in self.nodes:
            assert bits(self.walk.gradient(node)) == bits(node.grad)


TestRandomWalks = RandomWalks.TestCase
TestRandomWalks.settings = settings(deadline=None, stateful_step_count=30)
