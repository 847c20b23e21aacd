"""Moving, and where it stops."""

import re

from tests.helpers.prompt import answers_to, places, softmax_ll


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
