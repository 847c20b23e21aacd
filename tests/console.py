"""Running the console and Python blocks of a page of documentation."""

import doctest
import os
import re
import shlex
import subprocess
import sys


def fences(text, language):
    """The blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def sessions(text):
    """(command, what it prints) of every line of a console block that starts with $."""
    for block in fences(text, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def assert_prints(command, output, folder):
    """A `lossmix` command exits with 0, complains about nothing and prints this."""
    words = shlex.split(command)
    assert words[0] == "lossmix"
    environment = {k: v for k, v in os.environ.items() if k != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-m", "tinygrad_lossmix", *words[1:]],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        cwd=folder,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert without_rounding(done.stdout) == without_rounding(output)


def without_rounding(text):
    """The last bits of exp, and what comes of them, differ between processors."""
    lines = [line.rstrip() for line in text.rstrip().splitlines()]
    return [re.sub(r"\d(\.\d+)?e-(09|1\d)\b", "tiny", line) for line in lines]


def assert_examples_run(path):
    """Every >>> of a page prints what it says."""
    result = doctest.testfile(str(path), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0
