"""The README is true: every block of it runs and prints what it says."""

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")


def fences(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE)


def sessions():
    """(command, what it prints) of every line that starts with $."""
    for block in fences("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def lossmix(command, cwd):
    words = shlex.split(command)
    assert words[0] == "lossmix"
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_lossmix", *words[1:]],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        cwd=cwd,
    )


def test_the_python_blocks_run():
    result = doctest.testfile(str(README), module_relative=False)
    assert result.attempted > 10
    assert result.failed == 0


@pytest.mark.parametrize(("command", "output"), list(sessions()))
def test_the_console_blocks_run(command, output, tmp_path):
    done = lossmix(command, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    printed = [line.rstrip() for line in done.stdout.splitlines()]
    assert without_rounding(printed) == without_rounding(output.splitlines())


def without_rounding(lines):
    """The last bits of exp differ between processors."""
    return [re.sub(r"\d(\.\d+)?e-1[5-9]", "a rounding error", line) for line in lines]


def test_the_first_two_bash_lines_are_the_two_commands():
    main_job, tests = [line for block in fences("bash") for line in block.splitlines()][:2]
    assert main_job.endswith(" && lossmix compare")
    assert tests.endswith(" && python -m pytest")


def test_every_linked_file_is_there():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in link]
    assert links
    for link in links:
        assert (ROOT / link).is_file(), link


def test_every_language_of_a_fence_is_one_that_is_run():
    assert set(re.findall(r"^```(\w+)$", TEXT, flags=re.MULTILINE)) <= {"bash", "python", "console"}
