"""The names of what a node can be."""

import numpy as np

from tinygrad_lossmix.compiler.patterns.idioms import KINDS


def test_an_idiom_has_a_name_of_its_own():
    """Else an output layer called tanh is taken for the hyperbolic tangent."""
    named = [kind for function, kind in KINDS.items() if function is not np.expm1]
    assert len({*named, "total"}) == len(named) + 1
