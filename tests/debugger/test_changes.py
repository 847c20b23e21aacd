"""Recordings changed and made again."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.debugger.changes import numbers, with_labels, with_mix, with_value
from tinygrad_lossmix.debugger.names import Mistake
from tinygrad_lossmix.views.reading import Reading


def reading(z=(2.0, 1.0, 0.0), y=0, mix=("softmax", "ll")):
    return Reading(lm.Mix(*mix).composed(lm.Tensor(list(z), name="z"), y))


def same(changed, other):
    changed.cost.backward()
    other.cost.backward()
    return lm.tree(changed.cost) == lm.tree(other.cost)


def test_another_value_gives_the_recording_of_that_value():
    found = reading()
    assert same(with_value(found, found.symbols.z, "0, 0, 1"), reading((0.0, 0.0, 1.0)))
    assert same(with_value(found, found.symbols.z, "3"), reading((3.0, 3.0, 3.0)))


def test_other_labels_and_another_mix_give_theirs():
    assert same(with_labels(reading(), "1"), reading(y=1))
    assert same(with_labels(reading(), "0,.5,.5"), reading(y=[0.0, 0.5, 0.5]))
    assert same(with_mix(reading(), lm.Mix("sigmoid", "ce")), reading(mix=("sigmoid", "ce")))


def test_nodes_keep_their_names():
    z, cost = lm.Tensor([1.0, 2.0]), None
    cost = (z * z).sum()
    known = Reading(cost, {"logits": z, "loss": cost})
    changed = with_value(known, z, "3,4")
    again = Reading(changed.cost, changed.names)
    assert list(again.names.values()) == list(known.names.values())


@pytest.mark.parametrize("text", ["", "x", "1,2", "1;2", "1,2,3,4"])
def test_a_value_that_does_not_fit_is_a_mistake(text):
    with pytest.raises(Mistake, match="numbers"):
        numbers(text, (3,))


def test_what_is_computed_cannot_be_set():
    found = reading()
    with pytest.raises(Mistake, match="only an input"):
        with_value(found, found.symbols.a, "1,0,0")


def test_labels_and_mix_belong_to_a_recording_of_one_mix():
    x = lm.Tensor([1.0, 2.0])
    for cost in (x.sum(), lm.Mix("softmax", "ll").composed(x * 2.0, 0)):
        for change in (lambda r: with_labels(r, "1"), lambda r: with_mix(r, lm.MIXES[0])):
            with pytest.raises(Mistake, match="one mix"):
                change(Reading(cost))


def test_labels_that_are_none_are_a_mistake():
    with pytest.raises(Mistake):
        with_labels(reading(), "7")


def test_overflow_is_recorded_without_warnings():
    found = reading()
    assert np.isnan(with_value(found, found.symbols.z, "1000,0,0").cost.data)
