"""What a row of the table holds, how its functions dispatch and how they are spelled."""

import functools
import inspect

import numpy as np
from scipy import special

from tests.helpers.quick import in_one
from tinygrad_lossmix.engine.rules import Numbered
from tinygrad_lossmix.engine.table import NUMPYS, SCIPYS, TABLE, dispatched, row, spelling


def named():
    pass


@in_one(
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


def test_a_callable_without_a_name_is_dispatched_under_its_repr():
    function = functools.partial(named)
    assert dispatched(function).__name__ == repr(function)


def test_the_value_of_a_row_is_computed_without_asking_the_arguments_again():
    assert row(dispatched(named), None) in TABLE
    public = dispatched(named)
    row(public, None)
    assert TABLE[public].forward is named
    row(named, None)
    assert TABLE[named].forward is named
    assert TABLE[np.exp].forward is np.exp
    assert TABLE[np.var].forward is np.var


def signature(function):
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # written in C
        return {}


def test_a_row_says_of_each_argument_whether_it_is_differentiated():
    ufuncs = {function: getattr(special, name) for name, function in SCIPYS.items()}
    for function, found in TABLE.items():
        rules, forward = found.rules, found.forward
        if isinstance(ufunc := ufuncs.get(function, function), np.ufunc):
            assert len(rules) == ufunc.nin
        elif not isinstance(function, NUMPYS):
            needed = {name for name, p in signature(forward).items() if p.default is p.empty}
            assert len(rules) == len(needed - {"shape", "key", "dtype"}), function  # its options


def test_an_option_that_is_left_out_is_for_a_rule_what_it_is_for_the_function():
    for function, found in TABLE.items():
        rules = found.rules
        if isinstance(function, np.ufunc) or isinstance(rules, Numbered):
            continue
        for rule in filter(None, rules):
            for name, parameter in signature(rule).items():
                theirs = signature(function).get(name)
                if theirs is None or parameter.default is inspect.Parameter.empty:
                    continue
                unsaid = theirs.default in (None, inspect.Parameter.empty, np._NoValue)
                expected = {None, False} if unsaid else {theirs.default}
                assert parameter.default in expected, (function, name)
