"""The least expected cost, and the distributions of labels it is about."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.helpers.quick import in_one
from tinygrad_lossmix import Mix
from tinygrad_lossmix.answers.verdict import expected
from tinygrad_lossmix.answers.verdict.expected import (
    Minimum,
    expected_cost,
    lowest,
    minimise,
    newton_step,
    one_of,
    shortened,
    together,
)
from tinygrad_lossmix.answers.verdict.grounds import gather

chances = st.integers(1, 6).flatmap(lambda k: hnp.arrays(float, k, elements=st.floats(0, 1)))
distributions = st.integers(2, 6).flatmap(
    lambda k: hnp.arrays(float, k, elements=st.floats(0.02, 1)).map(lambda w: w / w.sum())
)


@given(chances)
def test_labels_that_hold_together_have_the_given_chances(q: np.ndarray) -> None:
    truth = together(q)
    np.testing.assert_allclose(truth.mean, q, rtol=0, atol=1e-15)
    assert truth.weights.min() >= 0
    assert truth.weights.sum() == pytest.approx(1)
    assert set(truth.labels.flat) <= {0.0, 1.0}


def test_the_truth_of_one_label_is_its_distribution() -> None:
    np.testing.assert_array_equal(one_of(np.array([0.25, 0.75])).mean, [0.25, 0.75])


@pytest.mark.parametrize("pair", [("softmax", "ll"), ("softmax", "ce"), ("sigmoid", "ce")])
@given(distributions, st.data())
def test_a_proper_mix_finds_any_distribution(
    pair: tuple[str, str], q: np.ndarray, data: st.DataObject
) -> None:
    start = data.draw(hnp.arrays(float, len(q), elements=st.floats(-3, 3)))
    least = minimise(Mix(*pair), one_of(q), start)
    assert least.right
    assert not least.endless


@given(distributions)
def test_the_expected_cost_of_the_log_likelihood_is_the_cross_entropy_of_the_truth(
    q: np.ndarray,
) -> None:
    z = np.linspace(-1, 2, len(q))
    p = np.exp(z) / np.exp(z).sum()
    got = expected_cost(Mix("softmax", "ll"), one_of(q), z)
    assert got == pytest.approx(-(q * np.log(p)).sum())


def test_the_search_for_what_does_not_exist_ends_far_out() -> None:
    least = minimise(Mix("sigmoid", "ll"), one_of(np.array([0.2, 0.8])), np.zeros(2))
    assert least.endless
    assert not least.right
    assert least.z.min() > 20


def test_labels_that_never_occur_do_not_count() -> None:
    mix = Mix("softmax", "ce")  # of one output: infinite for the label 0
    assert expected_cost(mix, together(np.array([1.0])), np.zeros(1)) == 0
    assert expected_cost(mix, together(np.array([0.5])), np.zeros(1)) == np.inf


def bowl(hessian, centre=0.0):
    """½(z - c - y)ᵀH(z - c - y): Newton's method is there in one step."""
    h = np.array(hessian, dtype=float)
    return SimpleNamespace(
        activate=lambda z: z + 100,
        cost=lambda z, y: 0.5 * (z - centre - y) @ h @ (z - centre - y),
        delta=lambda z, y: (z - centre - y) @ h,
        hessian=lambda z, y: h,
    )


NEVER = one_of(np.array([1.0, 0.0]))  # the label is (1, 0)
EVEN = one_of(np.array([0.5, 0.5]))
ROUND, SADDLE, VALLEY = (
    [[4.0, 1.0], [1.0, 2.0]],
    [[2.0, 0.0], [0.0, -4.0]],
    [[2.0, 0.0], [0.0, 0.0]],
)


def test_a_newton_step_goes_to_the_bottom_of_a_bowl():
    z = np.array([1.25, -0.5])
    step, rising = newton_step(bowl(ROUND), NEVER, z)
    np.testing.assert_allclose(step, np.array([1.0, 0.0]) - z)
    assert rising is True
    step, _ = newton_step(bowl(ROUND), EVEN, z)
    np.testing.assert_allclose(step, np.array([0.5, 0.5]) - z)


def test_a_newton_step_is_never_longer_than_1_and_keeps_its_direction():
    step, _ = newton_step(bowl(ROUND, centre=5.0), NEVER, np.array([4.0, -5.0]))
    np.testing.assert_allclose(step, [0.2, 1.0])


def test_a_newton_step_goes_down_where_the_cost_bends_down():
    step, rising = newton_step(bowl(SADDLE), NEVER, np.array([1.25, 0.5]))
    np.testing.assert_allclose(step, [-0.25, 0.5])
    assert rising is False


@pytest.mark.parametrize("slight", [0.0, 1e-11, -1e-11])
def test_a_newton_step_leaves_flat_directions_alone(slight):
    h = np.array(VALLEY)
    h[1, 1] = slight
    step, rising = newton_step(bowl(h), NEVER, np.array([0.5, 7.0]))
    np.testing.assert_allclose(step, [0.5, 0.0])
    assert rising is True


def test_what_is_bent_a_little_is_not_flat():
    step, rising = newton_step(bowl([[2.0, 0.0], [0.0, -1e-9]]), NEVER, np.array([1.0, 0.5]))
    np.testing.assert_allclose(step, [0.0, 0.5], atol=1e-12)
    assert rising is False


@pytest.mark.parametrize(("ends", "halvings"), [(1.0, 0), (0.5, 1), (0.3, 2), (1e-8, 27)])
def test_a_step_is_halved_until_the_cost_does_not_rise(ends, halvings):
    """The cost falls along the step up to `ends` of it and is high beyond."""
    wall = SimpleNamespace(cost=lambda z, y: -z[0] if z[0] <= ends else 9.0)
    there, cost = shortened(wall, NEVER, np.array([0.0, 3.0]), np.array([1.0, -1.0]), 0.0)
    np.testing.assert_allclose(there, [0.5**halvings, 3.0 - 0.5**halvings], rtol=1e-12)
    assert cost == -there[0]


def test_a_step_that_always_raises_the_cost_is_given_up_after_thirty_halvings():
    tried = []

    def cost(z, y):
        tried.append(z[0])
        return 1.0

    up = SimpleNamespace(cost=cost)
    assert shortened(up, NEVER, np.zeros(2), np.ones(2), 0.0) is None
    assert list(dict.fromkeys(tried)) == [0.5**i for i in range(30)]


@in_one(("rise", "taken"), [(0.0, True), (4e-16, True), (4e-15, False)])
@in_one("level", [0.0, 1.0, -1.0, 1000.0])
def test_a_rise_within_rounding_is_none(level, rise, taken):
    flat = SimpleNamespace(cost=lambda z, y: level + rise * abs(level))
    taken = taken or level == 0
    step = shortened(flat, NEVER, np.zeros(2), np.ones(2), level)
    assert (step is not None) == taken
    if step is not None:
        np.testing.assert_array_equal(step[0], [1.0, 1.0])


def test_the_search_ends_at_the_bottom_and_says_so():
    least = minimise(bowl(ROUND, centre=2.5), EVEN, np.array([-0.5, 0.0]))
    np.testing.assert_allclose(least.z, [3.0, 3.0])
    np.testing.assert_allclose(least.outputs, [103.0, 103.0])
    assert least.cost == pytest.approx(0.5)
    assert least.found is True
    np.testing.assert_allclose(least.direction, [1.0, 1.0])
    assert least.ray == tuple(
        expected_cost(bowl(ROUND, centre=2.5), EVEN, t * np.ones(2)) for t in (1, 10, 100)
    )


def test_the_direction_has_a_largest_component_of_1_and_none_at_the_origin():
    far = minimise(bowl(ROUND, centre=np.array([-3.5, 5.5])), EVEN, np.zeros(2))
    np.testing.assert_allclose(far.direction, [-0.5, 1.0])
    still = minimise(bowl(ROUND, centre=-0.5), EVEN, np.zeros(2))
    np.testing.assert_array_equal(still.direction, [0.0, 0.0])
    assert still.found is True


def test_a_saddle_is_no_minimum():
    least = minimise(bowl(SADDLE, centre=-0.5), EVEN, np.zeros(2))
    assert least.found is False
    np.testing.assert_array_equal(least.z, [0.0, 0.0])


def test_a_search_is_given_up_after_forty_steps():
    far = minimise(bowl(ROUND, centre=100.0), EVEN, np.zeros(2))
    assert far.found is False
    np.testing.assert_allclose(far.z, [40.0, 40.0])


def test_an_infinite_cost_is_not_walked_away_from():
    pair = bowl(ROUND, centre=5.0)
    pair.cost = lambda z, y: np.inf
    least = minimise(pair, EVEN, np.zeros(2))
    assert (least.found, least.cost) == (False, np.inf)
    np.testing.assert_array_equal(least.z, [0.0, 0.0])


@pytest.mark.parametrize("broken", ["cost", "delta"])
def test_a_search_without_numbers_ends_where_it_is(broken):
    pair = bowl(ROUND, centre=5.0)
    right = getattr(pair, broken)
    setattr(pair, broken, lambda z, y: right(z, y) * (np.nan if np.max(z) > 1.5 else 1.0))
    least = minimise(pair, EVEN, np.zeros(2))
    assert least.found is False
    assert least.z.max() < 2.5


def test_a_search_that_cannot_go_on_ends_where_it_is(monkeypatch):
    monkeypatch.setattr(expected, "shortened", lambda *args: None)
    least = minimise(bowl(ROUND, centre=5.0), EVEN, np.zeros(2))
    assert least.found is False
    np.testing.assert_array_equal(least.z, [0.0, 0.0])


def ended(outputs=(0.5, 0.5), found=True, ray=(3.0, 2.0, 1.0)):
    nothing = np.zeros(2)
    return Minimum(EVEN, nothing, np.array(outputs), 1.0, found, nothing, ray)


def test_an_error_is_the_largest_difference_from_the_truth():
    assert ended((0.5, 0.75)).error == 0.25
    assert ended((0.125, 0.5)).error == 0.375


def test_right_is_settled_and_at_the_truth():
    assert ended().right
    assert ended((0.5, 0.5 + 9e-7)).right
    assert not ended((0.5, 0.5 + 1.1e-6)).right
    assert not ended(found=False).right


def test_endless_is_not_settled_and_falling_all_the_way():
    assert ended(found=False).endless
    assert not ended(found=True).endless
    for ray in [
        (1.0, 2.0, 3.0),
        (2.0, 2.0, 1.0),
        (2.0, 1.0, 1.0),
        (1.0, 3.0, 2.0),
        (3.0, 1.0, 2.0),
    ]:
        assert not ended(found=False, ray=ray).endless


def test_a_search_that_settled_nowhere_tells_nothing_where_another_found_as_low_a_minimum():
    settled, short = ended(), ended(found=False)
    elsewhere = ended((0.5, 0.75), found=False)
    deeper, higher, lost = (replace(short, cost=cost) for cost in (0.5, 1.5, np.inf))
    for searches, left in [
        ([settled, short], [settled]),
        ([short, settled, higher], [settled]),
        ([settled, settled], [settled, settled]),
        ([settled, elsewhere], [settled, elsewhere]),
        ([short, higher], [short]),
        ([settled, deeper], [deeper]),
        ([settled, short, lost], [settled, lost]),
    ]:
        assert [*map(id, lowest(searches))] == [*map(id, left)]


@pytest.mark.slow
def test_a_layer_with_a_valley_of_minima_is_not_said_to_have_none():
    def taylor(z):
        t = 1.0 + z + 0.5 * z * z
        return t / t.sum(axis=-1, keepdims=True)

    assert all(least.right for least in lowest(gather(Mix(taylor, "ll"), 10).minima))
