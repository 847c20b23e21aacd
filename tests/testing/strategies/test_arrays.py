"""Arrays, Tensors, shapes and indices: each strategy draws what it says, and all of it."""

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers.drawn import DRAWN, SHAPES
from tinygrad_lossmix.testing import strategies


@given(strategies.shapes(min_dims=1, max_dims=2, min_side=0, max_side=3))
def test_shapes_are_of_that_many_axes_of_that_length(shape):
    assert 1 <= len(shape) <= 2
    assert all(0 <= n <= 3 for n in shape)


@given(st.integers(1, 4).flatmap(strategies.broadcastable))
def test_broadcastable_shapes_broadcast(shapes):
    np.broadcast_shapes(*shapes)


@given(strategies.matmul_shapes())
def test_matmul_takes_the_shapes_of_a_product(shapes):
    x, y = map(np.ones, shapes)
    assert (x @ y).size >= 1


@pytest.mark.parametrize(
    "seen",
    [
        lambda x, y: len(x) == 1,
        lambda x, y: len(y) == 1,
        lambda x, y: len(x) == len(y) == 2,
        lambda x, y: len(x) > 2 and len(x) != len(y),
    ],
)
def test_every_signature_of_matmul_is_drawn(seen):
    find(strategies.matmul_shapes(), lambda shapes: seen(*shapes), settings=DRAWN)


@pytest.mark.parametrize("layout", strategies.LAYOUTS)
@given(strategies.arrays(SHAPES))
def test_another_layout_has_the_same_values(layout, array):
    found = strategies.laid_out(array, layout)
    np.testing.assert_array_equal(found, array)
    assert (found.shape, found.dtype) == (array.shape, array.dtype)
    assert not np.shares_memory(found, array)


LAID_OUT = {
    "C": lambda x: x.flags.c_contiguous and x.flags.writeable,
    "Fortran": lambda x: x.flags.f_contiguous and not x.flags.c_contiguous,
    "strided": lambda x: min(x.strides) > x.itemsize,
    "negative stride": lambda x: max(x.strides) < 0,
    "read-only": lambda x: not x.flags.writeable,
}


def test_there_is_a_property_for_every_layout():
    assert set(LAID_OUT) == set(strategies.LAYOUTS)


@pytest.mark.parametrize("layout", strategies.LAYOUTS)
def test_each_layout_is_one(layout):
    assert LAID_OUT[layout](strategies.laid_out(np.arange(6.0).reshape(2, 3), layout))
    assert strategies.laid_out(np.array(2.5), layout) == 2.5
    assert strategies.laid_out([1, 2], layout).tolist() == [1, 2]


@pytest.mark.parametrize(
    "seen", [*LAID_OUT.values(), lambda x: not x.size], ids=[*LAID_OUT, "empty"]
)
def test_every_layout_is_drawn_of_tensors_too(seen):
    def hit(x):
        return x.ndim and (not x.size if not seen(np.ones(2)) and not x.size else seen(x))

    find(strategies.arrays(), hit, settings=DRAWN)
    find(strategies.tensors(), lambda t: hit(t._value), settings=DRAWN)


def test_arrays_without_axes_are_drawn():
    find(strategies.arrays(), lambda x: x.ndim == 0, settings=DRAWN)


def test_an_unknown_layout_is_refused():
    with pytest.raises(ValueError, match="Fortran, strided"):
        strategies.laid_out(np.ones(2), "columns")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@given(st.data())
def test_arrays_and_tensors_are_of_the_dtype(dtype, data):
    array = data.draw(strategies.arrays(dtype=dtype))
    tensor = data.draw(strategies.tensors(shape=(2, 3), dtype=dtype))
    assert array.dtype == tensor.dtype == dtype
    assert (np.abs(array) <= 3).all()
    assert type(tensor) is lm.Tensor
    assert tensor.shape == (2, 3)


@given(strategies.separated(SHAPES, gap=0.25, kink=1.0))
def test_separated_values_keep_their_distance(x):
    values = np.sort(np.append(x.ravel(), 1.0))
    assert np.diff(values).min() >= 0.25 - 1e-12


@given(st.data(), strategies.shapes(max_dims=3) | strategies.shapes(min_dims=1, min_side=0))
def test_indices_are_taken_by_arrays_and_tensors_of_the_shape(data, shape):
    x = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    key = data.draw(strategies.indices(shape))
    t = lm.Tensor(x)
    np.testing.assert_array_equal(t[key].data, x[key])
    counts = np.zeros(shape)
    np.add.at(counts, key, 1.0)
    np.testing.assert_array_equal(lm.grad(t[key].sum(), t), counts)


def parts(key):
    return key if isinstance(key, tuple) else (key,)


@pytest.mark.parametrize(
    "kind",
    [
        lambda k: isinstance(k, int) and k < 0,
        lambda k: isinstance(k, slice) and k.step is not None and k.step < 0,
        lambda k: k is None,
        lambda k: k is Ellipsis,
        lambda k: isinstance(k, np.ndarray) and k.dtype == bool and k.any(),
        lambda k: isinstance(k, np.ndarray) and k.dtype != bool and len({*k.flat}) < k.size,
    ],
    ids=["negative", "backwards", "new axis", "ellipsis", "mask", "repeated"],
)
def test_every_kind_of_index_is_drawn(kind):
    find(strategies.indices((3, 4)), lambda key: any(map(kind, parts(key))), settings=DRAWN)
