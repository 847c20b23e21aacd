"""Data files: what is read, and the one error for each that cannot be."""

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

from tests.helpers.quick import thinned
from tinygrad_lossmix.lab.data import DataError
from tinygrad_lossmix.lab.data_files import read

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


def test_npz_of_pickled_objects_is_refused(tmp_path: Path) -> None:
    path = npz(tmp_path / "data.npz", X=np.array([[{}], [{}]], object), y=[0, 1])
    with pytest.raises(DataError, match="pickled objects"):
        read(path)


def test_npz_without_x_or_y_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it holds Z: expected arrays named X and y"):
        read(npz(tmp_path / "data.npz", Z=X))


def test_what_a_file_and_its_arrays_are_called_is_told_in_printable_letters(tmp_path: Path) -> None:
    path = npz(tmp_path / "a\x1b[31m.npz", **{"b\x1b[31m" + "x" * 5000: X})
    with pytest.raises(DataError, match=r"it holds b\\x1b\[31mx+…x+: expected") as error:
        read(path)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500
    with pytest.raises(DataError, match="there is no such file") as error:
        read(tmp_path / "\x1b[31m.csv")
    assert str(error.value).isprintable()


def test_npz_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="shape"):
        read(npz(tmp_path / "data.npz", X=[1.0, 2.0], y=[0, 1]))


@pytest.mark.parametrize("content", [b"1,2", b"\x93NUMPY\x01\x00\x02\x00{}"])
def test_npz_whose_members_are_no_arrays_is_refused(tmp_path: Path, content: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("X.npy", content)
        archive.writestr("y.npy", content)
    with pytest.raises(DataError, match=r"real numbers|plain arrays"):
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


@pytest.mark.parametrize("name", ["missing.csv", "missing.npz"])
def test_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        read(tmp_path / name)


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="folder"):
        read(tmp_path)


def test_other_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text(ROWS)
    with pytest.raises(DataError, match=r"\.csv or \.npz"):
        read(tmp_path / "data.txt")


def test_path_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read("x" * 5000 + ".csv")
