"""The table of derivatives: a line per NumPy function.

In a rule, g is the gradient arriving at the output z and the other names are the arguments; it
returns what is passed on to one argument. Rules are plain NumPy, so the same line runs on arrays,
on Tensors (the backward pass is recorded, for second derivatives) and on symbols. None of them
undoes broadcasting or adds up contributions: `sweep.py` does, once.

What you can do here: read the table; `derivative` in `table.py` adds to it.
"""

import operator

import numpy as np

from tinygrad_lossmix.engine import rules
from tinygrad_lossmix.engine.rules import Numbered, above, astype, getitem, scatter
from tinygrad_lossmix.engine.table import TABLE, Array, Row, dispatched, row


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


# fmt: off
row(np.positive,    lambda g, z, x: g)
row(np.negative,    lambda g, z, x: -g)
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

row(np.add,         lambda g, z, x, y: g,                lambda g, z, x, y: g)
row(np.subtract,    lambda g, z, x, y: g,                lambda g, z, x, y: -g)
row(np.multiply,    lambda g, z, x, y: g * y,            lambda g, z, x, y: g * x)
row(np.divide,      lambda g, z, x, y: g / y,            lambda g, z, x, y: g * z / -y)
row(np.logaddexp,   rules.logaddexp_left,                rules.logaddexp_right)
row(np.maximum,     lambda g, z, x, y: g * above(x, y),  lambda g, z, x, y: g * above(y, x))
row(np.minimum,     lambda g, z, x, y: g * above(y, x),  lambda g, z, x, y: g * above(x, y))
row(np.power,       rules.power_left,  rules.power_right,  forward=operator.pow)
row(np.matmul,      rules.matmul_left, rules.matmul_right, forward=rules.product)
row(np.where, None, rules.where_true,                    rules.where_false)

# where a forward is given: the same values in less time. np.sum takes twice np.add.reduce, np.mean
# three times; `**` takes x² as x·x; np.reshape spells its option `newshape` in NumPy 2.0
row(np.sum,         rules.sum_rule, forward=lambda x, axis=None, keepdims=False:
                    np.add.reduce(x, axis, None, None, keepdims))  # type: ignore[call-overload]
row(np.mean,        rules.mean_rule, forward=lambda x, axis=None, keepdims=False:
                    x.mean(axis, keepdims=keepdims))
row(np.var,         rules.var_rule)
row(np.prod,        rules.product_rule)
row(np.max,         rules.extreme_rule)
row(np.min,         rules.extreme_rule)

row(np.reshape,     lambda g, z, x, shape=None: g.reshape(x.shape),
                    forward=lambda x, shape: x.reshape(shape))
row(np.broadcast_to, lambda g, z, x, shape=None: g, forward=rules.filled)
row(np.transpose,   rules.transpose_rule)
row(getitem,        lambda g, z, x, key=None: scatter(g, key=key, shape=x.shape))
row(astype,         lambda g, z, x, dtype=None: g)
row(scatter,        lambda g, z, x, key=None, shape=None: g[key], forward=scatter)
row(constant, None)

TABLE[np.concatenate] = Row(Numbered(rules.piece),
                    lambda *xs, axis, ends: np.concatenate(xs, axis))
TABLE[np.einsum] = Row(Numbered(rules.einsum_rule),
                    lambda x, y, subscripts: np.einsum(subscripts, x, y))
# fmt: on
