"""The book's formulas to the letter: their values, their gradients, and NaN where they are NaN."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix import MIXES, Tensor, grad
from tinygrad_lossmix.engine.graph import groups, nodes

logits = hnp.arrays(float, st.integers(1, 6), elements=st.floats(-8, 8))
COSTS = {
    lm.book.cross_entropy: lambda a, y: -(y * mpmath.log(a) + (1 - y) * mpmath.log(1 - a)),
    lm.book.log_likelihood: lambda a, y: -y * mpmath.log(a),
    lm.book.quadratic: lambda a, y: (a - y) ** 2 / 2,
}
SLOPES = {
    lm.book.cross_entropy: lambda a, y: (1 - y) / (1 - a) - y / a,
    lm.book.log_likelihood: lambda a, y: -y / a,
    lm.book.quadratic: lambda a, y: a - y,
}
each_cost = pytest.mark.parametrize("cost", COSTS, ids=lambda f: f.__name__)


@given(logits)
def test_sigmoid_is_its_formula(z):
    exact = [float(1 / (1 + mpmath.exp(-x))) for x in z]
    np.testing.assert_allclose(lm.book.sigmoid(z), exact, rtol=1e-15)


@given(logits)
def test_softmax_is_its_formula(z):
    e = [mpmath.exp(x) for x in z]
    exact = [float(x / sum(e)) for x in e]
    np.testing.assert_allclose(lm.book.softmax(z), exact, rtol=2e-15)


@each_cost
@given(data=st.data())
def test_cost_and_its_gradient_are_the_formula(cost, data):
    k = data.draw(st.integers(1, 6))
    a = data.draw(hnp.arrays(float, k, elements=st.floats(0.01, 0.99)))
    y = data.draw(hnp.arrays(float, k, elements=st.floats(-1, 2)))
    exact = [float(COSTS[cost](mpmath.mpf(x), mpmath.mpf(t))) for x, t in zip(a, y, strict=True)]
    slopes = [float(SLOPES[cost](mpmath.mpf(x), mpmath.mpf(t))) for x, t in zip(a, y, strict=True)]
    t = Tensor(a)
    recorded = cost(t, y)
    np.testing.assert_allclose(cost(a, y), sum(exact), rtol=1e-13, atol=1e-13)
    assert recorded.data == cost(a, y)
    np.testing.assert_allclose(grad(recorded, t), slopes, rtol=1e-12, atol=1e-12)


@each_cost
def test_cost_of_a_batch_is_the_mean_over_everything_but_the_last_axis(cost):
    rng = np.random.default_rng(0)
    a, y = rng.uniform(0.1, 0.9, (2, 3, 4)), rng.random((2, 3, 4))
    each = [cost(a[i, j], y[i, j]) for i in range(2) for j in range(3)]
    np.testing.assert_allclose(cost(a, y), np.mean(each), rtol=1e-15)
    assert cost(Tensor(a), y).shape == ()


@in_one(
    ("formula", "args", "expected"),
    [
        (lm.book.cross_entropy, ([1.0, 0.5], [1.0, 0.0]), np.nan),
        (lm.book.cross_entropy, ([0.0, 0.5], [0.0, 0.0]), np.nan),
        (lm.book.cross_entropy, ([0.0, 0.5], [0.5, 0.0]), np.inf),
        (lm.book.log_likelihood, ([0.0, 0.5], [0.0, 1.0]), np.nan),
        (lm.book.log_likelihood, ([0.0, 0.5], [1.0, 0.0]), np.inf),
        (lm.book.log_likelihood, ([1.0, 0.0], [1.0, 0.0]), np.nan),
        (lm.book.softmax, ([1000.0, 0.0],), [np.nan, 0.0]),
        (lm.book.softmax, ([-1000.0, -1000.0],), [np.nan, np.nan]),
        (lm.book.sigmoid, ([-1000.0, 1000.0],), [0.0, 1.0]),
        (lm.book.quadratic, ([0.0, 1.0], [1.0, 1.0]), 0.5),
    ],
    ids=lambda value: repr(value).split(" at ")[0],
)
def test_value_is_what_the_formula_is_in_floating_point(formula, args, expected):
    first, *rest = map(np.array, args)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(formula(first, *rest), expected)
        np.testing.assert_array_equal(formula(Tensor(first), *rest).data, expected)


def test_gradient_is_nan_where_the_formula_is():
    """Far from 0 the composed costs lose what the stable ones keep."""
    z = Tensor([1000.0, 0.0, -1000.0])
    with np.errstate(all="ignore"):
        cost = lm.book.log_likelihood(lm.book.softmax(z), np.array([1.0, 0.0, 0.0]))
        assert np.isnan(grad(cost, z)).any()
    assert np.isfinite(lm.Mix("softmax", "ll").delta(z.data, 0)).all()


@pytest.mark.parametrize("output", [lm.book.sigmoid, lm.book.softmax], ids=lambda f: f.__name__)
@each_cost
def test_each_formula_is_recorded_as_one_group_of_primitives(output, cost):
    z = Tensor([0.5, -1.0, 2.0])
    a = output(z)
    recorded = cost(a, np.array([0.0, 1.0, 0.0]))
    inner, outer = groups(recorded)
    assert (inner.name, inner.inputs, inner.output) == (output.__name__, (z,), a)
    assert (outer.name, outer.inputs, outer.output) == (cost.__name__, (a,), recorded)
    assert z not in set(inner.members)
    assert not set(inner.members) & set(outer.members)
    assert {z, *inner.members, *outer.members} == set(nodes(recorded))
    assert len(inner.members) > 2
    assert len(outer.members) > 2


@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_composed_is_the_graph_of_the_books_two_formulas(mix):
    z = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 0.25]])
    output = getattr(lm.book, mix.output)
    cost = {
        "ce": lm.book.cross_entropy,
        "ll": lm.book.log_likelihood,
        "quadratic": lm.book.quadratic,
    }
    y = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    expected = cost[mix.cost_name](output(z), y)
    assert mix.composed(z, [1, 2]) == expected
    recorded = mix.composed(Tensor(z), [1, 2])
    assert recorded.data == expected
    assert [group.name for group in groups(recorded)] == [
        mix.output,
        cost[mix.cost_name].__name__,
    ]


@pytest.mark.parametrize("mix", MIXES, ids=str)
@given(data=st.data())
def test_composed_and_the_stable_node_are_the_same_function(mix, data):
    z = data.draw(hnp.arrays(float, (3, 4), elements=st.floats(-5, 5)))
    y = data.draw(hnp.arrays(float, (3, 4), elements=st.floats(0, 1)))
    t = Tensor(z)
    np.testing.assert_allclose(mix.composed(z, y), mix.cost(z, y), rtol=1e-12, atol=1e-12)
    gradient = grad(mix.composed(t, y), t)
    np.testing.assert_allclose(gradient, mix.delta(z, y) / 3, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_composed_keeps_float32(mix):
    t = Tensor(np.array([0.5, -1.0, 2.0], np.float32))
    cost = mix.composed(t, 1)
    assert {node.dtype for node in nodes(cost)} == {np.dtype(np.float32)}
    assert grad(cost, t).dtype == np.float32


@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3)])
def test_composed_cost_of_no_examples_is_nan_in_silence(shape):
    y, t = np.zeros(shape[:-1], int), Tensor(np.zeros(shape))
    for mix in MIXES:
        assert np.isnan(mix.composed(t.data, y))
        assert grad(mix.composed(t, y), t).shape == shape


def test_the_argument_may_be_given_by_name():
    z = Tensor([1.0, 2.0])
    assert (lm.book.softmax(z=z).data == lm.book.softmax(z).data).all()


def test_symbols_in_an_object_array_stay_what_they_are():
    a, y = (np.array([Fraction(n, 3), Fraction(m, 3)], object) for n, m in [(1, 2), (3, 0)])
    assert lm.book.quadratic(a, y) == pytest.approx(4 / 9)
    assert lm.book.quadratic(a, y).__class__ is float


def test_completion_lists_the_five_formulas_and_nothing_imported():
    public = {name for name in dir(lm.book) if not name.startswith("__")}
    assert public == set(lm.book.__all__)
    assert {"__doc__", "__name__"} <= set(dir(lm.book))
