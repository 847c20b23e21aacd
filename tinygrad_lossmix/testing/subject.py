"""What is checked: a function of Tensors, or a pair of plain functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.constants import native
from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.replay import holds_constants, in_floats, replay

Array = Any


class Arguments:
    """A function, its arguments, and which of them it is differentiated by.

    Args:
        f: called with one argument for each input.
        inputs: arrays, numbers or Tensors; others are handed to f as they are.
        wrt: positions among them.
    """

    def __init__(self, f: Callable[..., Any], inputs: Sequence[Any], wrt: tuple[int, ...]) -> None:
        self.f = f
        self.inputs = inputs
        self.wrt = wrt
        self.arrays = [np.array(inputs[i]) for i in wrt]

    @property
    def point(self) -> Array:
        """All entries that it is differentiated by, flat, in float64."""
        return np.concatenate([a.reshape(-1).astype(np.float64) for a in self.arrays])

    def split(self, flat: Array) -> list[Array]:
        """The flat entries as the arrays they belong to."""
        parts, start = [], 0
        for a in self.arrays:
            parts.append(flat[start : start + a.size].reshape(a.shape))
            start += a.size
        return parts

    def inputs_at(self, flat: Array) -> list[Array]:
        """The same in the dtypes of the arguments."""
        parts = self.split(flat)
        return [p.astype(a.dtype) for p, a in zip(parts, self.arrays, strict=True)]

    def place(self, i: int) -> tuple[int, tuple[int, ...]]:
        """The argument and the index in it of a flat entry."""
        for position, array in zip(self.wrt, self.arrays, strict=True):
            if i < array.size:
                return position, tuple(int(k) for k in np.unravel_index(i, array.shape))
            i -= array.size
        raise IndexError(i)

    def arguments(self, given: Sequence[Any]) -> list[Any]:
        """All arguments of f, copies where they are arrays."""
        every = [x.copy() if isinstance(x, np.ndarray) else x for x in self.inputs]
        for position, x in zip(self.wrt, given, strict=True):
            every[position] = x
        return every


class Recorded(Arguments):
    """A function of Tensors; its gradient is the engine's."""

    def __init__(self, f: Callable[..., Any], inputs: Sequence[Any], wrt: tuple[int, ...]) -> None:
        super().__init__(f, inputs, wrt)
        self._leaves, self._cost = self.record(self.arrays)
        self._held = holds_constants(self._cost)

    def at(self, arrays: Sequence[Array]) -> Recorded:
        """The same at other arrays, recorded again."""
        return Recorded(self.f, self.arguments(arrays), self.wrt)

    def seed(self, rng: np.random.Generator) -> Array:
        """1 for a number, else random numbers in the shape of the value."""
        shape = self._cost.shape
        return np.asarray(rng.normal(size=shape) if shape else 1.0, dtype=self._cost.dtype)

    def record(self, arrays: Sequence[Array]) -> tuple[list[Tensor], Tensor]:
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
        if self._held and arrays[0].dtype.kind == "f":
            fresh = dict(zip(self._leaves, arrays, strict=True))
            return replay(self._cost, fresh, lambda data: data, in_floats)
        if arrays[0].dtype.kind == "c":
            return np.asarray(self.f(*self.arguments(arrays)))
        return self.record(arrays)[1].data

    def gradient(self, arrays: Sequence[Array], seed: Array) -> list[Any]:
        """What is under test, a gradient for each array: the sweep, on a new recording."""
        leaves, cost = self.record(arrays)
        return list(grad(cost, leaves, seed))

    def recording(self) -> tuple[list[Tensor], Tensor]:
        """The leaves and the cost of f at the inputs."""
        return self._leaves, self._cost


class Pair(Arguments):
    """A plain function of arrays that returns a number, and its gradient written by hand."""

    def __init__(
        self,
        f: Callable[..., Any],
        by_hand: Callable[..., Any],
        inputs: Sequence[Any],
        wrt: tuple[int, ...],
    ) -> None:
        super().__init__(f, inputs, wrt)
        self.by_hand = by_hand
        self._recording = self._recorded()

    def at(self, arrays: Sequence[Array]) -> Pair:
        """The same at other arrays."""
        return Pair(self.f, self.by_hand, self.arguments(arrays), self.wrt)

    def seed(self, rng: np.random.Generator) -> Array:
        """Of a number: 1."""
        return np.asarray(1.0)

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

    def gradient(self, arrays: Sequence[Array], seed: Array) -> list[Any]:
        """What is under test: the gradient by hand, which gets these arrays themselves."""
        self.handed = self.arguments(arrays)
        found = self.by_hand(*self.handed)
        return list(found) if len(self.wrt) > 1 and isinstance(found, tuple | list) else [found]

    def recording(self) -> tuple[list[Tensor], Tensor] | None:
        """The leaves and the cost of f called with Tensors, where that gives the same number."""
        return self._recording

    def _recorded(self) -> tuple[list[Tensor], Tensor] | None:
        leaves = [Tensor(a) for a in self.arrays]
        try:
            cost = self.f(*self.arguments(leaves))
        except Exception:  # it was written for arrays, and need not take anything else
            return None
        if not isinstance(cost, Tensor) or cost.size != 1 or not set(leaves) <= set(nodes(cost)):
            return None
        detached = any(each.function is constant.recorded for each in nodes(cost))  # type: ignore[attr-defined]
        same = np.allclose(cost.data, self.value(self.arrays), rtol=1e-6, equal_nan=True)
        return (leaves, cost) if same and not detached else None


Subject = Recorded | Pair


def subject_of(f: Any, inputs: Sequence[Any], wrt: Any) -> Subject:
    """What `gradcheck` was given, checked.

    Raises:
        TypeError: f is neither callable nor a pair, an input is not made of real numbers.
        ValueError: no input, or wrt is no position among them.
    """
    if isinstance(f, tuple):
        if len(f) != 2 or not all(map(callable, f)):
            raise TypeError("a pair is (function, its gradient): a tuple of two functions")
    elif not callable(f):
        raise TypeError(
            f"gradcheck takes a function or a pair (function, its gradient), not {type(f).__name__}"
        )
    if not inputs:
        raise ValueError("gradcheck needs the inputs to check at: gradcheck(f, x)")
    plain = [_plain(x) for x in inputs]
    positions = _positions(plain, wrt)
    for i in positions:
        plain[i] = _floats(plain[i], i)
    if isinstance(f, tuple):
        return Pair(f[0], f[1], plain, positions)
    return Recorded(f, plain, positions)


def _plain(x: Any) -> Any:
    """Arrays for Tensors and lists; anything else stays."""
    if isinstance(x, Tensor):
        return x.data.copy()
    return np.array(x) if isinstance(x, list | np.ndarray) else x


def _positions(inputs: list[Any], wrt: Any) -> tuple[int, ...]:
    if wrt is not None:
        chosen = wrt if isinstance(wrt, tuple | list) else (wrt,)
        if not chosen or not all(isinstance(i, int | np.integer) for i in chosen):
            raise TypeError(f"wrt is the position of an input or a tuple of them, not {wrt!r}")
        if not all(-len(inputs) <= i < len(inputs) for i in chosen):
            raise ValueError(f"wrt={wrt}, but there are {len(inputs)} inputs")
        return tuple(dict.fromkeys(int(i) % len(inputs) for i in chosen))
    kinds = [np.asarray(x).dtype.kind for x in inputs]
    floats = tuple(i for i, kind in enumerate(kinds) if kind == "f")
    return floats or tuple(i for i, kind in enumerate(kinds) if kind in "iu") or (0,)


def _floats(x: Any, i: int) -> Array:
    array = np.asarray(x)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if array.dtype.kind != "f" or isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            f"input {i} is differentiated and must be made of real numbers, not {array.dtype}: "
            "convert it, or leave it out of wrt"
        )
    return native(array)
