"""Sums of a Tensor times constants, however they are written: summed, dotted, by einsum."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.rewrite.matching.structure import reduced, sides


class Contraction(NamedTuple):
    """Σ w·x over axes of x."""

    x: Tensor
    w: Any  # a constant
    axes: tuple[int, ...]
    keepdims: bool


def contraction(node: Tensor) -> Contraction | None:
    """Σ w·x with x of the product's shape; None for anything else."""
    if node.function is np.sum:
        inside = node.args[0]
        if inside.function is np.multiply:
            for x, w in sides(inside):
                if type(x) is Tensor and type(w) is not Tensor and x.shape == inside.shape:
                    return Contraction(x, w, reduced(node), node.ndim == inside.ndim)
    elif node.function is np.matmul and node.ndim == 0:
        for x, w in sides(node):
            if type(x) is Tensor and type(w) is not Tensor:
                return Contraction(x, w, (0,), False)
    elif node.function is np.einsum:
        terms, out = node.kwargs["subscripts"].split("->")
        one, other = terms.split(",")
        kept = [c for c in one if c in out]
        if one == other and len(set(one)) == len(one) and "".join(kept) == out:
            for x, w in sides(node):
                if (
                    type(x) is Tensor
                    and type(w) is not Tensor
                    and x.shape == getattr(w, "shape", ())
                ):
                    axes = tuple(i for i, c in enumerate(one) if c not in out)
                    return Contraction(x, w, axes, False)
    return None


def one_hot(found: Contraction) -> Array | None:
    """Where w is 1, if it picks one entry of each sum; None where it does not, or is not known."""
    w = found.w
    if type(w) is not np.ndarray or w.shape != found.x.shape or not found.axes:
        return None
    mask = w == 1
    if not (mask | (w == 0)).all() or not (mask.sum(axis=found.axes) == 1).all():
        return None
    return mask
