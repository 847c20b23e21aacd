"""The study of saturation is the one in docs/stability.md."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(script, *arguments):
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / script, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def rows(text):
    """The lines of a table; the last bits of exp differ between processors, so any error is one."""
    return [
        re.sub(r"\de-\d\d", "some", line) for line in text.splitlines() if line.startswith("| ")
    ]


@pytest.mark.slow
def test_the_study_of_saturation_is_the_one_in_the_documentation():
    printed = rows(run("saturation.py"))
    assert len(printed) == 9
    assert set(printed) <= set(rows((ROOT / "docs" / "stability.md").read_text(encoding="utf-8")))
