"""The compiled cost of a mix as a file that runs by itself.

>>> import numpy as np
>>> text = standalone(Mix("softmax", "ll"), np.array([2.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0]))
>>> print(text[text.index("if __name__"):])
if __name__ == "__main__":
    from numpy import array
<BLANKLINE>
    z = array([2.0, 1.0, 0.0])
    y = array([1.0, 0.0, 0.0])
    print(*value_and_gradient(z, y, *working_arrays()), sep="\\n")
<BLANKLINE>
"""

import functools

from tinygrad_lossmix.compiler.compile import compile
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.mix import Mix


def standalone(mix: Mix, z: Array, y: Array) -> str:
    """Python text: a function of logits (K,) or (n, K) and labels of that shape for the cost and
    δ = ∂C/∂z, and a call of it with these.
    """
    step = compile(functools.partial(mix.cost))  # whose lines of source say nothing of the mix
    step(z, y)
    source = step.source
    working = ", *working_arrays()" if "def working_arrays" in source else ""
    return f'''"""The cost of {mix} and its derivative by the logits, as NumPy computes them.

The output delta is {mix.formula}, written so that its tails are exact. S is
the sum of the labels, e = a - y and r = a/(1 - a).
"""

{source.rstrip()}


if __name__ == "__main__":
    from numpy import array

    z = array({z.tolist()!r})
    y = array({y.tolist()!r})
    print(*value_and_gradient(z, y{working}), sep="\\n")
'''
