"""The stable costs and deltas against mpmath: accurate, finite, silent."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.helpers import mix_oracle as oracle
from tests.helpers.mix_cases import LABELS, REGIMES, dense, examples, pair_of
from tests.helpers.quick import in_one, share, thinned
from tinygrad_lossmix import MIXES, Mix, Tensor, grad
from tinygrad_lossmix.engine.table import TABLE
from tinygrad_lossmix.mixes import closed_forms

each_mix = pytest.mark.parametrize("mix", MIXES, ids=str)
BOUND = {np.float64: 1e-13, np.float32: 1e-5}


def fewest(mix):
    """A softmax of one logit is constant, and no cost of it is tested by its derivatives."""
    return 2 if mix.output == "softmax" else 1


def assert_delta(got, mix, z, y, examples=1):
    """Each component of `got` is δ / examples, but for 1e-13 (float32: 1e-5) of what it sums."""
    exact = oracle.reference(pair_of(mix), z, dense(y, z))
    info = np.finfo(z.dtype)
    assert got.dtype == z.dtype
    assert got.shape == z.shape
    assert np.isfinite(got).all()
    for value, truth, size in zip(got, exact.delta, exact.delta_sizes, strict=True):
        if size / examples > info.tiny / info.eps:
            error = abs(float(value) - truth / examples)
            assert error <= BOUND[z.dtype.type] * size / examples


def assert_cost(got, mix, rows, labels):
    """`got` is the mean cost of the rows, but for 1e-13 (float32: 1e-5) of what it sums."""
    dtype = rows[0].dtype
    info = np.finfo(dtype)
    exact = [
        oracle.reference(pair_of(mix), z, dense(y, z)) for z, y in zip(rows, labels, strict=True)
    ]
    assert got.dtype == dtype
    assert got.shape == ()
    assert np.isfinite(got)
    size = sum(e.cost_size for e in exact) / len(rows)
    if size > info.tiny / info.eps:
        error = abs(float(got) - sum(e.cost for e in exact) / len(rows))
        assert error <= BOUND[dtype.type] * size


@in_one(("z", "y"), [([1.5, -2.0, 0.25], [0, 1, 0]), ([40.0, -3.0, 0.0], [0.7, -1.0, 2.5])])
@each_mix
def test_the_oracle_is_the_derivative_of_its_cost(mix, z, y):
    slopes = [oracle.slope(pair_of(mix), z, y, unit) for unit in np.eye(len(z))]
    for slope, exact in zip(slopes, oracle.reference(pair_of(mix), z, y).delta, strict=True):
        assert abs(slope - exact) <= abs(exact) * 1e-50


def assert_all_accurate(mix, z, y):
    """Cost, δ and the gradient of the recorded cost of one example."""
    t = Tensor(z)
    cost = mix.cost(t, y)
    assert_cost(cost.data, mix, [z], [y])
    assert_delta(mix.delta(z, y), mix, z, y)
    assert_delta(grad(cost, t), mix, z, y)


@pytest.mark.parametrize("regime", REGIMES)
@each_mix
@share(2)
@given(data=st.data())
def test_cost_delta_and_gradient_are_accurate_for_logits_of_every_kind(mix, regime, data):
    assert_all_accurate(mix, *data.draw(examples(regime, fewest=fewest(mix))))


@pytest.mark.parametrize("labels", LABELS)
@given(mix=st.sampled_from(MIXES), data=st.data())
def test_cost_delta_and_gradient_are_accurate_for_labels_of_every_kind(mix, labels, data):
    assert_all_accurate(mix, *data.draw(examples(labels=labels, fewest=fewest(mix))))


@each_mix
@given(data=st.data())
def test_float32_stays_float32_and_is_as_accurate_as_it_can_be(mix, data):
    z, y = data.draw(examples(dtype=np.float32, fewest=fewest(mix)))
    assert_all_accurate(mix, z, y)
    assert mix.cost(Tensor(z), y).dtype == np.float32


@each_mix
@given(data=st.data())
def test_a_batch_is_the_mean_of_its_examples(mix, data):
    n, k = data.draw(st.integers(1, 4)), data.draw(st.integers(fewest(mix), 5))
    rows = [data.draw(examples(fewest=k, most=k)) for _ in range(n)]
    z, y = np.stack([z for z, _ in rows]), np.stack([dense(y, z) for z, y in rows])
    t = Tensor(z)
    cost, delta = mix.cost(t, y), mix.delta(z, y)
    gradient = grad(cost, t)
    assert_cost(cost.data, mix, z, y)
    for i in range(n):
        assert_delta(delta[i], mix, z[i], y[i])
        assert_delta(gradient[i], mix, z[i], y[i], examples=n)


@pytest.mark.parametrize(("mix", "dtype"), thinned(itertools.product(MIXES, BOUND), 5), ids=str)
def test_many_classes_are_as_accurate(mix, dtype):
    """One-hot, soft and signed labels of 70 classes, with a dominant logit, ties and neither."""
    rng = np.random.default_rng(7)
    z = rng.normal(size=(3, 70)).astype(dtype) * 3
    z[0, 5], z[1, :20] = 60, 4
    for y in (
        [5, 2, 30],
        rng.dirichlet(np.ones(70), 3),
        rng.normal(size=(3, 70)),
        np.ones((3, 70)),
    ):
        rows = dense(y, z)
        assert_cost(mix.cost(z, y), mix, z, rows)
        for i, delta in enumerate(mix.delta(z, y)):
            assert_delta(delta, mix, z[i], rows[i])


@each_mix
def test_the_cost_of_a_large_batch_is_as_accurate_in_float32(mix):
    rng = np.random.default_rng(8)
    z, y = rng.normal(size=(20_000, 4)).astype(np.float32), rng.integers(0, 4, 20_000)
    expected = mix.cost(z.astype(float), y)
    np.testing.assert_allclose(mix.cost(z, y), expected, rtol=1e-5)


@each_mix
def test_a_float16_batch_may_be_larger_than_the_largest_float16(mix):
    z, y = np.ones((70_000, 2), np.float16), np.zeros(70_000, int)
    np.testing.assert_allclose(mix.cost(z, y), mix.cost(z[:1], y[:1]), rtol=0.01)


@each_mix
def test_the_row_of_the_table_computes_the_cost_again(mix):
    cost = mix.cost(Tensor([[0.5, -1.0], [3.0, 2.0]]), [0, 1])
    row = TABLE[cost.function]
    assert row.forward(*cost.values[:2]) == cost.data
    assert row.forward(cost.values[0] + 1, cost.values[1]) == mix.cost(
        [[1.5, 0.0], [4.0, 3.0]], [0, 1]
    )


@each_mix
def test_more_axes_are_one_batch(mix):
    z = np.random.default_rng(1).normal(size=(2, 3, 4)) * 5
    y = np.random.default_rng(2).integers(0, 4, (2, 3))
    t = Tensor(z)
    assert mix.cost(z, y) == mix.cost(z.reshape(6, 4), y.reshape(6))
    assert (mix.delta(z, y).reshape(6, 4) == mix.delta(z.reshape(6, 4), y.reshape(6))).all()
    assert np.allclose(grad(mix.cost(t, y), t), mix.delta(z, y) / 6, rtol=1e-15)


@in_one("shape", [(0, 3), (2, 0, 3)])
@each_mix
def test_a_batch_of_no_examples_has_no_cost_and_an_empty_gradient(mix, shape):
    z = Tensor(np.zeros(shape))
    for y in (np.zeros(shape[:-1], int), np.zeros(shape)):
        assert np.isnan(mix.cost(z.data, y))
        assert mix.delta(z.data, y).shape == shape
        assert grad(mix.cost(z, y), z).shape == shape


@in_one("order", ["C", "F", "reversed", "strided", "read-only"])
@each_mix
def test_the_layout_of_the_arrays_does_not_matter(mix, order):
    rng = np.random.default_rng(3)
    z, y = rng.normal(size=(5, 4)) + 40 * np.eye(4)[[0, 3, 1, 2, 0]], np.eye(4)[[0, 3, 1, 2, 0]]
    expected = mix.cost(z, y), mix.delta(z, y)

    def laid_out(x):
        if order == "reversed":
            return x[::-1, ::-1].copy()[::-1, ::-1]
        if order == "strided":
            return np.repeat(np.repeat(x, 2, axis=0), 3, axis=1)[::2, ::3]
        x = x.copy("F" if order == "F" else "C")
        x.flags.writeable = order != "read-only"
        return x

    z, y = laid_out(z), laid_out(y)
    t = Tensor(z)
    np.testing.assert_allclose(mix.cost(z, y), expected[0], rtol=1e-14)
    np.testing.assert_allclose(mix.delta(z, y), expected[1], rtol=1e-14)
    np.testing.assert_allclose(grad(mix.cost(t, y), t), expected[1] / 5, rtol=1e-14)


@each_mix
def test_logits_may_be_integers_and_lists(mix):
    expected = mix.cost(np.array([2.0, -1.0, 0.0]), 1), mix.delta(np.array([2.0, -1.0, 0.0]), 1)
    for z in ([2, -1, 0], np.array([2, -1, 0]), np.array([2, -1, 0], np.int8), [2.0, -1.0, 0.0]):
        assert mix.cost(z, 1) == expected[0]
        assert (mix.delta(z, 1) == expected[1]).all()
    assert mix.delta(np.array([200, 0], np.uint8), 0).dtype == np.float64
    assert (mix.delta(np.array([200, 0], np.uint8), 0) == mix.delta([200.0, 0.0], 0)).all()


@in_one("dtype", [np.float16, np.longdouble])
@each_mix
def test_other_float_types_are_kept(mix, dtype):
    t = Tensor(np.array([[1.0, -0.5], [0.25, 2.0]], dtype))
    assert mix.cost(t, [0, 1]).dtype == dtype
    assert mix.delta(t.data, [0, 1]).dtype == dtype
    assert grad(mix.cost(t, [0, 1]), t).dtype == dtype
    wide = mix.delta(t.data.astype(float), [0, 1])
    assert np.allclose(mix.delta(t.data, [0, 1]).astype(float), wide, atol=4e-3)


@each_mix
@given(
    z=hnp.arrays(float, (3, 4), elements=st.floats(-1e4, 1e4)),
    y=hnp.arrays(float, (3, 4), elements=st.floats(0, 1))
    | hnp.arrays(int, 3, elements=st.integers(0, 3)),
)
def test_everything_is_finite_and_silent_up_to_ten_thousand(mix, z, y):
    t = Tensor(z)
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(mix.cost(z, y))
        assert np.isfinite(mix.delta(z, y)).all()
        assert np.isfinite(mix.hessian(z[0], y[0])).all()
        gradient = grad(mix.cost(t, y), t, create_graph=True)
        assert np.isfinite(gradient.data).all()
        assert np.isfinite(grad((gradient * z).sum(), t)).all()


@each_mix
def test_delta_is_right_where_every_exponential_underflows(mix):
    z = np.array([-2000.0, 1999.0, 2000.0])
    assert_delta(mix.delta(z, 1), mix, z, 1)


@in_one("shift", [1e4, -1e4, 1e16, -1e16, 2.0**1000])
@in_one("mix", MIXES[3:], ids=str)
def test_softmax_costs_feel_differences_only_however_large_the_logits(mix, shift):
    z, y = np.zeros(3), [1.0, 0.5, 0.0]
    np.testing.assert_allclose(mix.cost(z + shift, y), mix.cost(z, y), rtol=1e-14)
    np.testing.assert_allclose(mix.delta(z + shift, y), mix.delta(z, y), rtol=1e-14)


@each_mix
def test_the_largest_floats_overflow_in_silence(mix):
    big = np.finfo(float).max
    for z in ([big, -big, 0.0], [-big, -big, big], [big, big, big], [-big, -big, -big]):
        cost, delta = mix.cost(np.array(z), 1), mix.delta(np.array(z), 1)
        assert not np.isnan(cost)
        assert np.isfinite(delta).all()


@each_mix
@given(data=st.data())
def test_raw_and_recorded_gradients_are_bitwise_equal(mix, data):
    z, y = data.draw(examples(fewest=fewest(mix)))
    t = Tensor(z)
    cost = mix.cost(t, y)
    recorded = grad(cost, t, create_graph=True).data
    assert grad(cost, t).tobytes() == recorded.tobytes()
    assert mix.cost(z, y).tobytes() == cost.data.tobytes()
    assert mix.delta(z, y).tobytes() == mix.delta(t, y).data.tobytes()


@each_mix
def test_a_seed_multiplies_the_gradient(mix):
    t = Tensor([[1.0, 2.0, -1.0], [0.0, 0.5, 3.0]])
    for seed in (-3.0, 2.0, 4.0):
        cost = mix.cost(t, [2, 0])  # its first gradient takes the δ that it keeps
        np.testing.assert_allclose(grad(cost, t, seed), seed * grad(cost, t), rtol=1e-15)
    np.testing.assert_allclose(grad(cost * 2.0, t), 2 * mix.delta(t.data, [2, 0]) / 2, rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("block", [2, 6, 9])
@each_mix
def test_a_batch_in_blocks_is_the_batch_at_once(mix, block, dtype, monkeypatch):
    z, y = (
        np.random.default_rng(9).normal(size=(7, 3)).astype(dtype),
        np.eye(3)[[0, 1, 2, 2, 1, 0, 0]],
    )
    cost, delta = mix.cost(z, y), mix.delta(z, y)
    monkeypatch.setattr(closed_forms, "BLOCK", block * z.itemsize)
    np.testing.assert_allclose(mix.cost(z, y), cost, rtol=8 * np.finfo(dtype).eps)
    assert mix.cost(z, y).dtype == dtype
    np.testing.assert_allclose(mix.delta(z, y), delta, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("shape", [(128, 100), (180, 100), (3000, 10), (20, 4000)])
def test_no_block_of_a_batch_is_so_long_that_blas_waits_for_its_threads(shape):
    def of_size(z, y, dot):
        sizes.append(z.size)
        return 0.0, z

    sizes = []
    closed_forms.evaluated(of_size, np.zeros(shape), np.zeros(shape))
    assert sum(sizes) == np.prod(shape)
    assert max(sizes) <= 9216  # OpenBLAS: of a product with a matrix; of one of vectors 10,000


@each_mix
def test_infinite_logits_have_their_limit_in_blocks_too(mix, monkeypatch):
    z, classes = np.array([[np.inf, 0.0], [0.0, 1.0], [2.0, -np.inf]] * 2), [0, 1, 0] * 2
    for y in (classes, np.eye(2)[classes]):
        monkeypatch.undo()
        cost, delta = mix.cost(z, y), mix.delta(z, y)
        monkeypatch.setattr(closed_forms, "BLOCK", 4 * z.itemsize)
        np.testing.assert_allclose(mix.cost(z, y), cost, rtol=1e-15)
        np.testing.assert_allclose(mix.delta(z, y), delta, rtol=1e-15)


def test_a_block_is_as_many_rows_as_the_cache_holds_and_one_at_least(monkeypatch):
    seen = []

    def evaluate(z, y, dot):
        seen.append(len(z))
        return z.sum(), z - y

    z = np.arange(15.0).reshape(5, 3)
    for block, rows in ((2, [1] * 5), (3, [1] * 5), (6, [2, 2, 1]), (99, [5])):
        monkeypatch.setattr(closed_forms, "BLOCK", block * z.itemsize)
        total, delta = closed_forms.in_blocks(evaluate, z, np.ones((5, 3)))
        assert (seen, total) == (rows, z.sum())
        np.testing.assert_array_equal(delta, z - 1)
        seen.clear()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
@pytest.mark.parametrize("y", [[0.0], [1.0]])
def test_the_cost_of_one_certain_output_has_the_dtype_of_its_logit(y, dtype):
    cost = Mix("softmax", "ce").cost(np.zeros(1, dtype), y)
    assert cost.dtype == dtype
    assert cost == (np.inf if y == [0.0] else 0.0)


@in_one("more", [1, 29, 30, 100])
@in_one("pair", ["ce", "ll", "quadratic"])
def test_classes_that_cannot_be_change_nothing(pair, more):
    """Three classes, and the same three among many with logits at minus infinity."""
    mix, rng = Mix("softmax", pair), np.random.default_rng(5)
    z, y = rng.normal(size=(8, 3)) * 4, rng.random((8, 3))
    many, labels = (np.pad(x, [(0, 0), (more, 0)], constant_values=fill)
                    for x, fill in ((z, -np.inf), (y, 0.0)))  # fmt: skip
    for one in (slice(None), 0):
        delta = mix.delta(many[one], labels[one])
        assert not delta[..., :more].any()
        np.testing.assert_allclose(delta[..., more:], mix.delta(z[one], y[one]), rtol=1e-12)
        cost = mix.cost(many[one], labels[one])
        np.testing.assert_allclose(cost, mix.cost(z[one], y[one]), rtol=1e-13)
