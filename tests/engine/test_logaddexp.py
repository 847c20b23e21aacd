"""The slopes of `np.logaddexp`: the softmax of its arguments, infinite ones and far ones too."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad

INF = np.inf


@in_one("wrap", [float, lambda x: [x]])
@in_one(
    ("x", "y"),
    [
        (1e16, 1e16),
        (1e300, 1e300),
        (INF, INF),
        (-INF, -INF),
        (INF, 0.0),
        (0.0, -INF),
        (-INF, INF),
        (-INF, 1.0),
        (800.0, 0.0),
        (0.0, 1000.0),
        (-1e308, 1e308),
        (3.0, 1.0),
        (20.0, 0.0),
        (0.0, 0.0),
    ],
)
def test_the_slope_of_logaddexp_is_the_softmax_of_its_arguments(x, y, wrap):
    a, b, both = Tensor(wrap(x)), Tensor(wrap(y)), Tensor([x, y])
    with np.errstate(over="ignore"):
        first = grad(np.logaddexp(a, b).sum(), [a, b], create_graph=True)
        expected = grad(lm.logsumexp(both), both, create_graph=True)
    np.testing.assert_allclose([g.item() for g in first], expected.data, rtol=1e-14)
    for g, other in zip(first, expected, strict=True):
        second = [g.item() for g in grad(g.sum(), [a, b])]
        if np.isfinite([x, y]).all():
            np.testing.assert_allclose(second, grad(other, both), rtol=1e-12, atol=1e-300)
        else:
            assert np.isfinite(second).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_its_tails_are_exact_in_every_precision_however_far_the_others_are(dtype):
    """p and p(1 - p), where p = 1/(1 + e^d): alone, and beside an entry that is far off."""
    d = np.linspace(-10.0, 3.9 if dtype == np.float16 else 19.9, 41).astype(dtype)
    exact = 1 / (1 + np.exp(d.astype(np.longdouble)))
    for far in ([], [30.0], [INF]):
        x = Tensor(np.zeros(d.size + len(far), dtype))
        y = Tensor(np.concatenate([d, np.array(far, dtype)]))
        (once,) = grad(np.logaddexp(x, y)[: d.size].sum(), [x], create_graph=True)
        twice = grad(once.sum(), x)
        assert once.dtype == twice.dtype == dtype
        assert once.data.tobytes() == grad(np.logaddexp(x, y)[: d.size].sum(), x).tobytes()
        np.testing.assert_allclose(once.data[: d.size], exact, 32 * np.finfo(dtype).eps)
        spread = 32 * np.finfo(dtype).eps, 8 * np.finfo(dtype).smallest_subnormal
        np.testing.assert_allclose(twice[: d.size], exact * (1 - exact), *spread)


@in_one(("dtype", "far"), [(np.float16, 12.0), (np.float32, 60.0), (np.float64, 500.0)])
def test_its_second_slope_is_a_number_where_powers_of_the_exponential_are_none(dtype, far):
    x, y = Tensor(np.zeros(3, dtype)), np.full(3, far, dtype)
    twice = grad(grad(np.logaddexp(x, y).sum(), x, create_graph=True).sum(), x)
    exact = 1 / (1 + np.exp(np.longdouble(far)))
    smallest = np.finfo(dtype).smallest_subnormal
    np.testing.assert_allclose(twice, exact * (1 - exact), 1e-5, 2 * smallest)
