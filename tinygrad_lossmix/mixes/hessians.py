"""The Hessians of the six pairs in closed form, as products H·v: the derivative of each δ.

Plain NumPy on logits z, labels y and v, all (…, K), arrays or Tensors; applied to the unit vectors
they give the Hessian, as rules of the table they give every further derivative. With p the softmax
of z, J = diag(p) - ppᵀ:
"""

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.outputs import sigmoid, softmax


def sigmoid_ce(z: Array, y: Array, v: Array) -> Array:
    """H = diag σ(1-σ)."""
    return sigmoid(z) * sigmoid(-z) * v


def sigmoid_ll(z: Array, y: Array, v: Array) -> Array:
    """H = diag yσ(1-σ)."""
    return sigmoid(z) * sigmoid(-z) * y * v


def sigmoid_quadratic(z: Array, y: Array, v: Array) -> Array:
    """H = diag d² + (σ-y)d(1-2σ), with d = σ(1-σ)."""
    a, b = sigmoid(z), sigmoid(-z)
    return a * b * (a * b + (a - y) * (b - a)) * v


def softmax_ll(z: Array, y: Array, v: Array) -> Array:
    """H = S·J, with S = Σy."""
    return y.sum(axis=-1, keepdims=True) * _jacobian(softmax(z), v)


def softmax_quadratic(z: Array, y: Array, v: Array) -> Array:
    """H = J² + diag w - wpᵀ - pwᵀ + Σw·(ppᵀ - J), with w = p∘(p - y)."""
    p = softmax(z)
    w = p * (p - y)
    along, once = _sum(p * v), _jacobian(p, v)
    curved = w * (v - along) - p * _sum(w * v) + _sum(w) * (p * along - once)
    return _jacobian(p, once) + curved


def softmax_ce(z: Array, y: Array, v: Array) -> Array:
    """H = S·J + Σ_k (1-y_k)(J - J_k), with J_k of the softmax of z without entry k.

    ln(1-p_k) is the difference of two log-sum-exps, with and without entry k; written so, no term
    grows with 1/(1-p_k).
    """
    k = z.shape[-1]
    alone = np.where(np.eye(k), -np.inf, np.expand_dims(z, -2))
    wrong = np.expand_dims(1.0 - y, -1)
    without = (_jacobian(softmax(alone), np.expand_dims(v, -2)) * wrong).sum(axis=-2)
    weight = y.sum(axis=-1, keepdims=True) + (1.0 - y).sum(axis=-1, keepdims=True)
    return weight * _jacobian(softmax(z), v) - without


def _sum(x: Array) -> Array:
    return x.sum(axis=-1, keepdims=True)


def _jacobian(p: Array, v: Array) -> Array:
    """J·v of a softmax p."""
    return p * (v - _sum(p * v))
