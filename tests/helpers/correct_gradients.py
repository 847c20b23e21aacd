"""Correct gradients of every kind that a gradient check may find hard: none may fail it.

`correct(seed)` is one of them: its kind, what is handed to `gradcheck`, and where.
"""

import numpy as np

import tinygrad_lossmix as lm


def plain(f):
    """f behind a conversion that neither Tensors nor complex numbers survive."""
    return lambda *xs: float(f(*(np.array(x, dtype=np.result_type(x, "f4")) for x in xs)))


def opaque(f):
    """f behind a conversion that Tensors do not survive."""
    return lambda *xs: f(*map(np.asarray, xs))


def hidden(rng, f):
    """f as it is, or so that only its values can be seen."""
    return (f, plain(f), opaque(f))[rng.integers(3)]


def size(rng):
    return int(rng.integers(1, 7))


def scale(rng, low=-6, high=6):
    return 10.0 ** rng.integers(low, high + 1)


def sine(rng):
    w = scale(rng, 0, 4)
    return (hidden(rng, lambda t: np.sin(w * t).sum()), lambda t: w * np.cos(w * t)), rng.normal(
        size=size(rng)
    )


def steep(rng):
    w, x = scale(rng, 0, 5), rng.normal(size=size(rng)) * rng.integers(0, 2)
    f = (np.tanh, np.sin, lm.sigmoid, lm.softplus, lambda t: np.exp(-t * t))[rng.integers(5)]
    return (lambda t: f(w * t)), x


def steep_by_hand(rng):
    w, x = scale(rng, 0, 4), rng.normal(size=size(rng)) * rng.integers(0, 2)
    return (
        hidden(rng, lambda t: np.tanh(w * t).sum()),
        lambda t: w * (1 - np.tanh(w * t)) * (1 + np.tanh(w * t)),
    ), x


def layer_norm(rng):
    n = size(rng)
    weights, eps = rng.normal(size=n), scale(rng, -12, -3)

    def f(x):
        centred = x - np.mean(x)
        return (weights * centred / np.sqrt(np.mean(centred * centred) + eps)).sum()

    return f, rng.normal() + rng.normal(size=n) * scale(rng, -8, 0) * rng.integers(0, 2)


INNER = [
    np.min, np.max, lambda x: x[0], lambda x: np.abs(x).sum(), lambda x: np.maximum(x, 0).sum(),
    lambda x: np.minimum(x[0], x[-1]), lambda x: x.sum(), lambda x: x[0] - x[-1],
    lambda x: np.max(x) - np.min(x), lambda x: np.maximum(0.2 * x - 0.5, 0).sum(),
]  # fmt: skip
OUTER = [
    lambda t: np.maximum(t, 0), np.abs, lambda t: np.minimum(t, 1), lambda t: t,
    lambda t: np.where(t.data > 0, t, 0.1 * t), np.tanh, lambda t: np.maximum(0.1 * t, t),
    lambda t: t * t, lambda t: np.clip(t, -1, 1),
]  # fmt: skip


def kinks(rng):
    inner, outer = INNER[rng.integers(len(INNER))], OUTER[rng.integers(len(OUTER))]
    grid = rng.choice([0.0, 1.0, -1.0, 2.5, 0.5], size=size(rng))
    return (lambda x: outer(inner(x)) * 1.5), grid


def kinks_by_hand(rng):
    x = rng.choice([0.0, 1.0, -1.0, 2.5, 0.1, 0.3], size=size(rng))
    margin, w = 0.1 * rng.integers(0, 4), rng.normal(size=x.shape)
    return [
        ((hidden(rng, lambda x: np.maximum(x - margin, 0).sum())), lambda x: (x > margin) * 1.0),
        (plain(lambda x: (np.sort(x) * w).sum()), lambda x: w[np.argsort(np.argsort(x))]),
        (plain(lambda x: np.abs(x - margin).sum()), lambda x: np.sign(x - margin)),
        (hidden(rng, np.max), lambda x: (np.arange(x.size) == x.argmax()) * 1.0),
        (plain(lambda x: np.where(abs(x) < 1, x * x / 2, abs(x) - 0.5).sum()),
         lambda x: np.clip(x, -1, 1)),
    ][rng.integers(5)], x  # fmt: skip


def variance(rng):
    offset = scale(rng, 0, 8)

    def by_hand(x):
        return 2 * (x - x.mean()) / x.size

    return (hidden(rng, lambda x: ((x - x.mean()) ** 2).mean()), by_hand), offset + rng.normal(
        size=size(rng)
    )


def ill_conditioned(rng):
    x = rng.normal(size=size(rng)) * scale(rng, 0, 1)
    return [
        (hidden(rng, lambda z: np.log(1 + np.exp(z)).sum()), lambda z: np.exp(z) / (1 + np.exp(z))),
        (plain(lambda z: (z + np.exp(z)).sum()), lambda z: 1 / (1 - lm.sigmoid(z))),
        (hidden(rng, lambda z: np.log(np.exp(z).sum())), lambda z: np.exp(z) / np.exp(z).sum()),
        (plain(lambda z: np.linalg.norm(z)), lambda z: z / np.linalg.norm(z)),
        (hidden(rng, lambda z: np.prod(z)), lambda z: np.prod(z) / z),
        (plain(lambda z: (z**3 - 3 * z**2 + 3 * z - 1).sum()), lambda z: 3 * z**2 - 6 * z + 3),
        (hidden(rng, lambda z: (np.cos(z) / 2).sum()), lambda z: -np.sin(z / 2) * np.cos(z / 2)),
    ][rng.integers(7)], x


def scales(rng):
    s, x = scale(rng, -150, 150), rng.normal(size=size(rng)) * scale(rng, -10, 5)
    return [
        (lambda x: (s * x * np.tanh(x)).sum(), x),
        ((hidden(rng, lambda x: s * (x * x).sum()), lambda x: 2 * s * x), x),
        ((hidden(rng, lambda x: np.log(x).sum()), lambda x: 1 / x), abs(x)),
        ((hidden(rng, lambda x: s * np.sqrt(x).sum()), lambda x: s / 2 / np.sqrt(x)), abs(x)),
        (lambda x: np.log(x * x + 1e-300), x),
        ((plain(lambda x: (x**1.5).sum()), lambda x: 1.5 * np.sqrt(x)), abs(x) * (x > x.mean())),
        ((plain(lambda x: (x * np.log(x)).sum()), lambda x: np.log(x) + 1), abs(x)),
        ((plain(lambda x: (1 / x).sum()), lambda x: -1 / x**2), x),
    ][rng.integers(8)]


def network(rng):
    kind = np.dtype(rng.choice(["f4", "f8"]))
    n, k = size(rng) + 1, size(rng) + 1
    x, y = rng.normal(size=(3, n)).astype(kind), np.eye(k)[rng.integers(k, size=3)].astype(kind)

    def cost(w):
        return lm.Mix("softmax", "ll").cost(np.tanh(x) @ w, y)

    def by_hand(w):
        return np.tanh(x).T @ (lm.softmax(np.tanh(x) @ w) - y) / kind.type(3)

    w = (rng.normal(size=(n, k)) * scale(rng, -2, 3)).astype(kind)
    return (cost if rng.integers(2) else (hidden(rng, cost), by_hand)), w


def narrow(rng):
    kind = np.dtype(rng.choice(["f2", "f4"]))
    x = (rng.normal(size=size(rng)) * scale(rng, -1, 1)).astype(kind)
    one = kind.type(1)
    return [
        lambda x: np.exp(-x * x).sum(),
        lambda x: lm.Mix("sigmoid", "ce").cost(x, np.zeros(x.shape)),
        (hidden(rng, lambda x: (x * x * x).sum()), lambda x: 3 * x * x),
        (plain(lambda x: np.tanh(x.astype(kind)).sum()), lambda x: one - np.tanh(x) ** 2),
        (plain(lambda x: np.log1p(np.exp(-abs(x)).astype("f4")).sum() + np.maximum(x, 0).sum()),
         lambda x: one / (one + np.exp(-x))),
    ][rng.integers(5)], x  # fmt: skip


def mixes(rng):
    mix = lm.MIXES[rng.integers(len(lm.MIXES))]
    z = rng.normal(size=size(rng) + 1) * scale(rng, 0, 3)
    y = rng.choice([0.0, 1.0, 0.3, 2.0], size=z.shape)
    cost, by_hand = (lambda t: mix.cost(t, y)), (lambda t: mix.delta(t, y))
    return (cost if rng.integers(2) else (hidden(rng, cost), by_hand)), z


def masks(rng):
    x = rng.choice([0.3, 1.0, -1.0, 2.5, -40.0, 700.0], size=size(rng))
    return [
        lambda x: np.where(x > 0, x, 0) + np.log1p(np.exp(-np.abs(x))),
        lambda x: np.where(x < 1, x * x / 2, x - 0.5),
        lambda x: np.where(x > 0, 1 / (1 + np.exp(-np.abs(x))), 1 - 1 / (1 + np.exp(-np.abs(x)))),
        lambda x: x[x > 0].sum() + (x[x < 0] ** 2).sum(),
    ][rng.integers(4)], x


KINDS = [
    sine, steep, steep_by_hand, layer_norm, kinks, kinks_by_hand, variance, ill_conditioned,
    scales, network, narrow, mixes, masks,
]  # fmt: skip


def correct(seed):
    """A kind, a function of Tensors or a pair, and an input."""
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    f, x = kind(rng)
    return kind.__name__, f, x
