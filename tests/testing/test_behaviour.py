"""`gradcheck` of what is right only where one looks: a cache, an alias, a rule left out."""

import itertools

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.faults import V, squares
from tests.helpers.quick import in_one
from tinygrad_lossmix.engine.table import derivative
from tinygrad_lossmix.testing import gradcheck


def failed(report):
    assert not report
    return {check.name: check.detail for check in report.checks if not check.passed}


@pytest.mark.parametrize("x", [V, np.zeros(3), 4.0], ids=str)
def test_a_gradient_from_a_stale_cache(x):
    cache = {}
    pair = (lambda z: np.sin(z).sum()), lambda z: cache.setdefault("g", np.cos(z))
    assert "earlier input" in failed(gradcheck(pair, x))["right at another input"]


def test_a_rule_that_keeps_something_of_its_first_call():
    cache = {}
    sine = derivative(np.sin, lambda g, z, x: g * cache.setdefault(x.shape, np.cos(x)))
    assert "right at another input" in failed(gradcheck(lambda x: sine(x).sum(), V))


@pytest.mark.parametrize(
    ("f", "by_hand", "words"),
    [
        (lambda x, y: (x * x + y * y).sum() / 2, lambda x, y: (x, y), "its own input"),
        (lambda x, y: (x * y).sum(), lambda x, y: (y, x), "its own input"),
        (lambda x, y: (x * y[::-1]).sum(), lambda x, y: (y[::-1], x[::-1]), "its own input"),
        (lambda x, y: (x + y).sum(), lambda x, y: (np.ones(3),) * 2, "share memory"),
    ],
)
def test_a_gradient_that_is_not_its_own(f, by_hand, words):
    assert words in failed(gradcheck((f, by_hand), V, V + 1.0))["results are its own"]
    copied = lambda x, y: tuple(g.copy() for g in by_hand(x, y))
    assert gradcheck((f, copied), V, V + 1.0)


def test_an_argument_without_a_rule_on_which_the_value_depends():
    product = derivative(lambda a, b: a * b, lambda g, z, a, b: g * b, None)
    report = gradcheck(lambda a, b: product(np.exp(a), 2.0 * b).sum(), V, V + 1.0)
    detail = failed(report)["every argument differentiated"]
    assert detail.startswith("argument 1 of <lambda> (node n")
    assert gradcheck(lambda a: product(a, V).sum(), V)
    assert gradcheck(lambda a: product(a, lm.constant(np.exp(a))).sum(), V)


def test_an_argument_that_changes_nothing_needs_no_rule():
    first = derivative(lambda a, b: a + 0.0 * np.round(b), lambda g, z, a, b: g, None)
    assert gradcheck(lambda a, b: first(a, b).sum(), V, V + 1.0)


@pytest.mark.parametrize(
    "change",
    [
        lambda g: np.where(np.abs(g) < 1e-3, 0.0, g),
        lambda g: np.round(g, 9),
        lambda g: np.clip(g, -100.0, 100.0),
        lambda g: np.abs(g),
    ],
)
def test_a_rule_that_is_not_linear_for_small_or_large_gradients(change):
    rule = lambda g, z, x: change(2.0 * g * x)
    square = derivative(lambda x: x * x, rule)
    report = gradcheck(lambda x: square(x).sum(), np.array([0.5, 0.25, 1.0]))
    assert "linear in the seed" in failed(report)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_the_scale_of_the_seed_stays_in_its_range(kind):
    largest = np.finfo(kind).max
    f = lambda x: (x * kind(largest / 4)).sum() + (x * np.finfo(kind).smallest_normal).sum()
    gradcheck(f, np.ones(2, dtype=kind)).raise_if_failed()


def test_a_function_that_gives_another_value_each_time():
    calls = itertools.count()
    f = lambda x: squares(x) + next(calls)
    assert "the same value twice" in failed(gradcheck((f, lambda x: 2 * x), V))


class Hostile:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("not today")


@in_one(
    "g",
    [
        None, "abc", [[1.0, 2.0], [3.0]], object(), {0: 1.0}, int, ..., (v for v in V), Hostile(),
        np.array([None, 1, 2], dtype=object), np.array(["1", "2", "3"]), [10**400] * 3,
        np.zeros(3, "f4,f4"), np.zeros(3, "M8[D]"), np.ma.masked_array(2 * V, [1, 0, 0]),
        2 * V + 0j, lm.Tensor(2 * V), [lm.Tensor(1.0)] * 3, {1.0, 2.0}, b"abc", lambda: 1.0,
    ],
    ids=lambda g: type(g).__name__,
)  # fmt: skip
def test_whatever_is_no_array_of_numbers_gives_a_false_report(g):
    found = failed(gradcheck((squares, lambda x: g), V))
    assert found["dtype"].startswith("argument 0: the gradient is ")
    f = lambda x, y: squares(x) + squares(y)
    assert "argument 1" in failed(gradcheck((f, lambda x, y: (2 * x, g)), V, V + 1))["dtype"]
    assert not gradcheck((f, lambda x, y: g), V, V + 1)


@pytest.mark.parametrize("value", [None, "abc", [None], object()])
def test_a_function_of_tensors_that_returns_no_number(value):
    with pytest.raises(TypeError, match="must return a Tensor or a number"):
        gradcheck(lambda x: value, V)


def test_a_function_that_returns_several_results():
    with pytest.raises(TypeError, match=r"must return a Tensor or a number, not tuple"):
        gradcheck(lambda x: (x.sum(), squares(x)), V)
