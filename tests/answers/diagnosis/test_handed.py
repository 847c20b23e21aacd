"""Outputs and labels at the door: shapes, tensors, one clear error each."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.answers.diagnosis.handed import handed


class FrameworkTensor:
    """What a tensor of PyTorch shows without being asked to become an array."""

    def __init__(self, data, requires_grad=False, device="cpu", dtype="torch.float32"):
        self.data, self.requires_grad, self.device, self.dtype = data, requires_grad, device, dtype

    def detach(self):
        raise AssertionError("the tensor is not touched")

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data)


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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
