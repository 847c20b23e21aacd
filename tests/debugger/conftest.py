"""The page in a real browser, and the prompt in a real terminal."""

import os
import sys

import pexpect
import pytest

import tinygrad_lossmix as lm


@pytest.fixture
def opened(chromium, tmp_path):
    """Opens the page of a cost, at a place such as `#step=3`; the console stays silent."""
    chromium.problems.clear()

    def open_page(cost, at="", names=None, beside=None, **screen):
        chromium.screen(**screen)
        path = lm.page(cost, tmp_path / "steps.html", names=names, beside=beside)
        chromium.open(path, at)
        return chromium

    yield open_page
    assert chromium.problems == []


@pytest.fixture
def terminal():
    """Starts a program that comes to the prompt, in a terminal of so many lines and columns."""
    children = []

    def spawn(program, *args, dimensions, **environment):
        unset = {"NO_COLOR", "COLUMNS", "LINES"}
        env = {key: x for key, x in os.environ.items() if key not in unset}
        child = pexpect.spawn(
            sys.executable,
            ["-c", program, *args],
            env=env | {"TERM": "xterm-256color"} | environment,
            encoding="utf-8",
            timeout=30,
            dimensions=dimensions,
        )
        child.delaybeforesend = None
        children.append(child)
        child.expect_exact("(step) ")
        return child

    yield spawn
    for child in children:
        child.close(force=True)
