"""A network to compile, arrays for it, and what it means that two answers are close."""

import threading

import numpy as np

import tinygrad_lossmix as lm


def network(mix):
    def loss(w1, b1, w2, b2, x, y):
        h = lm.sigmoid(x @ w1 + b1)
        h.name = "h"
        return mix.cost(h @ w2 + b2, y)

    return loss


def parameters(rng, sizes=(5, 4, 3), n=6, dtype=float):
    d, h, k = sizes
    shapes = [(d, h), (h,), (h, k), (k,), (n, d)]
    return (*[rng.normal(size=s).astype(dtype) for s in shapes], rng.integers(0, k, n))


def close(ours, theirs, rtol=1e-11, atol=1e-13):
    assert type(ours) is type(theirs)
    if isinstance(ours, tuple):
        for a, b in zip(ours, theirs, strict=True):
            close(a, b, rtol, atol)
        return
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


def close_to_interpreted(compiled, program):
    """A program is compiled once, then given other arrays: nothing recorded may be baked in."""
    f, inputs = program
    wrt = tuple(range(len(inputs)))
    g = compiled(f, wrt)
    for arrays in (inputs, [np.cos(x) for x in inputs], inputs):
        close(g(*arrays), lm.value_and_grad(f, wrt)(*arrays), rtol=1e-9, atol=1e-10)


def disturbed(compiled):
    """The wrong answers of a compiled network that four threads use at once."""
    rng = np.random.default_rng(3)
    f = network(lm.MIXES[4])
    g = compiled(f, wrt=(0, 1, 2, 3))
    inputs = [parameters(rng, sizes=(5, 40, 3), n=20) for _ in range(4)]
    expected = [lm.value_and_grad(f, wrt=(0, 1, 2, 3))(*arrays) for arrays in inputs]
    failures = []

    def work(i):
        try:
            for _ in range(200):
                close(g(*inputs[i]), expected[i])
        except AssertionError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures
