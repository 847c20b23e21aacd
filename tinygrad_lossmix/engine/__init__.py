"""The autograd engine: the table of derivatives, the reverse sweep, Tensors.

Each file needs only those before it: table, rules, derivatives, refusals, freeze, sweep,
tensor, arrangements, numpy_calls, gradient, graph, replay.
"""

from tinygrad_lossmix.engine import numpy_calls as numpy_calls
from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.gradient import grad, value_and_grad
from tinygrad_lossmix.engine.table import derivative
from tinygrad_lossmix.engine.tensor import Tensor

__all__ = ["Tensor", "constant", "derivative", "grad", "value_and_grad"]
