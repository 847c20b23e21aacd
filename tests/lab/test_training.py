"""A run: the network, the descent, what is measured at the end."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.helpers.quick import in_one
from tinygrad_lossmix.lab.data import Data, split
from tinygrad_lossmix.lab.training import (
    BINS,
    Settings,
    calibration_error,
    descend,
    initial,
    logits,
    train,
)
from tinygrad_lossmix.mixes.mix import MIXES, Mix

FAST = Settings(seeds=1, epochs=3, hidden=4)
SOFTMAX_LL = next(m for m in MIXES if (m.output, m.cost_name) == ("softmax", "ll"))


@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_a_seed_determines_a_run(mix: Mix, blobs: Data) -> None:
    assert train(mix, blobs, FAST, 3) == train(mix, blobs, FAST, 3)


def test_another_seed_is_another_run(blobs: Data) -> None:
    assert train(SOFTMAX_LL, blobs, FAST, 3).curve != train(SOFTMAX_LL, blobs, FAST, 4).curve


def test_training_is_gradient_descent_written_out_by_hand(blobs: Data) -> None:
    rng = np.random.default_rng(0)
    parts = split(blobs, rng)
    start = initial((2, 4, 3), rng)
    (trained,) = descend(SOFTMAX_LL, parts, start, np.random.default_rng(1), Settings(epochs=1))
    w1, b1, w2, b2 = start
    order = np.random.default_rng(1).permutation(len(parts.x))
    for rows in np.split(order, range(10, len(order), 10)):
        h = 1 / (1 + np.exp(-(parts.x[rows] @ w1 + b1)))
        e = np.exp(h @ w2 + b2)
        delta = (e / e.sum(axis=1, keepdims=True) - np.eye(3)[parts.y[rows]]) / len(rows)
        back = delta @ w2.T * h * (1 - h)
        w1, b1 = w1 - 0.5 * parts.x[rows].T @ back, b1 - 0.5 * back.sum(axis=0)
        w2, b2 = w2 - 0.5 * h.T @ delta, b2 - 0.5 * delta.sum(axis=0)
    for ours, theirs in zip(trained, (w1, b1, w2, b2), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_every_mix_starts_from_the_same_weights_on_the_same_batches(
    blobs: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[np.ndarray]] = []

    def watched(mix, parts, start, rng, settings):  # type: ignore[no-untyped-def]
        twin = np.random.default_rng()
        twin.bit_generator.state = rng.bit_generator.state
        seen.append([parts.x, parts.y, *start, twin.permutation(1000)])
        return descend(mix, parts, start, rng, settings)

    monkeypatch.setattr("tinygrad_lossmix.lab.training.descend", watched)
    for mix in MIXES:
        train(mix, blobs, FAST, 5)
    for other in seen[1:]:
        assert all(map(np.array_equal, seen[0], other))


@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_float32_lasts_to_the_end(mix: Mix, blobs: Data) -> None:
    rng = np.random.default_rng(0)
    parts = split(blobs, rng, "float32")
    start = initial((2, 4, 3), rng, "float32")
    (trained,) = descend(mix, parts, start, rng, Settings(epochs=1, dtype="float32"))
    assert {p.dtype for p in trained} == {np.dtype("float32")}
    assert logits(parts.x, *trained).dtype == np.float32


def test_the_curve_has_one_entry_per_epoch_and_each_is_announced(blobs: Data) -> None:
    announced = []
    run = train(SOFTMAX_LL, blobs, FAST, 0, lambda *epoch: announced.append(epoch))
    assert announced == [(SOFTMAX_LL, 0, epoch) for epoch in run.curve]
    assert len(run.curve) == 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_an_enormous_eta_ends_in_a_result_without_warnings(
    mix: Mix, dtype: str, blobs: Data
) -> None:
    run = train(mix, blobs, Settings(epochs=3, hidden=4, eta=1e300, dtype=dtype), 0)
    assert run.diverged == math.isnan(run.last.accuracy) == math.isnan(run.wrong)


def test_a_run_that_diverges_ends_there(blobs: Data) -> None:
    run = train(SOFTMAX_LL, blobs, Settings(epochs=9, hidden=4, eta=1e308), 0)
    assert run.diverged
    assert len(run.curve) < 9


@in_one(
    "wrong",
    [
        {"seeds": 0},
        {"epochs": 0},
        {"epochs": 1.5},
        {"hidden": 0},
        {"batch": 0},
        {"eta": 0.0},
        {"eta": -1.0},
        {"eta": math.nan},
        {"eta": math.inf},
        {"dtype": "int64"},
    ],
    ids=str,
)
def test_impossible_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)


def test_logits_are_those_of_the_formula() -> None:
    w1, b1, w2, b2 = initial((5, 4, 3), np.random.default_rng(0))
    x = np.random.default_rng(1).normal(size=(7, 5))
    hidden = 1 / (1 + np.exp(-(x @ w1 + b1)))
    np.testing.assert_allclose(logits(x, w1, b1, w2, b2), hidden @ w2 + b2, rtol=1e-12)


def test_weights_shrink_with_the_number_of_inputs_and_biases_do_not() -> None:
    w1, b1, w2, b2 = initial((400, 900, 400), np.random.default_rng(0))
    for p, scale in ((w1, 1 / 20), (b1, 1), (w2, 1 / 30), (b2, 1)):
        np.testing.assert_allclose(p.std(), scale, rtol=0.1)


def test_dtype_lasts_to_the_logits() -> None:
    p = initial((5, 4, 3), np.random.default_rng(0), "float32")
    assert logits(np.ones((2, 5), "float32"), *p).dtype == np.float32


OUTPUTS = arrays(np.float64, st.tuples(st.integers(1, 40), st.just(3)), elements=st.floats(0, 1))


def by_hand(a: np.ndarray, y: np.ndarray) -> float:
    bins: dict[int, list[tuple[float, bool]]] = {}
    for row, label in zip(a, y, strict=True):
        confidence = row.max()
        bin_ = min(int(confidence * BINS), BINS - 1)
        bins.setdefault(bin_, []).append((confidence, int(row.argmax()) == label))
    return sum(
        len(members)
        / len(y)
        * abs(np.mean([r for _, r in members]) - np.mean([c for c, _ in members]))
        for members in bins.values()
    )


@given(OUTPUTS, st.integers(0, 100))
def test_it_is_the_definition(a: np.ndarray, seed: int) -> None:
    y = np.random.default_rng(seed).integers(0, 3, len(a))
    np.testing.assert_allclose(calibration_error(a, y), by_hand(a, y), atol=1e-12)


def test_confident_and_wrong_is_one() -> None:
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([1])) == 1


def test_confident_and_right_is_zero() -> None:
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0


def test_large_outputs_of_a_sigmoid_layer_count_as_confidence() -> None:
    assert calibration_error(np.array([[0.9, 0.8], [0.9, 0.8]]), np.array([0, 1])) == 0.4


def test_outputs_that_are_no_probabilities_have_an_error_too():
    assert calibration_error(np.array([[-0.5, -1.0], [-2.5, -2.0]]), np.array([0, 0])) == 1.75
    assert calibration_error(np.array([[1e30, 0.0]]), np.array([0])) == 1e30
    assert np.isnan(calibration_error(np.array([[np.nan, 0.0], [0.5, 0.5]]), np.array([0, 0])))
