"""The README is true: every block of it runs and prints what it says."""

import re
from pathlib import Path

import pytest

from tests.console import assert_examples_run, assert_prints, fences, sessions

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")


def test_the_python_blocks_run(own_table):
    assert_examples_run(README)


@pytest.mark.parametrize(("command", "output"), list(sessions(TEXT)))
def test_the_console_blocks_run(command, output, tmp_path):
    assert_prints(command, output, tmp_path)


def test_the_first_two_bash_lines_are_the_two_commands():
    main_job, tests = [line for block in fences(TEXT, "bash") for line in block.splitlines()][:2]
    assert main_job.endswith(" && lossmix compare")
    assert tests.endswith(" && python -m pytest")


def test_every_linked_file_is_there():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in link]
    assert links
    for link in links:
        assert (ROOT / link).is_file(), link


def test_every_language_of_a_fence_is_one_that_is_run():
    assert set(re.findall(r"^```(\w+)$", TEXT, flags=re.MULTILINE)) <= {"bash", "python", "console"}
