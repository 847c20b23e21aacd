"""What one call says about itself, be it a Tensor or a traced array; keys of its constants."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix.compiler.calls import (
    Numbering,
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
from tinygrad_lossmix.compiler.patterns.structure import Structure

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


@pytest.fixture
def key():
    return Numbering(lm.Tensor).key


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.arange(30.0),
        lambda: (1, slice(None, 2), None, ...),
        lambda: [np.array([0, 1]), "same"],
        lambda: {"axis": (0, 1), "keepdims": True},
        lambda: float("nan"),
        lambda: np.float32(0.1),
        lambda: np.dtype("f4"),
    ],
)
def test_equal_things_have_one_key(key, make):
    assert key(make()) == key(make())
    assert hash(key(make())) == hash(key(make()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, -0.0),
        (1, 1.0),
        (1, True),
        (2.0, np.float64(2.0)),
        ([1], (1,)),
        (slice(1), slice(None, 1, 1)),
        (np.zeros(3), -np.zeros(3)),
        (np.zeros(3), np.zeros(3, np.float32)),
        (np.zeros((1, 3)), np.zeros(3)),
        (np.arange(30.0), np.where(np.arange(30) == 1, 7.0, np.arange(30.0))),
        (object(), object()),
    ],
)
def test_other_things_have_others(key, one, other):
    assert key(one) != key(other)


def test_the_first_of_equal_arrays_stands_for_all():
    numbers, x = Numbering(lm.Tensor), np.arange(100.0)
    assert numbers.array(x) is x
    assert numbers.array(x.copy()) is x


def test_nodes_have_one_number_if_they_were_computed_alike():
    z, number = lm.Tensor(np.ones((2, 3))), Structure().number
    alike = [(z + 1.0).sum(axis=-1), np.sum(1.0 + z, axis=1), np.add.reduce(z + 1.0, axis=1)]
    assert len({*map(number, alike)}) == 1
    assert number(z.sum(axis=0)) != number(z.sum(axis=1))
