"""Files of outputs and labels: what is read, and one clear error for what is not."""

import io
import zipfile

import numpy as np
import pytest

from tinygrad_lossmix.answers.diagnosis.outputs_file import read_outputs

OUTPUTS, LABELS = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1])


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.npz"
    np.savez(path, outputs=OUTPUTS, labels=LABELS, loss=np.float32(0.1643), other=1)
    return path


def test_the_arrays_come_back(good):
    held = read_outputs(good)
    assert set(held) == {"outputs", "labels", "loss"}
    np.testing.assert_array_equal(held["outputs"], OUTPUTS)
    assert str(held["loss"]) == "0.1643"


def test_a_compressed_file_and_a_loss_in_a_list_are_read(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", outputs=OUTPUTS, labels=LABELS, loss=[0.5])
    assert read_outputs(tmp_path / "a.npz")["loss"] == 0.5


def bytes_of(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "damaged, truncated or not an .npz file"),
        (b"hello", "damaged, truncated or not an .npz file"),
        (bytes_of(outputs=OUTPUTS, labels=LABELS)[:-40], "damaged, truncated"),
        (bytes_of(outputs=OUTPUTS), "no array named labels, it holds outputs"),
        (bytes_of(x=1), "no array named outputs and none named labels"),
        (bytes_of(outputs=np.array([{}, 1], object), labels=LABELS), "pickled objects"),
        (bytes_of(outputs=OUTPUTS, labels=LABELS, loss=[1.0, 2.0]), "loss is one number"),
    ],
)
def test_what_is_no_such_file_gets_one_clear_error(tmp_path, content, says):
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=says):
        read_outputs(path)


def test_damage_inside_is_noticed(tmp_path, good):
    content = bytearray(good.read_bytes())
    with zipfile.ZipFile(good) as archive:
        start = archive.getinfo("outputs.npy").header_offset
    content[start + 200] ^= 0xFF
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        read_outputs(tmp_path / "bad.npz")


def test_a_missing_file_and_a_folder_are_errors_of_the_system(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        read_outputs(tmp_path / "missing.npz")
    with pytest.raises(OSError, match="directory"):
        read_outputs(tmp_path)
