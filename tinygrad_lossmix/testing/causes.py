"""Why a gradient is wrong: guesses from a catalogue of what goes wrong in backward passes.

A guess is a formula that gives the wrong numbers found; it is made only where it gives all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_lossmix.mixes.outputs import sigmoid, softmax
from tinygrad_lossmix.testing.clues import Clues

Array = Any

MOST = 3  # guesses that are reported


@dataclass(frozen=True)
class Evidence:
    """One argument: its value x, the gradient g that was given, the derivative t, the recording."""

    x: Array
    g: Array
    t: Array
    clues: Clues | None

    @property
    def rows(self) -> int:
        """The number of examples: all axes but the last."""
        return math.prod(self.x.shape[:-1])


def near(a: Array, b: Array) -> bool:
    """Whether two arrays are the same but for rounding and the error of a method."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or not np.all(np.isfinite(a) & np.isfinite(b)):
        return False
    return bool(np.all(np.abs(a - b) <= 1e-6 * np.abs(b) + 1e-9 * np.max(np.abs(b), initial=0.0)))


def causes(evidence: Evidence) -> list[str]:
    """The guesses that fit, the most telling first."""
    found: dict[str, str] = {}
    for guess in CATALOGUE:
        for text in guess(evidence):
            found.setdefault(text.partition(":")[0], text)
    if not found:
        return list(some_factor(evidence))
    return list(found.values())[:MOST]


def not_a_number(e: Evidence) -> Iterator[str]:
    """NaN or infinity."""
    if e.g.shape == e.t.shape and not np.all(np.isfinite(e.g)):
        yield (
            "NaN or infinity: 0·log 0, 0/0 or an overflow in the formula; use the stable form "
            "(log_softmax, softplus, Mix.cost)"
        )


def broadcasting(e: Evidence) -> Iterator[str]:
    """The sum over axes that broadcasting repeated x along."""
    extra = e.g.ndim - e.t.ndim
    if e.g.shape == e.t.shape or extra < 0:
        return
    repeated = [i + extra for i, n in enumerate(e.t.shape) if n == 1 != e.g.shape[i + extra]]
    axes = (*range(extra), *repeated)
    if near(e.g.sum(axis=axes).reshape(-1), e.t.reshape(-1)):
        yield (
            f"broadcasting is not undone: sum the gradient over axes {axes}, along which the "
            "argument was repeated"
        )


def transposed(e: Evidence) -> Iterator[str]:
    """Axes exchanged, as in x @ g for x.T @ g."""
    if e.t.ndim > 1 and near(e.g, e.t.T) and not near(e.g, e.t):
        yield "it is transposed: for z = x @ w the gradients are g @ w.T and x.T @ g"


def sign(e: Evidence) -> Iterator[str]:
    """The other sign."""
    if near(e.g, -e.t) and np.any(e.t):
        yield "the sign: it is minus the derivative"


def stopped_early(e: Evidence) -> Iterator[str]:
    """The gradient of something between the argument and the cost."""
    for what, gradient in e.clues.between() if e.clues and e.g.shape == e.t.shape else ():
        if near(e.g, gradient) and not near(e.t, gradient):
            yield what
            return


def sigmoid_factor(e: Evidence) -> Iterator[str]:
    """σ'(z) missing, or once too often."""
    if e.g.shape != e.t.shape:
        return
    slopes = [a * (1.0 - a) for a in e.clues.outputs_of("sigmoid")] if e.clues else []
    a = sigmoid(e.x)
    for slope in [*slopes, a * (1.0 - a)]:
        if slope.shape not in (e.t.shape, ()) or near(slope, np.ones_like(slope)):
            continue
        if near(e.g * slope, e.t) and np.any(e.t):
            yield "the factor sigma'(z) = a(1 - a) is missing: this is dC/da, dC/dz is wanted"
        elif near(e.g, e.t * slope) and np.any(e.t):
            yield "the factor sigma'(z) = a(1 - a) is there once too often"


def softmax_diagonal(e: Evidence) -> Iterator[str]:
    """Only the diagonal of the Jacobian of softmax."""
    for a, slope in e.clues.softmax_slopes() if e.clues else ():
        if near(e.g, slope * a * (1.0 - a)):
            yield (
                "the off-diagonal terms -a_j a_k of the softmax's Jacobian are missing: each "
                "output depends on every logit"
            )


def other_mix(e: Evidence) -> Iterator[str]:
    """a - y where it is not the delta."""
    for y in e.clues.constants(e.x.shape) if e.clues else ():
        for name, a in (("softmax", softmax(e.x)), ("sigmoid", sigmoid(e.x))) if e.x.ndim else ():
            for part in {1, e.rows}:
                if near(e.g * part, a - y) and not near(e.t * e.rows, a - y):
                    yield (
                        f"this is a - y with a = {name}(z): the delta of softmax with "
                        "log-likelihood and of sigmoid with cross-entropy, not of this pair"
                    )


def labels(e: Evidence) -> Iterator[str]:
    """The right outputs with the labels of another convention."""
    if not e.x.ndim or e.g.shape != e.x.shape:
        return
    for a in (softmax(e.x), sigmoid(e.x)):
        for part in {1, e.rows}:
            wanted, used = a - part * e.t, a - part * e.g
            if not _one_hot(wanted):
                continue
            right = wanted.argmax(axis=-1)
            if _one_hot(used):
                wrong = used.argmax(axis=-1)
                if np.array_equal(wrong, right):
                    continue
                shift = set(np.ravel((wrong - right) % e.x.shape[-1]).tolist())
                by = (
                    " (off by one: classes count from 0)" if shift <= {1, e.x.shape[-1] - 1} else ""
                )
                yield f"the labels: it takes class {wrong} for right, the cost class {right}{by}"
            elif near(used, np.broadcast_to(right[..., None], used.shape).astype(float)):
                yield "the labels: class numbers were subtracted; make them one-hot first"


def _one_hot(y: Array) -> bool:
    return near(np.sort(y, axis=-1)[..., -1], np.ones(y.shape[:-1])) and near(
        np.abs(y).sum(axis=-1), np.ones(y.shape[:-1])
    )


def axis(e: Evidence) -> Iterator[str]:
    """Softmax over the examples instead of the classes."""
    if e.x.ndim < 2 or e.g.shape != e.x.shape:
        return
    over = softmax(e.x, axis=0) - softmax(e.x)
    for part in {1, e.rows}:
        if near(part * (e.g - e.t), over) and np.any(over):
            yield "the axis: softmax was taken over the examples (axis 0), not the classes (-1)"


def factor(e: Evidence) -> Iterator[str]:
    """A constant multiple of the derivative."""
    c = _multiple(e)
    if c is None:
        return
    if abs(c - 1.0) < 1e-13:
        return
    if abs(c - 1.0) < 1e-3:
        yield f"every entry is off by the same relative {c - 1.0:.4g}: a constant is inexact"
        return
    k = e.x.shape[-1] if e.x.ndim else 1
    names = {
        "n, the number of examples": e.rows,
        "K, the number of outputs": k,
        "n·K, the number of entries": e.x.size,
    }
    for name, number in names.items():
        if number > 1 and math.isclose(c, number, rel_tol=1e-6):
            yield f"it is {number} times too large, {name}: a sum where the cost takes a mean"
            return
        elif number > 1 and math.isclose(c * number, 1.0, rel_tol=1e-6):
            yield f"it is {number} times too small, {name}: a mean where the cost takes a sum"
            return
    for number in e.clues.lengths() if e.clues else ():
        if number > 2 and math.isclose(c * number, 1.0, rel_tol=1e-6):
            yield f"it is {number} times too small, the length of an axis: a mean in place of a sum"
            return
    if math.isclose(abs(c), 2.0, rel_tol=1e-6) or math.isclose(abs(c), 0.5, rel_tol=1e-6):
        yield f"a factor of {c:.4g}: the ½ of the quadratic cost, or the 2 of a square's derivative"


def some_factor(e: Evidence) -> Iterator[str]:
    """Any other multiple: said only where nothing else is known."""
    c = _multiple(e)
    if c is not None and abs(c - 1.0) > 1e-3:
        yield f"a constant factor: it is {c:.6g} times the derivative"


def _multiple(e: Evidence) -> float | None:
    """The c with g = c·t."""
    if e.g.shape != e.t.shape or not np.any(e.t) or not np.all(np.isfinite(e.g)):
        return None
    c = float(np.vdot(e.t, e.g)) / float(np.vdot(e.t, e.t))
    return c if c and near(e.g, c * e.t) else None


def accumulation(e: Evidence) -> Iterator[str]:
    """One of several contributions."""
    parts = e.clues.contributions() if e.clues else []
    if len(parts) > 1 and any(near(e.g, part) for part in parts) and not near(e.g, e.t):
        yield (
            f"the argument is used {len(parts)} times, and only one contribution arrived: add them "
            "up"
        )


def shifted(e: Evidence) -> Iterator[str]:
    """The right numbers in the wrong places."""
    if e.g.shape != e.t.shape or e.g.ndim != 1 or near(e.g, e.t):
        return
    if near(np.sort(e.g), np.sort(e.t)) and not near(e.t, e.t[::-1]):
        yield "the right numbers at the wrong indices: an order or a shift"


def rounded(e: Evidence) -> Iterator[str]:
    """Digits lost: float32 in between, or a difference that cancels."""
    if e.g.shape != e.t.shape or not np.all(np.isfinite(e.g)):
        return
    error, scale = np.abs(e.g - e.t), np.abs(e.t)
    narrow = e.x.dtype == np.float64 and np.all(error <= 1e-6 * scale) and np.any(error)
    if narrow and np.array_equal(e.g, e.g.astype(np.float32).astype(np.float64)):
        yield "it was rounded to float32 on the way"
    if np.all(error <= 4.0 * np.finfo(e.x.dtype).eps) and np.any(error > 1e-3 * scale):
        yield (
            "cancellation: a difference such as a - y rounds to 0 in the tail; use a form without "
            "it (Mix.delta)"
        )


def partly_zero(e: Evidence) -> Iterator[str]:
    """Nothing, where there is something."""
    if e.g.shape != e.t.shape or not np.any(e.t):
        return
    if not np.any(e.g):
        yield "it is zero everywhere: nothing is passed back"
        return
    missing = (e.g == 0) & (e.t != 0)
    if np.any(missing) and near(np.where(missing, e.t, e.g), e.t):
        where = np.argwhere(missing)[:3].tolist()
        yield f"nothing arrives at some entries: {where}"


CATALOGUE: list[Callable[[Evidence], Iterator[str]]] = [
    not_a_number,
    broadcasting,
    transposed,
    sign,
    rounded,
    stopped_early,
    sigmoid_factor,
    other_mix,
    softmax_diagonal,
    labels,
    axis,
    factor,
    accumulation,
    shifted,
    partly_zero,
]
