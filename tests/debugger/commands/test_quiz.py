"""The quiz."""

from tests.helpers.prompt import answers_to, places


def test_quiz_hides_the_answer_until_it_is_given():
    text = answers_to("start;;quiz;;answer -1;;quiz;;answer 1;;quiz;;answer")
    assert "C = -n6 = 0.4076, n6 = -0.4076; upstream gradient dC/dC = 1.\n" in text
    said = "Which gradient goes downstream to n6? Type `answer` and 1 number, shape ()\n"
    assert said in text
    assert "right; 1 of 1 right so far" in text
    assert "no, it is [-1, -1, -1]; 1 of 2 right so far" in text
    assert places(text) == ["0/8", "1/8", "2/8", "3/8"]
