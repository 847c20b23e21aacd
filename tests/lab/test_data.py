"""What data must satisfy, the digits that are shipped, the split; files, and the one error for each
that cannot be read.
"""

import contextlib
import itertools
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.helpers.quick import in_one, thinned
from tinygrad_lossmix.lab.data import Data, DataError, digits, read, split

COLUMN = np.array([[0.0], [1.0], [2.0], [3.0]])


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
        (COLUMN[:, 0], [0, 0, 1, 1], "shape"),
        (COLUMN[:, :0], [0, 0, 1, 1], "shape"),
        (COLUMN[:0], [], "shape"),
        (COLUMN, [0, 0, 1], "labels of shape"),
        (COLUMN, [[0], [0], [1], [1]], "labels of shape"),
        (COLUMN * 1j, [0, 0, 1, 1], "complex"),
        (COLUMN.astype(str), [0, 0, 1, 1], "real numbers"),
        (COLUMN, ["a", "a", "b", "b"], "whole numbers"),
        (COLUMN, [0, 0, 1, 1.5], "row 4 has label 1.5"),
        (COLUMN, [0, 0, 1, np.nan], "row 4 has label nan"),
        (COLUMN, [0, 0, 1, np.inf], "row 4 has label inf"),
        (COLUMN, [0, 0, 1, -1], "row 4 has label -1"),
        (COLUMN, [0, 0, 1, 10**18], "out of range"),
        (COLUMN, [0, 0, 2, 2], "class 1 has 0 rows"),
        (COLUMN, [0, 0, 0, 1], "class 1 has 1 rows"),
        (COLUMN, [0, 0, 0, 0], "at least two classes"),
        ([[0.0], [np.nan], [2.0], [3.0]], [0, 0, 1, 1], "row 2, feature 1 is nan"),
        ([[0.0], [1.0], [-np.inf], [3.0]], [0, 0, 1, 1], "row 3, feature 1 is -inf"),
    ],
)
def test_unusable_data_is_refused_with_the_reason(x: object, y: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        Data("test", np.asarray(x), np.asarray(y))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, bool])
def test_labels_of_any_numeric_type_become_classes(dtype: type) -> None:
    data = Data("test", COLUMN, np.array([0, 0, 1, 1], dtype))
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


def test_what_is_masked_is_not_taken_for_a_number() -> None:
    with pytest.raises(DataError, match="the features cannot be masked: leave such rows out"):
        Data("test", np.ma.masked_less(COLUMN, 1.0), [0, 0, 1, 1])
    with pytest.raises(DataError, match="the labels cannot be masked: leave such rows out"):
        Data("test", COLUMN, np.ma.masked_equal([0, 0, 1, 1, 2], 2)[:4])


def test_features_that_overflow_are_refused() -> None:
    data = Data("test", np.array([[1e308], [-1e308]] * 4), np.arange(8) % 2)
    with pytest.raises(DataError, match="rescale"):
        split(data, np.random.default_rng(0))


ROWS = "1.5,2,0\n0,1e3,0\n-1,.5,1\n3,4,1\n"
X = [[1.5, 2], [0, 1000], [-1, 0.5], [3, 4]]


@pytest.mark.parametrize(
    "text",
    [
        ROWS,
        "a,b,class\n" + ROWS,
        "0,1,class\n" + ROWS,
        "\ufeff" + ROWS,
        ROWS.replace("\n", "\r\n"),
        ROWS + "\n\n",
    ],
    ids=["plain", "header", "numbered header", "byte order mark", "crlf", "empty lines"],
)
def test_csv_is_read_whatever_its_dress(tmp_path: Path, text: str) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(text.encode())
    data = read(path)
    assert data.x.tolist() == X
    assert data.y.tolist() == [0, 0, 1, 1]


FLOWERS = "5.1,3.5,setosa\n6.3,3.3,virginica\n4.9,3,setosa\n5.8,2.7,virginica\n"


@pytest.mark.parametrize(
    "header",
    ["", "sepal length,sepal width,species\n", "400,410,species\n", "4,2,setosa virginica\n"],
)
def test_classes_by_name_are_numbered_in_the_order_of_their_names(
    tmp_path: Path, header: str
) -> None:
    path = tmp_path / "flowers.csv"
    path.write_text(header + FLOWERS)
    data = read(path)
    assert data.x.tolist() == [[5.1, 3.5], [6.3, 3.3], [4.9, 3], [5.8, 2.7]]
    assert data.y.tolist() == [0, 1, 0, 1]
    assert data.names == ("setosa", "virginica")


@pytest.mark.parametrize(
    "header", ["0,1,2\n", "1,2,3\n", "0.0,1.0,2.0\n", "4,2,setosa,virginica\n"]
)
def test_a_header_of_numbers_is_no_example(tmp_path: Path, header: str) -> None:
    path = tmp_path / "data.csv"
    columns = header.count(",") - 2
    path.write_text(header + "".join(f"{'7,' * columns}{row}\n" for row in ROWS.split()))
    data = read(path)
    assert data.x[:, columns:].tolist() == X
    assert (data.y.tolist(), data.names) == ([0, 0, 1, 1], ())


def test_below_a_header_of_names_every_line_is_an_example(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b,class\n1,2,3\n" + ROWS.replace(",1\n", ",2\n") + ROWS + "1,2,3\n")
    assert read(path).y.tolist() == [3, 0, 0, 2, 2, 0, 0, 1, 1, 3]


def test_a_first_example_that_could_name_two_columns_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("0,1\n3,0\n4,1\n5,0\n")
    assert read(path).x.ravel().tolist() == [0, 3, 4, 5]


def test_npz_with_classes_by_name_is_read(tmp_path: Path) -> None:
    data = read(npz(tmp_path / "data.npz", X=X, y=["b", "a", "a", "b"]))
    assert (data.y.tolist(), data.names) == ([1, 0, 0, 1], ("a", "b"))


def test_npz_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", X=np.float32(X), y=np.uint8([0, 0, 1, 1]))
    data = read(tmp_path / "data.npz")
    assert data.x.tolist() == X
    assert data.y.tolist() == [0, 0, 1, 1]


@given(arrays(np.float64, (4, 3), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_csv_keeps_every_bit(tmp_path_factory: pytest.TempPathFactory, x: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("bits") / "data.csv"
    lines = [[*map(repr, row.tolist()), str(i % 2)] for i, row in enumerate(x)]
    path.write_text("\n".join(map(",".join, lines)))
    assert np.array_equal(read(path).x, x)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "no rows"),
        (b"a,b,class\n", "no rows"),
        (b"1\n2\n", "only one column"),
        (b"1;2\n3;4\n", "features and then the class have commas between them"),
        (b"1,2,0\n3,4\n", "line 2 has 2 columns"),
        (b"1,2,0\n3,4,0,5\n", "line 2 has 4 columns"),
        (b"1,2,0\n3,x,0\n", "line 2, column 2 is 'x'"),
        (b"1,,0\n", "line 1, column 2 is ''"),
        (b"1,2,\n", "line 1, column 3 is ''"),
        (b"1,2,cat\n1,2,dog\n", "class 'dog' has no other class"),
        (b"1,2,cat\n1,2,cat\n1,2,dog\n", "class 'dog' has one row: give two classes, two rows"),
        (b"1,2,0\n1,2,O\n1,2,0\n", "line 2, column 3 is 'O': no class"),
        (b"1,2,cat\n1,2,\n1,2,cat\n", "line 2, column 3 is '': no class"),
        (b"a,b,class\n1,x,0\n", "line 2, column 2 is 'x', not a number"),
        (b"1,x,0\n1,2,0\n1,2,1\n1,2,1\n", "line 1, column 2 is 'x', not a number"),
        (b"1,x,cat\n1,2,cat\n1,2,dog\n1,2,dog\n", "line 1, column 2 is 'x', not a number"),
        (b"1,2,0\n1,nan,0\n1,1,1\n1,1,1\n", "row 2, feature 2 is nan"),
        (b"1,2,0\n1,1,0\n1,1,1\n1,1,.5\n", "row 4 has label 0.5"),
        (b"1,2,0\n1,1,0\n1,1,1\n1,1,-1\n", "row 4 has label -1"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe", "not a text file"),
        (b"PK\x03\x04\x00\x00,\x00\n\x00,\x00\n", "line|column|text"),
        (b"1,2,0\n" + b"9" * 200_000 + b",1,0\n", "not a CSV file"),
    ],
)
def test_unusable_csv_is_refused_with_the_reason(tmp_path: Path, text: bytes, words: str) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(text)
    with pytest.raises(DataError, match=words) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def npz(path: Path, **arrays: object) -> Path:
    np.savez(path, allow_pickle=True, **{k: np.asarray(v) for k, v in arrays.items()})
    return path


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"X": np.array([[{}], [{}]], object), "y": [0, 1]}, "pickled objects"),
        ({"Z": X}, "no array named X and none named y, it holds Z: save with"),
        ({"X": [1.0, 2.0], "y": [0, 1]}, "shape"),
    ],
)
def test_unusable_npz_is_refused_with_the_reason(tmp_path: Path, held: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(npz(tmp_path / "data.npz", **held))


def test_what_a_file_and_its_arrays_are_called_is_told_in_printable_letters(tmp_path: Path) -> None:
    path = npz(tmp_path / "a\x1b[31m.npz", **{"b\x1b[31m" + "x" * 5000: X})
    with pytest.raises(DataError, match=r"it holds b\\x1b\[31mx+…x+: save") as error:
        read(path)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500
    with pytest.raises(DataError, match="cannot be read: No such file") as error:
        read(tmp_path / "\x1b[31m.csv")
    assert str(error.value).isprintable()


@pytest.mark.parametrize("content", [b"1,2", b"\x93NUMPY\x01\x00\x02\x00{}"])
def test_npz_whose_members_are_no_arrays_is_refused(tmp_path: Path, content: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("X.npy", content)
        archive.writestr("y.npy", content)
    with pytest.raises(DataError, match=r"real numbers|not an \.npz file"):
        read(tmp_path / "data.npz")


@pytest.mark.parametrize("length", [0, 1, 30, 100, 250, 400])
def test_truncated_npz_is_refused(tmp_path: Path, length: int) -> None:
    path = npz(tmp_path / "data.npz", X=X, y=[0, 0, 1, 1])
    os.truncate(path, length)
    with pytest.raises(DataError, match=r"empty|truncated"):
        read(path)


@pytest.mark.parametrize(
    ("save", "bits"),
    thinned(itertools.product([np.savez, np.savez_compressed], [0x20, 0x01, 0xFF]), 4),
)
def test_npz_with_a_damaged_byte_is_refused_or_still_holds_the_data(
    tmp_path: Path, save: Any, bits: int
) -> None:
    path = tmp_path / "data.npz"
    save(path, X=X, y=[0, 0, 1, 1])
    content = path.read_bytes()
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= bits
        path.write_bytes(damaged)
        with contextlib.suppress(DataError):
            assert read(path).x.tolist() == X, position


def test_other_bytes_named_npz_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    path.write_bytes(b"1,2,0\n")
    with pytest.raises(DataError, match=r"not an \.npz file"):
        read(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.csv", "cannot be read: No such file"),
        ("missing.npz", "cannot be read: No such file"),
        (".", r"expected a name ending|Is a directory"),
        ("data.txt", r"\.csv or \.npz"),
        ("x" * 5000 + ".csv", "cannot be read"),
    ],
)
def test_what_is_no_file_of_data_is_refused(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "data.txt").write_text(ROWS)
    with pytest.raises(DataError, match=words):
        read(tmp_path / name)
