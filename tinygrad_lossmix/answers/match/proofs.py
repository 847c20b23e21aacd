"""Is an output layer proved to be a gradient, and by what?"""

from itertools import combinations

import numpy as np

from tinygrad_lossmix.answers.match.layer import Layer
from tinygrad_lossmix.compiler.ir.program import TracedProgram
from tinygrad_lossmix.compiler.ir.trace import Traced

LONGEST = 2000  # operations of a formula: SymPy takes minutes for more


@np.errstate(all="ignore")
def proof(layer: Layer) -> str:
    """What proves that the Jacobian is symmetric at all logits; empty where nothing does.

    >>> proof(Layer(np.tanh, 3))
    'each output depends on its own logit alone'
    """
    if layer.classes == 1 or elementwise(layer):
        return "each output depends on its own logit alone"
    return "by symbols, at all logits" if symmetric(layer) else ""


def elementwise(layer: Layer) -> bool:
    """Whether all that the traced layer calls is computed entry by entry."""
    program, shape = TracedProgram(), (layer.classes,)
    try:
        a = layer.function(program.argument("z", np.zeros(shape)))
    except Exception:  # of many kinds: it asks for a number, or leaves NumPy
        return False
    ufuncs = all(  # those with a signature are np.matmul and its like
        getattr(each.function, "signature", "") is None or each.function is np.where
        for each in program.calls
    )
    return type(a) is Traced and ufuncs and {x.shape for x in (a, *program.calls)} == {shape}


def symmetric(layer: Layer) -> bool:
    """Whether J is, as formulas of E = e^z; False also where they cannot be had."""
    try:
        from tinygrad_lossmix.engine.sweep import accumulated, sweep
        from tinygrad_lossmix.proof.derivation import expressions, sympy, variable

        z = variable(list(map(sympy.log, sympy.symbols(f"E:{layer.classes}", positive=True))))
        a = layer.book(z)
        units = [
            variable(list(map(sympy.Integer, e)))._value for e in np.eye(layer.classes, dtype=int)
        ]
        rows = [expressions(accumulated(a, unit, sweep(a, unit))[z]) for unit in units]
        gaps = [rows[k][j] - rows[j][k] for j, k in combinations(range(layer.classes), 2)]
        return sum(map(sympy.count_ops, gaps)) < LONGEST and not any(map(sympy.cancel, gaps))
    except Exception:  # SymPy is missing, or the layer calls what symbols do not know
        return False
