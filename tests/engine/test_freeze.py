"""What may enter a recording: floats as variables, real numbers as constants, nothing else."""

import datetime
import decimal
import fractions
import operator

import numpy as np
import pytest

from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad


@pytest.mark.parametrize("number", [2, 2.5, -3, 0, float("nan"), float("inf"), 10**15])
def test_a_python_number_becomes_a_float64_scalar(number):
    t = Tensor(number)
    assert (t.dtype, t.shape) == (np.float64, ())
    np.testing.assert_array_equal(t.data, float(number))


@pytest.mark.parametrize(
    ("numbers", "shape"),
    [([1, 2, 3], (3,)), ((1.5, 2), (2,)), ([[1, 2], [3, 4]], (2, 2)), ([(1,), (2,)], (2, 1)),
     ([], (0,)), ([[], []], (2, 0)), ([np.ones(2), np.zeros(2)], (2, 2)), ([2**63], (1,))],
)  # fmt: skip
def test_a_list_of_numbers_becomes_float64(numbers, shape):
    t = Tensor(numbers)
    assert (t.dtype, t.shape) == (np.float64, shape)
    np.testing.assert_array_equal(t.data, np.array(numbers, dtype=float))


@in_one("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@in_one("shape", [(), (2,), (0, 2)])
def test_a_float_array_keeps_its_dtype_and_so_does_its_gradient(dtype, shape):
    t = Tensor(np.ones(shape, dtype))
    assert (t.dtype, t.data.dtype, t.shape) == (np.dtype(dtype), np.dtype(dtype), shape)
    g = grad((t * t).sum(), t)
    assert (g.dtype, g.shape) == (np.dtype(dtype), shape)
    np.testing.assert_array_equal(g, np.full(shape, 2.0))


def test_the_gradient_of_an_array_of_the_other_byte_order_has_its_dtype():
    t = Tensor(np.array([1.0, 2.0], ">f8"))
    cost = (t * t).sum()
    cost.backward()
    for g in (grad(cost, t), t.grad):
        assert g.dtype == t.dtype
        np.testing.assert_array_equal(g, [2.0, 4.0])


@pytest.mark.parametrize("number", [np.float16(2), np.float32(2), np.float64(2)])
def test_a_numpy_float_keeps_its_dtype(number):
    t = Tensor(number)
    assert (t.dtype, t.shape) == (number.dtype, ())
    assert grad(t * t, t) == 4
    assert grad(t * t, t).dtype == number.dtype


STRUCTURED = np.zeros(2, dtype=[("x", float)])
MASKED = np.ma.array([1.0, 2.0], mask=[False, True])


class Sparse:
    """An object with arithmetic of its own and no array inside, as sparse matrices are."""

    shape, dtype = (2,), np.dtype(float)

    def __mul__(self, other):
        return "lost"

    __rmul__ = __add__ = __radd__ = __matmul__ = __rmatmul__ = __mul__


@in_one(
    ("data", "advice"),
    [
        (np.array([1, 2]), "int64: convert with x.astype"),
        (np.int64(3), "int64: convert"),
        (np.array([1, 2], np.uint8), "uint8: convert"),
        (np.array([True, False]), "bool: convert"),
        (np.array([1j]), "complex128"),
        (np.complex64(1), "complex64"),
        (np.array([1.0, None]), "object"),
        (np.array(["a"]), "<U1"),
        (np.array([b"a"]), "S1"),
        (np.array(["2020-01-01"], dtype="M8[D]"), "datetime64"),
        (np.array([3], dtype="m8[s]"), "timedelta64"),
        (STRUCTURED, "holds floats"),
        (MASKED, "MaskedArray: fill the masked entries"),
        (np.ma.masked, "not of MaskedConstant"),
        (STRUCTURED.view(np.recarray), "recarray"),
        (True, "not of bool"),
        (1j, "not of complex"),
        (None, "not of NoneType"),
        ("1.5", "not of str"),
        (b"1.5", "not of bytes"),
        ({1.0: 2.0}, "not of dict"),
        ({1.0}, "not of set"),
        (range(3), "not of range"),
        (iter([1.0]), "not of list_iterator"),
        (decimal.Decimal(1), "not of Decimal"),
        (fractions.Fraction(1, 2), "not of Fraction"),
        (datetime.date(2020, 1, 1), "not of date"),
        (Sparse(), "not of Sparse"),
        ([True, False], "bool"),
        ([1j], "complex128"),
        (["a"], "<U1"),
        ([None], "object"),
        ([fractions.Fraction(1, 2)], "object"),
        ([10**30], "object"),
        ([[1.0, 2.0], [3.0]], "rectangular"),
        ([1.0, [2.0]], "rectangular"),
        (Tensor(1.0), r"take t\.data"),
        ([Tensor(1.0)], r"use t\.data"),
        ([Tensor([1.0, 2.0]), Tensor([1.0, 2.0])], r"np\.stack"),
    ],
)
def test_what_is_not_made_of_floats_is_no_variable(data, advice):
    for copying in (True, False):
        with pytest.raises(TypeError, match=advice):
            Tensor(data, copy=copying)


NO_CONSTANTS = [
    1j, np.complex64(1), np.array([1j, 2]), None, "a", ["a", "b"], b"ab", {1: 2}, {1}, range(2),
    np.array([1.0, None]), np.array(["a", "b"]), np.array([3, 4], dtype="m8[s]"), STRUCTURED,
    MASKED, np.ma.masked, decimal.Decimal(1), fractions.Fraction(1, 2), [[1.0, 2.0], [3.0]],
    [1.0, None], datetime.timedelta(1), Sparse(), iter([1.0, 2.0]),
]  # fmt: skip


@in_one("op", [operator.add, operator.mul, operator.matmul, np.maximum])
@in_one("constant", NO_CONSTANTS)
def test_what_is_no_real_number_is_no_constant(op, constant):
    t = Tensor([1.0, 2.0])
    with pytest.raises(TypeError):
        op(t, constant)


@in_one("op", [operator.add, operator.mul, operator.matmul, np.maximum])
@in_one(
    "constant",
    [c for c in NO_CONSTANTS if type(c) is not Sparse],
)
def test_what_is_no_real_number_is_no_constant_on_the_left_either(op, constant):
    t = Tensor([1.0, 2.0])
    with pytest.raises(TypeError):
        op(constant, t)


@pytest.mark.parametrize(
    "call",
    [
        lambda t, c: np.where([True, False], t, c),
        lambda t, c: np.where(c, t, 0.0),
        lambda t, c: np.clip(t, c, None),
        lambda t, c: np.concatenate([t, c]),
        lambda t, c: np.einsum("i,i->", t, c),
        lambda t, c: np.outer(c, t),
    ],
)
def test_no_function_takes_a_masked_or_complex_constant(call):
    t = Tensor([1.0, 2.0])
    for constant in (MASKED, np.array([1j, 2])):
        with pytest.raises(TypeError):
            call(t, constant)


def test_the_error_names_the_kind_of_the_constant():
    t = Tensor([1.0, 2.0])
    for constant, name in [("a", "str"), (MASKED, "MaskedArray"), (None, "NoneType"),
                           (np.array([1j, 2]), "ndarray of complex128")]:  # fmt: skip
        with pytest.raises(TypeError, match=f"real numbers and plain arrays of them, not.*{name}"):
            t * constant


def test_a_subclass_of_ndarray_is_taken_as_the_plain_array_it_holds():
    class Named(np.ndarray):
        pass

    t = Tensor([1.0, 2.0])
    value = t * np.array([3.0, 4.0]).view(Named)
    assert type(value.args[1]) is np.ndarray
    np.testing.assert_array_equal(grad(value.sum(), t), [3.0, 4.0])


def test_data_is_copied_unless_told_otherwise():
    x = np.array([1.0, 2.0])
    copied, shared = Tensor(x), Tensor(x, copy=False)
    x[0] = 5.0
    assert copied.data.tolist() == [1.0, 2.0]
    assert shared.data.tolist() == [5.0, 2.0]


def test_sharing_does_not_make_the_callers_array_read_only():
    x = np.array([1.0, 2.0])
    Tensor(x, copy=False)
    assert x.flags.writeable
    read_only = x[:]
    read_only.flags.writeable = False
    np.testing.assert_array_equal(Tensor(read_only).data, x)


@in_one(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.arange(6.0).reshape(2, 3).T,
        np.arange(6.0).reshape(2, 3)[::-1, ::-2],
        np.broadcast_to(np.arange(3.0), (2, 3)),
        np.array(2.0),
        np.empty((0, 3)),
        np.arange(4, dtype=np.float16)[::2],
        np.arange(3, dtype=np.longdouble),
        np.arange(3, dtype=">f8"),
    ],
    ids=lambda x: f"{x.dtype}{x.shape}{x.strides}",
)
def test_data_is_an_array_that_cannot_be_made_writeable(array):
    for t in (Tensor(array), Tensor(array, copy=False), Tensor(array) * 1):
        data = t.data
        assert type(data) is np.ndarray
        np.testing.assert_array_equal(data, array)
        assert (data.shape, data.dtype) == (array.shape, t.dtype)
        assert not data.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            data.flags.writeable = True
        with pytest.raises(ValueError, match="read-only"):
            data[...] = 0.0
        with pytest.raises(ValueError, match="read-only"):
            data += 1


def test_data_cannot_be_written_through_its_base():
    t = Tensor([1.0, 2.0])
    base = t.data.base
    while base is not None:
        with pytest.raises((TypeError, ValueError)):
            base[0] = 9.0
        if isinstance(base, np.ndarray):
            with pytest.raises(ValueError, match="WRITEABLE"):
                base.flags.writeable = True
        base = getattr(base, "base", None)
    assert t.data.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("number", [np.float32(2), np.float64(2), np.int8(2), np.bool(True)])
def test_a_number_of_numpys_is_recorded_as_it_is(number):
    assert (Tensor(1.0) * number).args[1] is number


@pytest.mark.parametrize("copy", [True, False])
def test_values_are_those_numpy_gives_for_the_same_layout(copy):
    """To the bit: NumPy adds up in the order that lies in memory."""
    x = np.random.default_rng(0).normal(size=(300, 70)).T
    assert Tensor(x, copy=copy).sum().item() == x.sum()
    assert (x * Tensor(1.0)).sum().item() == (x * np.float64(1.0)).sum()
    assert Tensor(x.sum()).item() != np.ascontiguousarray(x).sum()  # or there was nothing to see
