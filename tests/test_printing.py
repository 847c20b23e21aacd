"""Text for a terminal."""

import pathlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix
from tests.helpers.quick import in_one
from tinygrad_lossmix.printing import (
    LETTERS,
    LONGEST,
    SPELLED,
    amount,
    clean,
    count,
    figure,
    line_of_code,
    number,
    point,
    shaped,
    short,
    shorten,
    vector,
)


@given(st.text(st.characters()))
def test_whatever_it_was_it_is_printable(text):
    assert clean(text).isprintable()


def test_printable_text_stays_as_it_is():
    assert clean("σ → ½ é 𝕏 \\n") == "σ → ½ é 𝕏 \\n"
    assert clean("\x1b[31m\u202e\udcff\n") == r"\x1b[31m\u202e\udcff\n"


@given(st.text(st.characters()), st.integers(3, 60))
def test_a_long_text_is_shortened_to_its_ends(text, longest):
    found, head = shorten(text, longest), longest // 2
    if len(text) <= longest:
        assert found == text
    else:
        assert len(found) == longest
        assert found[:head] == text[:head]
        assert found[head] == "…"
        assert text.endswith(found[head + 1 :])


def test_a_name_of_the_longest_length_is_whole():
    assert shorten("x" * LONGEST) == "x" * LONGEST
    assert shorten("x" * LONGEST + "y") == "x" * 20 + "…" + "x" * 18 + "y"


def test_a_letter_that_is_lacking_is_spelled_in_ascii():
    written = "δ = Σ a · y ≤ ½ …, ‖a‖ → ∞ é 漢"
    assert written.encode("ascii", SPELLED).decode() == (
        "delta = sum a * y <= 1/2 ..., ||a|| -> inf e ?"
    )
    assert "½".encode("latin-1", SPELLED) == b"\xbd"


def test_every_letter_that_the_package_prints_has_a_spelling():
    used = set()
    for path in pathlib.Path(tinygrad_lossmix.__file__).parent.rglob("*.py"):
        used |= {letter for letter in path.read_text("utf-8") if ord(letter) > 127}
    spelled = {letter: letter.encode("ascii", SPELLED).decode() for letter in used}
    assert [letter for letter, text in spelled.items() if "?" in text] == []
    assert "".join(LETTERS.values()).isascii()


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.09003057, "0.09003"),
        (-0.0, "0"),
        (np.float32(1e-30), "1e-30"),
        (np.nan, "nan"),
        (-np.inf, "-inf"),
        (123456, "123456"),
        (np.True_, "True"),
    ],
)
def test_numbers_have_four_digits_an_ascii_minus_and_no_negative_zero(x, text):
    assert number(x) == text


def test_long_arrays_keep_their_ends_and_show_their_shape():
    assert shaped(np.arange(100.0)) == "[0, 1, ..., 98, 99] (100,)"
    assert shaped(np.full((64, 10), -0.125)) == "[[-0.125, ..., -0.125], ...] (64, 10)"
    assert shaped(np.ones((9, 8, 7, 6))) == "[[[[1, 1, 1, 1, 1, 1], ...], ...], ...] (9, 8, 7, 6)"


def test_a_one_hot_label_of_ten_classes_is_shown_in_full():
    assert shaped(np.eye(10)[3]) == "[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]"


def test_short_arrays_are_shown_in_full_on_one_line():
    assert shaped(np.array([[1.0, 2.0], [3.0, 4.0]])) == "[[1, 2], [3, 4]] (2, 2)"
    assert shaped(np.array(0.5)) == "0.5"
    assert shaped(np.array([])) == "[]"
    assert "\n" not in short(np.ones((9, 9)), most=100)


@in_one(
    ("x", "result", "said"),
    [
        (1 / 3, "0.3333", "0.3333"),
        (0.25, "0.2500", "0.2500"),
        (2e-9, "2.000e-09", "2.000e-09"),
        (-0.0, "0.000", "0"),
        (12, "12.00", "12"),
        (-12.0, "-12.00", "-12"),
        (999999.0, "1.000e+06", "999999"),
        (-1e6, "-1.000e+06", "-1.000e+06"),
        (1234.5, "1234", "1234"),
        (2e6, "2.000e+06", "2.000e+06"),
        (np.float32(-0.5), "-0.5000", "-0.5000"),
        (-np.inf, "-inf", "-inf"),
        (np.inf, "inf", "inf"),
    ],
)
def test_results_keep_their_zeros_but_in_a_sentence_whole_numbers_have_none(x, result, said):
    assert (figure(x), amount(x)) == (result, said)


def test_a_long_row_of_results_leaves_some_out():
    assert vector(range(10)).count(".000") == 10
    assert vector(range(11)).endswith("6.000, 7.000, ..., 10.00]")
    assert vector([0.5] * 4, most=3) == "[0.5000, ..., 0.5000]"
    assert point([0.25]) == "(0.2500)"
    assert point(range(6)) == "(0, 1, 2, 3, 4, 5)"
    assert point(np.arange(7)) == "(0, 1, 2, ..., 5, 6)"
    assert point(np.arange(8.0)) == "(0, 1, 2, ..., 6, 7)"


def test_a_line_is_shown_by_the_name_of_its_file():
    assert line_of_code("/home/user/net.py", 12) == "net.py:12"
    assert line_of_code("<stdin>", 1) == "<stdin>:1"


def test_a_cell_of_a_notebook_is_shown_by_its_number(monkeypatch):
    compiler = SimpleNamespace(
        format_code_name=lambda name: ("Cell", "In[3]") if "ipykernel" in name else None
    )
    shell = SimpleNamespace(compile=compiler)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert line_of_code("/tmp/ipykernel_7/123.py", 2) == "In[3]:2"
    assert line_of_code("/home/user/net.py", 12) == "net.py:12"
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert line_of_code("/home/user/net.py", 12) == "net.py:12"


def test_what_is_counted_is_singular_for_one_only():
    assert [count(n, "entry") for n in (0, 1, 2000)] == ["0 entries", "1 entry", "2,000 entries"]
    assert count(2, "vector-Jacobian product") == "2 vector-Jacobian products"
