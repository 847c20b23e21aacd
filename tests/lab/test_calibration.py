"""The expected calibration error, against its definition written as a loop."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tinygrad_lossmix.lab.calibration import BINS, calibration_error

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
