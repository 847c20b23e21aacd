"""Outputs and labels at the door: shapes, tensors, files, one clear error each; what outputs look
like, from the outputs alone.
"""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix.answers.diagnosis.predictions import handed, kind_of, read_outputs

logits = hnp.arrays(float, (8, 4), elements=st.floats(-20, 20))
OUTPUTS, LABELS = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1])


class FrameworkTensor:
    """What a tensor of PyTorch shows without being asked to become an array."""

    def __init__(self, data, requires_grad=False, device="cpu", dtype="torch.float32"):
        self.data, self.requires_grad, self.device, self.dtype = data, requires_grad, device, dtype

    def detach(self):
        raise AssertionError("the tensor is not touched")

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data)


@in_one(
    ("outputs", "labels", "shape"),
    [
        ([[1, 2], [3, 4]], [0, 1], (2, 2)),
        ([1.0, 2.0], 1, (1, 2)),
        ([1.0, 2.0], [0, 1], (1, 2)),
        (np.zeros((2, 3, 4)), np.zeros((2, 3), int), (6, 4)),
        (np.zeros((3, 1)), [0, 1, 1], (3, 1)),
        (np.zeros((3, 1)), np.array([0.0, 0.5, 1.0]), (3, 1)),
        (np.zeros((3, 4)), np.array([[0], [1], [3]]), (3, 4)),
        (np.zeros((3, 2)), np.ones((3, 2), bool), (3, 2)),
        (FrameworkTensor([[1.0, 2.0]]), FrameworkTensor([1]), (1, 2)),
    ],
)
def test_both_come_out_as_examples_by_outputs(outputs, labels, shape):
    x, y = handed(outputs, labels)
    assert x.shape == y.shape == shape
    assert x.dtype == y.dtype


def test_a_dtype_of_floats_is_kept():
    for dtype in (np.float16, np.float32, np.float64):
        assert handed(np.zeros((2, 2), dtype), [0, 1])[0].dtype == dtype


@pytest.mark.parametrize(
    "tensor",
    [
        FrameworkTensor([[1.0, 2.0]], requires_grad=True),
        FrameworkTensor([[1.0, 2.0]], device="cuda:0"),
        FrameworkTensor([[1.0, 2.0]], device="mps"),
    ],
)
def test_a_tensor_that_is_no_array_yet_gets_the_expression_to_use(tensor):
    with pytest.raises(TypeError, match=r"outputs\.detach\(\)\.cpu\(\)\.numpy\(\)"):
        handed(tensor, [0])
    with pytest.raises(TypeError, match=r"labels\.detach\(\)\.cpu\(\)\.numpy\(\)"):
        handed([[1.0, 2.0]], tensor)


def test_bfloat16_and_tensors_of_this_package_get_theirs():
    with pytest.raises(TypeError, match=r"outputs\.float\(\)\.numpy\(\)"):
        handed(FrameworkTensor([[1.0, 2.0]], dtype="torch.bfloat16"), [0])
    with pytest.raises(TypeError, match=r"outputs\.data"):
        handed(lm.Tensor([[1.0, 2.0]]), [0])
    with pytest.raises(TypeError, match=r"labels\.data"):
        handed([[1.0, 2.0]], lm.Tensor([[1.0, 0.0]]))


def test_what_is_masked_is_not_taken_for_a_number():
    outputs, labels = np.ma.masked_greater([[1.0, 2.0]], 1.5), np.ma.masked_equal([0], 0)
    with pytest.raises(TypeError, match="outputs cannot be masked: leave such examples out"):
        handed(outputs, [0])
    with pytest.raises(TypeError, match="labels cannot be masked: leave such examples out"):
        handed([[1.0, 2.0]], labels)


@in_one(
    ("outputs", "labels", "says"),
    [
        ([["a", "b"]], [0], "real numbers"),
        ([[1j, 2]], [0], "real numbers"),
        ([[1.0, 2.0], [3.0]], [0, 1], "array of numbers"),
        (3.0, 0, "shape"),
        (np.zeros((0, 3)), np.zeros(0, int), "shape"),
        ([[1.0, np.nan]], [0], "1 of 2 are NaN or infinite"),
        ([[1.0, np.inf]], [0], "1 of 2 are NaN or infinite"),
        ([[1.0, 2.0]], [2], "0 … 1"),
        ([[1.0, 2.0]], [-1], "0 … 1"),
        ([[1.0, 2.0]], [0.0], "integers"),
        ([[1.0, 2.0]], [0, 1, 0], "shape"),
        ([[1.0, 2.0]], [[np.nan, 1.0]], "NaN"),
        ([[1.0, 2.0]], [[-1.0, 1.0]], r"\(labels \+ 1\) / 2"),
        ([[1.0, 2.0]], [[0.0, 2.0]], "between 0 and 1"),
        (np.zeros((2, 3, 5, 5)), np.zeros((2, 5, 5), int), "moveaxis"),
        ([[1.0, 2.0]], [["a", "b"]], "real numbers"),
    ],
)
def test_what_does_not_fit_gets_one_clear_error(outputs, labels, says):
    with pytest.raises(ValueError, match=says):
        handed(outputs, labels)


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


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@given(logits, st.sampled_from([np.float16, np.float32, np.float64]))
def test_a_softmax_is_recognised_in_any_dtype(z, dtype):
    kind = kind_of(softmax(z).astype(dtype))
    assert (kind.name, kind.activation) == ("probabilities", "softmax")


@given(logits)
def test_a_log_softmax_is_recognised(z):
    kind = kind_of(z - z.max(-1, keepdims=True) - np.log(1 / softmax(z).max(-1, keepdims=True)))
    assert (kind.name, kind.activation) == ("log-probabilities", "log-softmax")


def test_sigmoids_are_probabilities_whose_rows_do_not_sum_to_one():
    kind = kind_of(1 / (1 + np.exp(-np.random.default_rng(0).normal(size=(20, 5)))))
    assert (kind.name, kind.activation) == ("probabilities", "sigmoid")
    assert "not 1" in kind.why


def test_anything_outside_zero_and_one_is_logits():
    kind = kind_of(np.array([[0.5, 1.5], [-2.0, 0.5]]))
    assert (kind.name, kind.activation) == ("logits", None)
    assert "2 of 4 lie outside 0 to 1" in kind.why
    assert kind_of(-np.ones((3, 4))).name == "logits"


def test_probabilities_printed_with_two_digits_still_sum_to_one():
    a = np.array([[0.55, 0.02, 0.01, 0.03, 0.01, 0.05, 0.17, 0.01, 0.06, 0.09]])
    assert kind_of(a).activation == "softmax"


def test_a_relu_on_the_last_layer_is_suspected():
    z = np.maximum(np.random.default_rng(0).normal(size=(50, 5)) * 3, 0)
    assert "ReLU" in kind_of(z).why
    assert "ReLU" not in kind_of(z - 1).why


@pytest.mark.parametrize(("a", "activation"), [([[0.2], [0.9]], "sigmoid"), ([[1.0]], "softmax")])
def test_one_output_cannot_be_a_softmax_unless_it_is_constant(a, activation):
    kind = kind_of(np.array(a))
    assert kind.activation == activation
    assert ("softmax of one output is constant" in kind.why) == (activation == "softmax")
