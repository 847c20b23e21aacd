"""Arrays as aligned grids."""

import re
import time

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.helpers.quick import thinned
from tinygrad_lossmix.printing import number
from tinygrad_lossmix.views.grids import grid, on_one_line, readable, summary

ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9),
)


@example(np.full(2, -(10**17)), 40, 6)
@example(np.full((2, 2, 3, 4), -(2**63)), 65, 11)
@example(np.array([[[[135308852543554053, -1000000, -1000000]] * 2]]), 40, 6)
@given(ARRAYS, st.integers(40, 120), st.integers(6, 40))
def test_no_line_is_too_wide_and_every_number_is_an_entry_in_full(x, width, height):
    text = grid(x, width, height)
    assert max(map(len, text.splitlines())) <= width
    entries = {number(entry) for entry in readable(x).flat}
    places = {str(i) for n in x.shape for i in range(max(n, 1))}
    body = re.split(r"\sto\s", text)[0] if "..." in text else text
    for word in re.findall(r"[^\s\[\],]+", body):
        assert word in entries | places | {"..."} or not x.size or "at" in body, word


@given(ARRAYS.filter(lambda x: x.size), st.integers(12, 100))
def test_a_line_is_as_wide_as_it_may_be_or_gives_the_shape_alone(x, width):
    text = on_one_line(x, width, 10)
    assert len(text) <= width or text == str(x.shape)


@pytest.mark.parametrize(
    "shape", [(1, 1), (4, 5), (5, 3), (3, 30), (40, 2), (2, 3, 4), (2, 2, 2, 2)]
)
def test_all_entries_are_there_where_there_is_room(shape):
    x = np.random.default_rng(0).normal(size=shape)
    text = grid(x, 80, 100)
    assert "..." not in text
    for entry in x.flat:
        assert number(entry) in text.split()


def test_points_stand_below_each_other_and_rows_and_columns_are_numbered():
    lines = grid(np.array([[1.5, -20.25], [0.0, 3.0], [-0.125, 0.0625]])).splitlines()
    assert lines == [
        "        0         1",
        "0   1.5    -20.25",
        "1   0        3",
        "2  -0.125    0.0625",
    ]


def test_of_a_large_one_the_corners_are_shown_and_the_rest_in_words():
    x = np.zeros((1000, 2000))
    x[0, 0], x[999, 1999], x[500, 700] = 1.25, -2.5, 3.5
    lines = grid(x, 80, 8).splitlines()
    assert lines[1].split()[:2] == ["0", "1.25"]
    assert lines[-2].split()[0] == "999"
    assert lines[-2].split()[-1] == "-2.5"
    assert lines[-1] == "-2.5 at [999, 1999] to 3.5 at [500, 700], norm 4.479, 100 % zeros"


def test_a_vector_that_is_too_long_for_a_line_stands_in_rows():
    lines = grid(np.arange(100.0) / 8, 80, 30).splitlines()
    assert [int(line.split()[0]) for line in lines[1:]] == [*range(0, 100, 10)]
    assert float(lines[3].split()[5]) == 24 / 8
    assert grid(np.arange(3.0)) == "[0, 1, 2]"


def test_what_is_no_number_is_counted():
    x = np.ones((40, 40), np.float32)
    x[0, :3], x[1, 0] = np.nan, -np.inf
    assert summary(x) == "1 at [0, 3], norm 39.95, 0 % zeros, 3 NaN, 1 infinite"
    assert summary(np.full(2, np.nan)) == "2 NaN"
    assert "nan" in grid(x)
    assert "-inf" in grid(x)


def test_one_value_is_shown_once():
    x = np.full((3, 40), -1 / 3)
    assert on_one_line(x, 20, 6) == "(3, 40) -0.3333"
    assert summary(x) == "-0.3333 at [0, 0], norm 3.651, 0 % zeros"
    assert on_one_line(x + 1e-9 * np.arange(40), 20, 6) == "(3, 40) -0.3333"


@pytest.mark.parametrize("x", [np.zeros((0, 3)), np.zeros(0), np.zeros((2, 0, 3))])
def test_an_array_without_entries_says_so(x):
    assert grid(x) == f"no entries, shape {x.shape}"
    assert on_one_line(x, 20, 10)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_norm_of_large_numbers_is_finite(dtype):
    largest = np.finfo(dtype).max / 100
    assert "inf" not in summary(np.full((100, 100), largest))


TEN_MILLION = (10_000_000,), (10_000, 1000), (10, 1000, 1000), (5_000_000, 2)


@pytest.mark.parametrize("shape", thinned(zip(TEN_MILLION, strict=True), 4), ids=str)
def test_ten_million_entries_do_no_harm(shape):
    x = np.ones(shape, np.float32)
    start = time.process_time()
    assert len(grid(x)) < 2500
    assert len(on_one_line(x, 60, 10)) <= 60
    assert time.process_time() - start < 3.0
