"""Losses as the frameworks compute them, on outputs and labels to compute them of."""

import numpy as np

N, K = 40, 5
RNG = np.random.default_rng(0)
LOGITS = (2 * RNG.normal(size=(N, K))).astype(np.float32)
CLASSES = RNG.integers(0, K, N)
ONE_HOT = np.eye(K, dtype=np.float32)[CLASSES]
SEVERAL = (RNG.random((N, K)) < 0.4).astype(np.float32)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@np.errstate(over="ignore")
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def nll(log_a):
    """PyTorch's NLLLoss of the classes."""
    return -log_a[np.arange(N), CLASSES].mean()


def bce(a, y):
    """PyTorch's BCELoss."""
    with np.errstate(divide="ignore"):
        on, off = np.maximum(np.log(a), -100), np.maximum(np.log(1 - a), -100)
    return -(y * on + (1 - y) * off).mean()


def keras(a):
    return np.clip(a, np.float32(1e-7), np.float32(1 - 1e-7))


def keras_cce(a, y):
    return -(y * np.log(keras(a / a.sum(axis=-1, keepdims=True)))).sum(axis=-1).mean()


def keras_bce(a, y):
    return -(y * np.log(keras(a)) + (1 - y) * np.log(1 - keras(a))).mean()


SOFT, SIG = softmax(LOGITS), sigmoid(LOGITS)
SURE = (LOGITS * 40).astype(np.float32)
PER_EXAMPLE, EVERYTHING = "mean over the examples", "mean over everything"
