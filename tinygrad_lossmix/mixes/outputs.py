"""Output layers that are right at every logit: value and gradient finite, tails exact.

One row of the table each, so that a Tensor records them as one node. Over the last axis unless
`axis` is given.

>>> sigmoid(np.array([-40.0, 0.0, 1000.0]))
array([4.24835426e-18, 5.00000000e-01, 1.00000000e+00])
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lossmix.engine.registration import add_row

Array = Any


def sigmoid(z: Array) -> Array:
    """1/(1 + e^-z), elementwise, eq. (3) of the book; a Tensor for a Tensor.

    >>> sigmoid(np.array([-800.0, 0.0, 800.0]))
    array([0. , 0.5, 1. ])
    """
    return _sigmoid(_floats(z))


@np.errstate(over="ignore")
def _sigmoid(z: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-z))  # where the exponential overflows, 0 is right


def softplus(z: Array) -> Array:
    """ln(1 + e^z), elementwise; its derivative is the sigmoid.

    >>> softplus(np.array([-800.0, 0.0, 800.0]))
    array([0.00000000e+00, 6.93147181e-01, 8.00000000e+02])
    """
    z = _floats(z)
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def log_sigmoid(z: Array) -> Array:
    """ln(sigmoid(z)) = -softplus(-z), elementwise.

    >>> log_sigmoid(np.array([-800.0, 800.0]))
    array([-800.,    0.])
    """
    z = _floats(z)
    return np.minimum(z, 0.0) - np.log1p(np.exp(-np.abs(z)))


def _floats(z: Array) -> Array:
    """z as an array; integers become float64."""
    z = np.asarray(z)
    return z if z.dtype.kind == "f" else z.astype(np.float64, casting="safe")


@np.errstate(over="ignore", invalid="ignore")
def _shifted(z: Array, axis: int) -> tuple[Array, Array]:
    """z minus its maximum, and where that is attained: there exactly 0, at infinity too."""
    z = _floats(z)
    top = z == np.max(z, axis=axis, keepdims=True)
    return np.where(top, 0.0, z - np.max(z, axis=axis, keepdims=True)), top


def _log_total(d: Array, top: Array, axis: int) -> Array:
    """ln Σ e^d over the axis as log1p of all but one of the largest, which keeps the tail."""
    rest = np.where(top, 0.0, np.exp(d)).sum(axis=axis, keepdims=True)
    return np.log1p(rest + (top.sum(axis=axis, keepdims=True, dtype=d.dtype) - 1.0))


def softmax(z: Array, axis: int = -1) -> Array:
    """e^z_k / Σ_j e^z_j over an axis, eq. (78) of the book; a Tensor for a Tensor.

    >>> softmax(np.array([1000.0, 1000.0, -1000.0]))
    array([0.5, 0.5, 0. ])
    """
    e = np.exp(_shifted(z, axis)[0])
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(z: Array, axis: int = -1) -> Array:
    """ln(softmax(z)) over an axis.

    >>> log_softmax(np.array([40.0, 0.0]))
    array([-4.24835426e-18, -4.00000000e+01])
    """
    d, top = _shifted(z, axis)
    return d - _log_total(d, top, axis)


def logsumexp(z: Array, axis: int = -1, keepdims: bool = False) -> Array:
    """ln Σ_k e^z_k over an axis, which is dropped unless keepdims; its derivative is the softmax.

    >>> logsumexp(np.array([1000.0, 1000.0]))
    np.float64(1000.6931471805599)
    """
    z = _floats(z)
    total = np.max(z, axis=axis, keepdims=True) + _log_total(*_shifted(z, axis), axis)
    return total if keepdims else total.squeeze(axis)[()]


def _softmax_rule(g: Array, a: Array, z: Array, axis: int = -1) -> Array:
    return a * (g - (g * a).sum(axis=axis, keepdims=True))


def _log_softmax_rule(g: Array, log_a: Array, z: Array, axis: int = -1) -> Array:
    return g - softmax(z, axis=axis) * g.sum(axis=axis, keepdims=True)


def _logsumexp_rule(g: Array, s: Array, z: Array, axis: int = -1, keepdims: bool = False) -> Array:
    return (g if keepdims else np.expand_dims(g, axis)) * softmax(z, axis=axis)


# fmt: off
sigmoid     = add_row(sigmoid, [lambda g, a, z: g * (a * (1.0 - a))], _sigmoid)
softplus    = add_row(softplus, [lambda g, s, z: g * sigmoid(z)], softplus)
log_sigmoid = add_row(log_sigmoid, [lambda g, s, z: g * sigmoid(-z)], log_sigmoid)
softmax     = add_row(softmax, [_softmax_rule], softmax)
log_softmax = add_row(log_softmax, [_log_softmax_rule], log_softmax)
logsumexp   = add_row(logsumexp, [_logsumexp_rule], logsumexp)
# fmt: on
