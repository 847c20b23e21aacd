"""Output layers on outputs are warned of, with the plateau that they lead to."""

import re
import warnings

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.answers.plateau.constants import constants
from tinygrad_lossmix.compiler.stabilize import WrongPairing, rewritten

FLOORS = {c.formula: c for c in constants()}


def pairings(cost):
    return rewritten(cost).pairings


def warned(cost):
    with pytest.warns(WrongPairing) as found:
        lm.stabilize(cost)
    assert {warning.filename for warning in found} == {__file__}
    return [str(warning.message) for warning in found]


def logits(k):
    return lm.Tensor(np.linspace(-1, 1, k))


@pytest.mark.parametrize("k", [2, 3, 10])
@pytest.mark.parametrize("inner", ["softmax", "sigmoid"])
def test_softmax_of_outputs_names_its_floor(inner, k):
    a = getattr(lm.book, inner)(logits(k))
    [words] = warned(lm.book.log_likelihood(lm.book.softmax(a), 0))
    assert words.startswith(f"softmax of {inner}: ")
    floor = FLOORS["ln(1 + (K - 1)/e)"].value(k)
    assert f"{floor:.4f} for K = {k}" in words
    assert "plateau" in words


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("inner", ["softmax", "sigmoid"])
def test_sigmoid_of_outputs_names_its_floors(inner, k):
    a = getattr(lm.book, inner)(logits(k))
    [words] = warned(lm.book.cross_entropy(lm.book.sigmoid(a), np.ones(k)))
    assert words.startswith(f"sigmoid of {inner}: ")
    floors = [FLOORS[f].value(k) for f in ("ln(1 + 1/e)", "ln 2", "ln(1 + 1/e) + (K - 1) ln 2")]
    assert re.findall(r"\d\.\d{4}|\d\d\.\d{4}", words) == [f"{floor:.4f}" for floor in floors]


@pytest.mark.parametrize(
    "cost",
    [
        lambda z: lm.softmax(lm.softmax(z)),
        lambda z: lm.log_softmax(lm.softmax(z)),
        lambda z: np.exp(lm.softmax(z)) / np.exp(lm.softmax(z)).sum(),
        lambda z: lm.Mix("softmax", "ll").cost(lm.softmax(z), 0),
        lambda z: lm.book.softmax(lm.softmax(z.reshape(3, 1), axis=0).T)[:, ::-1],
        lambda z: lm.book.softmax(lm.softmax(z)[::-1]),
    ],
)
def test_it_is_seen_however_it_is_written(cost):
    [words] = pairings(cost(logits(3)))
    assert words.startswith("softmax of softmax")


def test_each_kind_is_warned_of_once():
    z = logits(3)
    a = lm.sigmoid(lm.sigmoid(lm.sigmoid(z)))
    assert len(warned(lm.log_likelihood(lm.softmax(lm.softmax(a)), 0))) == 3


@pytest.mark.parametrize(
    "cost",
    [
        lambda z: lm.softmax(lm.sigmoid(z) @ np.eye(3)),
        lambda z: lm.softmax(2.0 * lm.sigmoid(z) - 1.0),
        lambda z: lm.logsumexp(lm.softmax(z)),
        lambda z: lm.softmax(np.tanh(z)),
        lambda z: lm.softmax(z) * lm.sigmoid(z),
        lambda z: np.log(lm.softmax(z)),
    ],
)
def test_a_layer_in_between_is_nothing_to_warn_of(cost):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lm.stabilize(cost(logits(3)))
