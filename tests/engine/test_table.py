"""How a function is spelled in messages."""

import functools

import numpy as np
import pytest

from tinygrad_lossmix.engine.table import spelling


def named():
    pass


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (np.exp, "np.exp"),
        (np.true_divide, "np.divide"),
        (np.sum, "np.sum"),
        (np.amax, "np.amax"),
        (np.concatenate, "np.concatenate"),
        (np.linalg.norm, "np.linalg.norm"),
        (np.fft.fft, "np.fft.fft"),
        (named, "named"),
        (len, "len"),
    ],
)
def test_a_function_is_spelled_as_users_write_it(function, text):
    assert spelling(function) == text


def test_a_callable_without_a_name_has_a_spelling():
    assert "named" in spelling(functools.partial(named))
