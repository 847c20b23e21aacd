"""What a gradient has to be besides right: linear, repeatable, and without side effects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.sweep import sweep
from tinygrad_lossmix.engine.table import TABLE, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.methods import richardson
from tinygrad_lossmix.testing.report import Check
from tinygrad_lossmix.testing.subject import Pair, Recorded, Subject
from tinygrad_lossmix.testing.tolerance import SAFETY, conditioning, epsilon, flat

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
        found = np.asarray(g) if not isinstance(g, Tensor) else None
        if found is None or found.dtype.kind not in "fciub":
            dtypes.append(f"{about} is {type(g).__name__}, not an array of {x.dtype}")
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


def of_a_pair(subject: Pair, gradients: list[Array], tolerance: Array) -> Iterator[Check]:
    """Side effects, repeatability and layouts of a gradient by hand."""
    seed = np.float64(1)
    given = [a.copy() for a in subject.arrays]
    first = subject.gradient(given, seed)
    kept = [np.array(g) for g in first]
    changed = [p for p, a, b in zip(subject.wrt, given, subject.arrays, strict=True) if _bits(a, b)]
    yield Check(
        "inputs not mutated", not changed, f"the gradient wrote into argument {_list(changed)}"
    )
    again = subject.gradient([a.copy() for a in subject.arrays], seed)
    subject.gradient([a * a.dtype.type(0.5) for a in subject.arrays], seed)
    same = not any(map(_bits, kept, gradients)) and not any(map(_bits, again, gradients))
    yield Check("the same answer twice", same, "called again with the same input it differs")
    overwritten = any(map(_bits, first, kept)) or any(map(_bits, again, gradients))
    yield Check(
        "results are its own",
        not overwritten or not same,
        "a later call overwrote what an earlier one had returned: return a new array",
    )
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
    yield from _linear(cost, leaves, seed, flat(first), tolerance)
    yield from _adjoint(subject, leaves, cost, rng)
    narrow = _narrowed(cost, seed)
    yield Check("precision kept", not narrow, f"the rule of {narrow} returns fewer digits")
    yield from _layouts(subject, lambda arrays: subject.gradient(arrays, seed), tolerance)


def _linear(
    cost: Tensor, leaves: list[Tensor], seed: Array, once: Array, tolerance: Array
) -> Iterator[Check]:
    """A gradient is linear in its seed; nothing comes of nothing."""
    worst = 0.0
    for factor in (2.0, -3.0):
        scaled = flat(grad(cost, leaves, (seed * factor).astype(seed.dtype)))
        excess = np.abs(scaled - factor * once) - 4.0 * abs(factor) * tolerance
        worst = max(worst, float(np.max(np.nan_to_num(excess), initial=0.0)))
    yield Check("linear in the seed", worst <= 0, f"off by {worst:.4g} for a multiple of the seed")
    nothing = flat(grad(cost, leaves, np.zeros_like(seed)))
    wrong = (nothing != 0) & np.isfinite(nothing)
    yield Check("zero for a zero seed", not np.any(wrong), "a zero seed gives a gradient")


def _adjoint(
    subject: Recorded, leaves: list[Tensor], cost: Tensor, rng: np.random.Generator
) -> Iterator[Check]:
    """<w, Jv> = <Jᵀw, v> for a random seed w and direction v."""
    w = rng.normal(size=cost.shape).astype(cost.dtype)
    v = rng.normal(size=len(subject.point))

    def along(s: Array) -> float:
        return float(np.vdot(w, subject.value(subject.split(subject.point + s[0] * v))))

    pushed = richardson(along, np.zeros(1))
    pulled = float(flat(grad(cost, leaves, w)) @ v)
    condition, size = conditioning(cost, leaves, w, rng)
    limit = SAFETY * epsilon(cost) * float(condition @ np.abs(v)) + float(pushed.errors[0])
    off = abs(pulled - float(pushed.values[0]))
    known = np.isfinite(pushed.errors[0]) and not pushed.kinks[0] and np.isfinite(pulled)
    yield Check(
        "adjoint",
        not known or off <= limit + 1e-9 * max(abs(pulled), size),
        f"<w, Jv> and <Jᵀw, v> differ by {off:.4g} for a random seed w and direction v",
    )


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
    same = a.shape == b.shape and a.dtype == b.dtype
    return not (same and np.array_equal(a, b, equal_nan=True)) or bool(
        np.any(np.signbit(a) != np.signbit(b))
    )


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


def _narrowed(cost: Tensor, seed: Array) -> str:
    """The functions whose rules return a float type of fewer digits than what they were given."""
    names = []
    for each, position, g, _, _ in sweep(cost, seed):
        kwargs = dict(each.kwargs)
        if each.residual is not None:
            kwargs["residual"] = each.residual
        passed = TABLE[each.function].rules[position](g, each.data, *each.values, **kwargs)
        kind = getattr(passed, "dtype", np.dtype(np.float64))
        argument = each.args[position].dtype
        if kind.itemsize < min(np.asarray(g).dtype.itemsize, argument.itemsize):
            names.append(spelling(each.function))
    return _list(names)


def _list(names: list[Any]) -> str:
    return ", ".join(dict.fromkeys(map(str, names)))
