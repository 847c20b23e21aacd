"""Answers laid out for the terminal."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from tinygrad_lossmix.debugger import layout
from tinygrad_lossmix.debugger.chain_rule import Local

WORDS = st.text(st.sampled_from("abc xyz 123"), max_size=120)


@pytest.fixture(params=[40, 80, 133])
def columns(request, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(request.param))
    return request.param


def test_the_screen_is_measured_anew(monkeypatch):
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setenv("LINES", "30")
    assert layout.screen() == (90, 26)
    monkeypatch.setenv("COLUMNS", "10")
    assert layout.screen() == (40, 26), "no narrower than this"


@given(WORDS)
def test_text_is_broken_at_spaces_and_nothing_is_lost(text):
    lines = layout.fitted(Text(text)).plain.split("\n")
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= 100 or " " not in line.strip() for line in lines)


def test_a_word_that_is_longer_than_a_line_is_left_as_it_is(columns):
    path = "/" + "a" * 200
    assert layout.fitted(Text(f"wrote {path} at last")).plain == f"wrote\n{path}\nat last"


def test_what_does_not_fit_a_line_begins_below_where_the_line_does(columns):
    lines = layout.fitted(Text("    " + "word " * 90)).plain.split("\n")
    assert len(lines) > 2
    assert all(re.match("    word", line) for line in lines)


def test_an_arrow_stays_with_what_it_points_to(columns):
    lines = layout.fitted(Text("word → n1 " * 40)).plain.split("\n")
    assert len(lines) > 2
    assert all(line.count("→ n1") == line.count("→") for line in lines)


def test_colours_stay_where_they_were(columns):
    text = Text("word " * 40).append("end", "cyan")
    fitted = layout.fitted(text)
    [span] = [each for each in fitted.spans if each.style]
    assert fitted.plain[span.start : span.end] == "end"


ROWS = [
    ("", "value", "gradient so far", ""),
    (
        "n13 = sum(n12, axis=-1, keepdims=True)",
        np.arange(5.0) / 7,
        np.arange(12.0).reshape(4, 3),
        "",
    ),
    ("z", "-", np.arange(5.0) / -7e5, "1 of 2"),
]


def test_columns_of_arrays_share_the_width(columns):
    text = layout.aligned(ROWS, ("", "", "", ""), "")
    lines = text.plain.splitlines()
    assert max(map(len, lines)) <= max(columns, 50)
    assert len(lines) == (4 if columns == 40 else 3)
    assert ("keepdims" in text.plain) == (columns > 100)


def test_words_at_the_end_are_wrapped_below_their_beginning(columns):
    words = "a sentence of some words that stands behind a name and is longer than a line " * 2
    lines = layout.aligned([("name", words), ("n", "short")], ("", "")).plain.splitlines()
    assert max(map(len, lines)) <= columns
    assert lines[0].startswith("  name  a sentence")
    assert lines[1].startswith(" " * 8)
    assert lines[-1] == "  n     short"


def test_grids_stand_beside_each_other_where_they_fit(columns):
    rows = [(part, part, np.full((4, 3), -0.125), "") for part in ("up", "local", "down")]
    text = layout.shown(rows).plain
    assert max(map(len, text.splitlines())) <= columns
    assert len(text.splitlines()) == {40: 18, 80: 12, 133: 6}[columns]


def test_arrays_are_cut_until_all_fit_the_height(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    rows = [(part, part, np.ones((30, 30)) / 7, "") for part in ("up", "local", "down")]
    for lines, rows_shown in ((24, 2), (60, 12)):
        monkeypatch.setenv("LINES", str(lines))
        text = layout.shown(rows).plain
        assert len(text.splitlines()) <= lines - 4
        assert text.count("\n 0  ") + text.count("\n  0  ") == 3
        assert len(re.findall(r"^ *\d+  0\.1429 ", text, re.MULTILINE)) >= 3 * rows_shown


def test_a_vector_that_does_not_fit_behind_its_name_stands_below_it(columns):
    rows = [("accumulated", "dC/dn12 (complete)", -np.arange(1.0, 7.0) / 7, "")]
    lines = layout.shown(rows).plain.splitlines()
    assert max(map(len, lines)) <= max(columns, 56)
    assert (len(lines) == 1) == (columns == 133)


def test_of_two_columns_each_array_is_on_one_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    rows = [(part, np.ones((4, 3)) / 7, np.ones((4, 3))) for part in ("up", "local", "down")]
    lines = layout.compared([("", "left", "right"), *rows, ("up", "", "x")]).plain.splitlines()
    assert [line.split()[0] for line in lines] == ["left", "up", "local", "down", "up"]
    assert re.fullmatch(r"local  +\(4, 3\) 0.1429  +\(4, 3\) 1", lines[2])


def test_a_jacobian_says_that_it_is_diagonal():
    assert layout.one_line(Local(np.array([1.0, 2.0]), True), 80) == "diag(1, 2)"
    assert layout.one_line(Local(np.eye(2), False), 80) == "[[1, 0], [0, 1]]"


def test_a_jacobian_that_does_not_fit_a_line_is_a_grid(columns):
    row = "local", "dz/dw", Local(np.arange(16.0).reshape(4, 4) / 7, False), ""
    lines = layout.shown([row]).plain.splitlines()
    if columns == 133:
        assert len(lines) == 1
        return
    assert lines[0] == "local dz/dw (4, 4)"
    assert [line.split()[-1] for line in lines[1:]] == ["3", "0.4286", "1", "1.571", "2.143"]


def test_two_columns_fit_beside_each_other(columns):
    rows = [("", "left", "right"), ("up", np.ones((4, 3)) / 7, np.ones((4, 3)) / -7)]
    lines = layout.compared(rows).plain.splitlines()
    assert max(map(len, lines)) <= columns
    flat = layout.compared([("up", np.ones(3), np.ones(3)), ("accumulated", "", "x")])
    assert flat.plain.splitlines()[0].split() == ["up", "[1,", "1,", "1]", "[1,", "1,", "1]"]
