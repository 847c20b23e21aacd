"""exp, log and log1p for loops: exact to a unit in the last place, and vector instructions."""

import functools
import re

import mpmath
import numpy as np
import pytest
from numba import njit

from tests.helpers.quick import every, thinned
from tinygrad_lossmix.compiler.loops import vector_math

D, F = np.float64, np.float32
CASES = [
    *[("exp", D), ("exp", F), ("exp_to_one", F), ("exp_to_one", D)],
    *[("log", F), ("log", D), ("log1p", D), ("log1p", F)],
]
each = pytest.mark.parametrize(("name", "dtype"), thinned(CASES, 3))


@functools.cache
def loop(name, dtype):
    function = getattr(vector_math, f"{name}{8 * np.dtype(dtype).itemsize}")

    @njit(error_model="numpy", fastmath={"contract"})
    def run(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def evaluate(x):
        out = np.empty_like(x)
        run(x, out)
        return out

    evaluate.compiled = run
    return evaluate


def numbers(name, dtype):
    """Where the function is finite, from the smallest to the largest."""
    rng, info = np.random.default_rng(0), np.finfo(dtype)
    around_one = np.concatenate([rng.uniform(0.5, 2.0, 300), rng.uniform(0.999, 1.001, 100)])
    logs = [rng.uniform(np.log(float(low)), np.log(float(high)), 300) for low, high in (
        (info.tiny, info.max), (info.smallest_subnormal, info.tiny)
    )]  # fmt: skip
    positive = np.concatenate([around_one, *map(np.exp, logs)])
    if name == "log":
        return positive.astype(dtype)
    if name == "log1p":
        return np.concatenate(
            [positive, -rng.uniform(0, 1, 300), -positive[positive < 0.9]]
        ).astype(dtype)
    low, high = np.log(float(info.smallest_subnormal)), np.log(float(info.max))
    spread = [rng.uniform(low, high, 300), rng.uniform(-1, 1, 300), rng.uniform(-1e-6, 1e-6, 50)]
    x = np.concatenate(spread).astype(dtype)
    return -np.abs(x[x >= low]) if name == "exp_to_one" else x


@each
@every(7)
def test_the_error_is_at_most_one_and_a_half_units_in_the_last_place(name, dtype, every):
    x = numbers(name, dtype)[::every].copy()
    for at, value in zip(x, loop(name, dtype)(x), strict=True):
        with mpmath.workprec(200):
            truth = getattr(mpmath, name.removesuffix("_to_one"))(mpmath.mpf(float(at)))
            unit = float(np.spacing(np.abs(dtype(truth))))
            assert abs(mpmath.mpf(float(value)) - truth) <= 1.5 * unit


@each
def test_the_edges_are_those_of_numpy(name, dtype):
    info = np.finfo(dtype)
    edges = [0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, -2.0, info.max, info.min, info.tiny,
             info.smallest_subnormal, -info.smallest_subnormal, 1e4, -1e4]  # fmt: skip
    x = np.array(edges, dtype)
    x = x[~(x > 0)] if name == "exp_to_one" else x
    with np.errstate(all="ignore"):
        expected = getattr(np, name.removesuffix("_to_one"))(x)
    np.testing.assert_allclose(loop(name, dtype)(x), expected, rtol=2 * info.eps)


@each
def test_it_is_computed_several_numbers_at_a_time(name, dtype):
    run = loop(name, dtype)
    run(np.ones(100, dtype))
    [text] = run.compiled.inspect_llvm().values()
    kind = {np.float64: "double", np.float32: "float"}[dtype]
    assert re.search(rf"fmul contract <\d+ x {kind}>", text)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_larger_and_the_smaller_number_are_nan_where_one_is(dtype):
    @njit
    def both(x, y):
        return vector_math.larger(x, y), vector_math.smaller(x, y)

    for x in (1.0, -np.inf, np.nan):
        for y in (2.0, np.inf, np.nan):
            x, y = dtype(x), dtype(y)
            np.testing.assert_equal(both(x, y), (np.maximum(x, y), np.minimum(x, y)))
