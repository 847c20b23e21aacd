"""The prompt typed at: batches of commands, and what they print."""

import io
import re

import tinygrad_lossmix as lm
from tinygrad_lossmix.debugger.repl import Prompt


def softmax_ll(cost_name="ll"):
    return lm.Mix("softmax", cost_name).composed(lm.Tensor([2.0, 1.0, 0.0], name="z"), 0)


def prompt_on(cost, **names):
    answers = io.StringIO()
    return Prompt(lm.Stepper(cost, names), answers), answers


def answers_to(commands, cost=None, **names):
    """What a batch of commands prints."""
    prompt, answers = prompt_on(softmax_ll() if cost is None else cost, **names)
    assert prompt.run_batch(commands) == 0
    return answers.getvalue()


def places(text):
    """Where the walk stood at each line that says so: `0/8`."""
    return re.findall(r"^\[([^\]]*)\]", text, re.MULTILINE)


def on_one_line(text):
    """Without its line breaks and columns."""
    return " ".join(text.split())
