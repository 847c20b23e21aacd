"""The words of a verdict: whole sentences, from evidence made up for each."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.helpers.quick import in_one
from tinygrad_lossmix.answers.kinks import Fall
from tinygrad_lossmix.answers.verdict import verdict as wording
from tinygrad_lossmix.answers.verdict.expected import Minimum, one_of
from tinygrad_lossmix.answers.verdict.grounds import Mistake

EVEN = one_of(np.array([0.5, 0.5]))


def ended(outputs=(0.5, 0.5), cost=0.25, found=True, ray=(3.0, 2.0, 1.0)):
    return Minimum(EVEN, np.zeros(2), np.array(outputs), cost, found, np.array([1.0, 0.5]), ray)


@pytest.mark.parametrize(
    ("least", "sentence"),
    [
        (ended((0.75, 0.25)), "is least at outputs (0.7500, 0.2500)"),
        (ended(found=False), "decreases without reaching a minimum"),
        (ended(cost=np.inf), "is inf"),
        (ended(cost=np.nan, found=False, ray=(1.0, 2.0, 3.0)), "is nan"),
        (
            ended(found=False, ray=(1.0, 2.0, 3.0)),
            "was not minimised, the search ended at outputs (0.5000, 0.5000)",
        ),
    ],
)
def test_where_an_expected_cost_is_least(least, sentence):
    drawn = "with labels drawn from (0.5000, 0.5000) the expected cost "
    assert wording.minimum(least) == drawn + sentence


def test_the_search_that_tells_most_is_the_last_that_went_wrong_or_else_the_last():
    right, wrong = [ended(cost=c) for c in (0.0, 1.0)], [ended((0.9, 0.1), c) for c in (2.0, 3.0)]
    assert wording.telling(right) is right[1]
    assert wording.telling([right[0], wrong[0], wrong[1], right[1]]) is wrong[1]


def found(**changed):
    """Grounds of a pair without fault, some of it changed."""
    identity = {
        "everywhere": 1.0,
        "scaled": 1.0,
        "rest": 1.0,
        "factor": 2.0,
        "error": 1.0,
        "summing": 1.0,
    }
    identity |= {"smallest": 0.5, "largest": 3.0} | changed.pop("identity", {})
    sound = {
        "identity": SimpleNamespace(**identity),
        "minima": (ended(),),
        "curvature": SimpleNamespace(
            eigenvalue=0.125, z=np.array([1.0, 2.0]), y=np.array([0.0, 1.0]), count=12
        ),
        "fall": (Fall(-1.0, np.zeros(2), np.ones(2), 0.0, 1.0), np.eye(2)[0]),
        "push": SimpleNamespace(
            lowest=0.0, highest=0.5, index=1, a=np.array([0.25, 0.75]), y=np.array([1.0, 0.0])
        ),
        "mistake": Mistake(np.array([-20.0, 20.0]), np.array([1.0, 0.0]), delta=1.0, off=1.0),
        "a_minus_y": False,
        "disagreement": 0.0,
        "constant": False,
        "proper": True,
        "convex": True,
        "several": False,
        "classes": 3,
        "labels": "simplex",
    }
    return SimpleNamespace(**sound | changed)


@pytest.mark.parametrize(
    ("evidence", "sentence"),
    [
        (found(identity={"everywhere": 9e-10}, a_minus_y=True), "for every y"),
        (
            found(identity={"scaled": 9e-10}),
            "only where the labels sum to 1; where they sum to S, delta = S a - y",
        ),
        (found(identity={"summing": 9e-10}, a_minus_y=True), "only where the labels sum to 1"),
        (found(a_minus_y=True), "only for one-hot labels"),
        (found(identity={"error": 0.0, "everywhere": 0.0}), "not where learning stalls"),
        (
            found(identity={"rest": 9e-10, "factor": 2.00001}),
            "never: delta = 2 (a - y) for one-hot labels",
        ),
        (
            found(identity={"rest": 0.0, "factor": 0.0}),
            "never: ‖delta‖ / ‖a - y‖ ranges from 0.5 to 3 (maximum norm)",
        ),
        (found(identity={"largest": np.nan}), "never: delta has no value"),
        (
            found(
                identity={"everywhere": 1e-9, "scaled": 1e-9, "rest": 1e-9, "smallest": 0.123456}
            ),
            "never: ‖delta‖ / ‖a - y‖ ranges from 0.1235 to 3 (maximum norm)",
        ),
    ],
)
def test_when_delta_is_a_minus_y(evidence, sentence):
    assert wording.condition(evidence) == sentence


def test_nothing_goes_wrong_with_a_sound_pair():
    assert list(wording.faults(found())) == []


@in_one(
    ("changed", "name", "shown"),
    [
        (
            {"disagreement": 0.25},
            "the closed forms are wrong",
            "cost, delta or Hessian are 0.2500 off what the engine computes",
        ),
        (
            {"constant": True},
            "nothing can be learnt",
            "the output is (0.5000, 0.5000) at every z",
        ),
        (
            {"minima": (ended((1.0, 1.0), found=False),)},
            "drives every output to 1; the cost only approaches its infimum, as z → ∞",
            "at z = t (1, 0.5000) the expected cost is 3, 2, 1 for t = 1, 10, 100",
        ),
        (
            {"minima": (ended((1.0, 0.0), found=False),)},
            "drives the outputs to (1, 0); the cost only approaches its infimum, as z → ∞",
            "at z = t (1, 0.5000) the expected cost is 3, 2, 1 for t = 1, 10, 100",
        ),
        (
            {"minima": (ended((1.0, 1.0 - 4e-7), found=False),)},
            "drives every output to 1; the cost only approaches its infimum, as z → ∞",
            "at z = t (1, 0.5000) the expected cost is 3, 2, 1 for t = 1, 10, 100",
        ),
        (
            {"minima": (replace(ended((0.0, 0.0), found=False), direction=np.array([1.0, -1.0])),)},
            "drives every output to 0; the cost only approaches its infimum, as ‖z‖ → ∞",
            "at z = t (1, -1) the expected cost is 3, 2, 1 for t = 1, 10, 100",
        ),
        (
            {"minima": (ended((0.75, 0.25)),), "proper": False},
            "the outputs at its minimum are not the probabilities",
            "with labels drawn from (0.5000, 0.5000) the expected cost is least at outputs "
            "(0.7500, 0.2500)",
        ),
        (
            {"push": SimpleNamespace(lowest=-1e-12, highest=0.0)},
            "no wrong class is ever pushed down",
            "the highest delta of a wrong class is 0",
        ),
        (
            {"mistake": Mistake(np.array([20.0]), np.array([0.0]), delta=1e-6, off=0.75)},
            "learning stalls on confident mistakes",
            "at z = (20), label 0, delta is at most 1.000e-06 where a - y is 0.7500",
        ),
        (
            {
                "convex": False,
                "curvature": SimpleNamespace(
                    eigenvalue=-0.125, z=np.array([1.0, 2.0]), y=np.array([0.0, 1.0]), count=12
                ),
            },
            "not convex in z",
            "at z = (1, 2), class 1, the Hessian has the eigenvalue -0.1250",
        ),
        (
            {
                "convex": False,
                "fall": (Fall(0.5, np.zeros(2), np.ones(2), 1.0, 0.5), np.eye(2)[0]),
            },
            "not convex in z",
            "with class 0, between z = (0, 0) and (1, 1), the slope falls from 1 to 0.5000",
        ),
        (
            {
                "push": SimpleNamespace(
                    lowest=-0.5,
                    highest=0.5,
                    index=1,
                    a=np.array([0.25, 0.75]),
                    y=np.array([1.0, 0.0]),
                )
            },
            "a wrong logit can be pushed up",
            "at a = (0.2500, 0.7500), class 0, delta is -0.5000 for class 1",
        ),
    ],
)
def test_what_goes_wrong_and_the_numbers_that_show_it(changed, name, shown):
    assert list(wording.faults(found(**changed))) == [(name, shown)]


def test_what_is_within_rounding_is_no_fault():
    push = SimpleNamespace(lowest=-1e-9, highest=1e-9)
    far = Mistake(np.zeros(1), np.zeros(1), delta=0.75e-3, off=0.75)
    assert list(wording.faults(found(disagreement=1e-6, push=push, mistake=far))) == []


def test_the_worst_comes_first_and_a_constant_has_no_other_fault():
    everything = found(
        disagreement=1.0,
        minima=(ended((1.0, 1.0), found=False),),
        proper=False,
        convex=False,
        fall=(Fall(1.0, np.zeros(2), np.ones(2), 1.0, 0.0), np.eye(2)[1]),
        push=SimpleNamespace(lowest=-1.0, highest=-0.5, index=0, a=np.ones(2), y=np.eye(2)[1]),
        mistake=Mistake(np.zeros(2), np.eye(2)[0], delta=0.0, off=1.0),
    )
    assert [fault.name for fault in wording.faults(everything)] == [
        "the closed forms are wrong",
        "drives every output to 1; the cost only approaches its infimum, as z → ∞",
        "no wrong class is ever pushed down",
        "not convex in z",
        "a wrong logit can be pushed up",
    ]
    everything.constant = True
    assert [fault.name for fault in wording.faults(everything)] == [
        "the closed forms are wrong",
        "nothing can be learnt",
    ]


def test_how_a_convex_cost_bends():
    assert wording.bending(found()) == "the smallest eigenvalue of 12 Hessians is 0.1250"


GOOD = "proper, convex, delta = a - y"


@in_one(
    ("changed", "sentence"),
    [
        ({"disagreement": 1e-5}, "mend the closed forms before anything else"),
        (
            {"constant": True, "classes": 1},
            "one sigmoid output with cross-entropy, or two softmax outputs",
        ),
        ({"constant": True}, "an output layer that depends on z"),
        ({}, f"another pair: {GOOD}"),
        (
            {"a_minus_y": True, "classes": 1},
            "use it for a yes-or-no question",
        ),
        (
            {"a_minus_y": True, "several": True},
            "use it for multi-label targets; for one class out of K it is sound too, but its "
            "outputs need not sum to 1",
        ),
        (
            {"a_minus_y": True},
            "use it for one class out of K; for multi-label targets, sigmoid with cross-entropy",
        ),
        (
            {"identity": {"rest": 9e-10, "factor": 3.00001}},
            f"use it with the learning rate divided by 3, or another pair: {GOOD}",
        ),
        ({"identity": {"rest": 0.0, "factor": -1.0}}, f"another pair: {GOOD}"),
        ({"identity": {"rest": 1e-9}}, f"another pair: {GOOD}"),
        ({"identity": {"rest": 0.0}, "proper": False}, f"another pair: {GOOD}"),
        ({"identity": {"rest": 0.0}, "convex": False}, f"another pair: {GOOD}"),
        ({"a_minus_y": True, "convex": False}, f"another pair: {GOOD}"),
        ({"disagreement": 1e-6}, f"another pair: {GOOD}"),
    ],
)
def test_what_to_use(changed, sentence):
    assert wording.advice(found(**changed), "another pair") == sentence
