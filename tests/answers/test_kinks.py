"""Where a slope falls along a line: of what bends downwards somewhere, and of nothing else."""

import numpy as np
import pytest

from tinygrad_lossmix.answers.kinks import fall


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize(
    "gradient",
    [
        lambda z: np.where(z < 2.5, z, 0.0),
        lambda z: -np.sign(z),
        lambda z: np.where(np.abs(z) < 1, z, 0.0),
        np.sin,
        lambda z: np.where(z > 0, z - 1, z),
    ],
    ids=["ends flat", "tent", "bounded", "wave", "step down"],
)
def test_what_bends_downwards_somewhere_falls(gradient, k):
    found = fall(gradient, k)
    assert found.drop > 0
    along = found.there - found.z
    ends = gradient(found.z) @ along, gradient(found.there) @ along
    assert ends[0] > ends[1]
    np.testing.assert_allclose(ends[1] * found.slope, ends[0] * found.lower)


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize(
    "gradient",
    [np.positive, np.exp, np.sign, np.tanh, lambda z: np.maximum(z, 0), lambda z: np.clip(z, 0, 6)],
)
def test_what_is_monotone_falls_nowhere(gradient, k):
    assert fall(gradient, k).drop <= 0


def test_what_is_not_finite_is_left_out():
    assert fall(lambda z: np.where(z > 0, np.nan, z), 2).drop <= 0
    assert fall(lambda z: z * np.nan, 2).drop == -np.inf


def test_a_fall_is_said_with_its_numbers():
    found = fall(lambda z: np.where(z < 2.5, z, 0.0), 1)
    assert str(found).startswith("between z = (")
    assert "), the slope falls from " in str(found)
