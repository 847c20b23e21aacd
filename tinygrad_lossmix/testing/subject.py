"""What is checked: a function, its gradient, and the checks that such a gradient has to pass."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from operator import attrgetter
from typing import Any, Self

import numpy as np

from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.replay import computed, replay, undifferentiated
from tinygrad_lossmix.engine.table import REAL, Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.behaviour import any_differ, of_a_pair, of_the_engine
from tinygrad_lossmix.testing.check_report import Check
from tinygrad_lossmix.testing.methods import (
    BESIDE,
    EPS,
    Allowed,
    flat,
    in_float64,
    richardson,
    roughness,
    rounding,
    row_of,
    sizes,
    split,
)


class Subject(ABC):
    """A function, its gradient, the inputs, and the positions of those it is differentiated by.

    It is called with one argument for each; what is no array, number or Tensor as it is.
    """

    leaves: list[Tensor]  # of the recording, where the function has one
    cost: Tensor | None = None
    seed: Any = np.float64(1.0)  # it is <seed, f> that is differentiated
    by_hand: Callable[..., Any] | None = None  # its gradient, where that is not the engine's

    def __init__(
        self, given: Any, inputs: Sequence[Any], wrt: tuple[int, ...], rng: np.random.Generator
    ) -> None:
        self.given, self.inputs, self.wrt, self.rng = given, inputs, wrt, rng
        self.f = given
        self.arrays = [np.array(inputs[i]) for i in wrt]

    @abstractmethod
    def value(self, arrays: Sequence[Array]) -> Array:
        """The value of f at other arrays, real or complex."""

    @abstractmethod
    def gradient(self, arrays: Sequence[Array]) -> list[Any]:
        """What is under test, a gradient for each array."""

    @abstractmethod
    def allowed(self, analytic: Array, floor: bool = True) -> Allowed:
        """What rounding may do to a flat gradient; floor: an ulp of 1 too."""

    @abstractmethod
    def behaviour(self, gradients: list[Any], allowed: Allowed, exact: bool) -> Iterator[Check]:
        """What it has to be besides right; exact: its value was known in mpmath."""

    @property
    def point(self) -> Array:
        """All entries that it is differentiated by, flat, in float64."""
        return flat(self.arrays)

    @property
    def unit(self) -> float:
        """The coarsest rounding of an argument."""
        return max(float(np.finfo(a.dtype).eps) for a in self.arrays)

    def inputs_at(self, entries: Array) -> list[Array]:
        """The flat entries as the arrays they belong to, in the dtypes of the arguments."""
        parts = split(entries, self.arrays)
        return [p.astype(a.dtype) for p, a in zip(parts, self.arrays, strict=True)]

    def number(self, entries: Array) -> Any:
        """<seed, f> at flat entries, real or complex."""
        value = np.vdot(self.seed, self.value(split(entries, self.arrays)))
        return value if entries.dtype.kind == "c" else float(value)

    def slopes(self, entries: Array) -> Array:
        """The gradient under test at flat entries, flat."""
        return flat(self.gradient(self.inputs_at(entries)))

    def ulps_away(self, count: int) -> Array:
        """Flat entries off by an ulp or a few, a row for each of so many points."""
        signs = self.rng.choice([-3.0, -1.0, 2.0], size=(count, len(self.point)))
        return self.point * (1.0 + signs * self.unit)

    def arguments(self, given: Sequence[Any]) -> list[Any]:
        """All arguments of f, copies where they are arrays."""
        every = [x.copy() if isinstance(x, np.ndarray) else x for x in self.inputs]
        for position, x in zip(self.wrt, given, strict=True):
            every[position] = x
        return every

    def at(self, arrays: Sequence[Array]) -> Self:
        """The same at other arrays."""
        return type(self)(self.given, self.arguments(arrays), self.wrt, self.rng)

    def is_cut(self) -> bool:
        """Whether f depends on its arguments in a way that a recording does not show."""
        return False

    def elsewhere(self, gradients: list[Array], rtol: float, atol: float) -> Iterator[Check]:
        """<w, Jv> = <Jᵀw, v> at another input, for a random seed w and direction v, but for half
        the digits.

        f is called itself, always: what a recording does not see shows here, and what a gradient
        keeps from an earlier call. Where it cannot be said nothing is.
        """
        point, rng = self.point, self.rng
        x = np.where(point == 0.0, 0.1, point * rng.uniform(0.4, 0.6, size=len(point)))
        v = rng.normal(size=len(x)) * sizes(x)
        try:
            other = self.at(self.inputs_at(x))
            x = other.point
            found = other.gradient(other.inputs_at(x))
            pulled = float(flat(found) @ v)
            spread = [abs(other.slopes(near) @ v - pulled) for near in other.ulps_away(3)]
            pushed = richardson(lambda s: other.number(x + s[0] * v), np.zeros(1))
        except Exception:  # neither need be made for this input
            return
        slope = float(pushed.values[0])
        allowed = (np.sqrt(self.unit) + rtol) * np.abs(flat(found)) + 16.0 * self.unit + atol
        limit = 8.0 * max(spread) + float(allowed @ np.abs(v) + pushed.errors[0])
        off = abs(pulled - slope) - limit
        if not np.isfinite(off) or pushed.kinks[0]:
            return
        detail = f"the slope of the function in some direction is {slope:.6g}"
        detail += f", by its gradient {pulled:.6g}"
        if self.by_hand and np.any(flat(found)) and not any_differ(found, gradients):
            detail = "the gradient is still that of an earlier input: "
            detail += "it keeps something between calls"
        yield Check("right at another input", bool(off <= 0), detail)


class Recorded(Subject):
    """A function of Tensors; its gradient is the engine's."""

    cost: Tensor

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.leaves, self.cost = self.record(self.arrays)
        self._constants = _holds_constants(self.cost)

    @cached_property
    def seed(self) -> Array:  # type: ignore[override]
        """1 for a number, else random numbers in the shape of the value."""
        shape, dtype = self.cost.shape, self.cost.dtype
        return np.asarray(self.rng.normal(size=shape) if shape else 1.0, dtype)

    def record(self, arrays: Sequence[Array]) -> tuple[list[Tensor], Tensor]:
        """Call f on new Tensors that share these arrays."""
        leaves = [Tensor(a, copy=False) for a in arrays]
        cost = self.f(*self.arguments(leaves))
        if not isinstance(cost, Tensor):
            if isinstance(cost, tuple | list) or np.asarray(cost).dtype.kind not in REAL:
                kind = type(cost).__name__
                raise TypeError(f"the function must return a Tensor or a number, not {kind}")
            cost = Tensor(np.asarray(cost, dtype=arrays[0].dtype))
        return leaves, cost

    def value(self, arrays: Sequence[Array]) -> Array:
        """The value of f at other arrays, real or complex; what `constant` gave stays as it was."""
        if self._constants and arrays[0].dtype.kind == "f":
            return _replayed(self.leaves, self.cost, arrays)
        if arrays[0].dtype.kind == "c":
            return np.asarray(self.f(*self.arguments(arrays)))
        return self.record(arrays)[1].data

    def gradient(self, arrays: Sequence[Array]) -> list[Any]:
        """The sweep, on a new recording."""
        leaves, cost = self.record(arrays)
        return list(grad(cost, leaves, self.seed.copy()))

    def allowed(self, analytic: Array, floor: bool = True) -> Allowed:
        """What is measured on the recording."""
        return rounding(self.leaves, self.cost, self.seed, self.rng)

    def behaviour(self, gradients: list[Any], allowed: Allowed, exact: bool) -> Iterator[Check]:
        """The value itself, side effects, repeatability, linearity and layouts."""
        if exact:
            from tinygrad_lossmix.testing.highprecision import InMpmath

            found = float(np.vdot(self.seed, self.cost.data))
            right = InMpmath(self.cost, self.leaves, self.seed).value(self.point)
            detail = f"the function itself is {found:.10g} and should be {right:.10g}"
            yield Check("value", not abs(found - right) > allowed.value, detail)
        fresh = self.record(self.arrays)
        yield from of_the_engine(*fresh, self.gradient, self.arrays, self.seed, allowed.entries)

    def is_cut(self) -> bool:
        """Beside the inputs: a mask that depends on them may change at a kink."""
        step = 1e-3 * (1.0 + np.abs(self.point))
        beside, moved = (self.inputs_at(self.point + far * step) for far in (1.0, 1.01))
        leaves, cost = self.record(beside)
        if _holds_constants(cost):
            return False
        seen = _replayed(leaves, cost, moved)
        change = self.record(moved)[1].data - cost.data
        unseen = np.abs(change - (seen - cost.data))
        return bool(np.any(unseen > 1e-3 * np.abs(change) + 1e-9 * np.abs(cost.data)))


def _holds_constants(cost: Tensor) -> bool:
    """Whether something in a recording is computed from Tensors and yet not differentiated."""
    return any(map(undifferentiated, nodes(cost)))


def _replayed(leaves: list[Tensor], cost: Tensor, arrays: Sequence[Array]) -> Any:
    """The value for other arrays, along the recorded branch, in float64."""
    known = dict(zip(leaves, arrays, strict=True))
    return replay(cost, known, partial(in_float64, computed), attrgetter("data"))[cost]


class Pair(Subject):
    """A plain function of arrays that returns a number, and its gradient written by hand."""

    by_hand: Callable[..., Any]

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.f, self.by_hand = self.given
        self._record()

    def value(self, arrays: Sequence[Array]) -> Array:
        """The value of f at other arrays, of which it gets copies."""
        value = self.f(*self.arguments([a.copy() for a in arrays]))
        value = np.asarray(value.data if isinstance(value, Tensor) else value)
        if value.size != 1 or value.dtype.kind not in "fciu":
            raise ValueError(
                f"the function of a pair returns a number, not shape {value.shape} of "
                f"{value.dtype}: sum it, or weight its entries"
            )
        return value.reshape(())

    def gradient(self, arrays: Sequence[Array]) -> list[Any]:
        """The gradient by hand, which gets these arrays themselves."""
        return self._called(arrays)[0]

    def _called(self, arrays: Sequence[Array]) -> tuple[list[Any], list[Any]]:
        """The gradients, and all that the function was handed."""
        handed = self.arguments(arrays)
        found = self.by_hand(*handed)
        several = len(self.wrt) > 1 and isinstance(found, tuple | list)
        return list(found) if several else [found], handed

    def _record(self) -> None:
        """Call f with Tensors, and keep what is recorded where it gives the same number."""
        leaves = [Tensor(a) for a in self.arrays]
        try:
            cost = self.f(*self.arguments(leaves))
        except Exception:  # it was written for arrays, and need not take anything else
            return
        if not isinstance(cost, Tensor) or cost.size != 1 or not set(leaves) <= set(nodes(cost)):
            return
        detached = any(each.function is constant for each in nodes(cost))
        same = np.allclose(cost.data, self.value(self.arrays), rtol=1e-6, equal_nan=True)
        if same and not detached:
            self.leaves, self.cost = leaves, cost

    def allowed(self, analytic: Array, floor: bool = True) -> Allowed:
        """No recording of a gradient by hand: what it scatters by, and what an ulp of its input
        does.

        But for the scatter of a gradient that was rounded to float32: that is a fault in itself.
        """
        unit, point = self.unit, self.point

        def gradients(points: Array) -> Array:
            """They are called at the input itself elsewhere, where what they raise is reported."""
            try:
                return np.array([self.slopes(each) for each in points])
            except Exception:
                return np.full((len(points), len(point)), np.nan)

        spread = np.max(np.abs(gradients(self.ulps_away(4)) - analytic), axis=0, initial=0.0)
        digits = np.frexp(analytic)[0] * 2.0**12  # of what is not a short number by itself
        rounded = np.all(analytic == analytic.astype(np.float32)) and np.any(
            digits != digits.round()
        )
        for beside in () if unit <= EPS and rounded else BESIDE:
            rows = (gradients(row_of(point, s * max(beside, 8.0 * unit))) for s in (1.0, -1.0))
            scatter = 4.0 * np.fmin(*map(roughness, rows))
            near = beside == BESIDE[0]  # further off only where it is stuck between two floats
            spread = np.where(near, np.fmax(spread, scatter), spread)
            spread = np.where((spread == 0.0) & (scatter < 1e-10), scatter, spread)
            if np.all(spread > 0.0):
                break
        size = np.abs(np.nan_to_num(analytic, posinf=0.0, neginf=0.0))
        size = 32.0 * size + 4.0 * (np.max(size, initial=1.0) if floor else 0.0)
        return Allowed(4.0 * np.nan_to_num(spread, posinf=0.0) + unit * size, np.inf)

    def behaviour(self, gradients: list[Any], allowed: Allowed, exact: bool) -> Iterator[Check]:
        """Side effects, repeatability and layouts."""
        return of_a_pair(self._called, self.arrays, self.wrt, gradients, allowed.entries)
