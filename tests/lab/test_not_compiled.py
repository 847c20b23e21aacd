"""A mix with `if` on its numbers cannot be compiled, and is trained all the same."""

import warnings

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.compiler.loops.backend import NotCompiledWarning
from tinygrad_lossmix.lab import training
from tinygrad_lossmix.lab.linear_models import descent
from tinygrad_lossmix.lab.training import Settings, compiled_or_recorded

SETTINGS = Settings(seeds=2, epochs=1)


@pytest.fixture(autouse=True)
def unsaid():
    """Whatever was trained before, it has not been said."""
    training.warn.cache_clear()
    training.steps.cache_clear()


def chosen(z):
    while np.abs(z).max() > 1e3:
        z = z / 2
    return lm.softmax(z)


def masked(a, y):
    return -(np.log(a)[y > 0.5]).sum() / len(a)


def ambiguous(z):
    return z if z[0] > 0 else -z


def crossed(z):
    if z.max() > 1:
        raise RuntimeError("out of order")
    return z


@pytest.mark.parametrize("mix", [lm.Mix(chosen, "ll"), lm.Mix("softmax", masked)], ids=str)
def test_it_learns_what_the_same_mix_without_choices_does(mix):
    with pytest.warns(NotCompiledWarning, match=rf"^{mix.output} \+ .* by value_and_grad, with"):
        own, ours = lm.lab.compare([mix, lm.Mix("softmax", "ll")], settings=SETTINGS)
    assert own.accuracy.mean == ours.accuracy.mean
    assert own.cost == pytest.approx(ours.cost, rel=1e-9)


def test_it_is_said_once_with_the_line_that_asks():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for eta in (0.1, 0.5):
            lm.lab.compare([lm.Mix(chosen, "ll")], settings=Settings(seeds=1, epochs=1, eta=eta))
        x = np.array([[1.0, 0.0], [0.0, 1.0]])
        *_, (cost, _, _) = descent(lm.Mix(chosen, "ll"), x, np.eye(2), steps=20)
    (said,) = caught
    assert (said.filename, said.lineno) == (__file__, chosen.__code__.co_firstlineno + 1)
    assert cost < np.log(2)


def test_what_needs_no_numbers_is_compiled_in_silence():
    step = compiled_or_recorded(lambda w: (w * w).sum(), 0, "squares")
    assert step(np.array([3.0]))[1] == [6.0]


@pytest.mark.parametrize(
    ("layer", "error", "said"),
    [(ambiguous, ValueError, "truth value"), (crossed, RuntimeError, "out of order")],
)
def test_what_is_wrong_in_itself_is_refused_as_before(layer, error, said):
    with pytest.raises(error, match=said):
        lm.lab.compare([lm.Mix(layer, "quadratic")], settings=SETTINGS)
