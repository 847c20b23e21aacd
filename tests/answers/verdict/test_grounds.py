"""What a verdict rests on: which truths are tried, and what follows from what was found."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tinygrad_lossmix import MIXES, Mix
from tinygrad_lossmix.answers.verdict import grounds
from tinygrad_lossmix.answers.verdict.grounds import Samples, disagreement, gather, mistake, sample

each_mix = pytest.mark.parametrize("mix", MIXES, ids=str)


@pytest.mark.parametrize(
    ("k", "one", "several"),
    [
        (1, [[0.5], [0.03], [0.2], [0.9]], [[0.9], [0.8]]),
        (2, [[0.5, 0.5], [1 / 3, 2 / 3], [0.8, 0.2], [0.9, 0.1]], [[0.9, 0.1], [0.8, 0.4]]),
        (
            3,
            [
                [1 / 3, 1 / 3, 1 / 3],
                [1 / 6, 2 / 6, 3 / 6],
                [36 / 49, 9 / 49, 4 / 49],
                [0.9, 0.05, 0.05],
            ],
            [[0.9, 0.5, 0.1], [0.8, 0.4, 0.8 / 3]],
        ),
    ],
)
def test_each_truth_is_searched_from_two_starts(k, one, several, monkeypatch):
    asked = []
    monkeypatch.setattr(grounds, "minimise", lambda mix, t, z: asked.append((t.mean, tuple(z))))
    gather(Mix("sigmoid", "ce"), k)
    middle, away = (0.0,) * k, tuple(np.linspace(3, -3, k))
    searches = [(q, start) for q in one for start in (middle, away)]
    for (mean, start), (q, expected) in zip(
        asked, searches + [(q, middle) for q in several], strict=True
    ):
        np.testing.assert_allclose(mean, q)
        assert start == expected


def test_one_right_answer_is_one_label_and_several_are_any_number():
    found = gather(Mix("softmax", "ll"), 3)
    assert {tuple(y) for m in found.minima for y in m.truth.labels} == {
        (1, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
    }
    assert {y.sum() for m in found.separate for y in m.truth.labels} == {0, 1, 2, 3}


@each_mix
def test_what_was_measured_is_what_the_witnesses_say(mix):
    found = gather(mix, 3)
    assert found.classes == 3
    assert found.disagreement == disagreement(mix, 3)
    s = sample(mix, 3, grounds.labels_of(3))
    assert found.push.lowest == s.delta[:200][s.y[:200] == 0].min()
    assert found.mistake.delta == mistake(mix, 3).delta
    assert not found.constant


@each_mix
def test_one_output_is_constant_where_it_is_a_share_of_all(mix):
    assert gather(mix, 1).constant == (mix.output == "softmax")


def test_outputs_that_do_not_depend_on_the_logits_are_constant():
    off = SimpleNamespace(
        activate=lambda z: np.array([0.25, 0.75]) + 0 * z,
        cost=lambda z, y: 0.0,
        composed=Mix("softmax", "ll").composed,
        delta=lambda z, y: 0 * z,
        hessian=lambda z, y: np.eye(len(z)),
    )
    assert gather(off, 2).constant


def test_answers_follow_from_what_was_found():
    found = gather(Mix("softmax", "ll"), 3)
    assert (found.proper, found.several, found.convex, found.a_minus_y) == (True, False, True, True)
    elsewhere = replace(found.minima[0], found=False, outputs=np.ones(3))
    wrong = [elsewhere, *found.minima[1:]]
    assert not replace(found, minima=tuple(wrong)).proper
    assert replace(found, separate=found.minima).several
    for eigenvalue, convex in [(0.0, True), (-1e-10, True), (-1e-9, False), (-1e-8, False)]:
        bent = replace(found.curvature, eigenvalue=eigenvalue)
        assert replace(found, curvature=bent).convex == convex
    for error, same in [(0.0, True), (1e-10, True), (1e-9, False), (1e-8, False)]:
        assert replace(found, identity=replace(found.identity, error=error)).a_minus_y == same


def test_the_labels_of_one_question_are_one_hot_or_no_and_yes():
    np.testing.assert_array_equal(grounds.labels_of(3), np.eye(3))
    np.testing.assert_array_equal(grounds.labels_of(2), np.eye(2))
    np.testing.assert_array_equal(grounds.labels_of(1), [[0.0], [1.0]])


@pytest.mark.parametrize(("k", "random"), [(1, 240), (3, 80), (7, 34)])
def test_curvature_looks_at_confident_and_wrong_logits_and_at_random_ones(k, random):
    seen = []

    def hessian(z, y):
        seen.append((tuple(z), tuple(y)))
        return np.diag(z + 10.0)

    found = grounds.curvature(SimpleNamespace(hessian=hessian), k, grounds.labels_of(k))
    assert found.count == len(seen) == 2 * (27 + random)
    again, seen = seen, []
    grounds.curvature(SimpleNamespace(hessian=hessian), k, grounds.labels_of(k))
    assert seen == again
    up = np.arange(k) == k - 1.0
    sure = {
        tuple(n * way) for n in (0, 1, 2, 3, 4, 6, 8, -1, -2) for way in (up, up - 1, 2 * up - 1)
    }
    points = {z for z, _ in seen}
    assert sure <= points
    others = np.array(seen[2 * 27 :], dtype=object)[:, 0]
    assert {n for z in others for n in z} == set(range(-6, 7))
    labels = grounds.labels_of(k)
    assert [y for _, y in seen] == [tuple(labels[0]), tuple(labels[-1])] * (27 + random)
    lowest = min(points, key=min)
    assert found.eigenvalue == 10 + min(lowest)
    assert min(found.z) == min(lowest)
    assert (tuple(found.z), tuple(found.y)) in seen


def test_curvature_is_the_smallest_eigenvalue_and_skips_what_is_not_finite():
    def hessian(z, y):
        h = np.array([[2.0, 3.0], [3.0, 2.0]]) if z[0] == 0 else np.eye(2)
        return np.where(z[1] == 8, np.nan, h)

    found = grounds.curvature(SimpleNamespace(hessian=hessian), 2, grounds.labels_of(2))
    assert found.eigenvalue == pytest.approx(-1.0)
    assert found.z[0] == 0
    assert found.z[1] != 8
    assert found.count < 2 * (27 + 120)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_samples_are_single_soft_halved_doubled_and_multi_hot(k):
    mix = Mix("sigmoid", "ce")
    s = grounds.sample(mix, k, grounds.labels_of(k))
    assert s.z.shape == s.y.shape == s.a.shape == s.delta.shape == (1000, k)
    np.testing.assert_array_equal(s.single, np.arange(1000) < 200)
    single, soft, halved, doubled, several = s.y.reshape(5, 200, k)
    kinds = grounds.labels_of(k)
    np.testing.assert_array_equal(single, np.tile(kinds, (200 // len(kinds) + 1, 1))[:200])
    assert soft.min() > 0
    assert k == 1 or soft.min() < 0.2 / k
    np.testing.assert_allclose(soft.sum(axis=1), 1)
    np.testing.assert_array_equal(halved, soft / 2)
    np.testing.assert_array_equal(doubled, soft * 2)
    assert set(several.flat) == {0.0, 1.0}
    assert abs(s.z.mean()) < 0.4
    assert 2.7 < s.z.std() < 3.3
    np.testing.assert_array_equal(s.a, mix.activate(s.z))
    np.testing.assert_array_equal(s.delta, mix.delta(s.z, s.y))
    np.testing.assert_array_equal(grounds.sample(mix, k, grounds.labels_of(k)).z, s.z)


def samples(a, y, delta, single):
    a, y, delta = (np.array(x, dtype=float) for x in (a, y, delta))
    return Samples(10.0 * a, y, a, delta, np.array(single))


def test_identity_measures_delta_beside_a_minus_y_and_its_relatives():
    a = [[0.75, 0.25], [0.5, 0.5], [0.5, 0.5]]
    y = [[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]
    delta = [[-0.5, 0.5], [1.0, -1.0], [-0.5, 0.25]]  # twice a - y, where one is right
    found = grounds.identity(samples(a, y, delta, [True, True, False]))
    assert found.error == 0.5
    assert found.everywhere == 1.0
    assert found.scaled == 0.5
    assert found.factor == pytest.approx(2.0)
    assert found.rest == pytest.approx(0.0, abs=1e-15)
    assert (found.smallest, found.largest) == (2.0, 2.0)


def test_identity_says_how_far_the_best_factor_is_off():
    a, y = [[0.5, 0.5], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]]
    delta = [[-0.5, 0.5], [2.0, -1.0]]  # once and four (or two) times a - y
    found = grounds.identity(samples(a, y, delta, [True, True]))
    assert found.factor == pytest.approx(2.0)
    assert found.rest == pytest.approx(1.0)
    assert (found.smallest, found.largest) == (1.0, 4.0)


def test_identity_leaves_out_what_is_exactly_right_already():
    found = grounds.identity(
        samples(
            [[1.0, 0.0], [0.5, 0.5]],
            [[1.0, 0.0], [1.0, 0.0]],
            [[0.0, 0.0], [-1.5, 1.5]],
            [True] * 2,
        )
    )
    assert (found.smallest, found.largest) == (3.0, 3.0)


def test_the_largest_is_an_absolute_value_and_nan_if_one_is():
    assert grounds.largest(np.array([1.0, -3.0])) == 3
    assert np.isnan(grounds.largest(np.array([1.0, np.nan])))


def test_push_finds_the_wrong_classes_that_go_furthest_either_way():
    y = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, 0.0]]
    delta = [[-9.0, 0.25, 0.5], [-0.125, 9.0, 0.75], [0.0, -5.0, 5.0]]
    found = grounds.push(samples(np.arange(9).reshape(3, 3), y, delta, [True, True, False]))
    assert (found.lowest, found.highest, found.index) == (-0.125, 0.75, 0)
    np.testing.assert_array_equal(found.y, y[1])
    np.testing.assert_array_equal(found.a, [3, 4, 5])
    np.testing.assert_array_equal(found.z, [30, 40, 50])


@pytest.mark.parametrize(
    ("k", "z", "y"), [(3, [-20, -20, 20], [1, 0, 0]), (1, [20], [0]), (2, [-20, 20], [1, 0])]
)
def test_a_mistake_is_confident_in_the_last_class_where_the_first_is_right(k, z, y):
    pair = SimpleNamespace(delta=lambda z, y: -0.5 * z, activate=lambda z: z / 10)
    found = grounds.mistake(pair, k)
    np.testing.assert_array_equal(found.z, z)
    np.testing.assert_array_equal(found.y, y)
    assert found.delta == 10
    assert found.off == max(abs(v / 10 - label) for v, label in zip(z, y, strict=True))


def pair_of(**changed):
    """C = Σ z³/6 - y·z with its closed forms, some of them changed."""
    right = {
        "composed": lambda z, y: (z * z * z / 6 - y * z).sum(),
        "cost": lambda z, y: float((z**3 / 6 - y * z).sum()),
        "delta": lambda z, y: z**2 / 2 - y,
        "hessian": lambda z, y: np.diag(z),
    }
    return SimpleNamespace(**right | changed)


@pytest.mark.parametrize("k", [1, 3])
def test_closed_forms_that_agree_with_the_engine_do_so_to_rounding(k):
    assert 0 <= grounds.disagreement(pair_of(), k) < 1e-14


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("sign", [1, -1])
def test_closed_forms_that_disagree_do_so_by_as_much(k, sign):
    off = 0.25 * sign
    right = pair_of()
    wrong_cost = pair_of(cost=lambda z, y: right.cost(z, y) + off)
    assert grounds.disagreement(wrong_cost, k) == pytest.approx(0.25)
    wrong_delta = pair_of(delta=lambda z, y: right.delta(z, y) + off * np.eye(k)[-1])
    assert grounds.disagreement(wrong_delta, k) == pytest.approx(0.25)
    direction = np.random.default_rng(1).normal(size=k)
    wrong_hessian = pair_of(hessian=lambda z, y: right.hessian(z, y) + off * np.eye(k))
    expected = 0.25 * abs(direction).max()
    assert grounds.disagreement(wrong_hessian, k) == pytest.approx(expected)


def test_disagreement_is_looked_for_at_four_logits_with_the_first_and_the_last_label():
    seen = []

    def composed(z, y):
        seen.append((tuple(z.data), tuple(y)))
        return pair_of().composed(z, y)

    grounds.disagreement(pair_of(composed=composed), 3)
    assert len({z for z, _ in seen}) == len(seen) == 4
    assert [y for _, y in seen] == [(1, 0, 0), (0, 0, 1)] * 2
    assert all(0 < abs(v) < 5 for z, _ in seen for v in z)


def test_where_the_graph_has_no_number_nothing_disagrees():
    flat = {"delta": lambda z, y: 0 * z, "hessian": lambda z, y: np.zeros((2, 2))}
    nowhere = pair_of(composed=lambda z, y: (z * z * np.nan).sum(), **flat)
    assert grounds.disagreement(nowhere, 2) == 0.0
    partly = pair_of(composed=lambda z, y: (z * np.array([1.0, np.nan])).sum(), **flat)
    assert grounds.disagreement(partly, 2) == 1.0
