"""Every spelling of a call that NumPy knows comes out as NumPy computes it."""

import numpy as np
import pytest

from tests.helpers.quick import in_one
from tinygrad_lossmix.compiler.compile import compile as compiled
from tinygrad_lossmix.compiler.ir.program import TracedProgram

SPELLINGS = [
    lambda u: np.sum(u, axis=0),
    lambda u: u.sum(axis=(0, -1), keepdims=True),
    lambda u: np.add.reduce(u),
    lambda u: np.add.reduce(u, axis=None),
    lambda u: np.add.reduce(u, axis=1, initial=2.0),
    lambda u: np.sum(u, axis=1, where=np.array([True, False, True])),
    lambda u: np.sum(u > 0, axis=1),
    lambda u: np.sum(u, axis=(), dtype=np.float32),
    lambda u: np.prod(u, axis=-1),
    lambda u: np.max(u, axis=0) + np.amax(u),
    lambda u: np.min(u, 0, keepdims=True) + np.amin(u),
    lambda u: np.mean(u, axis=1, keepdims=True),
    lambda u: u.mean(axis=0, dtype=np.float32),
    lambda u: np.mean(u > 0),
    lambda u: np.var(u, axis=0, ddof=1) + np.std(u),
    lambda u: np.any(u > 1, axis=0) * np.all(u > -9, axis=0),
    lambda u: np.clip(u, -0.5, 0.5),
    lambda u: np.clip(u, None, 0.5) + np.clip(u, -0.5, None),
    lambda u: np.clip(u, min=-0.5) + u.clip(max=0.5),
    lambda u: np.dot(u, u.T) @ u,
    lambda u: np.dot(u, 2.0) + np.dot(u, np.ones((2, 3, 3)))[:, 0],
    lambda u: np.matmul(u, u[0]),
    lambda u: u[0] @ u[1],
    lambda u: u.T[:, None, :].squeeze(1).mT,
    lambda u: np.expand_dims(u, (0, 2))[0, :, 0],
    lambda u: np.moveaxis(u[None], 0, -1).swapaxes(0, 1)[..., 0],
    lambda u: np.transpose(u, (1, 0)).transpose().ravel()[::-1],
    lambda u: u.transpose(1, 0).reshape(-1, 2).reshape((3, 2)).flatten(),
    lambda u: np.broadcast_to(u[0], (2, 3)) * 2.0,
    lambda u: np.broadcast_to(np.broadcast_to(u[0], (2, 3)), (4, 2, 3)).sum(),
    lambda u: u**2 + u**-1 + u**1 + np.abs(u) ** 0.5 + u**3,
    lambda u: np.power(2.0, u),
    lambda u: u.astype(np.float32).astype(float).astype(float),
    lambda u: u.round(1) + np.sign(u) + np.floor(u),
    lambda u: u.argmax() + u.argmin(axis=0) + np.argsort(u, axis=1).sum(axis=0),
    lambda u: u.take([0, 1]).sum() + np.take(u, np.array([1]), axis=0)[0],
    lambda u: u.cumsum(axis=1) + u.cumprod(axis=0) + u.repeat(1, axis=0),
    lambda u: np.trace(u) + u.trace() + u.diagonal(),
    lambda u: np.where(u > 0, u, -u) + np.where([True, False, True], u, 0.0),
    lambda u: np.concatenate([u, 2 * u])[::2] + np.stack([u, u], axis=1)[:, 1],
    lambda u: np.einsum("ij,kj->ik", u, u) @ u,
    lambda u: u[..., 1] + u[1, 2] + u[:, np.array([0, 2])].sum() + u[None, 0, :2].sum(),
    lambda u: sum(row.copy() for row in u) * len(u) * u.size * np.ndim(u) * np.shape(u)[0],
    lambda u: np.zeros_like(u) + np.ones_like(u[0]) * (np.result_type(u) is np.dtype(float)),
    lambda u: np.maximum.outer(u[0], u[1]).sum(axis=0),
    lambda u: np.logaddexp(u, 0.0) + np.hypot(u, u) + np.arctan(u),
    lambda u: (~(u > 0)) * 1.0 + (u > 0) * u,
    lambda u: np.add(u, 1, dtype=np.float64),
    lambda u: np.fmod(u, 1.0),
    lambda u: u * np.float32(2) + np.float64(3) - u * np.ones(3) + u * np.zeros((2, 1)),
    lambda u: u * np.array([[1.0], [2.0]]) / np.array(4.0) + u * np.arange(30.0)[:3],
    lambda u: u * np.longdouble(3),
]


@in_one("spelling", SPELLINGS)
@in_one("dtype", [np.float64, np.float32])
def test_spelling(spelling, dtype):
    rng = np.random.default_rng(0)
    g = compiled(lambda t, u: t * np.sum(spelling(u) * 1.0))
    for u in (rng.normal(size=(2, 3)), rng.normal(size=(2, 3))):
        u = u.astype(dtype)
        expected = np.sum(spelling(u) * 1.0)
        tolerance = 1e-5 if dtype == np.float32 else 1e-13
        value, slope = g(np.array(2.0), u)
        np.testing.assert_allclose([value, slope], [2 * expected, expected], rtol=tolerance)


@pytest.mark.parametrize("dtype", ["e", "f", "d", "i", "?"])
def test_dtypes_are_those_of_numpy(dtype):
    u = np.ones((2, 3)).astype(dtype)
    x = TracedProgram().argument("u", u)
    for f in (
        lambda v: v + 1,
        lambda v: v * 2.0,
        lambda v: v / 3,
        lambda v: v.sum(axis=0),
        lambda v: v.mean(axis=0),
        lambda v: v @ v.T,
        lambda v: v > 0,
        lambda v: np.exp(v),
        lambda v: v * np.float32(1),
        lambda v: v + np.ones(3),
        lambda v: v.max(axis=1, keepdims=True),
        lambda v: np.where(v > 0, v, 0.5),
    ):
        with np.errstate(over="ignore"):
            assert (f(x).dtype, f(x).shape) == (f(u).dtype, f(u).shape)


@in_one(
    ("wrong", "error"),
    [
        (lambda u: u + np.ones(4), ValueError),
        (lambda u: u @ u, ValueError),
        (lambda u: u.sum(axis=2), IndexError),
        (lambda u: u[:, 3], IndexError),
        (lambda u: np.meshgrid(u, u), TypeError),
        (lambda u: np.nonzero(u), TypeError),
        (lambda u: np.unique(u), TypeError),
        (lambda u: u[u > 0], TypeError),
        (lambda u: np.exp(u, out=np.ones((2, 3))), TypeError),
        (lambda u: len(u[0, 0]), TypeError),
        (lambda u: np.array([u, u]), TypeError),
    ],
)
def test_what_numpy_refuses_and_what_cannot_be_traced_raise(wrong, error):
    with pytest.raises(error):
        wrong(TracedProgram().argument("u", np.ones((2, 3))))


def test_an_index_that_changes_between_two_calls_is_copied():
    def f(w, x):
        index = np.array([0, 1])
        first = x[index]
        index[0] = 2
        return (w * first + 10.0 * w * x[index]).sum()

    value, slope = compiled(f)(np.ones(2), np.array([1.0, 2.0, 3.0]))
    assert (value, *slope) == (53.0, 31.0, 22.0)
