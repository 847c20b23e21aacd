"""The prompt in a real terminal."""

from functools import partial

import pytest

START = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background ignores it
import tinygrad_lossmix as lm
z = lm.Tensor([2.0, 1.0, 0.0], name="z")
other = lm.Mix("sigmoid", "ll").composed(z, 0) if "beside" in sys.argv else None
lm.step(lm.Mix("softmax", "ll").composed(z, 0), beside=other)
print("left")
"""
CYAN = "\x1b[36m"


@pytest.fixture
def step(terminal):
    """A prompt in a terminal; `step(NO_COLOR="1")` changes its environment."""
    return partial(terminal, START, dimensions=(50, 120))


def answer(child, line):
    child.sendline(line)
    child.expect_exact("(step) ")
    return child.before


def test_a_walk_in_a_terminal_that_refuses_colour(step):
    child = step(NO_COLOR="1")
    first = answer(child, "n")
    assert "[1/8] C = -n6" in first
    assert CYAN not in first
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


def test_ctrl_c_stays_inside_ctrl_d_leaves_and_answers_are_coloured(step):
    child = step()
    assert CYAN in answer(child, "n")
    child.sendintr()
    child.expect_exact("interrupted; type `quit` or Ctrl-D to leave")
    child.expect_exact("(step) ")
    assert "[2/8]" in answer(child, "n")
    child.sendeof()
    child.expect_exact("left")


@pytest.mark.slow
def test_tab_completes_names(step):
    child = step()
    child.send("print n1\t.grad\n")
    child.expect_exact("not computed yet")


@pytest.mark.slow
def test_breakpoints_and_watched_gradients_in_a_terminal(step):
    child = step(NO_COLOR="1")
    assert "1: break exp" in answer(child, "b exp")
    assert "2: watch n1.grad" in answer(child, "watch n1.grad")
    assert "written by a" in answer(child, "c")
    assert "[7/8]" in answer(child, "")
    assert "[5/8]" in answer(child, "rc")
    assert "ok" in answer(child, "check")
    assert "dC/dn1 = dC/da / n2" in answer(child, "explain")


@pytest.mark.slow
def test_values_changes_and_a_quiz_in_a_terminal(step):
    child = step(NO_COLOR="1")
    assert "[forward 1/8] z" in answer(child, "forward")
    assert "[forward 2/8] n1 = exp(z)" in answer(child, "n")
    assert "[0/8]" in answer(child, "start")
    assert "[0/8]" in answer(child, "set z 0,0,0")
    assert "z = [0, 0, 0]" in answer(child, "p z")
    assert "[0/8]" in answer(child, "undo")
    assert "what does it contribute to dC/dn6?" in answer(child, "quiz")
    assert "right; 1 of 1 entries so far" in answer(child, "answer -1")
    answer(child, "alias two next")
    child.sendline("two;;two")
    child.expect_exact("[2/8]")
    child.expect_exact("[3/8]")
    child.expect_exact("(step) ")
    assert "two;;two" in answer(child, "history")


@pytest.mark.slow
def test_two_walks_in_a_terminal(step):
    child = step("beside", NO_COLOR="1")
    assert "dC/da is complete on both sides; they differ" in answer(child, "part")
    assert "[3/8]" in answer(child, "back")
    child.sendline("quit")
    child.expect_exact("left")


def test_tab_completes_commands_and_names_behind_them(step):
    child = step(NO_COLOR="1")
    child.send("expl\t n1\n")
    child.expect_exact("g * z")
