"""Sample calls of everything the engine differentiates; the tests of the table run over them."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np

from tinygrad_lossmix import Tensor, grad


@dataclass(frozen=True)
class Elementwise:
    """A ufunc, the same function in mpmath, and an interval for each argument."""

    ufunc: np.ufunc
    oracle: Callable[..., Any]
    domain: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Call:
    """A call on arrays or on Tensors; `name` as users spell the function."""

    name: str
    f: Callable[..., Any]
    args: tuple[np.ndarray, ...]
    analytic: bool = True  # it may be called with complex numbers, and means the same there

    def __str__(self):
        return self.name


LINE = (-4.0, 4.0)
AWAY_FROM_0 = (0.05, 6.0)

ELEMENTWISE = [
    Elementwise(np.positive, lambda x: +x, (LINE,)),
    Elementwise(np.negative, lambda x: -x, (LINE,)),
    Elementwise(np.absolute, abs, (LINE,)),
    Elementwise(np.exp, mp.exp, (LINE,)),
    Elementwise(np.expm1, mp.expm1, (LINE,)),
    Elementwise(np.log, mp.log, (AWAY_FROM_0,)),
    Elementwise(np.log1p, mp.log1p, ((-0.9, 6.0),)),
    Elementwise(np.sqrt, mp.sqrt, (AWAY_FROM_0,)),
    Elementwise(np.square, lambda x: x * x, (LINE,)),
    Elementwise(np.sin, mp.sin, (LINE,)),
    Elementwise(np.cos, mp.cos, (LINE,)),
    Elementwise(np.tanh, mp.tanh, (LINE,)),
    Elementwise(np.add, lambda x, y: x + y, (LINE, LINE)),
    Elementwise(np.subtract, lambda x, y: x - y, (LINE, LINE)),
    Elementwise(np.multiply, lambda x, y: x * y, (LINE, LINE)),
    Elementwise(np.divide, lambda x, y: x / y, (LINE, AWAY_FROM_0)),
    Elementwise(np.power, lambda x, y: x**y, (AWAY_FROM_0, LINE)),
    Elementwise(np.logaddexp, lambda x, y: mp.log(mp.exp(x) + mp.exp(y)), (LINE, LINE)),
    Elementwise(np.maximum, max, (LINE, LINE)),
    Elementwise(np.minimum, min, (LINE, LINE)),
]
NOT_ANALYTIC = {np.absolute, np.maximum, np.minimum, np.logaddexp}


def _numbers(*shape):
    """Positive, all different, none near another: no function has a kink or a pole here."""
    return 0.5 + np.random.default_rng(len(shape)).permutation(np.prod(shape, dtype=int)).reshape(
        shape
    ) / np.prod(shape)


V, W, A, B, C = _numbers(3), _numbers(4), _numbers(2, 3), _numbers(3, 4), _numbers(2, 3, 2)
MASK = np.array([[True, False, True], [False, True, True]])
AXES = [None, 0, -1, 1, (0, 2), (-1, -2), ()]


def _reductions():
    for name in ("sum", "mean", "var", "prod", "max", "min", "amax", "amin"):
        options = [{"axis": axis, "keepdims": keep} for axis in AXES for keep in (False, True)]
        options += [{}, {"axis": 1}]
        options += [{"ddof": 1}, {"axis": 1, "ddof": 0.5}] if name == "var" else []
        for kwargs in options:
            f = functools.partial(getattr(np, name), **kwargs)
            yield Call(f"np.{name}", f, (C,), analytic=name in ("sum", "mean", "prod"))


def _picked(key):
    """Indexing, and its adjoint `scatter` (a gradient is a function of its seed)."""

    def pick(x):
        return x[key]

    def put(g):
        t = Tensor(C.astype(g.dtype))
        return grad(t[key], t, seed=g, create_graph=isinstance(g, Tensor))

    yield Call("getitem", pick, (C,))
    yield Call("scatter", put, (C[key],), analytic=False)


KEYS = [
    1,
    (slice(None), -1),
    (..., 0),
    (None, 0, slice(None, None, -2)),
    (slice(1, None), [0, 2, 2]),
    [0, 1, 1],
    ([0, 1, 0], [2, 0, 2]),
    ([[0], [1]], 1, [0, 1]),
    (0, [2, 2], slice(None)),
    MASK,
    (0, MASK[0]),
    (slice(None), MASK[1], [0, 0]),
    np.array([-1, 0, -1]),
]

EINSUMS = [
    ("ij,jk->ik", A, B),
    ("ij,jk", A, B),
    ("ij,jk->ki", A, B),
    ("ij,ij->", A, A + 1),
    ("i,j->ij", V, W),
    ("i,i", V, V + 1),
    ("ij,kl->il", A, B),
    (" i j , j -> i ", A, V),
    ("...i,i->...", C, C[0, 0]),
    ("i...,...i->...", A, C),
    ("...ij,...jk->...ik", C, A),
    ("...ij,...jk", C, A),
    (",ij->ij", V[0], A),
    ("ii,ij->j", A[:, :2], A),
    ("ij,ijk->ik", A, C),
    ("iij,j->i", _numbers(2, 2, 3), V),
    ("iii,i->i", _numbers(2, 2, 2), V[:2]),
    ("BA,aB->Aa", B, A),
    ("ij,ij->ij", A, A[:1]),
    ("i,i", V, V[:1]),
    ("ij,jk->k", A[:, :1], B[:3]),
    ("ij,i->j", A[:1], A[:, 0]),
    ("ii,ij->j", A[:, :2], A[:1]),
    ("...i,...i->...", C, C[:1, :1]),
    ("ij->ji", A),
    ("ji", A),
    ("ij->i", A),
    ("ij->", A),
    ("ii", A[:, :2]),
    ("ii->i", A[:, :2]),
    ("iji->ji", C),
    ("...i->...", C),
    ("i...->...i", C),
    ("...", C),
]


def _calls():
    for e in ELEMENTWISE:
        args = (A,) if len(e.domain) == 1 else (A, 1.9 * V)  # the second one broadcasts
        yield Call(f"np.{e.ufunc.__name__}", e.ufunc, args, analytic=e.ufunc not in NOT_ANALYTIC)
    yield from _reductions()
    for key in KEYS:
        yield from _picked(key)
    for subscripts, *operands in EINSUMS:
        yield Call(
            "np.einsum", lambda *xs, subscripts=subscripts: np.einsum(subscripts, *xs), (*operands,)
        )
    yield Call("np.where", lambda x, y: np.where(MASK, x, y), (A, V))
    yield Call("np.where", lambda x: np.where(MASK, x, 2.0), (A,))
    yield Call("np.where", lambda y: np.where(MASK[:, :1], 2.0, y), (A,))
    yield Call("np.matmul", np.matmul, (A, B))
    yield Call("np.clip", lambda x: np.clip(x, 0.8, 1.2), (A,), analytic=False)
    yield Call(
        "np.clip", lambda x, lo, hi: np.clip(x, lo, hi), (A, V - 0.23, V + 0.03), analytic=False
    )
    yield Call("np.full_like", lambda x: x * np.full_like(x, x[0, 0], dtype=x.dtype), (A,))
    yield Call("np.reshape", lambda x: np.reshape(x, (3, -1)), (C,))
    yield Call("np.ravel", np.ravel, (C,))
    yield Call("np.broadcast_to", lambda x: np.broadcast_to(x, (2, 4, 3)), (V,))
    yield Call("np.broadcast_to", lambda x: np.broadcast_to(x, (5, 2, 3)), (A[:, :1],))
    yield Call("np.broadcast_to", lambda x: np.broadcast_to(x, 3), (V[:1],))
    yield Call("np.squeeze", lambda x: np.squeeze(x), (C[:1, :, :1],))
    yield Call("np.squeeze", lambda x: np.squeeze(x, axis=-1), (C[:1, :, :1],))
    yield Call("np.expand_dims", lambda x: np.expand_dims(x, (0, -1)), (A,))
    yield Call("np.transpose", lambda x: np.transpose(x), (C,))
    yield Call("np.transpose", lambda x: np.transpose(x, (2, 0, 1)), (C,))
    yield Call("np.transpose", lambda x: np.transpose(x, 0), (V,))
    yield Call("np.transpose", lambda x: np.transpose(x, axes=[-1, 0, -2]), (C,))
    yield Call("np.swapaxes", lambda x: np.swapaxes(x, 0, -1), (C,))
    yield Call("np.moveaxis", lambda x: np.moveaxis(x, 0, -1), (C,))
    yield Call("np.moveaxis", lambda x: np.moveaxis(x, [0, 2], [-1, 0]), (C,))
    yield Call("np.take", lambda x: np.take(x, [3, 0, 3]), (A,))
    yield Call("np.take", lambda x: np.take(x, [[0, 2], [2, -1]], axis=1), (C,))
    yield Call("np.take", lambda x: np.take(x, 1, axis=-1), (C,))
    yield Call("np.dot", np.dot, (A, B))
    yield Call("np.outer", np.outer, (A, W))
    for axis in (0, 1, 2, -1):
        yield Call(
            "np.concatenate",
            lambda x, y, axis=axis: np.concatenate([x, y, x], axis=axis),
            (C, C + 1),
        )
        yield Call("np.stack", lambda x, y, axis=axis: np.stack([x, y, x], axis), (A, A + 1))
    yield Call("np.concatenate", lambda x, y: np.concatenate((x, y), axis=None), (A, C))
    yield Call(
        "np.concatenate",
        lambda x, y: np.concatenate([x, np.ones((1, 3), np.float16), y]),
        (A, A[:1]),
    )
    yield Call("astype", lambda x: x.astype(x.dtype), (A,))


CALLS = list(_calls())
