"""What the engine does with a stand-in for an array, as the compiler passes it."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.engine.derivatives import scatter
from tinygrad_lossmix.engine.freeze import freeze, freeze_index, traced
from tinygrad_lossmix.engine.rules import filled
from tinygrad_lossmix.engine.rules import scatter as raw_scatter
from tinygrad_lossmix.engine.table import TABLE
from tinygrad_lossmix.engine.tensor import node
from tinygrad_lossmix.mixes.labels import labels, numbers, require_finite


class StandIn:
    """Has a shape and a dtype, and answers every call with the call."""

    def __init__(self, shape, dtype=float):
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.ndim, self.size = len(shape), int(np.prod(shape))

    def traced_call(self, *args, **kwargs):
        return args, kwargs

    def astype(self, dtype):
        return "astype", np.dtype(dtype)

    def __array_function__(self, function, types, args, kwargs):
        return function, args, kwargs

    def __array__(self, *args, **kwargs):
        raise AssertionError("asked for numbers")

    def __repr__(self):
        return "a stand-in"


def test_it_is_told_from_arrays_and_numbers():
    assert traced(StandIn((2,)))
    assert not any(map(traced, (1.0, np.ones(2), np.float64(1), lm.Tensor(1.0), None)))


def test_it_is_a_constant_as_it_is():
    x = StandIn((2,))
    assert freeze(x) is x
    assert freeze_index(x) is x
    assert freeze_index((0, x))[1] is x


def test_a_sum_is_spread_by_numpy():
    x = StandIn(())
    assert filled(x, (2, 3)) == (np.broadcast_to, (x, (2, 3)), {})


@pytest.mark.parametrize("where", ["g", "key", "in a key"])
def test_scatter_is_a_call_of_scatter(where):
    x = StandIn((2,), float if where == "g" else int)
    g = x if where == "g" else np.ones(2)
    key = {"g": 0, "key": x, "in a key": (0, x)}[where]
    args, kwargs = scatter(g, key=key, shape=(3,))
    assert args[0] is raw_scatter
    assert args[1] is g
    assert kwargs == {"key": key, "shape": (3,)}


def test_a_function_of_the_users_own_is_a_call_with_its_guard():
    cube = lm.derivative(lambda x, y, k=3: x**k + y, lambda g, z, x, y, k=3: g, None)
    x = StandIn((2,))
    args, kwargs = TABLE[cube.recorded].forward(x, 5, k=4)
    assert args == (TABLE[cube.recorded].forward, x, 5)
    assert kwargs == {"k": 4}


def test_a_tensor_of_it_is_printed_without_numbers():
    assert repr(node(StandIn((2,)), None, (), (), {})) == "Tensor(a stand-in)"


def test_labels_of_the_same_shape_pass_and_others_are_converted_when_it_runs():
    like = np.zeros((2, 3), np.float32)
    y = StandIn((2, 3), np.float32)
    assert labels(y, like) is y
    assert labels(StandIn((2, 3)), like) == ("astype", np.dtype(np.float32))
    classes = StandIn((2,), int)
    (function, passed, shape), kwargs = labels(classes, like)
    assert (function, passed, kwargs) == (labels, classes, {})
    assert (shape.shape, shape.dtype, shape.any()) == ((2, 3), np.float32, False)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
@pytest.mark.parametrize("shape", [(2,), (3, 2), (4, 1, 3)])
def test_classes_of_any_shape_are_converted_when_it_runs(shape, dtype):
    classes = StandIn(shape[:-1], dtype)
    (function, passed, like), _ = labels(classes, np.zeros(shape))
    assert (function, passed, like.shape) == (labels, classes, shape)


@pytest.mark.parametrize(
    ("y", "like", "words"),
    [
        (StandIn((4,), int), np.zeros((2, 3)), "do not belong"),
        (StandIn((2,), float), np.zeros((2, 3)), "classes are integers"),
        (StandIn((2,), int), np.zeros((2, 1)), "K ≥ 2"),
    ],
)
def test_labels_that_cannot_belong_are_refused_at_once(y, like, words):
    with pytest.raises(ValueError, match=words):
        labels(y, like)


def test_numbers_pass_and_integers_become_floats():
    x = StandIn((2,))
    assert numbers("logits", x) is x
    assert numbers("logits", StandIn((2,), int)) == ("astype", np.dtype(np.float64))
    require_finite(x)
