"""Warnings and errors of floating-point numbers are off inside, and as they were outside."""

import contextvars
import threading
import warnings

import numpy as np
import pytest

from tinygrad_lossmix import quiet as quiet_file
from tinygrad_lossmix.quiet import quiet

ODD = np.array([1e308, -1e308, 0.0, 1e-308])


@quiet
def odd(x):
    return np.exp(x) + np.log(x) + 1.0 / x + x * x


@pytest.mark.parametrize("outside", ["ignore", "warn", "raise"])
def test_nothing_is_said_inside_and_what_was_set_outside_holds_again(outside):
    with np.errstate(all=outside), warnings.catch_warnings():
        warnings.simplefilter("error")
        before = np.geterr()
        odd(ODD)
        quiet(odd)(ODD)
        assert np.geterr() == before == dict.fromkeys(before, outside)
    assert set(quiet(np.geterr)().values()) == {"ignore"}


def test_after_an_error_the_state_is_as_before():
    before = np.geterr()
    with pytest.raises(ZeroDivisionError):
        quiet(lambda: 1 / 0)()
    assert np.geterr() == before


def test_other_threads_are_not_quieted():
    seen = []
    inside, outside = threading.Event(), threading.Event()

    @quiet
    def waiting():
        inside.set()
        outside.wait(5)

    other = threading.Thread(target=waiting)
    other.start()
    inside.wait(5)
    seen.append(np.geterr())
    outside.set()
    other.join()
    assert seen == [np.geterr()]
    assert "ignore" not in (seen[0]["over"], seen[0]["invalid"])


def test_a_numpy_that_keeps_its_state_elsewhere_is_asked_at_each_call(monkeypatch):
    monkeypatch.setattr(quiet_file, "APART", contextvars.Context())
    with np.errstate(all="raise"):
        assert np.isnan(quiet(odd)(ODD)).any()
        assert set(quiet(np.geterr)().values()) == {"ignore"}
        assert set(np.geterr().values()) == {"raise"}
