"""Costs of outputs: 0·log 0 = 0 in value and gradient, labels of every kind, batches."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mpmath import mpf

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.graph import groups, nodes


def _log_term(weight, x):
    return weight * mpmath.log(x) if weight else mpf(0)


def _ratio(weight, x):
    return weight / x if weight else mpf(0)


# value, derivative and second derivative of one term, with 0·log 0 = 0
TERMS = {
    lm.cross_entropy: (
        lambda a, y: -_log_term(y, a) - _log_term(1 - y, 1 - a),
        lambda a, y: _ratio(1 - y, 1 - a) - _ratio(y, a),
        lambda a, y: _ratio(1 - y, (1 - a) ** 2) + _ratio(y, a**2),
    ),
    lm.log_likelihood: (
        lambda a, y: -_log_term(y, a),
        lambda a, y: -_ratio(y, a),
        lambda a, y: _ratio(y, a**2),
    ),
    lm.quadratic: (lambda a, y: (a - y) ** 2 / 2, lambda a, y: a - y, lambda a, y: mpf(1)),
}
each_cost = pytest.mark.parametrize("cost", TERMS, ids=lambda f: f.__name__)


@st.composite
def outputs_and_labels(draw):
    """Outputs inside (0, 1), and at 0 and 1 where the label says so too."""
    k = draw(st.integers(1, 6))
    a = draw(hnp.arrays(float, k, elements=st.floats(0.001, 0.999)))
    y = draw(hnp.arrays(float, k, elements=st.floats(0, 1)))
    sure = draw(hnp.arrays(np.int8, k, elements=st.integers(-1, 1)))
    return np.where(sure, sure > 0, a), np.where(sure, sure > 0, y)


@each_cost
@given(outputs_and_labels())
def test_value_and_two_derivatives_agree_with_mpmath(cost, example):
    a, y = example
    t = Tensor(a)
    recorded = cost(t, y)
    once = grad(recorded, t, create_graph=True)
    exact = [[float(f(mpf(x), mpf(w))) for x, w in zip(a, y, strict=True)] for f in TERMS[cost]]
    np.testing.assert_allclose(cost(a, y), sum(exact[0]), rtol=1e-13, atol=1e-15)
    assert recorded.data == cost(a, y)
    np.testing.assert_allclose(once.data, exact[1], rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(grad(once.sum(), t), exact[2], rtol=1e-12, atol=1e-300)
    assert grad(recorded, t).tobytes() == once.data.tobytes()


@each_cost
@in_one("y", [1, [0.0, 1.0, 0.0], [False, True, False]])
def test_a_certain_and_right_answer_costs_nothing_and_moves_nothing_but_the_right_output(cost, y):
    t = Tensor([0.0, 1.0, 0.0])
    value = cost(t, y)
    assert value.data == 0
    slopes = {
        lm.cross_entropy: [1.0, -1.0, 1.0],
        lm.log_likelihood: [0.0, -1.0, 0.0],
        lm.quadratic: [0.0, 0.0, 0.0],
    }
    assert (grad(value, t) == slopes[cost]).all()


@pytest.mark.parametrize("output", [lm.sigmoid, lm.softmax], ids=lambda f: f.__name__)
@each_cost
def test_right_answers_of_saturated_outputs_cost_nothing_and_have_a_finite_gradient(cost, output):
    """A plain 0·log 0 gives a NaN here, in the value or in the gradient alone."""
    for size in (40.0, 800.0):
        t = Tensor([-size, size, -size])
        value = cost(output(t), 1)
        assert 0 <= value.data < 1e-15
        assert (np.abs(grad(value, t)) < 1e-15).all()


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
@given(
    z=hnp.arrays(float, (2, 3), elements=st.floats(-8, 8)),
    y=hnp.arrays(float, (2, 3), elements=st.floats(0, 1)),
)
def test_a_cost_of_safe_outputs_is_the_mix(mix, z, y):
    cost = {"ce": lm.cross_entropy, "ll": lm.log_likelihood, "quadratic": lm.quadratic}
    t = Tensor(z)
    value = cost[mix.cost_name](mix.activate(t), y)
    np.testing.assert_allclose(value.data, mix.cost(z, y), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(grad(value, t), mix.delta(z, y) / 2, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("cost", [lm.cross_entropy, lm.log_likelihood], ids=lambda f: f.__name__)
def test_a_certain_and_wrong_answer_costs_infinity(cost):
    with np.errstate(divide="ignore"):
        assert cost(np.array([1.0, 0.0]), 1) == np.inf


def test_the_scenarios_of_the_source_question():
    first = np.array([0.55, 0.02, 0.01, 0.03, 0.01, 0.05, 0.17, 0.01, 0.06, 0.09])
    second = np.array([0.55, 0.002, 0.001, 0.003, 0.001, 0.04, 0.37, 0.001, 0.012, 0.02])
    np.testing.assert_allclose(lm.cross_entropy(first, 0), 1.0724588789, atol=5e-11)
    np.testing.assert_allclose(lm.cross_entropy(second, 0), 1.1409777561, atol=5e-11)
    for a in (first, second):
        np.testing.assert_allclose(lm.log_likelihood(a, 0), 0.5978370008, atol=5e-11)


@each_cost
def test_one_example_is_not_averaged(cost):
    each = nodes(cost(Tensor([0.25, 0.75]), [0.0, 1.0]))
    assert np.mean not in {node.function for node in each}


@each_cost
def test_a_batch_is_summed_over_the_last_axis_and_averaged_over_the_rest(cost):
    rng = np.random.default_rng(0)
    a, y = rng.random((2, 3, 4)), rng.random((2, 3, 4))
    each = [[cost(a[i, j], y[i, j]) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(cost(a, y), np.mean(each), rtol=1e-15)
    t, one = Tensor(a), Tensor(a[1, 2])
    got = grad(cost(t, y), t)
    np.testing.assert_allclose(got[1, 2], grad(cost(one, y[1, 2]), one) / 6, rtol=1e-14)


@each_cost
def test_integer_classes_are_one_hot_labels(cost):
    a = np.random.default_rng(1).random((2, 3, 4))
    y = np.array([[0, 3, 1], [2, 2, 0]])
    t = Tensor(a)
    assert cost(a, y) == cost(a, np.eye(4)[y])
    assert (grad(cost(t, y), t) == grad(cost(t, np.eye(4)[y]), t)).all()


@each_cost
def test_float32_stays_float32(cost):
    t = Tensor(np.array([[0.5, 0.25, 0.25]], np.float32))
    for y in ([0], np.array([[0.1, 0.2, 0.7]])):
        value = cost(t, y)
        assert value.dtype == np.float32
        assert cost(t.data, y).dtype == np.float32
        assert grad(value, t).dtype == np.float32


@each_cost
def test_labels_of_outputs_that_are_integers_keep_their_fractions(cost):
    y = [0.25, 0.75]
    with np.errstate(divide="ignore"):
        assert cost(np.array([1, 0]), y) == cost(np.array([1.0, 0.0]), y)
        assert cost([1, 0], y) == cost([1.0, 0.0], y)


@each_cost
def test_outputs_may_be_a_list(cost):
    assert cost([[0.5, 0.5]], [1]) == cost(np.array([[0.5, 0.5]]), [1])


@each_cost
def test_outputs_that_are_not_real_numbers_are_refused(cost):
    for a in (["a", "b"], [1j, 0.5], None):
        with pytest.raises((TypeError, ValueError), match="outputs"):
            cost(a, [1.0, 0.0])


@each_cost
def test_no_examples_cost_nan_and_have_an_empty_gradient(cost):
    t = Tensor(np.zeros((0, 3)))
    value = cost(t, np.zeros(0, int))
    assert np.isnan(value.data)
    assert grad(value, t).shape == (0, 3)


@each_cost
def test_each_is_recorded_as_a_group(cost):
    a = Tensor([0.5, 0.25])
    value = cost(a, 0)
    assert [(g.name, g.inputs, g.output) for g in groups(value)] == [(cost.__name__, (a,), value)]


@each_cost
def test_the_arguments_may_be_given_by_name(cost):
    a = Tensor([0.5, 0.25])
    assert cost(a=a, y=0).data == cost(a, 0).data


@each_cost
def test_labels_changed_after_recording_change_nothing(cost):
    a, y = Tensor([0.5, 0.25]), np.array([1.0, 0.0])
    value = cost(a, y)
    before = grad(value, a)
    y[:] = 0.5
    assert (grad(value, a) == before).all()


@given(
    hnp.arrays(float, 4, elements=st.floats(-3, 3)),
    hnp.arrays(float, 4, elements=st.floats(0.01, 9)),
)
def test_xlogy_is_x_times_ln_y_with_its_derivatives(x, y):
    s, t = Tensor(x), Tensor(y)
    z = lm.xlogy(s, t)
    exact = [float(_log_term(mpf(a), mpf(b))) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(lm.xlogy(x, y), exact, rtol=1e-14, atol=1e-300)
    assert (z.data == lm.xlogy(x, y)).all()
    by_x, by_y = grad(z.sum(), [s, t], create_graph=True)
    np.testing.assert_allclose(by_x.data, np.log(y), rtol=1e-15)
    np.testing.assert_allclose(by_y.data, x / y, rtol=1e-15, atol=1e-300)
    np.testing.assert_allclose(grad(by_x.sum(), t), 1 / y, rtol=1e-15)
    np.testing.assert_allclose(grad(by_y.sum(), t), -x / y**2, rtol=1e-14, atol=1e-300)
    np.testing.assert_allclose(grad(by_y[x != 0].sum(), s), np.where(x, 1 / y, 0), rtol=1e-15)


def test_slope_of_xlogy_in_y_changes_with_x_at_zero_too():
    s, t = Tensor([0.0]), Tensor([0.5])
    by_y = grad(lm.xlogy(s, t), t, seed=[1.0], create_graph=True)
    assert grad(by_y, s, seed=[1.0]) == [2.0]


@pytest.mark.parametrize("y", [0.0, 1.0, 5e-324, np.inf])
def test_xlogy_of_zero_is_zero_in_value_and_gradient(y):
    t = Tensor([y])
    z = lm.xlogy(np.array([0.0]), t)
    assert z.data == [0.0]
    assert grad(z, t, seed=[1.0]) == [0.0]


@pytest.mark.parametrize("y", [0.0, -1.0, np.inf])
def test_xlogy_of_zero_is_zero_whatever_number_y_is(y):
    assert lm.xlogy(np.array([0.0]), np.array([y])) == [0.0]


def test_an_output_that_is_nan_is_seen_in_every_cost():
    assert np.isnan(lm.xlogy(0.0, np.nan))
    a, y = np.array([np.nan, 1.0]), np.array([0.0, 1.0])
    for cost in (lm.cross_entropy, lm.log_likelihood, lm.quadratic):
        assert np.isnan(cost(a, y))
    t = Tensor(a)
    first = grad(lm.log_likelihood(t, y), t, create_graph=True)
    np.testing.assert_array_equal(first.data, [np.nan, -1.0])
    np.testing.assert_array_equal(grad(first[1], t), [np.nan, 1.0])


def test_xlogy_broadcasts():
    s, t = Tensor([1.0, 0.0, 2.0]), Tensor([[2.0], [4.0]])
    z = lm.xlogy(s, t)
    np.testing.assert_allclose(z.data, np.outer(np.log([2, 4]), [1, 0, 2]), rtol=1e-15)
    by_x, by_y = grad(z.sum(), [s, t])
    np.testing.assert_allclose(by_x, 3 * [np.log(8)], rtol=1e-15)
    assert (by_y == [[1.5], [0.75]]).all()


def test_slope_of_xlogy_in_x_is_ln_y_at_zero_too():
    s = Tensor([2.0])
    with np.errstate(divide="ignore"):
        assert grad(lm.xlogy(s, np.array([0.0])), s, seed=[1.0]) == [-np.inf]
