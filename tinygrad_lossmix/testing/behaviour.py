"""What a gradient has to be besides right: linear, repeatable, and without side effects."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.graph import names, nodes
from tinygrad_lossmix.engine.sweep import sweep
from tinygrad_lossmix.engine.table import TABLE, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.methods import richardson, sizes
from tinygrad_lossmix.testing.report import Check
from tinygrad_lossmix.testing.subject import Pair, Recorded, Subject
from tinygrad_lossmix.testing.tolerance import flat

Array = Any


def form(subject: Subject, gradients: list[Any]) -> Iterator[Check]:
    """Number, shape, dtype and finiteness of the gradients as they came."""
    if len(gradients) != len(subject.arrays):
        detail = f"{len(gradients)} gradients for {len(subject.arrays)} arguments"
        yield Check("shape", False, detail)
        return
    shapes, dtypes, finite = [], [], []
    for position, g, x in zip(subject.wrt, gradients, subject.arrays, strict=True):
        about = f"argument {position}: the gradient"
        found = array_of(g)
        if found is None:
            dtypes.append(f"{about} is {_kind(g)}, not an array of {x.dtype}")
            continue
        if found.shape != x.shape:
            shapes.append(f"{about} has shape {found.shape}, the argument {x.shape}")
        if found.dtype != x.dtype:
            dtypes.append(f"{about} is {found.dtype}, the argument {x.dtype}")
        if bad := int(np.sum(~np.isfinite(found))):
            finite.append(f"{about} has {bad} entries that are NaN or infinite")
    yield Check("shape", not shapes, "; ".join(shapes))
    yield Check("dtype", not dtypes, "; ".join(dtypes))
    yield Check("finite", not finite, "; ".join(finite))


def array_of(g: Any) -> Array | None:
    """What a gradient gave as an array of numbers; None where it is none, whatever it is."""
    try:
        found = np.asarray(g)
    except Exception:
        return None
    return found if found.dtype.kind in "fiub" and not np.ma.isMaskedArray(g) else None


def _kind(g: Any) -> str:
    if g is None or isinstance(g, np.ma.MaskedArray):
        return "None" if g is None else "a masked array"
    return f"an array of {g.dtype}" if isinstance(g, np.ndarray) else f"of type {type(g).__name__}"


def of_a_pair(subject: Pair, gradients: list[Array], tolerance: Array) -> Iterator[Check]:
    """Side effects, repeatability and layouts of a gradient by hand."""
    seed = np.float64(1)
    given = [a.copy() for a in subject.arrays]
    first, handed = subject.gradient(given, seed), subject.handed
    kept = [np.array(g) for g in first]
    changed = [p for p, a, b in zip(subject.wrt, given, subject.arrays, strict=True) if _bits(a, b)]
    yield Check(
        "inputs not mutated", not changed, f"the gradient wrote into argument {_list(changed)}"
    )
    again = subject.gradient([a.copy() for a in subject.arrays], seed)
    subject.gradient([a * a.dtype.type(0.5) for a in subject.arrays], seed)
    same = not any(map(_bits, kept, gradients)) and not any(map(_bits, again, gradients))
    yield Check("the same answer twice", same, "called again with the same input it differs")
    borrowed = ""
    if same and (any(map(_bits, first, kept)) or any(map(_bits, again, gradients))):
        borrowed = "a later call overwrote what an earlier one had returned: return a new array"
    elif any(_shared(g, x) for g in first for x in handed):
        borrowed = "it returns its own input, or a view of it: return a copy"
    elif any(_shared(g, other) for g, other in itertools.combinations(first, 2)):
        borrowed = "two of the gradients share memory: return copies"
    yield Check("results are its own", not borrowed, borrowed)
    yield from _layouts(subject, lambda arrays: subject.gradient(arrays, seed), tolerance)


def of_a_recording(
    subject: Recorded, seed: Array, tolerance: Array, rng: np.random.Generator
) -> Iterator[Check]:
    """Side effects, repeatability, linearity and layouts of the engine's gradient of f."""
    leaves, cost = subject.record(subject.arrays)
    before = _snapshot(cost)
    held = seed.copy()
    first = grad(cost, leaves, seed)
    yield Check("seed not mutated", not _bits(seed, held), "a rule wrote into the seed")
    seed = held
    touched = _touched(cost, before)
    yield Check("values not mutated", not touched, f"a rule wrote into {touched}")
    fresh = subject.gradient(subject.arrays, seed)
    twice = grad(cost, leaves, seed)
    same = not any(map(_bits, first, fresh)) and not any(map(_bits, first, twice))
    yield Check("the same answer twice", same, "called again with the same input it differs")
    passes = list(_passes(cost, seed))
    yield from _linear(cost, leaves, seed, passes, flat(first), tolerance)
    narrow = [
        spelling(each.function)
        for each, position, g, passed in passes
        if passed.dtype.itemsize < min(g.dtype.itemsize, each.args[position].dtype.itemsize)
    ]
    detail = f"the rule of {_list(narrow)} returns fewer digits"
    yield Check("precision kept", not narrow, detail)
    forgotten = _list(_without_a_rule(cost, leaves))
    detail = f"{forgotten} has no rule (None), although the value depends on it"
    yield Check("every argument differentiated", not forgotten, detail)
    yield from _layouts(subject, lambda arrays: subject.gradient(arrays, seed), tolerance)


def _passes(cost: Tensor, seed: Array) -> Iterator[tuple[Tensor, int, Array, Array]]:
    """Each product of the sweep: node, argument, what arrives and what its rule makes of it."""
    for each, position, g, _, _ in sweep(cost, seed):
        kwargs = dict(each.kwargs)
        if each.residual is not None:
            kwargs["residual"] = each.residual
        passed = TABLE[each.function].rules[position](g, each.data, *each.values, **kwargs)
        yield each, position, np.asarray(g), np.asarray(passed)


def _linear(
    cost: Tensor,
    leaves: list[Tensor],
    seed: Array,
    passes: list[tuple[Tensor, int, Array, Array]],
    once: Array,
    tolerance: Array,
) -> Iterator[Check]:
    """A gradient is linear in its seed, large or small, and nothing comes of nothing.

    The seed is multiplied by powers of 2, as far as no number of the sweep leaves its range.
    """
    met = np.concatenate([np.abs(x).reshape(-1) for p in passes for x in p[2:]] or [[1.0]])
    met = met[np.isfinite(met) & (met > 0)].astype(np.float64)
    narrowest = min((np.finfo(each.dtype) for each in nodes(cost)), key=lambda kind: kind.bits)
    above = np.log2(float(narrowest.max)) - np.log2(np.max(met, initial=1e-300)) - 4.0
    below = np.log2(np.min(met, initial=1e300)) - np.log2(float(narrowest.smallest_normal))
    up, down = np.floor(np.clip([above, below], 0.0, 32.0))
    worst = 0.0
    for factor in (2.0**up, -3.0 * 2.0**-down):
        scaled = flat(grad(cost, leaves, (seed * factor).astype(seed.dtype))) / factor
        lost = 64.0 * float(narrowest.smallest_subnormal) / abs(factor)
        excess = np.abs(scaled - once) - 4.0 * tolerance - lost
        known = np.isfinite(once) & (np.isfinite(scaled) | (factor < 0.0))
        worst = max(worst, float(np.max(excess, initial=0.0, where=known)))
    detail = f"when the seed is scaled the gradient is not: off by {worst:.4g} of that scale"
    yield Check("linear in the seed", worst <= 0, detail)
    nothing = flat(grad(cost, leaves, np.zeros_like(seed)))
    wrong = (nothing != 0) & np.isfinite(nothing)
    yield Check("zero for a zero seed", not np.any(wrong), "a zero seed gives a gradient")


def _without_a_rule(cost: Tensor, leaves: list[Tensor]) -> Iterator[str]:
    """The arguments with None for a rule that come from the leaves and change the value."""
    reached, called = set(leaves), names(cost)
    for each in nodes(cost):
        for i, arg in enumerate(each.args):
            if not isinstance(arg, Tensor) or arg not in reached:
                continue
            if each.function is constant.recorded:  # type: ignore[attr-defined]
                continue
            reached.add(each)
            if TABLE[each.function].rules[i] is None and _depends(each, i):
                yield f"argument {i} of {spelling(each.function)} (node {called[each]})"


def _depends(each: Tensor, i: int) -> bool:
    """Whether the value of a node has a slope in one of its arguments."""
    args = list(each.values)
    x = np.asarray(args[i])
    move = 1e-3 * np.maximum(np.abs(x), 1.0) * np.cos(1.0 + np.arange(x.size)).reshape(x.shape)
    values = []
    for k in (1.0, 2.0):
        args[i] = (x + k * move).astype(x.dtype)
        values.append(TABLE[each.function].forward(*args, **each.kwargs))
    return _bits(*values)


def elsewhere(
    subject: Subject, gradients: list[Array], rtol: float, atol: float, rng: np.random.Generator
) -> Iterator[Check]:
    """<w, Jv> = <Jᵀw, v> at another input, for a random seed w and direction v, but for half the
    digits.

    f is called itself, always: what a recording does not see shows here, and what a gradient keeps
    from an earlier call. Where it cannot be said nothing is.
    """
    point = subject.point
    x = np.where(point == 0.0, 0.1, point * rng.uniform(0.4, 0.6, size=len(point)))
    v = rng.normal(size=len(x)) * sizes(x)
    unit = max(float(np.finfo(a.dtype).eps) for a in subject.arrays)
    try:
        other = subject.at(subject.inputs_at(x))
        x, w = other.point, other.seed(rng)
        found = other.gradient(other.inputs_at(x), w)
        pulled = float(flat(found) @ v)
        spread = [
            abs(flat(other.gradient(other.inputs_at(x * (1.0 + signs * unit)), w)) @ v - pulled)
            for signs in rng.choice([-3.0, -1.0, 2.0], size=(3, len(x)))
        ]
        pushed = richardson(
            lambda s: float(np.vdot(w, other.value(other.split(x + s[0] * v)))), np.zeros(1)
        )
    except Exception:  # neither need be made for this input
        return
    slope = float(pushed.values[0])
    allowed = (np.sqrt(unit) + rtol) * np.abs(flat(found)) + 16.0 * unit + atol
    limit = 8.0 * max(spread) + float(allowed @ np.abs(v) + pushed.errors[0])
    off = abs(pulled - slope) - limit
    if not np.isfinite(off) or pushed.kinks[0]:
        return
    detail = (
        f"the slope of the function in some direction is {slope:.6g}, by its gradient {pulled:.6g}"
    )
    if isinstance(subject, Pair) and np.any(flat(found)) and not any(map(_bits, found, gradients)):
        detail = "the gradient is still that of an earlier input: it keeps something between calls"
    yield Check("right at another input", bool(off <= 0), detail)


def _layouts(
    subject: Subject, gradient: Callable[[list[Array]], list[Any]], tolerance: Array
) -> Iterator[Check]:
    """The same for arrays that lie differently in memory, and for those that cannot be written."""
    expected = flat(gradient([a.copy() for a in subject.arrays]))
    for name, lay in (("strided inputs", _strided), ("read-only inputs", _read_only)):
        try:
            found = flat(gradient([lay(a) for a in subject.arrays]))
            off = np.abs(found - expected) > 4.0 * tolerance
            yield Check(name, not np.any(off), "the gradient differs for them")
        except Exception as error:
            yield Check(name, False, f"the gradient raises {type(error).__name__}: {error}")


def _strided(x: Array) -> Array:
    """The same values, every other one of a larger array, axes in Fortran order."""
    wide = np.zeros(tuple(2 * n for n in x.shape), dtype=x.dtype, order="F")
    index: Any = (..., *(slice(None, None, 2) for _ in x.shape))
    view = wide[index]
    view[...] = x
    return view


def _read_only(x: Array) -> Array:
    x = x.copy()
    x.flags.writeable = False
    return x


def _bits(a: Any, b: Any) -> bool:
    """Whether two arrays differ in a bit or in shape."""
    a, b = np.asarray(a), np.asarray(b)
    return (
        (a.shape, a.dtype) != (b.shape, b.dtype)
        or not np.array_equal(a, b, equal_nan=True)
        or not np.array_equal(np.signbit(a.real), np.signbit(b.real))
    )


def _shared(a: Any, b: Any) -> bool:
    return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.may_share_memory(a, b)


def _snapshot(cost: Tensor) -> list[tuple[Tensor, list[Array]]]:
    return [(each, [np.array(x) for x in _held(each)]) for each in nodes(cost)]


def _held(each: Tensor) -> list[Array]:
    """The value of a node, and the constants it was computed from."""
    return [each.data, *(arg for arg in each.args if isinstance(arg, np.ndarray))]


def _touched(cost: Tensor, before: list[tuple[Tensor, list[Array]]]) -> str:
    names = [
        "an input" if each.function is None else f"what {spelling(each.function)} holds"
        for each, held in before
        if any(map(_bits, _held(each), held))
    ]
    return _list(names)


def _list(names: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(map(str, names)))
