"""The benchmarks run; the study of saturation is the one in the README."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


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


def test_the_study_of_saturation_is_the_one_in_the_readme():
    printed = rows(run("saturation.py"))
    assert len(printed) == 9
    assert set(printed) <= set(rows((ROOT / "README.md").read_text(encoding="utf-8")))


def test_the_ratios_are_measured_for_every_corner(tmp_path):
    run("ratios.py", "--rounds", "2", "--json", str(tmp_path / "ratios.json"))
    figures = json.loads((tmp_path / "ratios.json").read_text())
    assert len(figures) == 20
    assert all(row["median"] > 0 for row in figures)
