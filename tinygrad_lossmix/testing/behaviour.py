"""What a gradient has to be besides right: of the right form, repeatable, without side effects."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.graph import names, nodes
from tinygrad_lossmix.engine.refusals import plain
from tinygrad_lossmix.engine.replay import computed
from tinygrad_lossmix.engine.sweep import sweep
from tinygrad_lossmix.engine.table import REAL, TABLE, Array, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.check_report import Check
from tinygrad_lossmix.testing.methods import flat

LAYOUTS = ("C", "Fortran", "strided", "negative stride", "read-only")
Gradient = Callable[[Sequence[Array]], list[Any]]  # of some arrays, one for each


def form(gradients: list[Any], arrays: list[Array], positions: Sequence[int]) -> Iterator[Check]:
    """Number, shape, dtype and finiteness of the gradients as they came, whatever they are, for
    the arrays at these positions among the arguments.
    """
    if len(gradients) != len(arrays):
        yield Check("shape", False, f"{len(gradients)} gradients for {len(arrays)} arguments")
        return
    shapes, dtypes, finite = [], [], []
    for position, g, x in zip(positions, gradients, arrays, strict=True):
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
    for name, wrong in (("shape", shapes), ("dtype", dtypes), ("finite", finite)):
        yield Check(name, not wrong, "; ".join(wrong))


def array_of(g: Any) -> Array | None:
    """What a gradient gave as an array of numbers; None where it is none, whatever it is."""
    try:
        found = np.asarray(g)
    except Exception:
        return None
    return found if found.dtype.kind in REAL and not np.ma.isMaskedArray(g) else None


def _kind(g: Any) -> str:
    if g is None or isinstance(g, np.ma.MaskedArray):
        return "None" if g is None else "a masked array"
    return f"an array of {g.dtype}" if isinstance(g, np.ndarray) else f"of type {type(g).__name__}"


def of_the_engine(
    leaves: list[Tensor],
    cost: Tensor,
    gradient: Gradient,
    arrays: list[Array],
    seed: Array,
    tolerance: Array,
) -> Iterator[Check]:
    """Side effects, repeatability, linearity and layouts of the sweep of <seed, cost>.

    `gradient` records anew; `tolerance` is what rounding may do to its entries, flat.
    """
    held = [(each, [np.array(x) for x in _held(each)]) for each in nodes(cost)]
    lent = seed.copy()
    first = grad(cost, leaves, lent)
    yield Check("seed not mutated", not _differ(seed, lent), "a rule wrote into the seed")
    touched = _listed(
        "an input" if each.function is None else f"what {spelling(each.function)} holds"
        for each, before in held
        if any_differ(_held(each), before)
    )
    yield Check("values not mutated", not touched, f"a rule wrote into {touched}")
    fresh = gradient(arrays)
    same = not any_differ(first, fresh) and not any_differ(first, grad(cost, leaves, seed))
    yield Check("the same answer twice", same, "called again with the same input it differs")
    passes = list(_passes(cost, seed))
    met = [np.abs(x).reshape(-1) for each in passes for x in each[2:]] or [np.ones(1)]
    yield from _linear(leaves, cost, seed, np.concatenate(met), flat(first), tolerance)
    narrow = _listed(
        spelling(each.function)
        for each, position, g, passed in passes
        if passed.dtype.itemsize < min(g.dtype.itemsize, each.args[position].dtype.itemsize)
    )
    yield Check("precision kept", not narrow, f"the rule of {narrow} returns fewer digits")
    forgotten = _listed(_without_a_rule(cost, leaves))
    detail = f"{forgotten} has no rule (None), although the value depends on it"
    yield Check("every argument differentiated", not forgotten, detail)
    yield from _layouts(gradient, arrays, tolerance)


def _linear(
    leaves: list[Tensor], cost: Tensor, seed: Array, met: Array, once: Array, tolerance: Array
) -> Iterator[Check]:
    """A gradient is linear in its seed, large or small, and nothing comes of nothing.

    The seed is multiplied by powers of 2, as far as none of the numbers that the sweep has met
    leaves its range.
    """
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


def _held(each: Tensor) -> list[Array]:
    """The value of a node, and the constants it was computed from."""
    return [each.data, *(arg for arg in each.args if isinstance(arg, np.ndarray))]


def _passes(cost: Tensor, seed: Array) -> Iterator[tuple[Tensor, int, Array, Array]]:
    """Each product of the sweep: node, argument, what arrives and what its rule makes of it."""
    for each, position, g, _, _ in sweep(cost, seed):
        rule = TABLE[each.function].rules[position]
        passed = rule(g, each.data, *each.values, **each.kwargs)
        yield each, position, np.asarray(g), np.asarray(passed)


def _without_a_rule(cost: Tensor, leaves: list[Tensor]) -> Iterator[str]:
    """The arguments with None for a rule that come from the leaves and change the value."""
    reached, called = set(leaves), names(cost)
    for each in nodes(cost):
        for i, arg in enumerate(each.args if each.function is not constant else ()):
            if isinstance(arg, Tensor) and arg in reached:
                reached.add(each)
                if TABLE[each.function].rules[i] is None and _depends(each, i):
                    yield f"argument {i} of {spelling(each.function)} (node {called[each]})"


def _depends(each: Tensor, i: int) -> bool:
    """Whether the value of a node has a slope in one of its arguments."""
    args = [*plain(each.args)]
    x = np.asarray(args[i])
    move = 1e-3 * np.maximum(np.abs(x), 1.0) * np.cos(1.0 + np.arange(x.size)).reshape(x.shape)
    values = []
    for k in (1.0, 2.0):
        args[i] = (x + k * move).astype(x.dtype)
        values.append(computed(each, args))
    return _differ(*values)


def of_a_pair(
    call: Callable[[Sequence[Array]], tuple[list[Any], list[Any]]],
    arrays: list[Array],
    positions: Sequence[int],
    gradients: list[Any],
    tolerance: Array,
) -> Iterator[Check]:
    """Side effects, repeatability and layouts of a gradient by hand, which gave these gradients.

    `call` gives for some arrays the gradients, and the arguments that were handed on.
    """
    given = [a.copy() for a in arrays]
    first, handed = call(given)
    kept = [np.array(g) for g in first]
    changed = _listed(itertools.compress(positions, map(_differ, given, arrays)))
    yield Check("inputs not mutated", not changed, f"the gradient wrote into argument {changed}")
    again, _ = call([a.copy() for a in arrays])
    call([a * a.dtype.type(0.5) for a in arrays])
    same = not any_differ(kept, gradients) and not any_differ(again, gradients)
    yield Check("the same answer twice", same, "called again with the same input it differs")
    borrowed = ""
    if same and (any_differ(first, kept) or any_differ(again, gradients)):
        borrowed = "a later call overwrote what an earlier one had returned: return a new array"
    elif any(itertools.starmap(_shared, itertools.product(first, handed))):
        borrowed = "it returns its own input, or a view of it: return a copy"
    elif any(itertools.starmap(_shared, itertools.combinations(first, 2))):
        borrowed = "two of the gradients share memory: return copies"
    yield Check("results are its own", not borrowed, borrowed)
    yield from _layouts(lambda arrays: call(arrays)[0], arrays, tolerance)


def _shared(a: Any, b: Any) -> bool:
    return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.may_share_memory(a, b)


def _layouts(gradient: Gradient, arrays: list[Array], tolerance: Array) -> Iterator[Check]:
    """The same for arrays that lie differently in memory, and for those that are read-only."""
    expected = flat(gradient([a.copy() for a in arrays]))
    for layout in ("strided", "read-only"):
        name, given = f"{layout} inputs", [laid_out(a.T, layout).T for a in arrays]
        try:
            off = np.abs(flat(gradient(given)) - expected) > 4.0 * tolerance
            yield Check(name, not np.any(off), "the gradient differs for them")
        except Exception as error:
            yield Check(name, False, f"the gradient raises {type(error).__name__}: {error}")


def laid_out(array: Array, layout: str) -> Array:
    """The same values in another memory layout, one of LAYOUTS.

    Raises:
        ValueError: another name.

    >>> laid_out(np.eye(2), "negative stride").strides
    (-16, -8)
    """
    if layout not in LAYOUTS:
        raise ValueError(f"{layout!r} is not a layout: choose one of {', '.join(LAYOUTS)}")
    array = np.asarray(array)
    step = {"strided": 2, "negative stride": -1}.get(layout, 1)
    filling = np.nan if array.dtype.kind == "f" else 0  # seen where a view is read beyond
    order: Any = "F" if layout == "Fortran" else "C"
    wide: Any = np.full([abs(step) * n for n in array.shape], filling, array.dtype, order)
    view = wide[(..., *[slice(None, None, step)] * array.ndim)]
    view[...] = array
    view.flags.writeable = layout != "read-only"
    return view


def any_differ(some: Iterable[Any], others: Iterable[Any]) -> bool:
    """Whether any two of them do."""
    return any(map(_differ, some, others))


def _differ(a: Any, b: Any) -> bool:
    """Whether two arrays differ in a bit, in shape or in dtype."""
    a, b = np.asarray(a), np.asarray(b)
    return (
        (a.shape, a.dtype) != (b.shape, b.dtype)
        or not np.array_equal(a, b, equal_nan=True)
        or not np.array_equal(np.signbit(a.real), np.signbit(b.real))
    )


def _listed(found: Iterable[Any]) -> str:
    """Each once."""
    return ", ".join(dict.fromkeys(map(str, found)))
