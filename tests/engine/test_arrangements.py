"""Entries moved, joined and cut: of any shape, as NumPy does it, and compiled to the same."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.array_calls import OF_ARRAYS, compiled
from tests.helpers.finite import pulled_back
from tests.helpers.quick import in_one, thinned
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.rules import getitem

SHAPES = [(), (1,), (0,), (5,), (2, 3), (3, 1), (0, 3), (4, 4), (1, 1, 1), (2, 3, 4), (2, 0, 2)]
AXES = [{}, *({"axis": axis} for axis in (None, 0, -1, np.int64(1), (0, 1), (1, -3), ()))]
MOVES = {  # options after the array, and what is given by keyword
    np.repeat: ([(2,), (0,), ([1, 2],), (np.array([3]),)], AXES),
    np.tile: ([(2,), ((2, 1),), ((1, 2, 3),), ((0, 2),), ((),), ([2, 2],), (np.int64(3),)], [{}]),
    np.roll: ([(1,), (-7,), (0,), (np.int64(2),), ((1, 2),)], AXES),
    np.flip: ([()], AXES),
    np.fliplr: ([()], [{}]),
    np.flipud: ([()], [{}]),
    np.rot90: ([(), (2,), (-1,)], [{}, {"axes": (1, 2)}]),
    np.delete: ([(0,), ([0, -1],), (slice(1, None, 2),)], AXES),
    np.resize: ([(3,), ((2, 5),)], [{}]),
    np.pad: (
        [(1,), (0,), ((1, 2),), (((1, 0), (0, 2)),), (((1,), (2,)),), (np.array([[1, 2]]),)],
        [{}, *({"mode": mode} for mode in ("edge", "reflect", "symmetric", "wrap"))],
    ),
    np.split: ([(1,), (3,), ([1, 2],), ([2, 1],), ([0, 9, -1],), ((),), (np.int64(2),)], AXES),
    np.array_split: ([(1,), (3,), ([1],), ([-1],)], AXES),
    np.hsplit: ([(1,), ([1, 2],)], [{}]),
    np.vsplit: ([(2,), ([1],)], [{}]),
    np.dsplit: ([(2,), ([1],)], [{}]),
    np.diff: ([(), (2,), (9,)], [{}, {"axis": 0}, {"prepend": 0.0}, {"append": 0, "axis": 0}]),
    np.append: ([([[]],), (0.0,)], [{}]),
    np.diag: ([(), (1,), (-2,), (9,)], [{}]),
    np.diagflat: ([(), (-1,)], [{}]),
    np.diagonal: ([(), (1,), (-9,)], [{}, {"axis1": -1, "axis2": 0}]),
    np.trace: ([(), (1,), (-9,)], [{}, {"axis1": -1, "axis2": 0}]),
    np.tril: ([(), (1,), (-9,)], [{}]),
    np.triu: ([(), (1,), (9,)], [{}]),
    np.rollaxis: ([(1,), (-1, 1)], [{}]),
    np.cumsum: ([()], AXES),
    **{f: ([()], [{}]) for f in (np.copy, np.atleast_1d, np.atleast_2d, np.atleast_3d)},
}


def moved(function, x, args, kwargs):
    """The arrays that NumPy gives, as a list; None where it refuses."""
    try:
        found = function(x, *args, **kwargs)
    except (ValueError, IndexError, TypeError):
        return None
    return found if isinstance(found, list) else [found]


@in_one("function", MOVES, ids=lambda f: f.__name__)
def test_any_array_is_moved_as_numpy_moves_it_and_the_gradient_back(function):
    tried = 0
    for args in MOVES[function][0]:
        for kwargs, shape in ((kwargs, shape) for kwargs in MOVES[function][1] for shape in SHAPES):
            x = 0.5 + np.random.default_rng(1).permutation(np.arange(np.prod(shape))).reshape(shape)
            if (expected := moved(function, x, args, kwargs)) is None:
                assert moved(function, Tensor(x), args, kwargs) is None
                continue
            tried += 1
            t = Tensor(x)
            values = moved(function, t, args, kwargs)
            for i, (value, part) in enumerate(zip(values, expected, strict=True)):
                np.testing.assert_array_equal(value.data, part)
                seed = np.cos(np.arange(float(value.size))).reshape(value.shape)
                f = lambda x, i=i, args=args, kwargs=kwargs: moved(function, x, args, kwargs)[i]
                back = pulled_back(seed, f, (x,), 0) if x.size else np.zeros(shape)
                np.testing.assert_allclose(grad(value, t, seed=seed), back, rtol=1e-13, atol=1e-13)
    assert tried > 2


JOINED = {
    np.vstack: [[(3,), (2, 3)], [(), ()], [(2, 1, 2), (1, 1, 2)], [(1, 3), (3,)]],
    np.hstack: [[(), (2,)], [(2, 1), (2, 0), (2, 2)], [(3,), (0,)]],
    np.dstack: [[(2,), (2,)], [(2, 3), (2, 3, 2)], [(), ()]],
    np.column_stack: [[(2,), (2, 3)], [(0,), (0, 2)], [(), (1, 2)]],
    np.broadcast_arrays: [[(2, 1), (3,)], [(), (0, 2)]],
    np.atleast_2d: [[(), (2,)], [(1, 1, 1), ()]],
}


@pytest.mark.parametrize("function", JOINED, ids=lambda f: f.__name__)
def test_arrays_are_joined_with_lists_and_tensors(function):
    several = function in (np.broadcast_arrays, np.atleast_2d)
    call = (lambda xs: function(*xs)) if several else function
    for shapes in JOINED[function]:
        arrays = [np.full(shape, 1.0 + i) for i, shape in enumerate(shapes)]
        expected, tensors = call(arrays), [Tensor(x) for x in arrays]
        for given in (tensors, tuple(tensors), [arrays[0].tolist(), *tensors[1:]]):
            found = call(given)
            assert isinstance(found, type(expected) if several else Tensor)
            for value, part in zip(found, expected, strict=True):
                np.testing.assert_array_equal(getattr(value, "data", value), part)
            last = [np.sum(x) for x in (found if several else [found]) if isinstance(x, Tensor)]
            count = sum(np.sum(x == len(shapes)) for x in expected)
            np.testing.assert_allclose(grad(sum(last), tensors[-1]).sum(), count)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_is_moved_keeps_its_dtype_and_its_bits(dtype):
    x = np.array([[-0.0, np.nan, 1e-5], [np.inf, 3.0, 2.0]], dtype)
    for call in (
        lambda x: np.pad(x, 1, constant_values=2.5), lambda x: np.diag(x[0], 1), np.tril,
        lambda x: np.roll(x, 1), lambda x: np.repeat(x, 2), np.flip,
        np.fliplr, lambda x: np.append(x, x[0]), lambda x: np.vsplit(x, 2)[1],
    ):  # fmt: skip
        value, expected = call(Tensor(x)), call(x)
        assert (value.dtype, value.data.tobytes()) == (expected.dtype, expected.tobytes())


def test_parts_are_slices_of_a_large_array():
    t = Tensor(np.zeros((400, 500), np.float32))
    for part in (*np.split(t, 4), *np.array_split(t, 3, axis=1), np.flip(t, 1), np.flipud(t)):
        assert {n.function for n in nodes(part)} == {None, getitem}
        assert np.shares_memory(part._value, t._value)


def test_ties_are_sorted_in_their_order_and_nan_to_the_end():
    t = Tensor([2.0, 1.0, np.nan, 1.0])
    np.testing.assert_array_equal(grad(np.sort(t)[0], t), [0, 1, 0, 0])
    np.testing.assert_array_equal(grad(np.sort(t)[1], t), [0, 0, 0, 1])
    np.testing.assert_array_equal(grad(np.sort(t)[-1], t), [0, 0, 1, 0])


def test_the_log_probability_of_each_class_is_gathered():
    z, y = Tensor(np.cos(np.arange(12.0)).reshape(4, 3)), np.array([0, 2, 1, 1])
    cost = -np.take_along_axis(lm.log_softmax(z), y[:, None], axis=-1).mean()
    mix = lm.Mix("softmax", "ll")
    np.testing.assert_allclose(cost.item(), mix.cost(z.data, y), rtol=1e-15)
    np.testing.assert_allclose(grad(cost, z), mix.delta(z.data, y) / 4, rtol=1e-13)
    with pytest.raises(TypeError, match="a Tensor cannot be an index"):
        np.take_along_axis(z, Tensor(np.zeros((4, 1))), 1)


@in_one("call", thinned(OF_ARRAYS, 6), ids=str)
def test_every_function_of_arrays_is_compiled_to_numpy(call):
    assert compiled(call, "numpy")


@pytest.mark.filterwarnings("ignore:NumPy runs instead of numba.*(argsort|cumsum|einsum|matmul)")
@pytest.mark.parametrize("call", thinned(OF_ARRAYS[::-12], 1_000), ids=str)
def test_functions_of_arrays_are_compiled_to_loops_or_it_is_said_which_are_not(call):
    """Each of them as Python: tests/compiler/loops/test_schedule.py."""
    pytest.importorskip("numba")
    assert compiled(call, "numba")
