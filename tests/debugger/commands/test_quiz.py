"""The quiz."""

import numpy as np

import tinygrad_lossmix as lm
from tests.helpers.prompt import answers_to, places, prompt_on, softmax_ll
from tinygrad_lossmix.debugger.walk import Walk


def right_answers(cost):
    """What to type: every contribution as it is printed."""
    products = Walk(cost, {}).products
    return ["answer " + np.array2string(each.contribution, separator=",") for each in products]


def test_quiz_hides_the_answer_until_it_is_given():
    text = answers_to("start;;quiz;;answer -1;;quiz;;answer 1;;quiz;;answer")
    assert "C = -n6: what does it contribute to dC/dn6?\n  upstream  dC/dC  1\n" in text
    assert "  value     C      0.4076\n  from      n6     -0.4076\n" in text
    assert "Type `answer` and 1 number, shape ()\n" in text
    assert "right; 1 of 1 entries so far\n" in text
    assert "no, it is [-1, -1, -1]; 1 of 4 entries so far\n" in text
    assert "no, it is [-1, 0, 0]; 1 of 7 entries so far\n" in text
    assert places(text) == ["0/8", "1/8", "2/8", "3/8"]


def test_a_quiz_that_is_on_asks_before_each_product_and_ends_with_the_score():
    answers = right_answers(softmax_ll())
    text = answers_to(";;".join(["quiz on", *answers]))
    assert text.count("what does it contribute to") == len(answers) == 8
    assert text.endswith("the quiz is over: 20 of 20 entries\n")
    assert [place.partition("/")[0] for place in places(text)] == [*"12345678"]


def test_a_quiz_that_is_on_goes_on_where_one_moves_and_is_left_by_off():
    text = answers_to("quiz on;;next;;back;;goto 7;;quiz off;;next")
    assert text.count("what does it contribute to") == 4
    assert text.splitlines()[-7] == "the quiz is over: 0 of 0 entries"
    text = answers_to("quiz on;;end;;forward;;next")
    assert "[forward 2/8]" in text
    assert text.count("what does it contribute to") == 1


def test_a_seed_chooses_which_part_of_a_large_product_is_asked_for():
    z = lm.Tensor(np.arange(20.0).reshape(4, 5), name="z")
    cost = np.exp(z).sum()
    asked = [answers_to(f"quiz on {seed};;next", cost).splitlines()[-1] for seed in (1, 1, 2, 3)]
    assert all(line.startswith("Type `answer` and 5 numbers, row [") for line in asked)
    assert asked[0] == asked[1]
    assert len(set(asked)) > 1


def test_what_quiz_does_not_take_is_an_error(capsys):
    for typed, words in [
        ("quiz maybe", "quiz takes nothing, `on`, `on SEED` or `off`"),
        ("quiz on x", "quiz on takes a seed, a whole number below 1,000,000,000"),
        ("end;;quiz on", "no product comes next here: type `start`, then `quiz`"),
        ("quiz on;;answer 1,2", "2 numbers where the shape () takes 1"),
    ]:
        prompt, _ = prompt_on(softmax_ll())
        assert prompt.run_batch(typed) == 1
        assert words in capsys.readouterr().err


def test_a_likely_cause_is_told():
    text = answers_to("quiz;;answer 1")
    assert "likely cause: the sign of what np.negative passes back\n" in text


def test_a_value_that_is_set_asks_anew():
    text = answers_to("quiz on;;answer -1;;set z 1,0,0;;answer -1,-1,-1")
    assert "right; 4 of 4 entries so far" in text
