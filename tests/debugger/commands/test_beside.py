"""Two walks beside one another."""

import io
import re

import tinygrad_lossmix as lm
from tests.helpers.prompt import answers_to, softmax_ll
from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.debugger.repl import Prompt


def side_by_side(commands):
    answers = io.StringIO()
    prompt = Prompt(Lockstep(lm.Stepper(softmax_ll()), lm.Stepper(softmax_ll("ce"))), answers)
    assert prompt.run_batch(commands) == 0
    return answers.getvalue()


def test_two_walks_are_shown_in_one_table():
    lines = side_by_side("next").splitlines()
    assert lines[0].split("  ")[1:] != []
    assert re.search(r"softmax \+ log-likelihood +softmax \+ cross-entropy", lines[0])
    assert re.search(r"\[1/8\] C = -n6 → n6 +\[1/13\] C = -n10 → n10", lines[1])


def test_part_goes_to_where_they_part_and_delta_shows_all():
    text = side_by_side("part;;part;;part;;delta;;back;;start;;goto 3")
    assert "dC/da is complete on both sides; they differ by up to 1.324" in text
    assert "dC/dz is complete on both sides; they differ by up to 0.2814" in text
    assert "no further gradients differ" in text
    assert re.search(r"^dC/dC +1 +1 +equal$", text, re.MULTILINE)


def test_where_and_list_answer_for_each_of_two_walks_as_for_one():
    both = side_by_side("goto 5;;where;;list;;goto 5;;w;;l")
    for command in ("where", "list"):
        for cost, mix in (("ll", "softmax + log-likelihood"), ("ce", "softmax + cross-entropy")):
            place = re.search(rf"^(left|right): {re.escape(mix)}  \[(\d+)/", both, re.MULTILINE)[2]
            alone = answers_to(f"goto {place};;{command}", softmax_ll(cost))
            alone = alone.removeprefix(answers_to(f"goto {place}", softmax_ll(cost)))
            assert both.count(alone) == 2


def test_the_ends_of_both_walks_say_so():
    assert "at the start" in side_by_side("back")
    said = "at the end, every gradient is complete: type `back`, `start`, `delta` or `quit`\n"
    assert side_by_side("end;;next").endswith(said)
