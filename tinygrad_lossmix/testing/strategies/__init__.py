"""Hypothesis strategies for gradients: shapes, arrays, logits, labels, programs.

A loss of your own is property-tested in five lines; `examples` draws logits and labels that belong
together, from moderate numbers to the far tails:

>>> import numpy as np
>>> from hypothesis import given
>>> import tinygrad_lossmix as lm
>>> from tinygrad_lossmix.testing import strategies
>>> @given(strategies.examples(labels="soft"))
... def test_delta_is_a_minus_y(example):
...     z, y = example
...     loss = lambda z: (lm.logsumexp(z) - (z * y).sum(axis=-1)).sum()
...     np.testing.assert_allclose(lm.value_and_grad(loss)(z)[1], lm.softmax(z) - y, atol=1e-12)
>>> test_delta_is_a_minus_y()

Each shrinks to something small: few axes, C order, zeros, class 0, the one step that matters.
"""

from tinygrad_lossmix.installation import needing

with needing("verify", "strategies are for hypothesis"):
    import hypothesis as hypothesis

from tinygrad_lossmix.testing.behaviour import LAYOUTS, laid_out
from tinygrad_lossmix.testing.strategies.arrays import (
    arrays,
    broadcastable,
    indices,
    matmul_shapes,
    separated,
    shapes,
    tensors,
)
from tinygrad_lossmix.testing.strategies.examples import (
    KINDS,
    REGIMES,
    examples,
    labels,
    logits,
    mixes,
)
from tinygrad_lossmix.testing.strategies.programs import Program, programs

__all__ = [
    "KINDS", "LAYOUTS", "REGIMES", "Program", "arrays", "broadcastable", "examples", "indices",
    "labels", "laid_out", "logits", "matmul_shapes", "mixes", "programs", "separated", "shapes",
    "tensors",
]  # fmt: skip
