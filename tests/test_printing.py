"""Text for a terminal."""

import pathlib

from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix
from tinygrad_lossmix.printing import LETTERS, LONGEST, SPELLED, clean, shorten


@given(st.text(st.characters()))
def test_whatever_it_was_it_is_printable(text):
    assert clean(text).isprintable()


def test_printable_text_stays_as_it_is():
    assert clean("σ → ½ é 𝕏 \\n") == "σ → ½ é 𝕏 \\n"
    assert clean("\x1b[31m\u202e\udcff\n") == r"\x1b[31m\u202e\udcff\n"


@given(st.text(), st.integers(3, 60))
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
