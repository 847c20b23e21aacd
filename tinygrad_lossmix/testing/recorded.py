"""A function of Tensors: is its gradient linear, repeatable, without side effects?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.graph import names, nodes
from tinygrad_lossmix.engine.sweep import sweep
from tinygrad_lossmix.engine.table import TABLE, Array, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.check_report import Check
from tinygrad_lossmix.testing.highprecision import Replay
from tinygrad_lossmix.testing.replay import Disturbed, holds_constants, in_floats, recorded, replay
from tinygrad_lossmix.testing.subject import (
    Allowed,
    Recording,
    Subject,
    any_differ,
    differ,
    flat,
    listed,
)

SAFETY = 64.0
SIZE = 2.0**-26
SAMPLES = 3  # and as many with the opposite signs: beside a kink one of both moves


class Recorded(Subject):
    """A function of Tensors; its gradient is the engine's."""

    recording: Recording

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.recording = self.record(self.arrays)
        self._constants = holds_constants(self.recording[1])

    @cached_property
    def seed(self) -> Array:  # type: ignore[override]
        """1 for a number, else random numbers in the shape of the value."""
        cost = self.recording[1]
        return np.asarray(self.rng.normal(size=cost.shape) if cost.shape else 1.0, cost.dtype)

    def record(self, arrays: Sequence[Array]) -> Recording:
        """Call f on new Tensors that share these arrays."""
        leaves = [Tensor(a, copy=False) for a in arrays]
        cost = self.f(*self.arguments(leaves))
        if not isinstance(cost, Tensor):
            if np.asarray(cost).dtype.kind not in "fiub":
                kind = type(cost).__name__
                raise TypeError(f"the function must return a Tensor or a number, not {kind}")
            cost = Tensor(np.asarray(cost, dtype=arrays[0].dtype))
        return leaves, cost

    def value(self, arrays: Sequence[Array]) -> Array:
        """The value of f at other arrays, real or complex; what `constant` gave stays as it was."""
        if self._constants and arrays[0].dtype.kind == "f":
            leaves, cost = self.recording
            fresh = dict(zip(leaves, arrays, strict=True))
            return replay(cost, fresh, lambda data: data, in_floats)
        if arrays[0].dtype.kind == "c":
            return np.asarray(self.f(*self.arguments(arrays)))
        return self.record(arrays)[1].data

    def gradient(self, arrays: Sequence[Array]) -> list[Any]:
        """The sweep, on a new recording."""
        leaves, cost = self.record(arrays)
        return list(grad(cost, leaves, self.seed.copy()))

    def allowed(self, analytic: Array, floor: bool = True) -> Allowed:
        """c·ε·Σ|∂g/∂v|·|v| of every entry of the gradient g, and the same of the value of f.

        A gradient computed through values v is off by about ε·Σ|∂g/∂v|·|v|, over every value on its
        way, those inside the rules included; ε is the coarsest rounding in the recording, at least
        that of float64, which is compared in. That sum is measured: the recording of the gradient
        is replayed with every value off by a relative η·N(0, 1), and what the gradient moves by,
        divided by η, is the sum with random weights. A true zero that is the difference of large
        terms is therefore allowed their rounding, a small number that is computed without
        cancellation is not.
        """
        leaves, cost = self.recording
        lift: Any = lambda data: Tensor(np.asarray(data, dtype=np.float64))
        start = lift(self.seed)
        fresh = [lift(leaf.data) for leaf in leaves]
        again = replay(cost, dict(zip(leaves, fresh, strict=True)), lift, recorded)
        try:
            parts = grad(again, fresh, start, create_graph=True)
        except Exception:  # a rule that does not run on Tensors
            parts = [Tensor(g) for g in grad(again, fresh, start.data)]
        kinds = [np.finfo(each.dtype) for each in nodes(cost)]
        smallest = max(float(kind.smallest_normal) for kind in kinds)
        unit = SAFETY * max(2.0**-52, *(float(kind.eps) for kind in kinds))
        least = SAFETY * max(float(np.finfo(leaf.dtype).smallest_subnormal) for leaf in leaves)
        gradient: Any = np.concatenate([part.reshape(-1) for part in parts])
        entries = _moved(gradient, smallest, self.rng)
        size = float(_moved((again * start).sum(), smallest, self.rng))
        size += abs(float(np.vdot(self.seed, cost.data)))
        return Allowed(unit * entries + least, unit * size + least)

    def behaviour(self, gradients: list[Any], allowed: Allowed, exact: bool) -> Iterator[Check]:
        """The value itself, side effects, repeatability, linearity and layouts."""
        leaves, cost = self.recording
        if exact:
            found = float(np.vdot(self.seed, cost.data))
            right = Replay(cost, leaves, self.seed).value(self.point)
            detail = f"the function itself is {found:.10g} and should be {right:.10g}"
            yield Check("value", not abs(found - right) > allowed.value, detail)
        leaves, cost = self.record(self.arrays)
        held = [(each, [np.array(x) for x in _held(each)]) for each in nodes(cost)]
        seed, lent = self.seed, self.seed.copy()
        first = grad(cost, leaves, lent)
        yield Check("seed not mutated", not differ(seed, lent), "a rule wrote into the seed")
        touched = listed(
            "an input" if each.function is None else f"what {spelling(each.function)} holds"
            for each, before in held
            if any_differ(_held(each), before)
        )
        yield Check("values not mutated", not touched, f"a rule wrote into {touched}")
        fresh = self.gradient(self.arrays)
        same = not any_differ(first, fresh) and not any_differ(first, grad(cost, leaves, seed))
        yield Check("the same answer twice", same, "called again with the same input it differs")
        passes = list(_passes(cost, seed))
        yield from self._linear((leaves, cost), passes, flat(first), allowed.entries)
        narrow = listed(
            spelling(each.function)
            for each, position, g, passed in passes
            if passed.dtype.itemsize < min(g.dtype.itemsize, each.args[position].dtype.itemsize)
        )
        detail = f"the rule of {narrow} returns fewer digits"
        yield Check("precision kept", not narrow, detail)
        forgotten = listed(_without_a_rule(cost, leaves))
        detail = f"{forgotten} has no rule (None), although the value depends on it"
        yield Check("every argument differentiated", not forgotten, detail)
        yield from self.layouts(allowed.entries)

    def _linear(
        self, recording: Recording, passes: list[Any], once: Array, tolerance: Array
    ) -> Iterator[Check]:
        """A gradient is linear in its seed, large or small, and nothing comes of nothing.

        The seed is multiplied by powers of 2, as far as no number of the sweep leaves its range.
        """
        (leaves, cost), seed = recording, self.seed
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


def _moved(target: Tensor, smallest: float, rng: np.random.Generator) -> Array:
    """How far a recorded result moves for a relative error of 1 in every value, or its own size."""
    samples = []
    for seed in rng.integers(2**32, size=SAMPLES):
        for size in (SIZE, -SIZE):
            disturbed = Disturbed(size, smallest, np.random.default_rng(seed))
            samples.append(replay(target, {}, disturbed.off, disturbed))
    with np.errstate(all="ignore"):
        moved = np.abs(np.array(samples) - target.data) / SIZE
    moved = np.where(np.isfinite(moved), moved, 0.0)  # a value can fall out of a domain
    return moved.max(axis=0) + np.abs(np.nan_to_num(target.data))


def _held(each: Tensor) -> list[Array]:
    """The value of a node, and the constants it was computed from."""
    return [each.data, *(arg for arg in each.args if isinstance(arg, np.ndarray))]


def _passes(cost: Tensor, seed: Array) -> Iterator[tuple[Tensor, int, Array, Array]]:
    """Each product of the sweep: node, argument, what arrives and what its rule makes of it."""
    for each, position, g, _, _ in sweep(cost, seed):
        kwargs = dict(each.kwargs)
        if each.residual is not None:
            kwargs["residual"] = each.residual
        passed = TABLE[each.function].rules[position](g, each.data, *each.values, **kwargs)
        yield each, position, np.asarray(g), np.asarray(passed)


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
    return differ(*values)
