"""What is computed at one place of a loop is what NumPy and SciPy compute, at every edge."""

from itertools import product

import numpy as np
import pytest
from scipy import special

import tinygrad_lossmix as lm
from tests.helpers.numpy_cases import ELEMENTWISE, A, V
from tests.helpers.quick import thinned
from tinygrad_lossmix.compiler.loops.backend import NotCompiledWarning, machine

EDGES = [0.0, 1.0, 2.5, 1e-300, 1e300, np.inf, 0.5, 3.0, 0.1, 7.0, 1e-5, 700.0, 88.0, 0.3]
EDGES = np.array([np.nan, *EDGES, *(-x for x in EDGES)])
NO_LOOPS = {special.rel_entr}
FUNCTIONS = [e.ufunc for e in ELEMENTWISE if e.ufunc not in NO_LOOPS]
FUNCTIONS += [np.floor, np.ceil, np.trunc, np.rint]
PARTS = [FUNCTIONS[i::6] for i in range(6)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("functions", "dtype"), thinned([(FUNCTIONS[::13], float), *product(PARTS, (float, "f"))], 99)
)
def test_a_function_has_the_same_values_in_loops(functions, dtype):
    """One program of several functions: its gradient by the weights w is their values."""
    x, y = np.array(list(product(EDGES, EDGES))).T.astype(dtype)
    w = np.ones((len(functions), len(x)), dtype)

    def weighted(w, x, y):
        values = [f(*(x, y)[: f.nin]) for f in functions]
        return sum((w[i] * value).sum() for i, value in enumerate(values))

    run, working_arrays, text = machine(weighted, (w, x, y), (0,), False)
    before_the_loops = text.partition("def value_and_gradient")[2].partition("value = ")[0]
    assert before_the_loops.count(" = ") == before_the_loops.count(" = empty(") == 1
    _, found = run(w, x, y, *working_arrays())
    for f, values in zip(functions, found, strict=True):
        expected = f(*(x, y)[: f.nin]).astype(dtype)
        rtol = 1e-5 if dtype == "f" else 1e-13
        np.testing.assert_allclose(values, expected, rtol, 0.0, err_msg=f.__name__)


def test_a_function_without_loops_is_named_and_answered_by_numpy():
    f = lambda x, y: special.rel_entr(x * x, y).sum()
    x, y = np.array([0.5, 2.0]), np.array([1.0, 0.25])
    with pytest.warns(NotCompiledWarning, match="there are no loops for rel_entr"):
        value, slope = lm.compile(f, backend="numba")(x, y)
    np.testing.assert_allclose(value, f(x, y))
    np.testing.assert_allclose(slope, 2 * x * (np.log(x * x / y) + 1))


@pytest.mark.parametrize("dtype", ["d", pytest.param("f", marks=pytest.mark.slow)])
def test_every_function_is_compiled_to_numpy(dtype):
    for e in ELEMENTWISE:
        args = [x.astype(dtype) for x in e.inside(*(A, 1.9 * V)[: len(e.domain)])]
        f = lambda *xs, e=e: (e.ufunc(*xs) * A.astype(dtype)).sum()
        wrt = tuple(range(len(args)))
        expected, slopes = lm.value_and_grad(f, wrt)(*args)
        value, found = lm.compile(f, wrt)(*args)
        rtol = 1e-5 if dtype == "f" else 1e-13
        np.testing.assert_allclose(value, expected, rtol, err_msg=e.ufunc.__name__)
        for g, slope in zip(found, slopes, strict=True):
            assert g.dtype == slope.dtype
            np.testing.assert_allclose(g, slope, rtol, 1e-6, err_msg=e.ufunc.__name__)
