"""Every answer of demos/questions.md is computed again."""

import re
from pathlib import Path

import pytest

from tests.console import assert_examples_run, assert_prints, sessions

PAGE = Path(__file__).parent.parent / "demos" / "questions.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_there_are_at_least_twenty_questions():
    numbers = [int(n) for n in re.findall(r"^## (\d+)\. ", TEXT, flags=re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 20


def test_every_question_has_an_answer_that_runs():
    for answer in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]:
        assert re.search(r"^```(console|python)$", answer, flags=re.MULTILINE), answer[:60]


@pytest.mark.parametrize(("command", "output"), list(sessions(TEXT)))
def test_the_console_blocks_run(command, output, tmp_path):
    assert_prints(command, output, tmp_path)


def test_the_python_blocks_run(own_table):
    assert_examples_run(PAGE)
