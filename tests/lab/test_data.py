"""What data must satisfy, the digits that are shipped, the split."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.quick import in_one
from tinygrad_lossmix.lab.data import Data, DataError, digits, split

X = np.array([[0.0], [1.0], [2.0], [3.0]])


def test_digits_are_the_uci_test_set() -> None:
    data = digits()
    assert data.x.shape == (1797, 64)
    assert (data.x.min(), data.x.max(), data.pixels) == (0, 16, 16)
    assert np.bincount(data.y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_digits_equal_the_copy_of_scikit_learn_where_that_is_installed() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.load_digits()
    assert np.array_equal(digits().x, theirs.data)
    assert np.array_equal(digits().y, theirs.target)


@in_one(
    ("x", "y", "words"),
    [
        (X[:, 0], [0, 0, 1, 1], "shape"),
        (X[:, :0], [0, 0, 1, 1], "shape"),
        (X[:0], [], "shape"),
        (X, [0, 0, 1], "labels of shape"),
        (X, [[0], [0], [1], [1]], "labels of shape"),
        (X * 1j, [0, 0, 1, 1], "complex"),
        (X.astype(str), [0, 0, 1, 1], "real numbers"),
        (X, ["a", "a", "b", "b"], "whole numbers"),
        (X, [0, 0, 1, 1.5], "row 4 has label 1.5"),
        (X, [0, 0, 1, np.nan], "row 4 has label nan"),
        (X, [0, 0, 1, np.inf], "row 4 has label inf"),
        (X, [0, 0, 1, -1], "row 4 has label -1"),
        (X, [0, 0, 1, 10**18], "out of range"),
        (X, [0, 0, 2, 2], "class 1 has 0 rows"),
        (X, [0, 0, 0, 1], "class 1 has 1 rows"),
        (X, [0, 0, 0, 0], "at least two classes"),
        ([[0.0], [np.nan], [2.0], [3.0]], [0, 0, 1, 1], "row 2, feature 1 is nan"),
        ([[0.0], [1.0], [-np.inf], [3.0]], [0, 0, 1, 1], "row 3, feature 1 is -inf"),
    ],
)
def test_unusable_data_is_refused_with_the_reason(x: object, y: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        Data("test", np.asarray(x), np.asarray(y))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, bool])
def test_labels_of_any_numeric_type_become_classes(dtype: type) -> None:
    data = Data("test", X, np.array([0, 0, 1, 1], dtype))
    assert (data.y.dtype, data.classes) == (np.int64, 2)


@given(st.lists(st.integers(2, 30), min_size=2, max_size=5), st.integers(0, 2**32))
def test_every_example_is_in_one_part_and_a_quarter_of_each_class_is_held_back(
    sizes: list[int], seed: int
) -> None:
    y = np.repeat(np.arange(len(sizes)), sizes)
    data = Data("test", np.arange(1.0, len(y) + 1)[:, None], y, pixels=1)
    parts = split(data, np.random.default_rng(seed))
    together = np.concatenate([parts.x, parts.x_test])[:, 0]
    assert sorted(together) == data.x[:, 0].tolist()
    assert np.bincount(parts.y_test).tolist() == [max(1, n // 4) for n in sizes]
    assert np.array_equal(data.y[together.astype(int) - 1], [*parts.y, *parts.y_test])


def test_digits_are_divided_by_sixteen() -> None:
    parts = split(digits(), np.random.default_rng(0))
    assert (parts.x.min(), parts.x.max()) == (0, 1)


def test_other_features_are_standardised_by_the_training_examples_alone() -> None:
    rng = np.random.default_rng(1)
    data = Data("test", rng.normal([5, -3], [10, 0.1], (200, 2)), np.arange(200) % 2)
    parts = split(data, np.random.default_rng(0))
    np.testing.assert_allclose(parts.x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(parts.x.std(axis=0), 1)
    assert abs(parts.x_test.mean(axis=0)).max() > 1e-6


def test_constant_feature_becomes_zero() -> None:
    data = Data("test", np.full((20, 1), 0.1), np.arange(20) % 2)
    parts = split(data, np.random.default_rng(0))
    np.testing.assert_allclose(parts.x, 0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_features_have_the_dtype_asked_for(dtype: str) -> None:
    parts = split(digits(), np.random.default_rng(0), dtype)
    assert parts.x.dtype == parts.x_test.dtype == dtype


def test_features_that_overflow_are_refused() -> None:
    data = Data("test", np.array([[1e308], [-1e308]] * 4), np.arange(8) % 2)
    with pytest.raises(DataError, match="rescale"):
        split(data, np.random.default_rng(0))
