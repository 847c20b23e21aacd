"""`why nan` on planted NaN: what it names, and that what it says to write does help."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

import tinygrad_lossmix as lm
from tests.helpers.prompt import answers_to
from tinygrad_lossmix.debugger.commands.why import find
from tinygrad_lossmix.testing import strategies


def leaf(*numbers, name="x"):
    return lm.Tensor([*numbers], name=name, lines=True)


def zero_times_log_zero():
    a, y = leaf(0.0, 1.0, name="a"), np.array([0.0, 1.0])
    h = np.log(a)
    return -(y * h).sum()


def log_of_zero():
    h = np.log(leaf(0.0, 1.0, name="a"))
    return -(np.array([1.0, 0.0]) * h).sum()


def exp_overflows():
    h = np.exp(leaf(1000.0, 0.0, -1000.0, name="z"))
    return -np.log(h / h.sum())[0]


def infinity_less_infinity():
    h = np.exp(leaf(800.0, 1.0))
    return (h - h * 2.0).sum()


def zero_by_zero():
    x = leaf(0.0, 0.0)
    h = x / x.sum()
    return h.sum()


def slope_of_sqrt_at_zero():
    x = leaf(0.0, 0.0)
    h = np.sqrt((x * x).sum())
    return h * 2.0


def dead_branch():
    x = leaf(0.0, 2.0)
    h = np.log(x)
    return np.where(x > 0, x * h, 0.0).sum()


def nan_in_an_input():
    h = lm.Tensor([1.0, np.nan], name="x", lines=True)
    return np.tanh(h * leaf(1.0, 2.0, name="w")).sum()


def root_of_a_negative_number():
    x = leaf(-1.0, 4.0)
    h = x**0.5
    return h.sum()


def division_in_a_rule():
    x, y = leaf(1e-5, 1.0), leaf(1e-200, 1.0, name="y")
    h = x / y
    return h.sum()


def overflow_of_a_constant_scale():
    h = leaf(1e200, 1.0) / 1e-200
    return h.sum()


def sum_overflows_on_the_way_back():
    x = leaf(1e-3, 1e-3)
    h = x * 1e308
    return h.sum() + (x * 1e308).sum()


def nan_in_a_constant():
    h = leaf(1.0, 2.0) * np.array([np.nan, 1.0])
    return h.sum()


PLANTED = {
    zero_times_log_zero: ("log(a)", "makes the first infinity", "lm.xlogy(y, a) for y *"),
    log_of_zero: ("log(a)", "makes the first infinity", "np.log(np.maximum(a, 1e-30))"),
    exp_overflows: ("exp(z)", "makes the first infinity", "write lm.log_softmax(u) for ln(softm"),
    infinity_less_infinity: ("exp(x)", "makes the first infinity", "np.exp(np.minimum(x, 700.0))"),
    zero_by_zero: ("x / n1", "makes the first NaN", "x / np.where(n1 != 0, n1, 1.0)"),
    slope_of_sqrt_at_zero: ("sqrt(n2)", "hands on the first infinity", "np.sqrt(np.maximum("),
    dead_branch: ("log(x)", "left out of the cost, but not of", "np.log(np.maximum(x, 1e-30))"),
    nan_in_an_input: ("", "is an input, and holds NaN", "np.isfinite(x) is False"),
    root_of_a_negative_number: ("x ** 0.5", "makes the first NaN", "np.maximum(x, 1e-30) **"),
    division_in_a_rule: ("x / y", "hands on the first infinity", "np.where(abs(y) > 1e-150"),
    overflow_of_a_constant_scale: ("x / 1e-200", "makes the first infinity", "or their scale"),
    sum_overflows_on_the_way_back: ("x * 1e+308", "hands on the first infinity", "or their scale"),
    nan_in_a_constant: ("x * [nan, 1]", "a constant that holds NaN", "change the numbers"),
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda each: each.__name__)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_planted_nan_is_found(plant):
    formula, said, repair = PLANTED[plant]
    text = answers_to("why nan", plant())
    first = text.splitlines()[0]
    lines = plant.__code__.co_firstlineno
    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    number = next(i for i in range(lines, len(source)) if " h = " in source[i]) + 1
    assert first.endswith(f"{formula}  test_why.py:{number}"), text
    assert said in text
    assert repair in text


def test_a_weight_that_holds_nan_is_no_example_to_leave_out():
    x, w = np.ones((4, 2)), lm.Tensor([[np.nan, 1.0, 2.0], [1.0, 2.0, 3.0]], name="w")
    text = answers_to("why nan", lm.Mix("softmax", "ll").cost(x @ w, [0, 1, 2, 0]))
    assert "an update made it so" in text
    assert "leave out" not in text


def test_of_an_input_that_may_be_either_both_are_said():
    z = lm.Tensor([[np.nan, 1.0, 2.0], [1.0, 2.0, 3.0]], name="z")
    text = answers_to("why nan", lm.Mix("softmax", "ll").cost(z, [0, 1]))
    assert "if z holds examples, leave out those where np.isfinite(z) is False" in text
    assert "if it is a weight, an update made it so" in text


@pytest.mark.parametrize("value", [0.0, 1e-40])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_it_says_to_write_helps(value):
    x = lm.Tensor([value, 2.0], name="x")
    by_hand = np.where(x > 1.0, np.log(np.maximum(x, 1e-30)), 0.0).sum()
    assert "np.log(np.maximum(x, 1e-30))" in answers_to("why nan", dead_branch())
    assert np.isfinite(lm.grad(by_hand, x)).all()


def test_what_was_tried_is_said_with_its_cost():
    with np.errstate(all="ignore"):
        text = answers_to("why nan", exp_overflows())
    assert text.splitlines()[-1] == "  tried: lm.stabilize(n6) is 0, all gradients finite"
    assert re.search(r"^  local +dn1/dz\[0\] +inf$", text, re.MULTILINE)
    assert re.search(
        r"^  then +n3 = n1 / n2 +makes NaN of it  test_why.py:\d+$", text, re.MULTILINE
    )


def test_a_mask_of_infinity_does_no_harm():
    z = lm.Tensor([0.0, 1.0, 2.0], name="z")
    e = np.exp(np.where([True, False, True], z, -np.inf) - 2.0)
    cost = -np.log((e / e.sum())[0])
    assert answers_to("why nan", cost).startswith("there is no NaN and no infinity")


@given(strategies.programs())
def test_where_there_is_no_nan_none_is_found(example):
    program, leaves = example
    cost = program(*map(lm.Tensor, leaves))
    assert find(lm.Stepper(cost)) is None


def test_only_nan_is_explained(capsys):
    walk = lm.Stepper(lm.Tensor(1.0) * 2.0)
    assert len(walk) == 1
    assert answers_to("why") == answers_to("why nan")


def test_an_argument_that_is_not_differentiated_has_no_local_derivative():
    over = lm.derivative(lambda x, y: x / y, lambda g, z, x, y: g / y, None)
    x = leaf(1.0, 2.0)
    with np.errstate(all="ignore"):
        text = answers_to("why nan", over(x, x - x).sum())
    assert "  local  dn2/dx[0]  inf\n" in text
    assert "dn2/dn1" not in text


def test_beside_an_infinity_it_is_the_nan_that_is_shown():
    x = leaf(1.0, 0.0)
    with np.errstate(all="ignore"):
        said = answers_to("why nan", (x / (x * 0.0)).sum())
    assert re.search(r"makes the first NaN\n  value +n2\[1\] +nan\n", said)


def test_a_mix_that_is_multiplied_is_named_as_one_can_write_it():
    p, t = lm.sigmoid(lm.Tensor([50.0, 2.0], name="z") * 50.0), np.array([1.0, 0.0])
    with np.errstate(all="ignore"):
        text = answers_to("why nan", -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean())
    assert "write lm.Mix('sigmoid', 'ce').cost(u, y) for " in text


def test_what_it_says_to_write_is_there_to_be_written():
    z = lm.Tensor([50.0, 0.0, -800.0], name="z")
    with np.errstate(all="ignore"):
        one_minus = answers_to("why nan", (np.log(1.0 - lm.softmax(z)) * [1.0, 0.0, 0.0]).sum())
        minus_one = answers_to("why nan", (1.0 / (1.0 - lm.softmax(z))).sum())
    assert "lm.stabilize writes log1m_softmax(u) for ln(1 - softmax(u))" in one_minus
    assert "write -np.expm1(lm.log_softmax(u)) for 1 - softmax(u)" in minus_one
