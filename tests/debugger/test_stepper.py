"""The stepper: the engine's own sweep, walked in both directions."""

import itertools
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers.programs import programs
from tests.helpers.prompt import softmax_ll
from tinygrad_lossmix.debugger.page import page_of


def bits(array):
    return None if array is None else (array.shape, array.dtype, array.tobytes())


def state(walk):
    """Everything that a walker can see."""
    stop = walk.stop
    seen = [walk.position, [bits(walk.gradient(node)) for node in walk.reading.nodes]]
    if stop is not None:
        seen += [stop.node.order, stop.place, stop.received, stop.expected]
        seen += map(bits, (stop.g, stop.contribution, stop.total))
    return seen


def walk_of(program):
    return lm.Stepper(program(*map(lm.Tensor, program.arrays())))


@given(programs(), st.lists(st.sampled_from(["next", "back", "start", "end"]), max_size=30))
def test_the_gradients_at_the_end_of_any_walk_are_those_of_backward_to_the_bit(program, moves):
    walk = walk_of(program)
    for move in moves:
        getattr(walk, move)()
    while walk.next():
        pass
    walk.cost.backward()
    for node in walk.reading.nodes:
        assert bits(walk.gradient(node)) == bits(node.grad)


@given(programs(), st.data())
def test_back_undoes_next_and_next_undoes_back_everywhere(program, data):
    walk = walk_of(program)
    walk.goto(data.draw(st.integers(0, len(walk) - 1)))
    before = state(walk)
    assert walk.next()
    after = state(walk)
    assert after != before
    assert walk.back()
    assert state(walk) == before
    assert walk.next()
    assert state(walk) == after


@given(programs())
def test_each_sum_is_the_sum_before_and_the_contribution(program):
    walk = walk_of(program)
    while not walk.at_end:
        position = walk.position
        walk.next()
        stop = walk.stop
        walk.goto(position)
        before = walk.gradient(stop.argument)
        total = stop.contribution if before is None else before + stop.contribution
        assert bits(np.asarray(total)) == bits(stop.total)
        walk.next()


@given(programs())
def test_a_node_passes_on_nothing_before_everything_has_arrived(program):
    walk = walk_of(program)
    while walk.next():
        received, expected = walk.progress(walk.stop.node)
        assert received == expected
        assert bits(walk.gradient(walk.stop.node)) == bits(walk.stop.g)


@given(programs())
def test_where_leads_to_the_cost_link_by_link(program):
    walk = walk_of(program)
    assert walk.where() == []
    while walk.next():
        links = walk.where()
        assert links[0].argument is walk.stop.argument
        assert links[-1].node is walk.cost
        for link, following in itertools.pairwise(links):
            assert link.node is following.argument


def test_the_ends_of_the_walk_hold():
    walk = lm.Stepper(lm.Tensor(3.0) * 2.0)
    assert walk.stop is None
    assert not walk.back()
    assert walk.next()
    assert walk.at_end
    assert not walk.next()
    assert walk.position == len(walk) == 1
    for position in (-1, 2):
        with pytest.raises(ValueError, match=r"0 … 1"):
            walk.goto(position)


def test_a_gradient_is_none_before_it_arrives_and_the_seed_is_there_from_the_start():
    x = lm.Tensor(3.0)
    cost = x * 2.0
    walk = lm.Stepper(cost)
    assert walk.gradient(x) is None
    assert walk.gradient(cost) == 1.0
    assert walk.arrival(x) == 1
    for ask in (walk.arrival, walk.gradient, walk.value, walk.complete, walk.terms, walk.until):
        with pytest.raises(ValueError, match="cost was not computed from this Tensor"):
            ask(lm.Tensor(1.0))


def test_what_is_handed_out_can_be_changed_without_changing_the_walk():
    x = lm.Tensor([1.0, 2.0])
    walk = lm.Stepper((x + x).sum())
    walk.end()
    before = state(walk)
    for array in (walk.gradient(x), *walk.stop[3:6]):
        array[...] = 99.0
    assert state(walk) == before


def test_stepping_leaves_the_grads_of_the_recording_alone():
    x = lm.Tensor(3.0)
    lm.Stepper(x * 2.0).end()
    assert x.grad is None


def test_delta_arrives_with_the_logits():
    z = lm.Tensor([2.0, 1.0, 0.0])
    walk = lm.Stepper(lm.Mix("softmax", "ll").composed(z, 0))
    assert walk.delta().gradient is None
    walk.end()
    found = walk.delta()
    assert (found.logits, found.mix, found.received) == (z, lm.Mix("softmax", "ll"), found.expected)
    np.testing.assert_allclose(found.gradient, found.a_minus_y, atol=1e-15)
    assert lm.Stepper(z.sum()).delta() is None


def test_a_walk_through_nothing_has_no_steps():
    walk = lm.Stepper(lm.Tensor(3.0))
    assert len(walk) == 0
    assert walk.at_end
    assert str(walk) == "[0/0] start at n0"


def test_a_stop_is_one_line_of_text():
    walk = lm.Stepper(lm.Tensor(3.0, name="x") * 2.0)
    walk.next()
    assert str(walk) == "[1/1] n1 → x: 2"


def test_only_scalar_tensors_are_walked():
    with pytest.raises(TypeError, match="not a Tensor"):
        lm.Stepper(3.0)
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        lm.Stepper(lm.Tensor([1.0, 2.0]))


def test_overflow_is_walked_without_warnings():
    z = lm.Tensor([1000.0, 0.0])
    with np.errstate(all="ignore"):
        cost = lm.Mix("softmax", "ll").composed(z, 0)
    walk = lm.Stepper(cost)
    walk.end()
    assert np.isnan(walk.gradient(z)).all()


def test_ten_thousand_nodes_open_at_their_first():
    x = lm.Tensor(np.ones(3))
    for _ in range(10_000):
        x = x * 1.0001
    cost = x.sum()
    walk = lm.Stepper(cost)
    walk.next()
    assert str(walk).startswith("[1/10001]")


def test_a_stepper_shows_itself():
    walk = lm.Stepper(softmax_ll())
    walk.next()
    assert repr(walk) == "Stepper: [1/8] C → n6: -1"

    class Printer:
        def text(self, text):
            self.said = text

    printer = Printer()
    walk._repr_pretty_(printer, False)
    assert printer.said.startswith("[1/8] C = -n6  → n6")


def test_in_a_notebook_a_stepper_is_a_page_at_its_stop():
    walk = lm.Stepper(softmax_ll())
    walk.next()
    here = walk._repr_html_()
    assert here == page_of(walk)._repr_html_()
    walk.next()
    assert walk._repr_html_() != here
    assert walk.position == 2


def test_in_a_notebook_a_stepper_of_too_many_boxes_is_text():
    x = lm.Tensor(1.0, name="<script>&")
    for _ in range(300):
        x = x + 1.0
    walk = lm.Stepper(x)
    walk.next()
    html = ElementTree.fromstring(f"<div>{walk._repr_html_()}</div>")
    assert [part.tag for part in html] == ["pre", "pre"]
    assert html[0].text.startswith("[1/300] x = n299 + 1  → n299")
