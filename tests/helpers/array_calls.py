"""Calls of NumPy's functions of whole arrays, compiled."""

import numpy as np

import tinygrad_lossmix as lm
from tests.helpers.numpy_cases import CALLS, ELEMENTWISE

UFUNCS = {f"np.{e.ufunc.__name__}" for e in ELEMENTWISE}
OF_ARRAYS = [call for call in CALLS if call.name.startswith("np.") and call.name not in UFUNCS]


def compiled(call, backend):
    """Whether the compiled cost of a call is its cost as interpreted, for two arguments."""
    seed = np.cos(np.arange(float(np.size(call.f(*call.args))))).reshape(
        np.shape(call.f(*call.args))
    )
    cost, wrt = (lambda *xs: (call.f(*xs) * seed).sum()), tuple(range(len(call.args)))
    run, interpreted = lm.compile(cost, wrt, backend), lm.value_and_grad(cost, wrt)
    for args in (call.args, [np.flip(x) for x in call.args]):
        (value, slopes), (expected, exact) = run(*args), interpreted(*args)
        np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-13)
        for g, e in zip(slopes, exact, strict=True):
            np.testing.assert_allclose(g, e, rtol=1e-12, atol=1e-13)
    return "interpreted" not in run.source
