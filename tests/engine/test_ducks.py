"""What the engine and the mixes do with a duck array: what passes for an array and is none."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.engine.derivatives import scatter
from tinygrad_lossmix.engine.freeze import freeze, freeze_index
from tinygrad_lossmix.engine.rules import filled
from tinygrad_lossmix.engine.table import COMPOSED, TABLE, dispatched, is_duck
from tinygrad_lossmix.engine.tensor import node
from tinygrad_lossmix.mixes.labels import classes, labels, numbers, require_finite


class Duck:
    """Has a shape and a dtype, and answers every call with the call."""

    def __init__(self, shape, dtype=float):
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.ndim, self.size = len(shape), int(np.prod(shape))

    @property
    def __class__(self):
        return np.ndarray

    def copy(self):
        return self

    def astype(self, dtype, order="K"):
        return "astype", np.dtype(dtype)

    def __array_function__(self, function, types, args, kwargs):
        return function, args, kwargs

    def __array__(self, *args, **kwargs):
        raise AssertionError("asked for numbers")

    def __repr__(self):
        return "a duck"


def test_it_is_told_from_arrays_and_numbers():
    assert is_duck(Duck((2,)))
    arrays = np.ones(2), np.ma.ones(2), np.float64(1)
    assert not any(map(is_duck, (1.0, *arrays, lm.Tensor(1.0), None)))


def test_it_is_a_constant_as_it_is():
    x = Duck((2,))
    assert freeze(x) is x
    assert freeze_index(x) is x
    assert freeze_index((0, x))[1] is x


def test_it_is_taken_along_an_axis_as_it_is():
    class Indexed:
        ndim = 1

        def __getitem__(self, key):
            return key

    x = Duck((2,), int)
    assert COMPOSED[np.take](Indexed(), x, axis=0) == (x,)


def test_a_sum_is_spread_by_numpy():
    x = Duck(())
    assert filled(x, (2, 3)) == (np.broadcast_to, (x, (2, 3)), {})


@pytest.mark.parametrize("where", ["g", "key", "in a key"])
def test_scatter_is_a_call_of_scatter(where):
    x = Duck((2,), float if where == "g" else int)
    g = x if where == "g" else np.ones(2)
    key = {"g": 0, "key": x, "in a key": (0, x)}[where]
    function, args, kwargs = scatter(g, key=key, shape=(3,))
    assert function is scatter
    assert args[0] is g
    assert kwargs == {"key": key, "shape": (3,)}


def test_a_function_of_the_users_own_is_a_call_with_its_guard():
    cube = lm.derivative(lambda x, y, k=3: x**k + y, lambda g, z, x, y, k=3: g, None)
    x = Duck((2,))
    function, args, kwargs = TABLE[cube].forward(x, 5, k=4)
    assert function is TABLE[cube].forward
    assert (args, kwargs) == ((x, 5), {"k": 4})


@pytest.mark.parametrize("by_name", [False, True])
def test_a_dispatched_function_asks_each_argument_and_runs_where_none_answers(by_name):
    class Silent:
        asked = 0

        def __array_function__(self, function, types, args, kwargs):
            self.asked += function is both and types == (Silent,)
            return NotImplemented

    @dispatched
    def both(x, y):
        return x, y

    first, second = Silent(), Duck((2,))
    given = ((first,), {"y": second}) if by_name else ((first, second), {})
    assert both(*given[0], **given[1]) == (both, *given)
    assert both(first, first) == (first, first)
    assert first.asked == 3


def test_a_kind_of_array_is_no_duck_to_a_dispatched_function():
    class Kind(np.ndarray):
        def __array_function__(self, *args):
            raise AssertionError("asked")

    x = np.ones(2).view(Kind)
    assert dispatched(lambda x: x)(x) is x


def test_a_tensor_of_it_is_printed_without_numbers():
    assert repr(node(None, (), (), (), False, value=Duck((2,)))) == "Tensor(a duck)"


def test_labels_of_the_same_shape_pass_and_others_are_converted_when_it_runs():
    like = np.zeros((2, 3), np.float32)
    y = Duck((2, 3), np.float32)
    assert labels(y, like) is y
    assert labels(Duck((2, 3)), like) == ("astype", np.dtype(np.float32))
    y = Duck((2,), int)
    function, args, kwargs = labels(y, like)
    assert (function, args, kwargs) == (classes, (y, 3), {})


@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
@pytest.mark.parametrize("shape", [(2,), (3, 2), (4, 1, 3)])
def test_classes_of_any_shape_are_checked_when_it_runs(shape, dtype):
    y = Duck(shape[:-1], dtype)
    function, args, _ = labels(y, np.zeros(shape))
    assert (function, args) == (classes, (y, shape[-1]))


@pytest.mark.parametrize(
    ("y", "like", "words"),
    [
        (Duck((4,), int), np.zeros((2, 3)), "do not belong"),
        (Duck((2,), float), np.zeros((2, 3)), "classes are integers"),
        (Duck((2,), int), np.zeros((2, 1)), "K ≥ 2"),
    ],
)
def test_labels_that_cannot_belong_are_refused_at_once(y, like, words):
    with pytest.raises(ValueError, match=words):
        labels(y, like)


def test_numbers_pass_and_integers_become_floats():
    x = Duck((2,))
    assert numbers("logits", x) is x
    assert numbers("logits", Duck((2,), int)) == ("astype", np.dtype(np.float64))
    require_finite(x)
