"""What is checked, a function and its gradient, and what any gradient has to be besides right."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.check_report import Check
from tinygrad_lossmix.testing.methods import richardson, sizes

Recording = tuple[list[Tensor], Tensor]  # leaves and cost


class Allowed(NamedTuple):
    """What rounding may do to each entry of a gradient, and to the value."""

    entries: Array
    value: float


class Subject(ABC):
    """A function, its gradient, the arguments, and which of them it is differentiated by.

    Args:
        given: what `gradcheck` was given; the function is called with one argument for each input.
        inputs: arrays, numbers or Tensors; others are handed to f as they are.
        wrt: positions among them.
        rng: for seeds and directions.
    """

    recording: Recording | None  # where the function has one
    seed: Array = np.float64(1.0)  # it is <seed, f> that is differentiated
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

    def split(self, entries: Array) -> list[Array]:
        """The flat entries as the arrays they belong to."""
        return split(entries, self.arrays)

    def inputs_at(self, entries: Array) -> list[Array]:
        """The same in the dtypes of the arguments."""
        parts = self.split(entries)
        return [p.astype(a.dtype) for p, a in zip(parts, self.arrays, strict=True)]

    def number(self, entries: Array) -> Any:
        """<seed, f> at flat entries, real or complex."""
        value = np.vdot(self.seed, self.value(self.split(entries)))
        return value if entries.dtype.kind == "c" else float(value)

    def slopes(self, entries: Array) -> Array:
        """The gradient under test at flat entries, flat."""
        return flat(self.gradient(self.inputs_at(entries)))

    def ulps_away(self, count: int) -> Array:
        """Flat entries off by an ulp or a few, a row for each of so many points."""
        signs = self.rng.choice([-3.0, -1.0, 2.0], size=(count, len(self.point)))
        return self.point * (1.0 + signs * self.unit)

    @property
    def places(self) -> list[tuple[int, tuple[int, ...]]]:
        """The argument and the index in it of every flat entry."""
        each = zip(self.wrt, self.arrays, strict=True)
        return [(position, index) for position, array in each for index in np.ndindex(array.shape)]

    def arguments(self, given: Sequence[Any]) -> list[Any]:
        """All arguments of f, copies where they are arrays."""
        every = [x.copy() if isinstance(x, np.ndarray) else x for x in self.inputs]
        for position, x in zip(self.wrt, given, strict=True):
            every[position] = x
        return every

    def at(self, arrays: Sequence[Array]) -> Self:
        """The same at other arrays."""
        return type(self)(self.given, self.arguments(arrays), self.wrt, self.rng)

    def form(self, gradients: list[Any]) -> Iterator[Check]:
        """Number, shape, dtype and finiteness of the gradients as they came."""
        if len(gradients) != len(self.arrays):
            detail = f"{len(gradients)} gradients for {len(self.arrays)} arguments"
            yield Check("shape", False, detail)
            return
        shapes, dtypes, finite = [], [], []
        for position, g, x in zip(self.wrt, gradients, self.arrays, strict=True):
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

    def layouts(self, tolerance: Array) -> Iterator[Check]:
        """The same for arrays that lie differently in memory, and for those that are read-only."""
        expected = flat(self.gradient([a.copy() for a in self.arrays]))
        read_only = lambda x: np.broadcast_to(x.copy(), x.shape)
        for name, lay in (("strided inputs", _strided), ("read-only inputs", read_only)):
            try:
                found = flat(self.gradient([lay(a) for a in self.arrays]))
                off = np.abs(found - expected) > 4.0 * tolerance
                yield Check(name, not np.any(off), "the gradient differs for them")
            except Exception as error:
                yield Check(name, False, f"the gradient raises {type(error).__name__}: {error}")


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


def _strided(x: Array) -> Array:
    """The same values, every other one of a larger array, axes in Fortran order."""
    wide: Any = np.zeros(tuple(2 * n for n in x.shape), dtype=x.dtype, order="F")
    view = wide[(..., *[slice(None, None, 2)] * x.ndim)]
    view[...] = x
    return view


def differ(a: Any, b: Any) -> bool:
    """Whether two arrays differ in a bit, in shape or in dtype."""
    a, b = np.asarray(a), np.asarray(b)
    return (
        (a.shape, a.dtype) != (b.shape, b.dtype)
        or not np.array_equal(a, b, equal_nan=True)
        or not np.array_equal(np.signbit(a.real), np.signbit(b.real))
    )


def any_differ(some: Iterable[Any], others: Iterable[Any]) -> bool:
    """Whether any two of them do."""
    return any(map(differ, some, others))


def listed(names: Iterable[Any]) -> str:
    """Each once."""
    return ", ".join(dict.fromkeys(map(str, names)))


def flat(arrays: list[Array]) -> Array:
    """All entries, one after the other, in float64."""
    return np.concatenate([np.asarray(a, dtype=np.float64).reshape(-1) for a in arrays])


def split(entries: Array, like: Sequence[Any]) -> list[Array]:
    """The flat entries as arrays of the same shapes as these."""
    ends = np.cumsum([each.size for each in like])[:-1]
    parts = zip(np.split(entries, ends), like, strict=True)
    return [part.reshape(each.shape) for part, each in parts]
