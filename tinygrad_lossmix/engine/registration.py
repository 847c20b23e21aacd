"""Adding to the table of derivatives, for NumPy functions and for functions of your own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.freeze import freeze_option, native, traced
from tinygrad_lossmix.engine.table import COMPOSED, PLAIN, TABLE, Array, Row, Rule, spelling
from tinygrad_lossmix.engine.tensor import Tensor, record


def derivative(function: Any, *rules: Rule | None) -> Any:
    """Add `function` to the table of derivatives, or replace its row.

    Args:
        function: a NumPy function, or one of your own that takes and returns plain arrays.
        rules: one per positional argument, `rule(g, z, *args, **kwargs)`, in plain NumPy: g is the
            gradient arriving at the output z, the result is the gradient passed on to that
            argument, in the shape of g (undoing broadcasting is not the rule's business). What a
            rule is given is read-only. None: this argument is not differentiated.

    Returns:
        what to call: a NumPy function itself, or your function made to record Tensors.

    Raises:
        TypeError: function or a rule is not callable, or there is no rule; when it is called: the
            value is not made of floats, there are more arguments than rules.

    >>> _ = derivative(np.arctan, lambda g, z, x: g / (1 + x * x))
    >>> cube = derivative(lambda x: x**3, lambda g, z, x: 3 * g * x * x)
    >>> x = Tensor(2.0)
    >>> cube(x).backward()
    >>> x.grad
    array(12.)
    """
    if not callable(function) or not all(rule is None or callable(rule) for rule in rules):
        raise TypeError("derivative(function, *rules) takes functions; None stands for no rule")
    if not rules:
        raise TypeError("derivative needs a rule per positional argument: lambda g, z, x: …")
    function = getattr(function, "recorded", function)
    if len(rules) < (needed := getattr(function, "nin", 1)):
        raise TypeError(
            f"{spelling(function)} takes {needed} arguments: give a rule for each, None: not "
            "differentiated"
        )
    rules = tuple([rule and _guarded(rule) for rule in rules])
    PLAIN.discard(function)
    COMPOSED.pop(function, None)
    if function in TABLE:
        return add_row(function, rules, TABLE[function].forward)

    def guarded(*args: Any, **kwargs: Any) -> Array:
        """The value, of a function not known to leave its arguments and its value alone."""
        if len(args) > (known := len(TABLE[function].rules)):
            raise TypeError(
                f"{spelling(function)} has {known} derivative rules for {len(args)} "
                "positional arguments: give one for each, None: not differentiated"
            )
        for arg in args:
            if traced(arg):
                return arg.traced_call(guarded, *args, **kwargs)
        value = function(*map(_unwritable, args), **kwargs)
        if isinstance(value, np.ndarray | np.generic | float):
            value = native(np.array(value))[()]  # the function may write into its own again
            if value.dtype.kind == "f":
                return value
        kind = getattr(value, "dtype", type(value).__name__)
        raise TypeError(
            f"{spelling(function)} gave {kind}, but a Tensor holds floats: return an array of "
            "floats, or call it on t.data"
        )

    return add_row(function, rules, guarded)


def _guarded(rule: Rule) -> Rule:
    """A rule that is not known to leave alone what it is given and what it gave."""

    @functools.wraps(rule)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        gradient = rule(*map(_unwritable, args), **kwargs)
        return gradient.copy() if isinstance(gradient, np.ndarray) else gradient

    return guarded


def _unwritable(arg: Any) -> Any:
    if isinstance(arg, np.ndarray) and not traced(arg):
        arg = arg.view()
        arg.flags.writeable = False
    return arg


def add_row(function: Any, rules: Any, forward: Callable[..., Any]) -> Any:
    """A row as it is: `derivative` without the guard, with the way to the value given."""
    TABLE[function] = Row(rules, forward)
    if isinstance(function, np.ufunc) or spelling(function).startswith("np."):
        return function

    @functools.wraps(function)
    def recording(*args: Any, **kwargs: Any) -> Any:
        for arg in (*args, *kwargs.values()) if kwargs else args:
            if type(arg) is Tensor:
                return record(function, args, {k: freeze_option(v) for k, v in kwargs.items()})
        return function(*args, **kwargs)

    recording.recorded = function  # type: ignore[attr-defined]
    return recording


def raw(function: Any) -> Any:
    """What a recorded function has in the table and in its nodes."""
    return function.recorded
