"""Names and comparisons as they are typed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tinygrad_lossmix.debugger.conditions import Condition, comparison, quantity
from tinygrad_lossmix.debugger.names import Mistake, Names

z = lm.Tensor([2.0, 1.0, 0.0], name="z")
WALK = lm.Stepper(lm.Mix("softmax", "ll").composed(z, 0))
NAMES = Names(WALK.reading)
END = WALK.at(len(WALK))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("z > 1", True),
        ("z > 2", False),
        ("z.grad < -.3", True),
        ("z.grad < -3e-1 and position == 8", True),
        ("z.grad<-0.3 and position<8", False),
        ("downstream >= 0.2", True),
        ("accumulated != accumulated", False),
        ("upstream <= inf", True),
        ("C.grad == 1", True),
        ("y == 1", True),
        ("a > z", True),
    ],
)
def test_one_entry_that_fulfils_it_is_enough(text, holds):
    assert Condition(text).holds(END, NAMES) == holds


def test_a_quantity_without_a_value_fulfils_nothing():
    assert not Condition("z.grad < 1").holds(WALK, NAMES)
    assert not Condition("downstream < 1").holds(WALK, NAMES)


@pytest.mark.parametrize("text", ["", "z", "z <", "< 1", "1 < z < 2", "z = 1", "z > 1 and"])
def test_what_is_no_comparison_is_a_mistake(text):
    with pytest.raises(Mistake, match="compares names and numbers"):
        Condition(text)


@pytest.mark.parametrize("text", ["q > 1", "z.grd > 1", "z > 1e99999", "z > __import__('os')"])
def test_what_is_not_known_is_a_mistake(text):
    with pytest.raises(Mistake, match="there is no"):
        Condition(text).holds(END, NAMES)


def test_shapes_that_do_not_belong_together_are_a_mistake():
    x, w = lm.Tensor([1.0, 2.0], name="x"), lm.Tensor([1.0, 2.0, 3.0], name="w")
    walk = lm.Stepper(x.sum() * w.sum())
    with pytest.raises(Mistake, match=r"shapes \(2,\) and \(3,\)"):
        Condition("x < w").holds(walk, Names(walk.reading))


@given(st.floats(allow_nan=False))
def test_a_number_is_read_as_python_writes_it(number):
    assert quantity(repr(number), WALK, NAMES) == number


@given(st.text(max_size=40))
def test_nothing_else_happens_whatever_is_typed(text):
    try:
        found = comparison(text).result(END, NAMES)
    except Mistake:
        return
    assert found is None or found.dtype == np.bool_
