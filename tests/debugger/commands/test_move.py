"""Moving, and where it stops."""

import re

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.prompt import answers_to, places, softmax_ll
from tinygrad_lossmix.debugger.commands.move import breakpoint, watchpoint
from tinygrad_lossmix.debugger.expressions import CommandError


def test_the_values_come_first_where_they_are_asked_for():
    text = answers_to("forward;;next;;list;;print a;;until a;;print a")
    assert places(text) == ["forward 1/8", "forward 2/8", "forward 4/8"]
    assert "a is not computed yet" in text
    assert re.search(r"^-> +n1 = exp\(z\) .*-$", text, re.MULTILINE)
    assert text.endswith("a = [0.6652, 0.2447, 0.09003]  softmax output layer a, eq. (78)\n")


def test_movements_of_several_products():
    text = answers_to("step 3;;step;;rstep 2;;over;;start;;over;;over;;goto 6;;return;;until n1")
    assert places(text) == ["3/8", "4/8", "2/8", "3/8", "0/8", "4/8", "8/8", "6/8", "8/8"]
    assert text.endswith("n1 gets no further contribution\n")


def test_a_gradient_is_a_place_to_stop_at():
    for text in ("break n1.grad", "break dC/dn1"):
        assert places(answers_to(f"{text};;c")) == places(answers_to("break n1;;c")) == ["7/8"]


def test_an_entry_of_a_gradient_can_be_watched():
    written = places(answers_to("watch n1.grad;;c;;c"))
    assert places(answers_to("watch n1.grad[0];;c;;c")) == written == ["5/8", "7/8"]


def test_next_and_back_take_a_number_of_steps():
    assert places(answers_to("next 3;;back 2;;n 4")) == ["3/8", "1/8", "5/8"]
    both = answers_to("step 3;;rstep 2")
    assert both == answers_to("next 3;;back 2")


def test_movements_beyond_an_end_say_so():
    assert "at the end" in answers_to("end;;step 2")
    assert "at the start" in answers_to("rstep 2")
    assert answers_to("forward;;rstep").endswith("at the start: type `next`\n")
    assert places(answers_to("step 99")) == ["8/8"]


def test_continue_stops_at_breakpoints_both_ways_and_says_which():
    text = answers_to("b exp;;b z.grad > 0.2;;watch n1.grad;;c;;c;;c;;rc;;rc;;rc")
    assert places(text) == ["5/8", "7/8", "8/8", "7/8", "5/8", "0/8"]
    assert "3: watch n1.grad, none -> [-0.1353, 0, 0], written by a\n" in text
    assert "1: break exp; 2: break z.grad > 0.2\n" in text


def test_breakpoints_are_listed_and_cleared():
    assert answers_to("b").endswith("no breakpoints\n")
    assert answers_to("b exp;;b n1;;clear 1;;b").endswith("2: break n1\n  2  break n1\n")
    assert answers_to("b exp;;clear;;b").endswith("no breakpoints\n")


def test_a_breakpoint_of_another_recording_says_that_it_does_not_apply():
    cost = softmax_ll("ce")
    text = answers_to("b n10;;set mix softmax quadratic;;c", cost)
    assert "1: break n10 does not apply: there is no n10 here" in text


def walk_of(z=(2.0, 1.0, 0.0)):
    with np.errstate(all="ignore"):
        return lm.Stepper(lm.Mix("softmax", "ll").composed(lm.Tensor(list(z), name="z"), 0))


def fires(kind, text, walk, forward=False):
    """All positions at which it stops."""
    stops = kind(text, walk)
    if forward:
        walk.forward()
    found = [walk.position] if stops(walk) else []
    while walk.run(stops):
        found.append(walk.position)
    back = []
    while walk.run(stops, -1):
        back.append(walk.position)
    assert back[::-1] == [at for at in found if at != len(walk)]
    return found


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("n1", [7]),
        ("a", [4]),
        ("C", [0]),
        ("exp", [8]),
        ("divide", [5]),
        ("softmax", [5]),
        ("log_likelihood", [1]),
        ("backward", [0]),
        ("nan", []),
        ("position > 6", [7, 8]),
        ("z.grad < 0", [8]),
    ],
)
def test_a_breakpoint_stops_where_it_says_in_both_directions(text, positions):
    assert fires(breakpoint, text, walk_of()) == positions


def test_a_breakpoint_stops_at_values_too():
    walk = walk_of()
    nodes = len(walk.reading.nodes)
    assert fires(breakpoint, "n1", walk, forward=True) == [1 - nodes, 7]
    assert fires(breakpoint, "forward", walk_of(), forward=True) == [-nodes]
    assert fires(breakpoint, "softmax", walk_of(), forward=True) == [1 - nodes, 5]


def test_nan_is_met_where_it_is_made_and_not_where_it_is_passed_on():
    walk = walk_of((1000.0, 0.0))
    first = fires(breakpoint, "nan", walk, forward=True)[0]
    assert walk.at(first).computed.function is np.divide


def test_a_watched_gradient_stops_at_each_who_writes_it():
    assert fires(watchpoint, "n1.grad", walk_of()) == [5, 7]
    assert fires(watchpoint, "n1", walk_of()) == [5, 7]


def test_a_watched_condition_stops_where_it_changes():
    walk = lm.Stepper((lm.Tensor(2.0, name="x") * 3.0).exp())
    assert walk.run(watchpoint("x.grad > 1", walk))
    assert walk.position == 2


@pytest.mark.parametrize("text", ["", "q", "z.grad >", "q > 1"])
@pytest.mark.parametrize("kind", [breakpoint, watchpoint])
def test_what_is_not_known_is_a_mistake(kind, text):
    walk = walk_of()
    with pytest.raises(CommandError):
        kind(text, walk)
