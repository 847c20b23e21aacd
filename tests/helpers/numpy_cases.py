"""Sample calls of everything the engine differentiates; the tests of the table run over them."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np
from scipy import special

from tinygrad_lossmix import Tensor, grad
from tinygrad_lossmix.engine.table import spelling


@dataclass(frozen=True)
class Elementwise:
    """A ufunc, the same function in mpmath, and an interval for each argument."""

    ufunc: np.ufunc
    oracle: Callable[..., Any]
    domain: tuple[tuple[float, float], ...]
    kink: Callable[..., float] = lambda x, y=0.0: x - y  # 0 at a kink or a jump

    def inside(self, *args):
        """Arguments as they are, or those that are not in their interval (0.3 to 1.5) moved."""
        ends = zip(args, self.domain, strict=True)
        fit = [x if np.all((low <= x) & (x <= high)) else low + (high - low) * (x - 0.3) / 1.2
               for x, (low, high) in ends]  # fmt: skip
        return tuple(fit)


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
INSIDE = (0.02, 0.98)  # of where it is defined
AT_0 = lambda x, y: x
WHOLE = lambda x, y: x / y - round(x / y)

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
    Elementwise(np.tan, mp.tan, ((-1.5, 1.5),)),
    Elementwise(np.sinh, mp.sinh, (LINE,)),
    Elementwise(np.cosh, mp.cosh, (LINE,)),
    Elementwise(np.arcsin, mp.asin, (INSIDE,)),
    Elementwise(np.arccos, mp.acos, (INSIDE,)),
    Elementwise(np.arctan, mp.atan, (LINE,)),
    Elementwise(np.arcsinh, mp.asinh, (LINE,)),
    Elementwise(np.arccosh, mp.acosh, ((1.05, 6.0),)),
    Elementwise(np.arctanh, mp.atanh, (INSIDE,)),
    Elementwise(np.exp2, lambda x: mp.mpf(2) ** x, (LINE,)),
    Elementwise(np.log2, lambda x: mp.log(x) / mp.log(2), (AWAY_FROM_0,)),
    Elementwise(np.log10, mp.log10, (AWAY_FROM_0,)),
    Elementwise(np.cbrt, mp.cbrt, (AWAY_FROM_0,)),
    Elementwise(np.fabs, abs, (LINE,)),
    Elementwise(np.reciprocal, lambda x: 1 / x, (AWAY_FROM_0,)),
    Elementwise(np.deg2rad, mp.radians, (LINE,)),
    Elementwise(np.rad2deg, mp.degrees, (LINE,)),
    Elementwise(np.radians, mp.radians, (LINE,)),
    Elementwise(np.degrees, mp.degrees, (LINE,)),
    Elementwise(special.erf, mp.erf, (LINE,)),
    Elementwise(special.erfc, mp.erfc, (LINE,)),
    Elementwise(special.ndtr, mp.ncdf, (LINE,)),
    Elementwise(special.logit, lambda x: mp.log(x / (1 - x)), (INSIDE,)),
    Elementwise(special.entr, lambda x: -x * mp.log(x), (AWAY_FROM_0,)),
    Elementwise(special.expit, lambda x: 1 / (1 + mp.exp(-x)), (LINE,)),
    Elementwise(special.log_expit, lambda x: -mp.log(1 + mp.exp(-x)), (LINE,)),
    Elementwise(np.add, lambda x, y: x + y, (LINE, LINE)),
    Elementwise(np.subtract, lambda x, y: x - y, (LINE, LINE)),
    Elementwise(np.multiply, lambda x, y: x * y, (LINE, LINE)),
    Elementwise(np.divide, lambda x, y: x / y, (LINE, AWAY_FROM_0)),
    Elementwise(np.power, lambda x, y: x**y, (AWAY_FROM_0, LINE)),
    Elementwise(np.logaddexp, lambda x, y: mp.log(mp.exp(x) + mp.exp(y)), (LINE, LINE)),
    Elementwise(np.maximum, max, (LINE, LINE)),
    Elementwise(np.minimum, min, (LINE, LINE)),
    Elementwise(np.fmax, max, (LINE, LINE)),
    Elementwise(np.fmin, min, (LINE, LINE)),
    Elementwise(np.float_power, lambda x, y: x**y, (AWAY_FROM_0, LINE)),
    Elementwise(np.hypot, mp.hypot, (LINE, LINE)),
    Elementwise(np.arctan2, mp.atan2, (AWAY_FROM_0, LINE)),
    Elementwise(np.copysign, lambda x, y: abs(x) * mp.sign(y), (LINE, AWAY_FROM_0), AT_0),
    Elementwise(np.heaviside, lambda x, y: (1 + mp.sign(x)) / 2, (LINE, LINE), AT_0),
    Elementwise(np.remainder, lambda x, y: x - y * mp.floor(x / y), (LINE, AWAY_FROM_0), WHOLE),
    Elementwise(
        np.fmod, lambda x, y: x - y * mp.nint(x / y - mp.sign(x) / 2), (LINE, AWAY_FROM_0), WHOLE
    ),
    Elementwise(np.floor_divide, lambda x, y: mp.floor(x / y), (LINE, AWAY_FROM_0), WHOLE),
    Elementwise(special.xlogy, lambda x, y: x * mp.log(y), (LINE, AWAY_FROM_0)),
    Elementwise(special.xlog1py, lambda x, y: x * mp.log1p(y), (LINE, AWAY_FROM_0)),
    Elementwise(special.rel_entr, lambda x, y: x * mp.log(x / y), (AWAY_FROM_0, AWAY_FROM_0)),
]
NOT_ANALYTIC = {
    np.absolute, np.maximum, np.minimum, np.logaddexp, np.fabs, np.fmax, np.fmin,
    np.hypot, np.arctan2, np.copysign, np.heaviside, np.remainder, np.fmod, np.floor_divide,
    np.cbrt, np.deg2rad, np.rad2deg, np.radians, np.degrees, special.expit, special.log_expit,
    special.entr, special.rel_entr, special.logit,
}  # fmt: skip


def _numbers(*shape):
    """Positive, all different, none near another: no function has a kink or a pole here."""
    return 0.5 + np.random.default_rng(len(shape)).permutation(np.prod(shape, dtype=int)).reshape(
        shape
    ) / np.prod(shape)


V, W, A, B, C = _numbers(3), _numbers(4), _numbers(2, 3), _numbers(3, 4), _numbers(2, 3, 2)
MASK = np.array([[True, False, True], [False, True, True]])
AXES = [None, 0, -1, 1, (0, 2), (-1, -2), ()]
ORDERS = [None, 1, 2, np.inf, -np.inf]


REDUCED = ["sum", "mean", "var", "std", "prod", "max", "min", "amax", "amin", "ptp", "median"]


def _reductions():
    for name in REDUCED:
        options = [{"axis": axis, "keepdims": keep} for axis in AXES for keep in (False, True)]
        options += [{}, {"axis": 1}]
        options += [{"ddof": 1}, {"axis": 1, "ddof": 0.5}] if name in ("var", "std") else []
        options = options[1:12:3] + options[-1:] if name in ("std", "ptp", "median") else options
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
    ("ij,jk,kl->il", A, B, B.T),
    ("i,ij,j", V[:2], A, V),
    ("...i,ij,...j->...", C[:, :, :1], A[:1, :2], C),
    ("ij,j,ij,", A, V, A[:1], V[0]),
]

PICKED = np.array([[[2, 0], [0, 0], [1, -1], [2, 2]]])
# rearranged, joined and cut: what is said of one holds of all entries, the Jacobian is of 0 and 1
LINEAR = [
    ("np.repeat", [lambda x: np.repeat(x, 2), lambda x: x.repeat(2, 1),
                   lambda x: np.repeat(x, [2, 0], axis=0)]),
    ("np.tile", [lambda x: np.tile(x, 2), lambda x: np.tile(A=x, reps=(2, 1, 2))]),
    ("np.roll", [lambda x: np.roll(x, 4), lambda x: np.roll(x, (1, -1), (0, 1))]),
    ("np.flip", [lambda x: np.flip(x), lambda x: np.flip(m=x, axis=(0, -1))]),
    ("np.fliplr", [np.fliplr]),
    ("np.flipud", [np.flipud]),
    ("np.rot90", [lambda x: np.rot90(x, -1)]),
    ("np.rollaxis", [lambda x: np.rollaxis(x, 2)]),
    ("np.delete", [lambda x: np.delete(x, [0, -1], axis=1)]),
    ("np.resize", [lambda x: np.resize(x, (3, 5))]),
    ("np.pad", [lambda x: np.pad(x, 1), lambda x: np.pad(x, ((0, 1), (2, 0), (0, 0))),
                lambda x: np.pad(x, 1, mode="edge"), lambda x: np.pad(x, (0, 1), "reflect")]),
    ("np.split", [lambda x: np.split(x, [1, 2], axis=1)[1], lambda x: np.split(x, 2)[0]]),
    ("np.array_split", [lambda x: np.array_split(x, 2, axis=1)[1]]),
    ("np.hsplit", [lambda x: np.hsplit(x, 3)[2]]),
    ("np.vsplit", [lambda x: np.vsplit(x, [1])[0]]),
    ("np.dsplit", [lambda x: np.dsplit(x, 2)[1]]),
    ("np.diff", [np.diff, lambda x: np.diff(x, 2, axis=1),
                 lambda x: np.diff(x, axis=0, prepend=x[1:], append=x[:1])]),
    ("np.append", [lambda x: np.append(x, x[0]), lambda x: np.append(x, x[:1], axis=0)]),
    ("np.atleast_1d", [lambda x: np.atleast_1d(x[0, 0, 0])]),
    ("np.atleast_2d", [lambda x: np.atleast_2d(x[0, 0])]),
    ("np.atleast_3d", [lambda x: np.atleast_3d(x[0]), lambda x: np.atleast_3d(1.0, x)[1]]),
    ("np.vstack", [lambda x: np.vstack([x[0], x[1]]), lambda x: np.vstack((x[0, 0], x[1, 2]))]),
    ("np.hstack", [lambda x: np.hstack([x, x[:, :1]]), lambda x: np.hstack((x[0, 0], x[0, 0, 0]))]),
    ("np.dstack", [lambda x: np.dstack([x[0], x[1]])]),
    ("np.column_stack", [lambda x: np.column_stack([x[0], x[0, :, 0]])]),
    ("np.broadcast_arrays", [lambda x: np.broadcast_arrays(x[:1], x)[0]]),
    ("np.diag", [lambda x: np.diag(x[0, :, 0], -1), lambda x: np.diag(x[0], 1)]),
    ("np.diagflat", [lambda x: np.diagflat(x[0])]),
    ("np.diagonal", [np.diagonal, lambda x: np.diagonal(x, 1, axis1=-1, axis2=1)]),
    ("np.trace", [np.trace, lambda x: np.trace(x, -1, 1, 2)]),
    ("np.tril", [np.tril, lambda x: np.tril(x[0, 0], -1)]),
    ("np.triu", [np.triu, lambda x: np.triu(x, k=1)]),
    ("np.take_along_axis", [lambda x: np.take_along_axis(x, PICKED, 1), lambda x: (
        np.take_along_axis(indices=PICKED[0, 0, :1], arr=x, axis=None))]),
    ("np.cumsum", [np.cumsum, lambda x: x.cumsum(axis=-2)]),
    ("np.copy", [np.copy, lambda x: x.copy()]),
    ("np.average", [np.average]),
]  # fmt: skip

OTHERS = [
    ("tensordot", np.tensordot, C, C[0]),
    ("tensordot", lambda x, y: np.tensordot(x, y, 1), C, B[:2]),
    ("tensordot", lambda x, y: np.tensordot(a=x, b=y, axes=([2, 0], [-1, 1])), C, C[:, :2]),
    ("tensordot", lambda x, y: np.tensordot(x, y, axes=0), A, V),
    ("einsum", lambda *xs: np.einsum("ij,jk,kl", *xs, optimize=True), A, B, B.T),
    ("inner", np.inner, C, C[0]),
    ("inner", lambda x: np.inner(2.0, x), C),
    ("vdot", np.vdot, A, A + 1),
    ("cumprod", np.cumprod, C),
    ("cumprod", lambda x: x.cumprod(axis=1), C),
    ("sort", np.sort, C),
    ("sort", lambda x: np.sort(x, axis=None), C),
    ("sort", lambda x: np.sort(a=x, axis=0, stable=True), C),
    ("nan_to_num", lambda x: np.nan_to_num(x, nan=2.0), C),
    *(("linalg.norm", lambda x, k=k: np.linalg.norm(x, keepdims=k), C) for k in (False, True)),
    *(("linalg.norm", lambda x, axis=axis: np.linalg.norm(x, axis=axis), C) for axis in AXES[1:6]),
    *(("linalg.norm", lambda x, ord=ord: np.linalg.norm(x, ord, -1, True), C) for ord in ORDERS),
    ("linalg.norm", lambda x: np.linalg.norm(x, ord="fro"), A),
    ("average", lambda x, w: np.average(x, 1, w, returned=True)[0], A, V),
    ("average", lambda x, w: np.average(x, (2, 1), w), C, A),
    ("average", lambda x, w: np.average(x, 1, w, returned=True)[1], A, A + 1),
]


def _calls():
    for e in ELEMENTWISE:
        args = (A,) if len(e.domain) == 1 else (A, 1.9 * V)  # the second one broadcasts
        analytic = e.ufunc not in NOT_ANALYTIC
        yield Call(spelling(e.ufunc), e.ufunc, e.inside(*args), analytic)
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
    for name, functions in LINEAR:
        for f in functions:
            yield Call(name, f, (C,))
    for name, f, *args in OTHERS:
        yield Call(f"np.{name}", f, (*args,), name in ("tensordot", "einsum", "cumprod", "average"))


CALLS = list(_calls())
