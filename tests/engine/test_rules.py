"""Where derivatives are a convention or easily go wrong: ties, kinks, zeros, NaN, nothing."""

import numpy as np
import pytest
from scipy import special

from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.rules import astype, divisor, getitem
from tinygrad_lossmix.engine.table import TABLE

NAN, INF = np.nan, np.inf


def slope(f, *args):
    """The gradients of a sum of f at each of args."""
    tensors = [Tensor(np.array(x, dtype=float)) for x in args]
    value = f(*tensors)
    return [g.tolist() for g in grad(value, tensors, seed=np.ones(value.shape))]


@in_one(
    ("function", "x", "y", "dx", "dy"),
    [
        (np.maximum, 2, 1, 1, 0),
        (np.maximum, 1, 2, 0, 1),
        (np.maximum, 1, 1, 0.5, 0.5),
        (np.maximum, INF, INF, 0.5, 0.5),
        (np.minimum, 2, 1, 0, 1),
        (np.minimum, 1, 2, 1, 0),
        (np.minimum, 1, 1, 0.5, 0.5),
        (np.minimum, -INF, 3, 1, 0),
        (np.minimum, 0.0, -0.0, 0.5, 0.5),
    ],
)
def test_maximum_and_minimum_split_ties(function, x, y, dx, dy):
    assert slope(function, x, y) == [dx, dy]


@pytest.mark.parametrize("function", [np.maximum, np.minimum])
def test_nan_takes_part_in_maximum_and_minimum(function):
    """The gradients still add up to what arrived, none is lost."""
    for x, y in [(NAN, 1), (1, NAN), (NAN, NAN)]:
        assert sum(slope(function, x, y)) == 1.0


@pytest.mark.parametrize("function", [np.max, np.min])
@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([1.0, 1.0, 1.0], [1 / 3, 1 / 3, 1 / 3]),
        ([NAN, 1.0, 2.0], [1, 0, 0]),
        ([NAN, 1.0, NAN], [0.5, 0, 0.5]),
        ([0.0, -0.0], [0.5, 0.5]),
    ],
)
def test_max_and_min_split_ties_and_follow_nan(function, x, expected):
    assert slope(function, x) == [expected]


def test_ties_are_split_within_each_row():
    x = [[2.0, 2.0, 1.0], [0.0, 3.0, 0.0]]
    assert slope(lambda t: t.max(axis=1), x) == [[[0.5, 0.5, 0], [0, 1, 0]]]
    assert slope(lambda t: t.min(axis=1), x) == [[[0, 0, 1], [0.5, 0, 0.5]]]
    assert slope(lambda t: t.max(axis=(0, 1)), x) == [[[0, 0, 0], [0, 1, 0]]]
    x = [[2.0, 2.0, 1.0], [NAN, 3.0, 0.0]]  # as many equal their row's maximum as there are rows
    assert slope(lambda t: t.max(axis=1), x) == [[[0.5, 0.5, 0], [1, 0, 0]]]


@pytest.mark.parametrize(
    ("x", "low", "high", "expected"),
    [(0.5, 0, 1, 1), (2.0, 0, 1, 0), (-2.0, 0, 1, 0), (0.0, 0, 1, 0.5), (1.0, 0, 1, 0.5),
     (5.0, None, 1, 0), (5.0, 0, None, 1), (0.5, 0.5, 0.5, 0.25)],
)  # fmt: skip
def test_clip_is_flat_outside_and_half_at_the_ends(x, low, high, expected):
    assert slope(lambda t: np.clip(t, low, high), x) == [expected]


def test_absolute_has_slope_0_at_0():
    assert slope(np.absolute, [-2.0, 0.0, -0.0, 3.0]) == [[-1, 0, 0, 1]]
    assert np.isnan(slope(abs, NAN))


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_square_root_has_slope_infinity_at_0():
    assert slope(np.sqrt, [0.0, 4.0]) == [[INF, 0.25]]
    assert slope(lambda t: t**0.5, [0.0, 4.0]) == [[INF, 0.25]]


@in_one("wrap", [lambda y: y, np.float64, np.array])
@in_one(
    ("x", "y", "expected"),
    [(0, 0, 0), (0, 1, 1), (0, 2, 0), (0, 3, 0), (0, 1.5, 0), (3, 0, 0), (-2, 3, 12), (-2, 1, 1),
     (-2, 2, -4), (2, -1, -0.25), (-2, 0, 0), (2, 0.0, 0), (INF, 0, 0)],
)  # fmt: skip
def test_power_of_a_zero_or_negative_base(x, y, expected, wrap):
    assert slope(lambda t: t ** wrap(y), float(x)) == [expected]
    assert slope(lambda t: np.power(t, wrap(y)), [x, x]) == [[expected, expected]]


def test_power_of_integer_exponents_in_one_array():
    exponents = np.array([0, 1, 2, 3], dtype=np.uint8)
    assert slope(lambda t: t**exponents, [0.0, 0.0, 0.0, 0.0]) == [[0, 1, 0, 0]]
    assert slope(lambda t: t**exponents, [2.0, 2.0, 2.0, 2.0]) == [[0, 1, 4, 12]]


@pytest.mark.parametrize("x", [0, 0.0, np.float64(0), np.zeros(3)])
def test_0_to_a_power_does_not_change_with_the_exponent(x):
    assert slope(lambda t: x**t, [0.0, 1.0, 2.5]) == [[0, 0, 0]]


def test_both_arguments_of_power_at_zeros():
    dx, dy = slope(np.power, [0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.0, 0.0])
    assert dx == [0, 1, 0, 0]
    assert dy == [0, 0, 0, np.log(2.0)]


@pytest.mark.parametrize("first", [0, 1])
def test_mixed_second_derivative_of_power_where_the_exponent_is_0(first):
    """d²/dxdy x^y = x^(y-1) (1 + y ln x), which is 1/x."""
    pair = [Tensor([2.0, 4.0]), Tensor([0.0, 0.0])]
    once = grad(np.power(*pair).sum(), pair[first], create_graph=True)
    np.testing.assert_allclose(grad(once.sum(), pair[1 - first]), [0.5, 0.25])


def test_second_and_third_derivative_of_a_square_at_0():
    t = Tensor(0.0)
    once = grad(t**2, t, create_graph=True)
    twice = grad(once, t, create_graph=True)
    assert (float(once), float(twice), float(grad(twice, t))) == (0, 2, 0)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([2.0, 3.0, 4.0], [12, 8, 6]),
        ([0.0, 3.0, 4.0], [12, 0, 0]),
        ([0.0, 0.0, 4.0], [0, 0, 0]),
        ([5.0], [1]),
        ([], []),
    ],
)
def test_product_with_zeros(x, expected):
    assert slope(np.prod, x) == [expected]


def test_second_derivative_of_a_product_with_two_zeros():
    t = Tensor([0.0, 0.0, 5.0])
    first = grad(t.prod(), t, create_graph=True)
    assert grad(first[0], t).tolist() == [0, 5, 0]
    assert grad(first[2], t).tolist() == [0, 0, 0]


def test_product_along_an_axis_with_zeros():
    x = [[0.0, 2.0], [3.0, 0.0], [4.0, 5.0]]
    assert slope(lambda t: t.prod(axis=0), x) == [[[12, 0], [0, 10], [0, 0]]]
    assert slope(lambda t: t.prod(axis=1, keepdims=True), x) == [[[2, 0], [0, 3], [5, 4]]]
    assert slope(lambda t: t.prod(axis=(1, 0)), x) == [[[0, 0], [0, 0], [0, 0]]]


@pytest.mark.parametrize("ddof", [0, 1, 2])
def test_variance_with_ddof(ddof):
    x = np.array([1.0, 2.0, 4.0, 9.0])
    assert float(np.var(Tensor(x), ddof=ddof)) == np.var(x, ddof=ddof)
    (g,) = slope(lambda t: t.var(ddof=ddof), x)
    np.testing.assert_allclose(g, 2 * (x - 4) / (4 - ddof))


@in_one(
    ("function", "x", "y", "expected"),
    [
        (np.hypot, [3.0, 0.0, 0.0, -0.0], [4.0, -2.0, 0.0, 0.0], ([0.6, 0, 0, 0], [0.8, -1, 0, 0])),
        (np.hypot, [1e200, 1e-200], [0.0, 0.0], ([1, 1], [0, 0])),
        (np.arctan2, [0.0, 0.0, 2.0], [0.0, -2.0, 0.0], ([0, -0.5, 0], [0, 0, -0.5])),
        (np.arctan2, [1e200, 1e-200], [1e200, 1e-200], ([5e-201, 5e199], [-5e-201, -5e199])),
        (np.copysign, [0.0, -3.0, 3.0], [-2.0, 2.0, -0.0], ([0, -1, -1], [0, 0, 0])),
        (np.heaviside, [0.0, -0.0, 2.0], [0.5, 0.5, 0.5], ([0, 0, 0], [1, 1, 0])),
        (np.fmax, [1.0, 2.0, NAN, 1.0, INF], [1.0, 1.0, 1.0, NAN, INF],
         ([0.5, 1, 0, 1, 0.5], [0.5, 0, 1, 0, 0.5])),
        (np.fmin, [1.0, 2.0, NAN, 1.0, 0.0], [1.0, 1.0, 1.0, NAN, -0.0],
         ([0.5, 0, 0, 1, 0.5], [0.5, 1, 1, 0, 0.5])),
        (np.remainder, [6.0, 1.0, -7.0, 7.0, 5.0, 2.0], [3.0, 0.1, 3.0, -3.0, INF, 2.0],
         ([1, 1, 1, 1, 1, 1], [-2, -9, 3, 3, 0, -1])),
        (np.fmod, [6.0, 1.0, -7.0, 7.0, 5.0, -2.0], [3.0, 0.1, 3.0, -3.0, INF, 2.0],
         ([1, 1, 1, 1, 1, 1], [-2, -9, 2, 2, 0, 1])),
        (np.floor_divide, [6.0, 1.0], [3.0, 0.1], ([0, 0], [0, 0])),
        (special.xlogy, [2.0, 0.0], [4.0, 0.5], ([np.log(4), np.log(0.5)], [0.5, 0])),
        (special.xlog1py, [2.0, 0.0], [3.0, -0.5], ([np.log(4), np.log(0.5)], [0.5, 0])),
        (special.rel_entr, [2.0, 1.0], [2.0, 4.0], ([1, 1 - np.log(4)], [-1, -0.25])),
    ],
)  # fmt: skip
def test_functions_of_two_at_kinks_jumps_and_far_out(function, x, y, expected):
    for found, right in zip(slope(function, x, y), expected, strict=True):
        np.testing.assert_allclose(found, right, 1e-15)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@in_one(
    ("function", "x", "expected"),
    [
        (np.fabs, [-2.0, 0.0, -0.0, 3.0], [-1, 0, 0, 1]),
        (np.cbrt, [-8.0, 0.0, 27.0], [1 / 12, INF, 1 / 27]),
        (np.arcsin, [-1.0, 1.0, 1 - 2.0**-53], [INF, INF, 2.0**26 * np.sqrt(1 + 2.0**-54)]),
        (np.arccos, [-1.0, 1.0, 1 - 2.0**-53], [-INF, -INF, -(2.0**26) * np.sqrt(1 + 2.0**-54)]),
        (np.arctanh, [-1.0, 1.0, 1 - 2.0**-53], [INF, INF, 2.0**52 * (1 + 2.0**-54)]),
        (np.arccosh, [1.0, 1 + 2.0**-52, 1e200, 0.5], [INF, 2.0**25.5, 1e-200, NAN]),
        (np.arcsinh, [-1e200, 0.0, 1e200], [1e-200, 1, 1e-200]),
        (np.arctan, [-INF, 0.0, INF], [0, 1, 0]),
        (np.log2, [0.0, 2.0], [INF, 0.5 / np.log(2)]),
        (np.reciprocal, [-0.5, 2.0, INF], [-4, -0.25, 0]),
        (special.entr, [0.0, np.exp(-1), 1.0], [INF, 0, -1]),
        (special.logit, [2.0**-60, 0.5, 1 - 2.0**-53], [2.0**60, 4, 2.0**53]),
        (special.erfc, [0.0, 10.0, 40.0], [-2 / np.sqrt(np.pi), -4.197654810283105e-44, 0]),
        (special.expit, [-800.0, -40.0, 40.0, 800.0], [0, np.exp(-40.0), np.exp(-40.0), 0]),
        (special.log_expit, [-800.0, 40.0, 800.0], [1, np.exp(-40.0), 0]),
    ],
)
def test_functions_of_one_at_kinks_and_where_they_end(function, x, expected):
    np.testing.assert_allclose(slope(function, x)[0], expected, 4e-15, 1e-15)


def test_the_second_derivative_of_a_remainder_is_0_and_of_hypot_at_0_finite():
    x, y = Tensor([7.5, 0.0]), Tensor([2.0, 0.0])
    with np.errstate(all="ignore"):
        for function in (np.remainder, np.fmod):
            for first in grad(function(x, y)[0], [x, y], create_graph=True):
                assert [g[0] for g in grad(first.sum(), [x, y])] == [0.0, 0.0]
    for first in grad(np.hypot(x, y).sum(), [x, y], create_graph=True):
        assert np.isfinite(grad(first.sum(), [x, y])).all()


@pytest.mark.parametrize("function", [np.std, np.linalg.norm])
def test_a_length_or_deviation_of_0_has_slope_0_to_any_order(function):
    t = Tensor(np.zeros((2, 3)))
    for options in ({}, {"axis": 1}, {"axis": (0, 1), "keepdims": True}):
        once = grad(np.sum(function(t, **options)), t, create_graph=True)
        np.testing.assert_array_equal(once.data, 0)
        np.testing.assert_array_equal(grad(once.sum(), t), 0)
    assert slope(lambda t: function(t, axis=1), [[2.0, 2.0], [3.0, -1.0]])[0][0] in (
        [0, 0], [pytest.approx(0.5**0.5)] * 2)  # fmt: skip
    assert np.isnan(slope(function, [NAN, 1.0])).any()


@pytest.mark.parametrize(
    ("ord", "expected"),
    [(None, [0.6, 0.8, 0]), (1, [1, 1, 0]), (np.inf, [0, 1, 0]), (-np.inf, [0, 0, 0])],
)
def test_norms_of_a_vector_with_a_zero(ord, expected):
    np.testing.assert_allclose(*slope(lambda t: np.linalg.norm(t, ord), [3.0, 4.0, 0.0]), expected)
    assert slope(lambda t: np.linalg.norm(t, ord), [0.0, 0.0]) == [[0, 0]]


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([3.0, 1.0, 2.0], [0, 0, 1]),
        ([3.0, 1.0, 2.0, 0.0], [0, 0.5, 0.5, 0]),
        ([1.0, 1.0, 1.0], [0, 1, 0]),
        ([3.0, NAN, 2.0], [0, 1, 0]),
        ([INF, -INF, INF], [1, 0, 0]),
        ([5.0], [1]),
    ],
)
def test_a_median_moves_with_the_middle_and_is_nan_with_any(x, expected):
    assert slope(np.median, x) == [expected]
    np.testing.assert_array_equal(np.median(Tensor(x)).data, np.median(x))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_cumulative_sum_and_an_average_follow_nan_and_infinity():
    x = [1.0, NAN, INF]
    assert slope(np.cumsum, x) == [[3, 2, 1]]
    np.testing.assert_array_equal(np.cumsum(Tensor(x)).data, np.cumsum(x))
    assert slope(lambda t: np.average(t, weights=[1.0, 0.0, 3.0]), x) == [[0.25, 0, 0.75]]
    assert slope(lambda t: np.nan_to_num(t, nan=7.0), x) == [[1, 0, 0]]
    np.testing.assert_array_equal(np.nan_to_num(Tensor(x)).data, np.nan_to_num(x))
    assert np.isnan(np.median(Tensor([])).data)


def test_where_lets_no_nan_through_from_the_other_branch():
    assert slope(lambda x, y: np.where([True, False], x, y), [1.0, NAN], [INF, 2.0]) == [
        [1, 0],
        [0, 1],
    ]


def test_where_with_a_branch_that_overflows_passes_on_zero_there():
    t = Tensor([1.0, 2.0])
    branch = np.exp(t)
    grads = grad(np.where(t < 1.5, t, branch).sum(), [t, branch])
    np.testing.assert_array_equal(grads[1], [0, 1])
    np.testing.assert_allclose(grads[0], [1, np.exp(2.0)])


def test_sum_of_nothing_is_0():
    assert slope(np.sum, []) == [[]]
    assert Tensor([]).sum().item() == 0.0
    assert Tensor(np.empty((2, 0))).sum(axis=1).data.tolist() == [0, 0]
    assert Tensor([]).prod().item() == 1.0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("function", [np.mean, np.var])
def test_mean_of_nothing_is_nan(function):
    t = Tensor([])
    assert np.isnan(function(t).item())
    assert grad(function(t), t).shape == (0,)
    columns = Tensor(np.empty((0, 2)))
    assert np.isnan(function(columns, axis=0).data).all()
    assert grad(function(columns, axis=0), columns, seed=np.ones(2)).shape == (0, 2)


def test_mean_over_rows_of_an_empty_batch():
    t = Tensor(np.empty((0, 2)))
    assert t.mean(axis=1).shape == (0,)
    assert grad(t.mean(axis=1).sum(), t).shape == (0, 2)


@pytest.mark.parametrize("function", [np.max, np.min, np.amax, np.amin])
def test_max_of_nothing_raises(function):
    with pytest.raises(ValueError, match="zero-size"):
        function(Tensor([]))


def test_an_exponent_is_differentiated_in_its_own_precision():
    exponent = Tensor(np.longdouble(2))
    value = np.power(np.array(3), exponent)  # float64 before NumPy 2.3
    slope = grad(value, exponent)
    assert abs(slope - 9 * np.log(np.longdouble(3))) < 64 * np.finfo(value.dtype).eps


def test_a_count_is_exact_in_every_precision():
    """float32 has no 2²⁴ + 1, float16 ends at 65504."""
    for dtype in (np.float64, np.longdouble, np.float32):
        assert int(divisor(2**24 + 1, np.dtype(dtype))) == 2**24 + 1
    assert np.float16(1) / divisor(2.0**17, np.dtype(np.float16)) == 2.0**-17


def test_equal_parts_among_ties_are_counted_in_the_precision_of_x():
    for function in (np.max, np.min):
        rule = TABLE[function].rules[0]
        for dtype in (np.float32, np.float64, np.longdouble):
            x = np.ones(3, dtype)
            assert rule(x[0], x[0], x).dtype == dtype


def test_a_backward_pass_that_is_recorded_has_no_needless_conversions():
    x, y = Tensor([1.5, 2.5]), Tensor([[2.0], [0.5]])
    seed = Tensor(np.ones((2, 2)))
    cost = x**y
    for g in grad(cost, [x, y], seed=seed, create_graph=True):
        assert astype not in {node.function for node in nodes(g)}


def test_the_gradient_of_a_product_of_vectors_takes_no_vector_for_a_matrix():
    x, y = Tensor([1.5, 2.5]), Tensor([2.0, 0.5])
    for g in grad(x @ y, [x, y], seed=Tensor(1.0), create_graph=True):
        assert getitem not in {node.function for node in nodes(g)}
