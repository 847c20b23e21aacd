"""What labels and logits may be, and the one clear error for everything else."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix import MIXES, Mix, Tensor, grad
from tinygrad_lossmix.mixes.labels import dense, labels, numbers
from tinygrad_lossmix.mixes.labels import logits as checked

each_mix = pytest.mark.parametrize("mix", MIXES, ids=str)
each_method = pytest.mark.parametrize("method", ["cost", "delta", "composed", "hessian"])
each_cost = pytest.mark.parametrize(
    "cost", [lm.cross_entropy, lm.log_likelihood, lm.quadratic], ids=lambda f: f.__name__
)
Z = np.array([0.5, -1.0, 2.0])
BATCH = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, -2.0]])


@in_one(
    "y",
    [1, np.int8(1), np.uint64(1), np.array(1), [0, 1, 0], (0.0, 1.0, 0.0), [False, True, False]],
)
@in_one("dtype", [np.float16, np.float32, np.float64])
def test_a_class_and_its_one_hot_in_any_type_are_the_same(y, dtype):
    got = dense(y, np.zeros(3, dtype))
    assert got.dtype == dtype
    assert (got == [0, 1, 0]).all()


@in_one("dtype", ["?", "i1", "i8", "u1", "u8", "f2", "f4", "f8", "g", ">f8", ">i4"])
@each_mix
def test_labels_of_any_real_type(mix, dtype):
    y = np.array([[0, 1, 1], [0, 0, 0]], dtype)
    assert mix.cost(BATCH, y) == mix.cost(BATCH, y.astype(float))
    assert (mix.delta(BATCH, y) == mix.delta(BATCH, y.astype(float))).all()


@in_one("y", [[2, 0], np.array([2, 0], np.uint8), np.array([2, 0], ">i2")])
@each_mix
def test_classes_are_one_hot_labels_written_short(mix, y):
    one_hot = np.array([[0, 0, 1.0], [1.0, 0, 0]])
    assert mix.composed(BATCH, y) == mix.composed(BATCH, one_hot)
    t = Tensor(BATCH)
    for method in (mix.cost, mix.delta, lambda z, y: grad(mix.cost(t, y), t)):
        np.testing.assert_allclose(method(BATCH, y), method(BATCH, one_hot), rtol=1e-14)


def test_classes_of_more_axes():
    y = np.array([[0, 1, 2], [2, 2, 0]])
    assert (labels(y, np.zeros((2, 3, 3))) == y).all()
    assert (dense(y, np.zeros((2, 3, 3))) == np.eye(3)[y]).all()


@in_one("dtype", ["i1", "u8", ">i4", "i8"])
@in_one("shape", [(), (2,), (2, 3), (0,)])
def test_classes_are_new_arrays_of_indices(shape, dtype):
    y = np.ones(shape, dtype)
    got = labels(y, np.zeros((*shape, 3), np.float32))
    assert type(got) is np.ndarray
    assert (got.dtype, got.shape) == (np.intp, shape)
    assert (got == 1).all()
    assert not np.shares_memory(got, y)


def test_a_square_of_integers_is_labels_not_classes():
    assert (labels(np.array([[0, 1], [2, 3]]), np.zeros((2, 2))) == [[0, 1], [2, 3]]).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8])
def test_labels_lie_in_memory_row_by_row(dtype):
    y = np.asfortranarray(np.eye(3, dtype=dtype)[:2])
    assert labels(y, np.zeros((2, 3))).flags.c_contiguous


def test_labels_are_copied():
    y = np.ones(3)
    assert not np.shares_memory(labels(y, Z), y)


@in_one("y", [np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]), np.array([1, 0])])
@each_mix
def test_labels_changed_after_recording_change_nothing(mix, y):
    y, t = y.copy(), Tensor(BATCH)
    for record in (mix.cost, mix.composed):
        cost = record(t, y)
        before = grad(cost, t), grad(cost, t, create_graph=True).data
        value = cost.data.copy()
        y[:] = y[::-1].copy()
        assert cost.data == value
        assert (grad(cost, t) == before[0]).all()
        assert (grad(cost, t, create_graph=True).data == before[1]).all()


@in_one(
    ("z", "y", "message"),
    [
        (Z, [1.0, 0.0], r"shape \(2,\).*expected \(3,\), or integer classes of shape \(\)"),
        (Z, [[1.0, 0.0, 0.0]], r"shape \(1, 3\).*expected \(3,\)"),
        (Z, [1], r"shape \(1,\).*expected \(3,\)"),
        (BATCH, [0, 1, 2], r"shape \(3,\).*expected \(2, 3\), or integer classes of shape \(2,\)"),
        (BATCH, 1, r"shape \(\).*expected \(2, 3\)"),
        (BATCH, [[1], [0]], r"shape \(2, 1\).*expected \(2, 3\)"),
        (BATCH, BATCH.T, r"shape \(3, 2\).*expected \(2, 3\)"),
        (BATCH, [[1.0, 0.0, 0.0]], r"shape \(1, 3\).*expected \(2, 3\)"),
        (BATCH[:, 0], [[1.0], [0.0]], r"shape \(2, 1\).*expected \(2,\)"),
        (Z, -1, r"classes are 0 … 2 for 3 outputs.*-1"),
        (Z, 3, r"classes are 0 … 2 for 3 outputs.*3"),
        (BATCH, [0, -3], r"classes are 0 … 2.*-3"),
        (BATCH, np.array([0, 200], np.uint8), r"classes are 0 … 2.*200"),
        (Z, 1.0, r"integers, not float64.*astype\(int\)"),
        (BATCH, [0.0, 1.0], r"integers, not float64.*astype\(int\)"),
        (Z, True, r"integers, not bool.*astype\(int\)"),
        (BATCH, [True, False], r"integers, not bool"),
        (Z, [np.nan, 0.0, 0.0], r"finite.*NaN"),
        (Z, [np.inf, 0.0, 0.0], r"finite.*infinity"),
        (Z, [0.0, 0.0, -np.inf], r"finite.*infinity"),
        (BATCH, [[0.0, 0.0, 1.0], [1.0, np.nan, 0.0]], r"finite.*NaN"),
        (Z, Tensor([0.0, 1.0, 0.0]), r"not a Tensor.*y\.data"),
        (Z, "cat", r"real numbers, not"),
        (Z, ["a", "b", "c"], r"real numbers, not"),
        (Z, None, r"real numbers, not object"),
        (Z, {0}, r"real numbers, not object"),
        (Z, np.array([0, 1, 0], object), r"real numbers, not object"),
        (Z, [0, 1j, 0], r"real numbers, not complex"),
        (Z, 2**70, r"real numbers, not object"),
        (Z, np.array([0, 1, 0], "m8[s]"), r"real numbers, not timedelta64"),
    ],
)
@each_method
def test_anything_else_is_refused_with_what_was_given_and_what_is_expected(method, z, y, message):
    for mix in MIXES:
        if method != "hessian" or z.ndim == 1:
            with pytest.raises(ValueError, match=message):
                getattr(mix, method)(z, y)


@pytest.mark.parametrize(
    ("y", "message"), [([1.0, 0.0], "integers, not float64.*"), ([1, 0], "K ≥ 2.*")]
)
def test_classes_of_one_output_are_refused(y, message):
    with pytest.raises(ValueError, match=message + r"labels of shape \(2, 1\)"):
        Mix("sigmoid", "ce").cost(BATCH[:, :1], y)


@pytest.mark.parametrize("method", ["cost", "composed", "delta"])
def test_a_column_of_logits_under_softmax_is_refused_with_its_axis(method):
    """The book writes column vectors; a softmax of each entry alone would cost nothing."""
    column, y = np.array([[2.0], [1.0], [0.0]]), np.array([[1.0], [0.0], [0.0]])
    for cost in ("ce", "ll", "quadratic"):
        act = getattr(Mix("softmax", cost), method)
        for z in (column, Tensor(column), column[None]):
            with pytest.raises(ValueError, match=r"last axis.*one entry.*\(.*3, 1\)"):
                act(z, y.reshape(z.shape))
        for z, given in ((column[:, 0], y[:, 0]), (column.T, y.T), ([2.0], [0.0])):
            with np.errstate(divide="ignore"):
                assert np.shape(act(z, given)) in ((), np.shape(z))
        assert np.shape(getattr(Mix("sigmoid", cost), method)(column, y)) in ((), (3, 1))


@in_one("y", [[np.nan, 0.0, 0.0], [0.0, np.inf, 0.0], [-np.inf, 0.0, 1.0]])
@in_one("z", [[0.0, 0.0, 0.0], [800.0, 800.0, -800.0], [-800.0, 0.0, 1e4]])
@each_mix
def test_labels_that_are_not_finite_are_found_at_every_logit(mix, z, y):
    for logits in (np.array(z), Tensor(z)):
        with pytest.raises(ValueError, match="finite"):
            mix.cost(logits, y)


def test_a_label_too_large_for_the_type_of_the_logits_is_infinite():
    with pytest.raises(ValueError, match="finite"):
        MIXES[0].cost(Z.astype(np.float32), [1e300, 0.0, 0.0])


def test_rows_of_different_length_are_refused_with_advice():
    with pytest.raises(ValueError, match="labels"):
        labels([[1, 0], [1]], Z)


def test_a_list_of_tensors_is_refused_like_a_tensor():
    with pytest.raises(ValueError, match="not a list of Tensors"):
        labels([Tensor(0.0), Tensor(1.0), Tensor(0.0)], Z)


def test_masked_labels_are_refused_rather_than_unmasked():
    with pytest.raises(ValueError, match="mask"):
        labels(np.ma.array([1.0, 9.0, 0.0], mask=[False, True, False]), Z)


@each_cost
def test_costs_of_outputs_take_the_same_labels(cost):
    a = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    assert cost(a, [2, 0]) == cost(a, [[0, 0, 1], [1, 0, 0]]) == cost(Tensor(a), [2, 0]).data
    for y in (
        [[1], [0]],
        [0.0, 1.0],
        [0, 3],
        [0, -1],
        [0, 1, 2],
        [[np.nan, 0, 0], [1, 0, 0]],
        a[:1],
    ):
        with pytest.raises(ValueError, match=r"expected|classes|finite"):
            cost(a, y)
    with pytest.raises(ValueError, match=r"y\.data"):
        cost(a, Tensor(a))


@in_one(
    ("z", "error", "message"),
    [
        (1.0, ValueError, r"at least one axis.*\(K,\)"),
        (Tensor(1.0), ValueError, r"at least one axis.*\(K,\)"),
        ([1j, 0], TypeError, r"not complex128: convert"),
        (["a", "b"], TypeError, r"not <U1"),
        ([True, False], TypeError, r"not bool"),
        (np.array([1.0, 2.0], object), TypeError, r"not object"),
        (None, TypeError, r"not object"),
    ],
)
@each_method
def test_logits_are_real_numbers_with_an_axis_of_classes(method, z, error, message):
    for mix in MIXES:
        with pytest.raises(error, match=message):
            getattr(mix, method)(z, 0)


def test_masked_logits_are_refused_rather_than_unmasked():
    with pytest.raises(TypeError, match="mask"):
        MIXES[0].cost(np.ma.array([1.0, 50.0], mask=[False, True]), 0)


def test_rows_of_logits_of_different_length_are_refused_with_advice():
    with pytest.raises((TypeError, ValueError), match="logits"):
        MIXES[0].cost([[1, 2], [3]], 0)


@each_mix
def test_logits_of_no_classes_are_refused(mix):
    z, y = np.zeros((2, 0)), np.zeros((2, 0))
    for method in (mix.cost, mix.delta, mix.composed):
        with pytest.raises(ValueError, match="class"):
            method(z, y)


def test_an_array_of_floats_is_taken_as_it_is():
    assert numbers("logits", BATCH) is BATCH
    assert checked(BATCH) is BATCH


def test_a_column_is_refused_of_softmax_alone():
    column = BATCH[:, :1]
    assert checked(column).shape == (2, 1)
    assert checked(column[:1], "softmax").shape == (1, 1)
    with pytest.raises(ValueError, match=r"^softmax runs over the last axis"):
        checked(column, "softmax")
