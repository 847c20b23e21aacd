"""The theorems about the six mixes, each as a property of random logits and labels."""

import functools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix import MIXES, Mix, Tensor, grad

SIGMOID_CE, SIGMOID_LL, SIGMOID_QUADRATIC = (Mix("sigmoid", c) for c in ("ce", "ll", "quadratic"))
SOFTMAX_CE, SOFTMAX_LL, SOFTMAX_QUADRATIC = (Mix("softmax", c) for c in ("ce", "ll", "quadratic"))
SOFTMAX = [SOFTMAX_CE, SOFTMAX_LL, SOFTMAX_QUADRATIC]
PROPER = [mix for mix in MIXES if mix != SIGMOID_LL]


@functools.cache
def arrays(k, size):
    return hnp.arrays(float, k, elements=st.floats(-size, size))


@functools.cache
def with_label(size, fewest=2, most=11):
    """Logits and the class of one right answer."""
    return st.one_of(
        [st.tuples(arrays(k, size), st.integers(0, k - 1)) for k in range(fewest, most + 1)]
    )


@functools.cache
def with_labels(size, low, high):
    return st.one_of(
        [
            st.tuples(arrays(k, size), hnp.arrays(float, k, elements=st.floats(low, high)))
            for k in range(2, 12)
        ]
    )


@functools.cache
def distributions(fewest=2, most=11):
    return st.one_of(
        [hnp.arrays(float, k, elements=st.floats(0.01, 1)) for k in range(fewest, most + 1)]
    ).map(lambda weights: weights / weights.sum())


def tape(mix, z, y):
    """δ from a graph of the book's primitives."""
    t = Tensor(z)
    return grad(mix.composed(t, y), t)


def node(mix, z, y):
    """δ from the stable node, after the closed form has agreed to the bit."""
    t = Tensor(z)
    delta = grad(mix.cost(t, y), t)
    assert delta.tobytes() == mix.delta(z, y).tobytes()
    return delta


each_way = pytest.mark.parametrize(
    ("way", "size", "limit"), [(tape, 8, 1e-11), (node, 300, 1e-14)], ids=["tape", "node"]
)


@each_way
@given(data=st.data())
def test_softmax_with_log_likelihood_gives_a_minus_y_for_one_right_answer(way, size, limit, data):
    z, label = data.draw(with_label(size))
    expected = lm.softmax(z) - np.eye(len(z))[label]
    np.testing.assert_allclose(way(SOFTMAX_LL, z, label), expected, rtol=0, atol=limit)


@each_way
@given(data=st.data())
def test_softmax_with_log_likelihood_gives_a_minus_y_for_labels_that_sum_to_one(
    way, size, limit, data
):
    y = data.draw(distributions())
    z = data.draw(arrays(len(y), size))
    expected = lm.softmax(z) - y
    np.testing.assert_allclose(way(SOFTMAX_LL, z, y), expected, rtol=0, atol=limit)


@each_way
@given(data=st.data())
def test_softmax_with_log_likelihood_gives_s_a_minus_y_for_labels_that_sum_to_s(
    way, size, limit, data
):
    z, y = data.draw(with_labels(size, 0, 2))
    expected = y.sum() * lm.softmax(z) - y
    np.testing.assert_allclose(way(SOFTMAX_LL, z, y), expected, rtol=0, atol=limit * 22)


@each_way
@given(data=st.data())
def test_sigmoid_with_cross_entropy_gives_a_minus_y_for_any_labels(way, size, limit, data):
    z, y = data.draw(with_labels(size, -1, 2))
    expected = lm.sigmoid(z) - y
    np.testing.assert_allclose(way(SIGMOID_CE, z, y), expected, rtol=0, atol=limit)


@given(with_label(4, fewest=3))
def test_no_other_mix_gives_a_minus_y(example):
    z, label = example
    y = np.eye(len(z))[label]
    for mix in MIXES:
        equal = np.allclose(mix.delta(z, label), mix.activate(z) - y, rtol=1e-6, atol=1e-9)
        assert equal == (mix in (SOFTMAX_LL, SIGMOID_CE))


@given(with_labels(300, 0, 1))
def test_the_components_of_a_softmax_delta_sum_to_zero(example):
    z, y = example
    for mix in SOFTMAX:
        delta = mix.delta(z, y)
        assert abs(delta.sum()) <= 1e-14 * (1 + np.abs(delta).sum() + len(y))


@given(
    st.integers(2, 11).flatmap(
        lambda k: st.tuples(
            hnp.arrays(np.int64, k, elements=st.integers(-40_000, 40_000)),
            hnp.arrays(float, k, elements=st.floats(0, 1)),
        )
    ),
    st.integers(-1_000_000, 1_000_000),
)
def test_a_softmax_mix_does_not_feel_a_common_shift(example, shift):
    """Logits are multiples of 2^-10, so that the shift itself is exact."""
    z, y = example[0] / 1024, example[1]
    for mix in SOFTMAX:
        np.testing.assert_allclose(mix.cost(z + shift, y), mix.cost(z, y), rtol=1e-13, atol=1e-13)
        delta = mix.delta(z, y)
        np.testing.assert_allclose(mix.delta(z + shift, y), delta, rtol=1e-12, atol=1e-300)


@given(with_label(300))
def test_cross_entropy_lies_between_log_likelihood_and_twice_that(example):
    ll, ce = SOFTMAX_LL.cost(*example), SOFTMAX_CE.cost(*example)
    assert ll * (1 - 1e-13) <= ce <= 2 * ll * (1 + 1e-13)


@given(with_label(300, fewest=2, most=2))
def test_for_two_classes_cross_entropy_is_twice_log_likelihood(example):
    z, label = example
    np.testing.assert_allclose(SOFTMAX_CE.cost(z, label), 2 * SOFTMAX_LL.cost(z, label), rtol=1e-13)
    delta = SOFTMAX_CE.delta(z, label)
    np.testing.assert_allclose(delta, 2 * SOFTMAX_LL.delta(z, label), rtol=1e-13)
    np.testing.assert_allclose(delta, 2 * (lm.softmax(z) - np.eye(2)[label]), rtol=0, atol=1e-15)


@given(with_label(300))
def test_cross_entropy_pulls_the_right_logit_up_once_to_twice_as_hard_as_log_likelihood(example):
    z, label = example
    missing = -SOFTMAX_LL.delta(z, label)[label]  # 1 - a, with its tail
    pull = -SOFTMAX_CE.delta(z, label)[label]
    assert missing * (1 - 1e-13) <= pull <= 2 * missing * (1 + 1e-13)


@given(with_label(300))
def test_cross_entropy_pushes_a_wrong_logit_down_by_two_at_most_and_up_by_one_at_most(example):
    z, label = example
    delta = np.delete(SOFTMAX_CE.delta(z, label), label)
    assert (delta >= -1 - 1e-14).all()
    assert (delta <= 2 + 1e-14).all()


def test_cross_entropy_can_push_a_wrong_logit_up():
    delta = SOFTMAX_CE.delta(np.log([0.01, 0.98, 0.01]), 0)
    np.testing.assert_allclose(delta, [-1.480, 1.950, -0.470], atol=5e-4)


@given(with_label(300, fewest=2, most=2), arrays(2, 300))
def test_for_two_classes_cross_entropy_is_convex(example, other):
    z, label = example
    assert midpoint_excess(SOFTMAX_CE, z, other, label) <= 1e-13
    assert np.linalg.eigvalsh(SOFTMAX_CE.hessian(z, label)).min() >= -1e-15


@in_one("k", range(3, 12))
def test_for_more_classes_cross_entropy_is_not_convex(k):
    """At outputs [.01, .98, .01] of class 0, and at others with as little left for more classes."""
    a = np.full(k, 0.02 / (k - 1))
    a[1] = 0.98
    z = np.log(a)
    values, directions = np.linalg.eigh(SOFTMAX_CE.hessian(z, 0))
    step = 0.2 * directions[:, 0]
    assert values[0] < -0.02
    assert midpoint_excess(SOFTMAX_CE, z - step, z + step, 0) > 1e-4
    low, middle, high = (
        lm.book.cross_entropy(lm.book.softmax(x), np.eye(k)[0]) for x in (z - step, z, z + step)
    )
    assert middle > (low + high) / 2


@given(with_labels(40, 0, 1), st.randoms(use_true_random=False))
def test_three_costs_are_convex_for_any_labels_from_0_to_1(example, random):
    z, y = example
    other = np.array([random.uniform(-40, 40) for _ in z])
    for mix in (SIGMOID_CE, SIGMOID_LL, SOFTMAX_LL):
        assert midpoint_excess(mix, z, other, y) <= 1e-13
        assert np.linalg.eigvalsh(mix.hessian(z, y)).min() >= -1e-13


@pytest.mark.parametrize("mix", [SIGMOID_QUADRATIC, SOFTMAX_QUADRATIC], ids=str)
def test_the_quadratic_cost_is_not_convex(mix):
    assert np.linalg.eigvalsh(mix.hessian([-4.0, 4.0, 0.0], 0)).min() < -1e-3


def midpoint_excess(mix, u, v, y):
    """How far the cost halfway lies above the chord, relative to the cost; ≤ 0 when convex."""
    chord = (mix.cost(u, y) + mix.cost(v, y)) / 2
    return (mix.cost((u + v) / 2, y) - chord) / (1 + chord)


@given(with_labels(300, 0, 1))
def test_sigmoid_with_log_likelihood_never_pushes_a_logit_down(example):
    z, y = example
    delta = SIGMOID_LL.delta(z, y)
    assert (delta <= 0).all()
    assert (delta[y == 0] == 0).all()


@given(with_label(8), st.floats(1, 30))
def test_sigmoid_with_log_likelihood_is_happiest_with_every_output_at_one(example, rise):
    z, label = example
    up = SIGMOID_LL.cost(z + rise, label)
    assert up < SIGMOID_LL.cost(z, label)
    assert SIGMOID_LL.cost(z + 800, label) == 0
    assert (lm.sigmoid(z + 800) == 1).all()


def expected_cost(mix, q, z):
    """Of outputs of logits z, where class k is right with probability q_k."""
    return sum(p * mix.cost(z, k) for k, p in enumerate(q))


def own_logits(mix, q):
    return np.log(q) if mix.output == "softmax" else np.log(q) - np.log1p(-q)


@given(st.integers(2, 11).flatmap(lambda k: st.tuples(distributions(k, k), arrays(k, 8))))
def test_five_mixes_are_proper_no_answer_is_better_than_the_true_probabilities(example):
    q, z = example
    for mix in PROPER:
        own = own_logits(mix, q)
        assert expected_cost(mix, q, own) <= expected_cost(mix, q, z) + 1e-13
        slope = q @ mix.delta(np.tile(own, (len(q), 1)), np.arange(len(q)))
        np.testing.assert_allclose(slope, 0, atol=1e-14)


@given(distributions())
def test_sigmoid_with_log_likelihood_is_not_proper(q):
    z = own_logits(SIGMOID_LL, q)
    assert expected_cost(SIGMOID_LL, q, z + 1) < expected_cost(SIGMOID_LL, q, z)


@given(hnp.arrays(np.int64, 2, elements=st.integers(-300_000, 300_000)), st.floats(0, 1))
def test_softmax_on_two_logits_is_a_sigmoid_on_their_difference(steps, y):
    """Logits are multiples of 2^-10, so that their difference is exact."""
    z = steps / 1024
    difference = z[:1] - z[1:]
    a = lm.softmax(z)
    np.testing.assert_allclose(a[:1], lm.sigmoid(difference), rtol=1e-15)
    two, one = np.array([y, 1 - y]), np.array([y])
    cost = SIGMOID_CE.cost(difference, one)
    np.testing.assert_allclose(SOFTMAX_LL.cost(z, two), cost, rtol=1e-13)
    delta = SIGMOID_CE.delta(difference, one)
    got = SOFTMAX_LL.delta(z, two)
    np.testing.assert_allclose(got, [delta[0], -delta[0]], rtol=1e-13, atol=1e-16)


@given(
    x=hnp.arrays(float, (4, 3), elements=st.floats(-2, 2)),
    y=hnp.arrays(np.int64, 4, elements=st.integers(0, 1)),
    w=hnp.arrays(float, (3, 2), elements=st.floats(-2, 2)),
    eta=st.floats(0.01, 1),
    penalty=st.floats(0, 0.1),
)
def test_training_a_softmax_on_two_logits_is_training_a_sigmoid_at_twice_the_rate(
    x, y, w, eta, penalty
):
    """And at half the penalty on the weights, once the two columns have opposite weights."""
    w = w - w.mean(axis=1, keepdims=True)
    b, v, c = np.zeros(2), w[:, :1] - w[:, 1:], np.zeros(1)
    right = (1.0 - y)[:, None]  # class 0 is what the sigmoid says yes to

    def two(w, b):
        return SOFTMAX_LL.cost(x @ w + b, y) + penalty / 2 * (w * w).sum()

    def one(v, c):
        return SIGMOID_CE.cost(x @ v + c, right) + penalty / 4 * (v * v).sum()

    for _ in range(3):
        np.testing.assert_allclose(two(w, b), one(v, c), rtol=1e-12)
        _, (w_slope, b_slope) = lm.value_and_grad(two, (0, 1))(w, b)
        _, (v_slope, c_slope) = lm.value_and_grad(one, (0, 1))(v, c)
        w, b = w - eta * w_slope, b - eta * b_slope
        v, c = v - 2 * eta * v_slope, c - 2 * eta * c_slope
        np.testing.assert_allclose(w[:, :1] - w[:, 1:], v, rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(b[:1] - b[1:], c, rtol=1e-11, atol=1e-11)


@given(st.floats(-300, 300), st.floats(0, 1))
def test_a_softmax_of_one_logit_is_one_whatever_the_logit(z, y):
    assert lm.softmax([z]) == [1.0]
    assert SOFTMAX_LL.cost([z], [y]) == 0
    assert SOFTMAX_LL.delta([z], [y]) == [0.0]
    assert SOFTMAX_QUADRATIC.delta([z], [y]) == [0.0]
    assert SOFTMAX_CE.cost([z], [y]) == (0 if y == 1 else np.inf)


@example(2.0**-52, 0.5)
@given(st.floats(-300, 300), st.floats(0, 1))
def test_a_sigmoid_learns_slower_from_the_quadratic_cost_by_the_factor_a_times_1_minus_a(z, y):
    z, y = np.array([z]), np.array([y])
    factor = SIGMOID_CE.hessian(z, y)[0]  # σ(1-σ), which a(1-a) loses near a = 1
    quadratic, cross_entropy = SIGMOID_QUADRATIC.delta(z, y), SIGMOID_CE.delta(z, y)
    np.testing.assert_allclose(
        quadratic, factor * cross_entropy, rtol=1e-13, atol=1e-16 * factor[0]
    )
    rounding = 2.0**-53  # of outputs near the label
    assert (np.abs(quadratic) <= 0.25 * np.abs(cross_entropy) * (1 + 1e-15) + 0.5 * rounding).all()


@given(st.floats(3, 300), st.integers(2, 11), st.data())
def test_a_quadratic_cost_stops_learning_where_the_answer_is_confidently_wrong(gap, k, data):
    """A wrong logit leads by the gap: what is left to learn from is of the order e^-gap."""
    label, wrong = data.draw(st.permutations(range(k)))[:2]
    z = np.zeros(k)
    z[wrong], z[label] = gap, -gap
    assert abs(SIGMOID_QUADRATIC.delta(z, label)[[label, wrong]]).max() <= np.exp(-gap)
    assert abs(SOFTMAX_QUADRATIC.delta(z, label)).max() <= 2 * k * np.exp(-gap)
    for mix in (SIGMOID_CE, SOFTMAX_LL, SOFTMAX_CE):
        assert -mix.delta(z, label)[label] >= 0.5
