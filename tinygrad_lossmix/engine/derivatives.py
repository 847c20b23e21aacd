"""The table of derivatives: a line per NumPy function.

In a rule, g is the gradient arriving at the output z and the other names are the arguments; it
returns what is passed on to one argument. Rules are plain NumPy, so the same line runs on arrays,
on Tensors (the backward pass is recorded, for second derivatives) and on symbols. None of them
undoes broadcasting or adds up contributions: `sweep.py` does, once.

What you can do here: read the table; `derivative` in `table.py` adds to it.
"""

import math
import operator
from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_lossmix.engine import rules
from tinygrad_lossmix.engine.rules import Numbered, above, astype, filled, getitem, lift, scatter
from tinygrad_lossmix.engine.table import SCIPYS, TABLE, Array, Row, dispatched, row


@dispatched
def constant(t: Array) -> Array:
    """The values of t, recorded but not differentiated: no gradient flows through.

    >>> import tinygrad_lossmix as lm
    >>> t = lm.Tensor([1.0, 2.0])
    >>> (t * lm.constant(t)).sum().backward()
    >>> t.grad
    array([1., 2.])
    """
    return t


def of_scipys(name: str, *rules: Any) -> Any:
    """A function that is SciPy's ufunc of that name, and takes its place; it imports SciPy late."""

    def function(*xs: Any) -> Any:
        return getattr(import_module("scipy.special"), name)(*xs)

    function.__name__ = function.__qualname__ = name
    SCIPYS[name] = public = dispatched(function)
    return row(public, *rules, forward=public)


LN2, LN10, DENSITY = math.log(2.0), math.log(10.0), 1.0 / math.sqrt(math.pi)

# fmt: off
row(np.positive,    lambda g, z, x: g)
row(np.negative,    lambda g, z, x: -g, forward=operator.neg)
row(np.absolute,    lambda g, z, x: g * np.sign(x))
row(np.exp,         lambda g, z, x: g * z)
row(np.expm1,       lambda g, z, x: g * np.exp(x))
row(np.log,         lambda g, z, x: g / x)
row(np.log1p,       lambda g, z, x: g / (x + 1.0))
row(np.sqrt,        lambda g, z, x: 0.5 * g / z)
row(np.square,      lambda g, z, x: 2.0 * g * x)
row(np.sin,         lambda g, z, x: g * np.cos(x))
row(np.cos,         lambda g, z, x: -g * np.sin(x))
row(np.tanh,        lambda g, z, x: g * (1.0 - z * z))
row(np.tan,         lambda g, z, x: g * (1.0 + z * z))
row(np.sinh,        lambda g, z, x: g * np.cosh(x))
row(np.cosh,        lambda g, z, x: g * np.sinh(x))
row(np.arcsin,      lambda g, z, x: g / np.sqrt((1.0 - x) * (1.0 + x)))
row(np.arccos,      lambda g, z, x: -g / np.sqrt((1.0 - x) * (1.0 + x)))
row(np.arctan,      lambda g, z, x: g / (1.0 + x * x))
row(np.arcsinh,     lambda g, z, x: g / np.hypot(x, 1.0))
row(np.arccosh,     lambda g, z, x: g / (np.sqrt(x - 1.0) * np.sqrt(x + 1.0)))
row(np.arctanh,     lambda g, z, x: g / ((1.0 - x) * (1.0 + x)))
row(np.exp2,        lambda g, z, x: g * z * LN2)
row(np.log2,        lambda g, z, x: g / (x * LN2))
row(np.log10,       lambda g, z, x: g / (x * LN10))
row(np.cbrt,        lambda g, z, x: g / (3.0 * z * z))
row(np.fabs,        lambda g, z, x: g * np.sign(x))
row(np.reciprocal,  lambda g, z, x: -g * z * z)
row(np.deg2rad,     lambda g, z, x: np.deg2rad(g))
row(np.rad2deg,     lambda g, z, x: np.rad2deg(g))

row(np.add,         lambda g, z, x, y: g,                lambda g, z, x, y: g)
row(np.subtract,    lambda g, z, x, y: g,                lambda g, z, x, y: -g)
row(np.multiply,    lambda g, z, x, y: g * y,            lambda g, z, x, y: g * x)
row(np.divide,      lambda g, z, x, y: g / y,            lambda g, z, x, y: g * z / -y,
    forward=operator.truediv)
row(np.logaddexp,   rules.logaddexp_left,                rules.logaddexp_right)
row(np.maximum,     lambda g, z, x, y: g * above(x, y, z), lambda g, z, x, y: g * above(y, x, z))
row(np.minimum,     lambda g, z, x, y: g * above(y, x, z), lambda g, z, x, y: g * above(x, y, z))
row(np.power,       rules.power_left,  rules.power_right,  forward=operator.pow)
row(np.float_power, rules.power_left,                    rules.power_right)
row(np.hypot,       lambda g, z, x, y: g * (x / np.where(z == 0, np.inf, z)),
                    lambda g, z, x, y: g * (y / np.where(z == 0, np.inf, z)))
row(np.arctan2,     rules.arctan2_left,                  rules.arctan2_right)
# both are x less a whole number of times y: linear between jumps, at which that number changes
row(np.remainder,   lambda g, z, x, y: g,                lambda g, z, x, y: -g * (x // y))
row(np.fmod,        lambda g, z, x, y: g, lambda g, z, x, y: g * np.rint((z - x) / y))
row(np.floor_divide, None, None)
row(np.copysign,    lambda g, z, x, y: g * np.sign(x) * np.sign(z), None)
row(np.heaviside,   None, lambda g, z, x, y: np.where(x == 0, g, 0.0))
row(np.matmul,      rules.matmul_left, rules.matmul_right, forward=operator.matmul)
row(np.where, None, lambda g, z, c, x, y: np.where(c, g, 0.0),
                    lambda g, z, c, x, y: np.where(c, 0.0, g))

# where a forward is given: the same values in less time. np.sum takes twice np.add.reduce, np.mean
# three times, - and / of NumPy on scalars ten times those of Python; `**` takes x² as x·x
row(np.sum,         lambda g, z, x, axis=None, keepdims=False: filled(lift(g, x, axis), x.shape),
                    forward=lambda x, axis=None, keepdims=False:
                    np.add.reduce(x, axis, None, None, keepdims))  # type: ignore[call-overload]
row(np.mean,        lambda g, z, x, axis=None, keepdims=False:
                    filled(lift(g / rules.count(x, z), x, axis), x.shape),
                    forward=lambda x, axis=None, keepdims=False: x.mean(axis, keepdims=keepdims))
row(np.var,         rules.var_rule)
# z is 0 where all entries are alike, or 0: that divided by infinity is 0, and so is its derivative
row(np.std,         lambda g, z, x, axis=None, ddof=0, keepdims=False: rules.var_rule(
                    0.5 * g / np.where(z == 0, np.inf, z), z, x, axis, ddof, keepdims))
row(np.linalg.norm, lambda g, z, x, axis=None, keepdims=False:
                    lift(g / np.where(z == 0, np.inf, z), x, axis) * x)
row(np.prod,        rules.product_rule)
row(np.cumsum,      lambda g, z, x, axis=None: np.flip(
                    np.cumsum(np.flip(g, axis or 0), axis or 0), axis or 0).reshape(x.shape))
row(np.cumprod,     rules.cumprod_rule)
row(np.roll,        lambda g, z, x, shift=0, axis=None: np.roll(g, np.negative(shift), axis))
row(np.max,         rules.extreme_rule)
row(np.min,         rules.extreme_rule)

row(np.reshape,     lambda g, z, x, shape=None: g.reshape(x.shape),
                    forward=lambda x, shape: x.reshape(shape))
row(np.broadcast_to, lambda g, z, x, shape=None: g, forward=filled)
row(np.transpose,   rules.transpose_rule)
row(getitem,        lambda g, z, x, key=None: scatter(g, key=key, shape=x.shape))
row(astype,         lambda g, z, x, dtype=None: g)
row(scatter,        lambda g, z, x, key=None, shape=None: g[key], forward=scatter)
row(constant, None)

TABLE[np.concatenate] = Row(Numbered(rules.piece),
                    lambda *xs, axis, ends: np.concatenate(xs, axis))
TABLE[np.einsum] = Row(Numbered(rules.einsum_rule),
                    lambda *xs, subscripts, **options: np.einsum(subscripts, *xs, **options))

of_scipys("erf",    lambda g, z, x: g * (2.0 * DENSITY) * np.exp(-x * x))
of_scipys("erfc",   lambda g, z, x: g * (-2.0 * DENSITY) * np.exp(-x * x))
of_scipys("ndtr",   lambda g, z, x: g * (DENSITY / math.sqrt(2.0)) * np.exp(-0.5 * x * x))
of_scipys("logit",  lambda g, z, x: g / (x * (1.0 - x)))
of_scipys("entr",   lambda g, z, x: -g * (np.log(x) + 1.0))
of_scipys("rel_entr", lambda g, z, x, y: g * (np.log(x / y) + 1.0),
                    lambda g, z, x, y: -g * rules.ratio(x, y))
of_scipys("xlog1py", lambda g, z, x, y: g * np.log1p(y),
                    lambda g, z, x, y: g * rules.ratio(x, 1.0 + y))
SCIPYS |= {f.__name__: f for f in (np.exp2, np.expm1, np.log1p, np.cbrt)}
# fmt: on
