"""What a traced array answers, and what it refuses: no number is baked in."""

import numpy as np
import pytest
from scipy import special

import tinygrad_lossmix as lm
from tests.helpers.networks import close
from tests.helpers.quick import in_one
from tinygrad_lossmix.compiler.compile import compile as compiled
from tinygrad_lossmix.compiler.loops.backend import NotCompiledWarning


def test_the_shift_by_a_maximum_is_computed_again():
    def f(z):
        return np.exp(z - np.max(z)).sum()

    g = compiled(f)
    g(np.array([1.0, 2.0]))
    close(g(np.array([1000.0, 999.0])), lm.value_and_grad(f)(np.array([1000.0, 999.0])))


def test_a_function_of_ours_with_an_argument_that_is_not_differentiated():
    def f(x, y):
        return special.rel_entr(2.0 * y, x).sum()

    arrays = np.array([1.0, 2.0]), np.array([0.5, 3.0])
    close(compiled(f)(*arrays), lm.value_and_grad(f)(*arrays))


def test_masks_and_indices_are_computed_again():
    def f(z, i):
        return np.where(z > 0, z, 0.1 * z).sum() + z[i] * z[np.argmax(z)] + np.take(z, i)

    g = compiled(f)
    g(np.array([1.0, -2.0]), np.array(0))
    arrays = np.array([-3.0, 5.0]), np.array(1)
    close(g(*arrays), lm.value_and_grad(f)(*arrays))


@in_one(
    "ask",
    [
        lambda t: t.data,
        float,
        bool,
        int,
        lambda t: t.item(),
        lambda t: 1 if t > 0 else 2,
        lambda t: np.asarray(t.data),
        lambda t: range(t),
    ],
)
@in_one("wrt", [0, 1])
def test_a_number_of_a_traced_array_is_refused(ask, wrt):
    def f(t, u):
        ask((t, u)[0])
        return (t * u).sum()

    with pytest.raises(TypeError):
        compiled(f, wrt)(np.array(1.0), np.array(2.0))


def test_what_depends_on_numbers_in_its_shape_is_refused_with_advice():
    with pytest.raises(TypeError, match=r"np\.where"):
        compiled(lambda t: t[t > 0].sum())(np.array([1.0, -1.0]))


def test_assignment_is_refused_with_advice():
    def f(t, u):
        u[0] = 1.0
        return (t * u).sum()

    with pytest.raises(TypeError, match=r"np\.where"):
        compiled(f)(np.ones(2), np.ones(2))


def test_what_a_function_asks_of_the_type_of_an_array_is_answered_as_without_a_trace():
    def f(t, u):
        known = isinstance(u, np.ndarray) and not isinstance(u, float | lm.Tensor)
        return (t * (u if known else 2.0 * u)).sum() + isinstance(t, np.ndarray)

    close(compiled(f)(np.ones(2), np.ones(2)), lm.value_and_grad(f)(np.ones(2), np.ones(2)))


@pytest.mark.parametrize("backend", ["numpy", pytest.param("numba", marks=pytest.mark.slow)])
def test_what_a_trace_cannot_know_is_answered_as_interpreted(backend):
    rng = np.random.default_rng(0)
    for f, u in [
        (lambda t, u: (t * (u if type(u) is np.ndarray else 2.0 * u)).sum(), np.ones(2)),
        (lambda t, u: (t * (u * 2)[:2]).sum(), [1.0, 3.0]),
        (lambda t, u: (t * (1.0 if hasattr(u, "flags") else 3.0)).sum(), np.ones(2)),
        (lambda t, u: (t * (t.sum() > 1.0 if isinstance(u, float) else 5.0)).sum(), np.float64(2)),
    ]:
        g = compiled(f, backend=backend)
        with pytest.warns(NotCompiledWarning, match="gives another answer"):
            first = g(np.ones(2), u)
        close(first, lm.value_and_grad(f)(np.ones(2), u))
        close(g(2 * np.ones(2), u), lm.value_and_grad(f)(2 * np.ones(2), u))
        assert g.source.startswith("# the interpreted form answers")
    drawn = compiled(lambda t: (t * rng.normal(size=2)).sum(), backend=backend)
    with pytest.warns(NotCompiledWarning, match="random numbers"):
        drawn(np.ones(2))
    assert drawn(np.ones(2))[0] != drawn(np.ones(2))[0]
