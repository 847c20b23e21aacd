"""What one call says about itself: the same of a Tensor and of a traced array."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix.compiler.calls import (
    along,
    axes_of,
    is_plain,
    normal,
    product,
    reduced,
    relabels,
    scalar,
    step,
    uniform,
)
from tinygrad_lossmix.compiler.ir.program import TracedProgram

X = np.ones((2, 1, 3))
both = pytest.mark.parametrize(
    "x", [lm.Tensor(X), TracedProgram().argument("x", X)], ids=["recorded", "traced"]
)
VIEWS = {
    "reversed": (lambda x: x.T, (2, 1, 0)),
    "moved": (lambda x: x.transpose(1, -1, 0), (1, 2, 0)),
    "short axis dropped": (lambda x: x.reshape(2, 3), (0, 2)),
    "short axis moved": (lambda x: x.reshape(1, 2, 3), (None, 0, 2)),
    "broadcast": (lambda x: np.broadcast_to(x, (4, 2, 5, 3)), (None, 0, None, 2)),
    "new axis": (lambda x: x[:, None], (0, None, 1, 2)),
    "number of a short axis": (lambda x: x[:, 0], (0, 2)),
    "the same by a slice": (lambda x: x[..., :3], (0, 1, 2)),
    "a part": (lambda x: x[1:, ..., None, ::2], (0, 1, None, 2)),
    "one entry": (lambda x: x[0], (1, 2)),
    "backwards": (lambda x: x[::-1], (0, 1, 2)),
}


@both
@in_one("name", VIEWS)
def test_where_the_axes_of_a_view_are_from(x, name):
    view, expected = VIEWS[name]
    assert along(view(x)) == expected
    assert relabels(view(x)) == (name not in ("a part", "one entry", "backwards"))


@both
def test_what_is_no_view(x):
    for call in (x, x.reshape(6), x.reshape(3, 2), x[np.array([0, 1])], np.exp(x), x.sum(axis=1)):
        assert along(call) is None
        assert not relabels(call)
    assert not is_plain((0, np.array([True])))


@both
def test_the_axes_of_a_reduction(x):
    assert reduced(x.sum()) == (0, 1, 2)
    assert reduced(np.max(x, axis=(-1, 0), keepdims=True)) == (0, 2)
    assert axes_of(0, 0) == ()
    with pytest.raises(IndexError):
        axes_of(2, 2)


@both
def test_one_step_of_a_plus_b_times_x(x):
    steps = [(x + 2, (2.0, 1.0)), (1.0 - x, (1.0, -1.0)), (-x, (0.0, -1.0)), (x * 3.0, (0.0, 3.0))]
    for call, (a, b) in steps:
        assert step(call)[:2] == (a, b)
        assert step(call)[2] is x
    assert step(x + np.full(3, 2.5))[0] == 2.5
    for call in (np.exp(x), x + np.arange(3.0), x + np.inf, 1.0 / x, x * x):
        assert step(call) is None


def test_constants_that_are_one_number():
    assert scalar(np.full((2, 3), 2.5)) == scalar(2.5) == scalar(np.float32(2.5)) == 2.5
    for other in (np.arange(3.0), np.zeros(0), [1.0], None, "1", lm.Tensor(1.0)):
        assert scalar(other) is None
    assert scalar(2**53) == 2**53
    assert scalar(2**53 + 1) is None
    assert uniform(np.array([0.0, -0.0])) is None
    assert np.signbit(uniform(np.full(3, -0.0)))


def test_factors_that_are_lost_together():
    assert normal(1.0)
    assert not any(map(normal, (0.0, 1e-320, np.inf, np.nan)))
    assert not normal(1e-7, np.float16)
    assert product(2.0, 0.0) == 0.0
    assert np.isnan(product(1e-200, 1e-200))
