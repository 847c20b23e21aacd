"""The table of derivatives: a line per NumPy function.

In a rule, g is the gradient arriving at the output z and the other names are the arguments; it
returns what is passed on to one argument. Rules are plain NumPy, so the same line runs on arrays,
on Tensors (the backward pass is recorded, for second derivatives) and on symbols. None of them
undoes broadcasting or adds up contributions: `sweep.py` does, once.

What you can do here: read the table, and add to it with `derivative`.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.constants import freeze_option
from tinygrad_lossmix.engine.rules import (
    Numbered,
    above,
    einsum_rule,
    extreme_rule,
    filled,
    log_base,
    lower,
    matmul_left,
    matmul_right,
    mean_rule,
    piece,
    product_rule,
    scatter,
    sum_rule,
    transpose_rule,
    var_rule,
)
from tinygrad_lossmix.engine.table import TABLE, Array, Row, Rule
from tinygrad_lossmix.engine.tensor import Tensor, astype, getitem, record


def derivative(function: Any, *rules: Rule | None) -> Any:
    """Add `function` to the table of derivatives, or replace its row.

    Args:
        function: a NumPy function, or one of your own that takes and returns plain arrays.
        rules: one per positional argument, `rule(g, z, *args, **kwargs)`, in plain NumPy: g is the
            gradient arriving at the output z, the result is the gradient passed on to that
            argument, in the shape of g (undoing broadcasting is not the rule's business).
            None: this argument is not differentiated.

    Returns:
        what to call: a NumPy function itself, or your function made to record Tensors.

    Raises:
        TypeError: function or a rule is not callable, or there is no rule.

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
    old = TABLE.get(function)
    return add_row(function, rules, old.forward if old else function)


def add_row(function: Any, rules: Any, forward: Callable[..., Any]) -> Any:
    """`derivative`, with rules for any number of arguments and another way to the value."""
    TABLE[function] = Row(rules, forward)
    if isinstance(function, np.ufunc) or getattr(function, "__module__", "").startswith("numpy"):
        return function

    @functools.wraps(function)
    def recording(*args: Any, **kwargs: Any) -> Any:
        for arg in (*args, *kwargs.values()):
            if type(arg) is Tensor:
                return record(function, args, {k: freeze_option(v) for k, v in kwargs.items()})
        return forward(*args, **kwargs)

    recording.recorded = function  # type: ignore[attr-defined]
    return recording


def constant(t: Array) -> Array:
    """The values of t, recorded but not differentiated: no gradient flows through.

    >>> t = Tensor([1.0, 2.0])
    >>> (t * constant(t)).sum().backward()
    >>> t.grad
    array([1., 2.])
    """
    return t


def total(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """`np.sum`."""
    return np.add.reduce(x, axis, None, None, keepdims)  # type: ignore[call-overload]


def average(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """`np.mean`."""
    return x.mean(axis, keepdims=keepdims)


# fmt: off
derivative(np.positive,   lambda g, z, x: g)
derivative(np.negative,   lambda g, z, x: -g)
derivative(np.absolute,   lambda g, z, x: g * np.sign(x))
derivative(np.exp,        lambda g, z, x: g * z)
derivative(np.expm1,      lambda g, z, x: g * (z + 1.0))
derivative(np.log,        lambda g, z, x: g / x)
derivative(np.log1p,      lambda g, z, x: g / (x + 1.0))
derivative(np.sqrt,       lambda g, z, x: 0.5 * g / z)
derivative(np.square,     lambda g, z, x: 2.0 * g * x)
derivative(np.sin,        lambda g, z, x: g * np.cos(x))
derivative(np.cos,        lambda g, z, x: -g * np.sin(x))
derivative(np.tanh,       lambda g, z, x: g * (1.0 - z * z))

derivative(np.add,        lambda g, z, x, y: g,                lambda g, z, x, y: g)
derivative(np.subtract,   lambda g, z, x, y: g,                lambda g, z, x, y: -g)
derivative(np.multiply,   lambda g, z, x, y: g * y,            lambda g, z, x, y: g * x)
derivative(np.divide,     lambda g, z, x, y: g / y,            lambda g, z, x, y: g * z / -y)
derivative(np.power,      lambda g, z, x, y: g*y*x**lower(y),  lambda g, z, x, y: g*z*log_base(x))
derivative(np.logaddexp,  lambda g, z, x, y: g * np.exp(x-z),  lambda g, z, x, y: g * np.exp(y-z))
derivative(np.maximum,    lambda g, z, x, y: g * above(x, y),  lambda g, z, x, y: g * above(y, x))
derivative(np.minimum,    lambda g, z, x, y: g * above(y, x),  lambda g, z, x, y: g * above(x, y))
derivative(np.matmul,     matmul_left,                         matmul_right)
derivative(np.where,      None,                                # c ? x : y
           lambda g, z, c, x, y: np.where(c, g, 0.0),
           lambda g, z, c, x, y: np.where(c, 0.0, g))

derivative(np.sum,        sum_rule)
derivative(np.mean,       mean_rule)
derivative(np.var,        var_rule)
derivative(np.prod,       product_rule)
derivative(np.max,        extreme_rule)
derivative(np.min,        extreme_rule)

derivative(np.reshape,      lambda g, z, x, shape=None: g.reshape(x.shape))
derivative(np.broadcast_to, lambda g, z, x, shape=None: g)
derivative(np.transpose,    transpose_rule)
derivative(getitem,         lambda g, z, x, key=None: scatter(g, key=key, shape=x.shape))
derivative(astype,          lambda g, z, x, dtype=None: g)
scatter  = derivative(scatter,  lambda g, z, x, key=None, shape=None: g[key])
constant = derivative(constant, None)

# the same values in less time: np.sum takes twice np.add.reduce, np.mean three times; `**` takes
# x² as x·x
add_row(np.sum,          TABLE[np.sum].rules, total)
add_row(np.mean,         TABLE[np.mean].rules, average)
add_row(np.power,        TABLE[np.power].rules, operator.pow)
add_row(np.broadcast_to, TABLE[np.broadcast_to].rules, filled)
add_row(np.concatenate,  Numbered(piece), lambda *xs, axis, ends: np.concatenate(xs, axis))
add_row(np.einsum,       Numbered(einsum_rule),
        lambda x, y, subscripts: np.einsum(subscripts, x, y))
# fmt: on
