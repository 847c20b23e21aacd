"""A derivative is a line in a table; add yours, for NumPy's functions or your own."""

import numpy as np

import tinygrad_lossmix as lm

# A NumPy function without a rule says so, and how to add one.
try:
    np.arctan(lm.Tensor(1.0))
except TypeError as error:
    print(error)

lm.derivative(np.arctan, lambda g, z, x: g / (1 + x * x))
x = lm.Tensor(1.0)
print("\narctan'(1) =", float(lm.grad(np.arctan(x), x)))


# Any function of arrays will do, and the rule is differentiated in its turn.
def focal(a):
    """The focal loss -(1 - a)² ln a."""
    return -((1 - a) ** 2) * np.log(a)


focal = lm.derivative(focal, lambda g, z, a: g * (2 * (1 - a) * np.log(a) - (1 - a) ** 2 / a))
a = lm.Tensor(0.3)
once = lm.grad(focal(a), a, create_graph=True)
h = 1e-5
print("by the rule       ", once.item())
print("finite differences", (focal(0.3 + h) - focal(0.3 - h)) / (2 * h))
print("second derivative ", float(lm.grad(once, a)))
