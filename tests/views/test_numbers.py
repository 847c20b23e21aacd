"""Numbers as text."""

import numpy as np
import pytest

from tinygrad_lossmix.views.numbers import number, shaped, short


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.09003057, "0.09003"),
        (-0.0, "0"),
        (np.float32(1e-30), "1e-30"),
        (np.nan, "nan"),
        (-np.inf, "-inf"),
        (123456, "123456"),
        (np.True_, "1"),
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
