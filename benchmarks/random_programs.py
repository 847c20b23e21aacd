"""Random programs that every framework with NumPy's functions can run.

A program is a list of calls, each on results of earlier ones. It is drawn while NumPy runs it, so
that every call fits, stays inside its function's domain and gives numbers that are not large. The
functions are a table, written once for any namespace that has NumPy's names, SciPy's and ours.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

SHAPES = [(), (3,), (2, 3), (2, 1), (1, 3), (3, 2), (2, 2), (2, 2, 3)]
ENTRIES, AXES, LARGEST = 60, 4, 1e3  # of a result, at most


class Row(NamedTuple):
    """A function: how it is called, what its operands may be, how its options are drawn."""

    call: Callable[..., Any]  # of a namespace, arrays, options
    domains: tuple[Any, ...]  # for each operand the intervals that it may lie in
    options: dict[str, Callable[..., Any]]  # of a generator and the arrays


class Call(NamedTuple):
    """A call of a program; `moved`: the interval that an operand is brought into, or None."""

    name: str
    operands: tuple[int, ...]
    moved: tuple[Any, ...]
    options: dict[str, Any]

    def __call__(self, space, results):
        xs = [
            results[i] if interval is None else into(space, results[i], *interval)
            for i, interval in zip(self.operands, self.moved, strict=True)
        ]
        return FUNCTIONS[self.name].call(space, *xs, **self.options)


def into(space, x, low, high):
    """x, smoothly brought between two numbers."""
    return space.tanh(0.5 * x) * (0.49 * (high - low)) + 0.5 * (high + low)


FUNCTIONS: dict[str, Row] = {}
ANY, AROUND, POSITIVE = ((-np.inf, np.inf),), ((-3, 3),), ((0.2, 4),)
AWAY = ((0.3, 3), (-3, -0.3))  # from 0


def row(names, *domains, call=None, joins=False, **options):
    """Put functions in the table; without `call` the namespace's own, which takes arrays or a list.

    An operand without a domain may be anything.
    """
    for name in names.split():
        own = lambda np, *xs, name=name, **options: getattr(np, name)(
            *([xs] if joins else xs), **options
        )
        FUNCTIONS[name] = Row(call or own, domains or (ANY,), options)


def axis(rng, x, *others):
    return int(rng.integers(-x.ndim, x.ndim))  # ValueError if it has none


def maybe(rng, x):
    return None if x.ndim == 0 or rng.integers(3) == 0 else axis(rng, x)


def axes(rng, x):
    """One, all, or several in any order."""
    several = tuple(map(int, rng.permutation(x.ndim)[: rng.integers(x.ndim + 1)]))
    return several if rng.integers(3) == 0 else maybe(rng, x)


def several(rng, x):
    """An axis along which entries differ: elsewhere np.std has a kink, where JAX gives NaN."""
    differing = [i for i in range(x.ndim) if np.ptp(np.tanh(x), axis=i).all()]  # moved, too
    return int(rng.choice(differing))  # ValueError: none


def of_some(rng, x):
    """As `maybe`, but of zeros alone a norm has a kink, where JAX gives NaN."""
    found = maybe(rng, x)
    if not np.any(x, axis=found).all():
        raise ValueError("zeros")
    return found


def band(rng, x):
    return int(rng.integers(-1, 2)) if x.ndim > 1 else axis(rng, np.empty(()))  # ValueError


def flag(rng, *xs):
    return bool(rng.integers(2))


def whole(low, high):
    return lambda rng, *xs: int(rng.integers(low, high))


def one_of(*choices):
    return lambda rng, *xs: choices[rng.integers(len(choices))]


def mask(x):
    """Some entries of x, the same for everybody."""
    return np.arange(x.size).reshape(x.shape) % 3 != 1


def places(rng, x):
    """Positions along the first axis, some repeated."""
    return rng.integers(-len(x), len(x), size=rng.integers(1, 5))  # TypeError if it has none


def shape(rng, x):
    """Another one with as many entries."""
    first = int(rng.choice([n for n in range(1, x.size + 1) if x.size % n == 0]))
    return (first, -1) if rng.integers(2) else (1, -1, first)


def along(np, x, axis):
    """An entry of each lane along an axis, or two."""
    at = mask(x).argsort(axis).take([0, -1], axis)
    return np.take_along_axis(x, np.asarray(at), axis=axis)


# fmt: off
row("negative positive absolute fabs tanh deg2rad radians degrees rad2deg log_sigmoid")
row("ravel transpose squeeze copy atleast_1d atleast_2d atleast_3d fliplr flipud diagflat")
row("exp exp2 expm1 sin cos sinh cosh arctan arcsinh square", AROUND)
row("erf erfc ndtr expit log_expit sigmoid softplus", AROUND)
row("log log2 log10 sqrt entr", POSITIVE)
row("arcsin arccos arctanh", ((-0.9, 0.9),))
row("reciprocal cbrt", AWAY)
row("tan", ((-1.2, 1.2),))
row("arccosh", ((1.2, 4),))
row("logit", ((0.1, 0.9),))
row("log1p", ((-0.8, 4),))
row("cube", AROUND, call=lambda np, x: x**3)
row("scaled", call=lambda np, x: 2.0 - 1.5 * x)
row("steps", function=one_of("floor", "ceil", "rint", "trunc", "sign"),
    call=lambda np, x, function: getattr(np, function)(x) * x)

row("add subtract maximum minimum fmax fmin logaddexp heaviside", ANY, ANY)
row("multiply dot inner", AROUND, AROUND)
row("divide remainder fmod copysign", AROUND, AWAY)
row("floor_divide", AROUND, AWAY, call=lambda np, x, y: np.floor_divide(x, y) * x)
row("hypot arctan2", AWAY, AROUND)
row("power float_power", POSITIVE, ((-2, 2),))
row("xlogy xlog1py", AROUND, POSITIVE)
row("rel_entr", POSITIVE, POSITIVE)
row("where", ANY, ANY, call=lambda np, x, y: np.where(x > 0.1, y, 0.5 * x))
row("masked", ANY, ANY, call=lambda np, x, y: np.where(mask(x), x, y))
row("clip", low=one_of(None, -0.7), high=one_of(0.6, 1.1),
    call=lambda np, x, low, high: np.clip(x, low, high))
row("nan_to_num", call=lambda np, x: np.nan_to_num(x))

row("sum mean max min amax amin ptp", axis=axes, keepdims=flag)
row("median", axis=maybe, keepdims=flag, call=lambda np, x, axis, keepdims:
    np.median(x if x.ndim else np.ravel(x), axis=axis, keepdims=keepdims))
row("average", axis=maybe, call=lambda np, x, axis:
    np.average(x, axis=axis, weights=np.asarray(1.0 + mask(x))))
row("var", ((-30, 30),), axis=axes, keepdims=flag, ddof=one_of(0, 0.5))
row("std", ((-30, 30),), axis=several, keepdims=flag, ddof=one_of(0, 0.5))
row("norm", axis=of_some, keepdims=flag, ord=one_of(None, 1, np.inf, -np.inf),
    call=lambda np, x, axis, keepdims, ord:
    np.linalg.norm(x, ord=None if axis is None else ord, axis=axis, keepdims=keepdims))
row("prod", AROUND, axis=maybe, keepdims=flag)
row("cumsum", axis=maybe)
row("cumprod", AROUND, axis=maybe)
row("diff", n=whole(1, 3), axis=axis)
row("softmax", call=lambda np, x: np.softmax(x if x.ndim else np.ravel(x)))
row("logsumexp", call=lambda np, x: np.logsumexp(x if x.ndim else np.ravel(x)))
row("log_softmax", call=lambda np, x: np.log_softmax(x if x.ndim else np.ravel(x)))
row("log_sum", axis=axis)

row("reshape", shape=shape, call=lambda np, x, shape: np.reshape(x, shape))
row("expand_dims", axis=axis)
row("swapaxes", first=axis, second=axis,
    call=lambda np, x, first, second: np.swapaxes(x, first, second))
row("moveaxis", source=axis, destination=axis)
row("rollaxis", axis=axis)
row("broadcast_to", n=whole(1, 4), call=lambda np, x, n: np.broadcast_to(x, (n, *x.shape)))
row("repeat", repeats=whole(1, 3), axis=maybe)
row("tile", reps=one_of(2, (2, 1), (1, 2)), call=lambda np, x, reps: np.tile(x, reps))
row("resize", new_shape=one_of((2, 3), (5,)))
row("roll", shift=whole(-3, 4), axis=maybe)
row("flip", axis=axes)
row("rot90", k=whole(-1, 3))
row("pad", pad_width=one_of(1, (0, 2)), constant_values=one_of(0.0, 1.5))
row("split", axis=axis, call=lambda np, x, axis: np.split(x, x.shape[axis], axis=axis)[-1])
row("array_split", axis=axis, call=lambda np, x, axis: np.array_split(x, 2, axis=axis)[0])
row("cut", function=one_of("hsplit", "vsplit", "dsplit"),
    call=lambda np, x, function: getattr(np, function)(x, [1])[0])
row("delete", obj=one_of(0), axis=axis)
row("sort", axis=axis)
row("tril triu", k=band)
row("diag", k=whole(-1, 2))
row("trace diagonal", offset=whole(-1, 2))
row("concatenate", ANY, ANY, ANY, joins=True, axis=axis)
row("broadcast_arrays", ANY, ANY, call=lambda np, x, y: np.broadcast_arrays(x, y)[0])
row("append", ANY, ANY, call=lambda np, x, y: np.append(x, y))
row("stack", ANY, ANY, joins=True, axis=axis)
row("vstack hstack dstack column_stack", ANY, ANY, joins=True)
row("take", indices=places, axis=one_of(0, 0, None),
    call=lambda np, x, indices, axis: np.take(x, np.asarray(indices), axis=axis))
row("take_along_axis", axis=axis, call=along)
row("rows", key=places, call=lambda np, x, key: x[key])
row("columns", call=lambda np, x: x[..., np.asarray([1, 0, 1])])
row("backwards")
row("entries", call=lambda np, x: x[mask(x)] if x.ndim else x)
row("half", call=lambda np, x: x[len(x) // 2 :])
row("full_like", call=lambda np, x: np.full_like(np.expand_dims(x, 0), x))

row("matmul outer", AROUND, AROUND)
row("vdot", AROUND, AROUND)
row("gram", AROUND, call=lambda np, x: np.matmul(x, np.swapaxes(x, -1, -2)))
row("tensordot", AROUND, AROUND, axes=one_of(0, 1, 2, ([0], [-1]), ([-1, 0], [0, 1])))
row("einsum", AROUND, AROUND, subscripts=one_of(
    "...i,...i->...", "ij,jk->ki", "ij,ij->j", "i,j->ji", "...ij,kj->i...k"),
    call=lambda np, x, y, subscripts: np.einsum(subscripts, x, y))
row("triple", AROUND, AROUND, call=lambda np, x, y: np.einsum("ij,jk,kl->il", x, y, x))
row("diagonals", AROUND, subscripts=one_of("ii->i", "ii", "ij->", "...ij->...ji"),
    call=lambda np, x, subscripts: np.einsum(subscripts, x))
# fmt: on


def program(rng, arrays, space):
    """(calls, every result): 2 to 8 calls on such arrays and on results of earlier ones."""
    calls, results, length, names = [], list(arrays), rng.integers(2, 9), list(FUNCTIONS)
    with np.errstate(all="ignore"):
        while len(calls) < length:
            name = names[rng.integers(len(names))]
            try:
                call = drawn(rng, name, results)
                value = call(space, results)
            except (ValueError, TypeError, IndexError):
                continue  # it does not take such shapes
            fits = 0 < value.size <= ENTRIES and value.ndim <= AXES
            if fits and (np.abs(value) < LARGEST).all():
                calls.append(call)
                results.append(value)
    return calls, results


def drawn(rng, name, results):
    """A call of a function on results, which it may not fit."""
    _, domains, options = FUNCTIONS[name]
    operands = tuple(map(int, rng.integers(len(results), size=len(domains))))
    xs = [results[i] for i in operands]
    moved = []
    for x, intervals in zip(xs, domains, strict=True):
        ends = x.min(initial=np.inf), x.max(initial=-np.inf)
        fits = any(low <= ends[0] and ends[1] <= high for low, high in intervals)
        moved.append(None if fits else intervals[rng.integers(len(intervals))])
    return Call(name, operands, tuple(moved), {k: draw(rng, *xs) for k, draw in options.items()})


def run(calls, inputs, space):
    """The inputs and the result of each call."""
    results = list(inputs)
    for call in calls:
        results.append(call(space, results))
    return results
