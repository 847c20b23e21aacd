"""Where a compiled function keeps its arrays: results are new, arguments stay as they are."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.networks import close, disturbed, network, parameters
from tinygrad_lossmix.compiler.compile import compile as compiled


def test_results_are_new_and_arguments_stay():
    rng = np.random.default_rng(1)
    arrays = parameters(rng)
    before = [a.copy() for a in arrays]
    g = compiled(network(lm.MIXES[4]), wrt=(0, 1, 2, 3))
    first = g(*arrays)
    kept = [a.copy() for a in first[1]]
    for array in g(*arrays)[1]:
        array[...] = np.nan
    for a, b in zip([*arrays, *first[1]], [*before, *kept], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "f",
    [
        lambda t, u: t.sum() + u.sum(),
        lambda t, u: (t.T.reshape(-1) * 1.0).sum(),
        lambda t, u: (t + t).sum(),
        lambda t, u: np.sum(u) + 0.0 * t[0, 0],
        lambda t, u: lm.constant(t).sum(),
        lambda t, u: t[0, 0],
        lambda t, u: (np.diagonal(u) * t).sum() + (np.diagonal(u) - 1.0).sum() * t.max(),
    ],
)
def test_gradients_share_no_memory(f):
    t, u = np.arange(4.0).reshape(2, 2), np.ones((2, 2))
    value, gradients = compiled(f, wrt=(0,))(t, u)
    close((value, gradients), lm.value_and_grad(f, wrt=(0,))(t, u))
    both = compiled(lambda t, u: f(t, u.data if False else u), wrt=(0, 0))(t, u)[1]
    assert not np.shares_memory(*both)
    assert not any(np.shares_memory(g, a) for g in both for a in (t, u))


def test_any_layout_of_memory():
    rng = np.random.default_rng(2)
    arrays = list(parameters(rng))
    g = compiled(network(lm.MIXES[4]), wrt=(0, 1, 2, 3))
    expected = g(*arrays)
    arrays[0] = np.asfortranarray(arrays[0])
    arrays[2] = arrays[2][::-1][::-1]
    arrays[4] = np.repeat(arrays[4], 2, axis=1)[:, ::2]
    arrays[1].flags.writeable = False
    close(g(*arrays), expected)


def test_threads_do_not_disturb_each_other():
    assert not disturbed(compiled)
