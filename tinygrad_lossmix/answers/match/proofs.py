"""Is an output layer proved to be a gradient, and by what?"""

import numpy as np

from tinygrad_lossmix.answers.match.layer import Layer
from tinygrad_lossmix.compiler.ir.program import TracedProgram
from tinygrad_lossmix.compiler.ir.trace import Traced, operands

LONGEST = 2000  # operations of a formula: SymPy takes minutes for more


def proof(layer: Layer) -> str:
    """What proves that the Jacobian is symmetric at all logits; empty where nothing does.

    >>> proof(Layer(np.tanh, 3))
    'each output depends on its own logit alone'
    """
    with np.errstate(all="ignore"):
        if layer.classes == 1 or elementwise(layer):
            return "each output depends on its own logit alone"
        return "by symbols, at all logits" if symmetric(layer) else ""


def elementwise(layer: Layer) -> bool:
    """Whether the traced layer is made of functions that NumPy computes entry by entry."""
    program, shape = TracedProgram(), (layer.classes,)
    try:
        waiting = [layer.function(program.argument("z", np.zeros(shape)))]
        while waiting:
            call = waiting.pop()
            if type(call) is not Traced or call.shape != shape:
                return False
            if call.function is not None:
                of = getattr(call.function, "signature", "")  # None: of a ufunc, not of np.matmul
                if of is not None and call.function is not np.where:
                    return False
                waiting += operands(call)
    except Exception:  # of many kinds: it asks for a number, or leaves NumPy
        return False
    return True


def symmetric(layer: Layer) -> bool:
    """Whether J is, as formulas of E = e^z; False also where they cannot be had."""
    try:
        from tinygrad_lossmix.engine.sweep import accumulated, sweep
        from tinygrad_lossmix.proof.derivation import expressions, sympy, variable

        e = sympy.symbols(f"E:{layer.classes}", positive=True)
        z = variable([sympy.log(each) for each in e])
        a = layer.book(z)
        rows = []
        for k in range(layer.classes):
            seed = variable([sympy.Integer(i == k) for i in range(layer.classes)])._value
            rows.append(expressions(accumulated(a, seed, sweep(a, seed))[z]))
        every = range(layer.classes)
        gaps = [rows[j][k] - rows[k][j] for j in every for k in every if j < k]
        return sum(map(sympy.count_ops, gaps)) < LONGEST and not any(map(sympy.cancel, gaps))
    except Exception:  # SymPy is missing, or the layer calls what symbols do not know
        return False
