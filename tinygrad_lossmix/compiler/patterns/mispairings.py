"""Output layers applied to what an output layer gave: known mistakes, and what they look like.

Outputs between 0 and 1, taken for logits, can never push the next output far: the cost gets stuck
on a floor.
"""

import math

import numpy as np

from tinygrad_lossmix.compiler.patterns.idioms import VIEWS, Idioms
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.layers import LAYERS, PAIR_OF, PAIRS

OUTPUT_OF = {cost: output for cost, (output, _) in PAIR_OF.items()}  # by what a node holds
OUTPUT_OF |= {
    function: name
    for name, layer in LAYERS.items()
    for function in layer.rows
    if function is not layer.potential
}


class WrongPairing(UserWarning):
    """An output layer is applied to what another one gave."""


def wrong_pairings(cost: Tensor, idioms: Idioms) -> tuple[str, ...]:
    """A line for each kind of wrong pairing in a recording."""
    found: dict[tuple[str, str], tuple[int, ...]] = {}
    for node in nodes(cost):
        outer = OUTPUT_OF.get(node.function)
        if outer is None:
            continue
        u = node.args[0]
        while type(u) is Tensor and u.function in VIEWS and idioms.find(u) is None:
            u = u.args[0]
        inner = idioms.is_a(u, *LAYERS)
        if inner is not None:
            found.setdefault((outer, inner.kind), node.args[0].shape)
    return tuple(_words(outer, inner, shape) for (outer, inner), shape in found.items())


def _words(outer: str, inner: str, shape: tuple[int, ...]) -> str:
    k = shape[-1] if shape else 1
    if outer == "softmax":
        floor = math.log1p((k - 1.0) / math.e)
        stuck = f"log-likelihood stops at ln(1 + (K - 1)/e), {floor:.4f} for K = {k}"
    elif outer == "lml":
        first = np.equal(np.arange(k), 0).astype(float)
        floor = float(PAIRS["lml", "ce"].evaluate(first, first)[0])
        stuck = f"cross-entropy stops at {floor:.4f} for one of K = {k}"
    else:
        on, off = math.log1p(1.0 / math.e), math.log(2.0)
        stuck = (
            f"cross-entropy stops at ln(1 + 1/e) = {on:.4f} for each label 1 and ln 2 = {off:.4f} "
            f"for each label 0, {on + (k - 1.0) * off:.4f} for one of K = {k}"
        )
    return (
        f"{outer} of {inner}: an output layer is given outputs, between 0 and 1, where it takes "
        f"logits; expect a plateau: {stuck}. Give it the logits"
    )
