"""Values, labels and mixes set at the prompt."""

import io
import re

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.prompt import answers_to, places
from tinygrad_lossmix.debugger.repl import Prompt


def test_constants_keep_their_names_when_a_value_is_set():
    x, w = np.array([3.0, 5.0]), lm.Tensor([1.0, 2.0], name="w")
    answers = io.StringIO()
    prompt = Prompt(lm.Stepper((x * w).sum(), {"x": x}), answers)
    assert prompt.run_batch("set w 4;;list;;p x") == 0
    assert "= x * w" in answers.getvalue()
    assert answers.getvalue().endswith("x = [3, 5]  constant\n")


def test_set_undo_redo_and_diff():
    text = answers_to("end;;set z 0,0,0;;p z;;undo;;p z;;redo;;p z;;diff")
    assert re.findall(r"^z = (\S+ \S+ \S+) ", text, re.MULTILINE) == [
        "[0, 0, 0]",
        "[2, 1, 0]",
        "[0, 0, 0]",
    ]
    assert places(text) == ["8/8"] * 4
    assert re.search(r"^before +C +0.4076 +1$", text, re.MULTILINE)
    assert re.search(r"^after +C +1.099 +1$", text, re.MULTILINE)


def test_diff_keeps_the_order_of_the_inputs():
    a, b = lm.Tensor(2.0, name="a"), lm.Tensor(3.0, name="b")
    rows = answers_to("set b 5;;diff", a * b).splitlines()[-6:]
    assert [row.split()[1] for row in rows] == ["n2", "a", "b"] * 2


def test_labels_and_mix_are_set():
    text = answers_to("set y 1;;end;;delta;;set mix sigmoid ce;;end;;delta")
    assert text.count("equal, max difference") == 2
    assert "eq. (66)" in text


@pytest.mark.parametrize(
    ("commands", "seen"),
    [
        ("set z = 0,0,0;;p z", "z = [0, 0, 0]"),
        ("set z[0] 5;;p z", "z = [5, 1, 0]"),
        ("set z[-1]=-1e3;;p z", "z = [2, 1, -1000]"),
        ("set z [0, nan, inf];;p z", "z = [0, nan, inf]"),
        ("set z 3;;p z", "z = [3, 3, 3]"),
        ("set y 2;;p y", "y = [0, 0, 1]"),
        ("set y .5,.5,0;;p y", "y = [0.5, 0.5, 0]"),
        ("set mix sigmoid cross-entropy;;set y 1,1,0;;p y", "y = [1, 1, 0]"),
    ],
)
def test_whatever_is_set_is_seen_at_once(commands, seen):
    assert f"\n{seen} " in answers_to(commands)


def test_classes_of_a_batch_are_set():
    z = lm.Tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]], name="z")
    text = answers_to(
        "set y 2,0;;p y;;set y 1;;p y;;end;;delta", lm.Mix("softmax", "ll").composed(z, [0, 1])
    )
    shown = "y (2, 3)  constant\n   0  1  2\n0  {}\n1  {}\n"
    assert shown.format("0  0  1", "1  0  0") in text
    assert shown.format("0  1  0", "0  1  0") in text
    assert "equal, max difference" in text
