"""The prompt in a real terminal."""

import os
import sys

import pexpect
import pytest

START = """
import tinygrad_lossmix as lm
z = lm.Tensor([2.0, 1.0, 0.0], name="z")
lm.step(lm.Mix("softmax", "ll").composed(z, 0))
print("left")
"""


@pytest.fixture
def terminal():
    """A prompt in a terminal; `spawn(NO_COLOR="1")` changes its environment."""
    children = []

    def spawn(**environment):
        env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm-256color"}
        child = pexpect.spawn(
            sys.executable,
            ["-c", START],
            env=env | environment,
            encoding="utf-8",
            timeout=30,
            dimensions=(50, 120),
        )
        child.delaybeforesend = None
        children.append(child)
        child.expect_exact("(step) ")
        return child

    yield spawn
    for child in children:
        child.close(force=True)


def answer(child, line):
    child.sendline(line)
    child.expect_exact("(step) ")
    return child.before


def test_a_walk_in_a_terminal(terminal):
    child = terminal(NO_COLOR="1")
    assert "[1/8] C = -n6" in answer(child, "n")
    assert "[2/8]" in answer(child, "")
    assert "[1/8]" in answer(child, "back")
    assert "[0/8]" in answer(child, "")
    child.sendline("next;;next")
    child.expect_exact("[1/8]")
    child.expect_exact("[2/8]")
    child.expect_exact("(step) ")
    assert "did you mean where?" in answer(child, "wher")
    child.sendline("quit")
    child.expect_exact("left")


def test_ctrl_c_stays_inside_and_ctrl_d_leaves(terminal):
    child = terminal()
    answer(child, "n")
    child.sendintr()
    child.expect_exact("interrupted; quit or Ctrl-D leaves")
    child.expect_exact("(step) ")
    assert "[2/8]" in answer(child, "n")
    child.sendeof()
    child.expect_exact("left")


def test_tab_completes_names(terminal):
    child = terminal()
    child.send("print n1\t.grad\n")
    child.expect_exact("has not arrived yet")


def test_a_terminal_gets_colour_unless_it_is_refused(terminal):
    assert "\x1b[36m" in answer(terminal(), "n")
    assert "\x1b[36m" not in answer(terminal(NO_COLOR="1"), "n")
