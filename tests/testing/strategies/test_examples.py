"""Logits and labels: each regime and each kind is drawn, with what makes it hard."""

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from tests.helpers.drawn import DRAWN, SHAPES
from tests.helpers.quick import in_one, share
from tinygrad_lossmix.testing import strategies


def near(z, ulps):
    return np.abs(z - 1.25).max() <= ulps * np.spacing(z.dtype.type(1.25))


def tied(z):
    ordered = np.sort(z, axis=-1)
    return z.shape[-1] == 1 or (ordered[..., 1:] == ordered[..., :-1]).any(axis=-1).all()


REGIMES = {
    "moderate": lambda z: (np.abs(z) <= 8).all(),
    "saturated": lambda z: ((np.abs(z) >= 30) & (np.abs(z) <= 40)).all(),
    "extreme": lambda z: ((np.abs(z) >= 300) & (np.abs(z) <= 1000)).all(),
    "ties": tied,
    "equal": lambda z: (z == z[..., :1]).all(),
    "near ties": lambda z: near(z, 3),
    "subnormal": lambda z: (np.abs(z) < np.finfo(z.dtype).tiny).all(),
    "infinite": lambda z: np.isinf(z).any(axis=-1).all(),
}


@in_one("dtype", [np.float16, np.float32, np.float64])
@in_one("regime", strategies.REGIMES)
@share(5)
@given(st.data())
def test_logits_are_of_their_regime(regime, dtype, data):
    z = data.draw(strategies.logits(SHAPES, regime, dtype))
    assert z.dtype == dtype
    assert REGIMES[regime](z)
    assert regime == "infinite" or np.isfinite(z).all()


@pytest.mark.parametrize(
    ("regime", "seen"),
    [
        ("near ties", lambda z: len({*z.flat}) > 1),
        ("subnormal", lambda z: (z > 0).any() and (z < 0).any()),
        ("saturated", lambda z: (z > 0).any() and (z < 0).any()),
        ("infinite", lambda z: (z == np.inf).any()),
        ("infinite", lambda z: (z == -np.inf).any()),
        (None, lambda z: np.abs(z).max() > 300),
        (None, lambda z: 0 < np.abs(z).max() < 1e-300),
        (None, lambda z: 30 <= np.abs(z).min() <= 40),
    ],
)
def test_what_makes_a_regime_hard_is_drawn(regime, seen):
    find(strategies.logits((3,), regime), seen, settings=DRAWN)


@given(strategies.logits((2, 3)))
def test_logits_of_no_named_regime_are_finite(z):
    assert z.shape == (2, 3)
    assert np.isfinite(z).all()


KINDS = {
    "one-hot": lambda y: ((y == 0) | (y == 1)).all() and (y.sum(axis=-1) == 1).all(),
    "smoothed": lambda y: (
        np.allclose(np.sort(y)[..., -1], 0.9 + 0.1 / y.shape[-1]) and np.allclose(y.sum(axis=-1), 1)
    ),
    "soft": lambda y: (y >= 0).all() and np.allclose(y.sum(axis=-1), 1),
    "multi-hot": lambda y: ((y == 0) | (y == 1)).all(),
    "unnormalised": lambda y: ((y >= 0) & (y <= 3)).all(),
    "zeros": lambda y: not y.any(),
}


@pytest.mark.parametrize("kind", KINDS)
@share(3)
@given(st.data(), SHAPES)
def test_labels_are_of_their_kind(kind, data, shape):
    y = data.draw(strategies.labels(shape, kind))
    assert y.shape == shape
    assert KINDS[kind](y)


@given(st.data(), st.sampled_from([(2,), (3, 2), (2, 2, 4)]))
def test_integer_labels_are_classes(data, shape):
    y = data.draw(strategies.labels(shape, "integer"))
    assert (y.shape, y.dtype.kind) == (shape[:-1], "i")
    assert ((y >= 0) & (y < shape[-1])).all()


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("multi-hot", lambda y: y.sum() == 2),
        ("multi-hot", lambda y: y.sum() == 0),
        ("soft", lambda y: len({*y.flat}) == 3 and (y > 0.05).all()),
        ("unnormalised", lambda y: 1.5 < y.sum() < 2.5),
        ("integer", lambda y: y == 2),
        (None, lambda y: not y.any()),
    ],
)
def test_what_makes_a_kind_of_its_own_is_drawn(kind, seen):
    find(strategies.labels((3,), kind), seen, settings=DRAWN)


def test_there_is_a_property_for_every_regime_and_kind():
    assert set(REGIMES) == set(strategies.REGIMES)
    assert {*KINDS, "integer"} == set(strategies.KINDS)


def test_an_unknown_regime_or_kind_is_refused():
    with pytest.raises(ValueError, match="moderate, saturated"):
        strategies.logits((3,), "large")
    with pytest.raises(ValueError, match="one-hot, smoothed"):
        strategies.labels((3,), "hard")
    with pytest.raises(ValueError, match="two outputs or more"):
        strategies.labels((3, 1), "integer")


@given(st.data(), SHAPES)
def test_labels_are_as_dense_as_the_logits_unless_classes_are_asked_for(data, shape):
    assert data.draw(strategies.labels(shape)).shape == shape
    z, y = data.draw(strategies.examples())
    assert z.shape == y.shape


@given(strategies.examples() | strategies.examples(labels="integer"), strategies.mixes())
def test_every_mix_takes_every_example(example, mix):
    z, y = example
    assert mix.delta(z, y).shape == z.shape
    assert np.isfinite(mix.delta(z, y)).all()


@given(strategies.examples("saturated", "one-hot", classes=(4, 4), batch=0, dtype=np.float32))
def test_examples_are_of_what_was_asked_for(example):
    z, y = example
    assert (z.shape, y.shape, z.dtype) == ((4,), (4,), np.float32)
    assert REGIMES["saturated"](z)
    assert KINDS["one-hot"](y)


def test_both_single_examples_and_batches_are_drawn():
    for ndim in (1, 2):
        find(strategies.examples(), lambda example, n=ndim: example[0].ndim == n, settings=DRAWN)
