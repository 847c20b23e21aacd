"""A recording with a node of almost every kind: joined, chosen, reduced, used twice."""

import numpy as np

from tinygrad_lossmix import Tensor


def network(w1, w2, x):
    hidden = np.tanh(np.maximum(x @ w1, 0.1) + np.where(w1[0] > 0, w1[0], 0.0))
    joined = np.concatenate([hidden, np.stack([hidden[0], hidden[1]])])
    e = np.exp(joined @ w2)
    a = e / e.sum(axis=-1, keepdims=True)
    return np.einsum("ij,ij->", np.log(a), a) / a.shape[0] + (w1**2).mean() + w1.prod(axis=0).max()


def leaves():
    rng = np.random.default_rng(0)
    return Tensor(rng.normal(size=(3, 4))), Tensor(rng.normal(size=(4, 2))), rng.normal(size=(5, 3))
