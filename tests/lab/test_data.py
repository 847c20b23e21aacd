"""What data must satisfy, and the digits that are shipped."""

import numpy as np
import pytest

from tinygrad_lossmix.lab.data import Data, DataError, digits

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


@pytest.mark.parametrize(
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
