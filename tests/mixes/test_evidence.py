"""What a verdict rests on: which truths are tried, and what follows from what was found."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tinygrad_lossmix import MIXES, Mix
from tinygrad_lossmix.mixes import evidence
from tinygrad_lossmix.mixes.evidence import gather
from tinygrad_lossmix.mixes.witnesses import disagreement, mistake, sample

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
    monkeypatch.setattr(evidence, "minimise", lambda mix, t, z: asked.append((t.mean, tuple(z))))
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
    assert found.push.lowest == sample(mix, 3).delta[:200][sample(mix, 3).y[:200] == 0].min()
    assert found.mistake.delta == mistake(mix, 3).delta
    assert found.sum_to_one == (mix.output == "softmax")
    assert not found.constant


@each_mix
def test_one_output_is_constant_where_it_is_a_share_of_all(mix):
    assert gather(mix, 1).constant == (mix.output == "softmax")


def test_nearly_one_is_not_one():
    def outputs(z):
        return np.array([0.25, 0.75]) + 0 * z + 1e-8

    off = SimpleNamespace(
        activate=outputs,
        cost=lambda z, y: 0.0,
        composed=Mix("softmax", "ll").composed,
        delta=lambda z, y: 0 * z,
        hessian=lambda z, y: np.eye(len(z)),
    )
    found = gather(off, 2)
    assert not found.sum_to_one
    assert found.constant


def test_answers_follow_from_what_was_found():
    found = gather(Mix("softmax", "ll"), 3)
    assert (found.proper, found.several, found.convex, found.a_minus_y) == (True, False, True, True)
    wrong = [replace(found.minima[0], found=False), *found.minima[1:]]
    assert not replace(found, minima=tuple(wrong)).proper
    assert replace(found, separate=found.minima).several
    for eigenvalue, convex in [(0.0, True), (-1e-10, True), (-1e-9, False), (-1e-8, False)]:
        bent = replace(found.curvature, eigenvalue=eigenvalue)
        assert replace(found, curvature=bent).convex == convex
    for error, same in [(0.0, True), (1e-10, True), (1e-9, False), (1e-8, False)]:
        assert replace(found, identity=replace(found.identity, error=error)).a_minus_y == same
