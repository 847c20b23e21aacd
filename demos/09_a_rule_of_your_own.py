"""A derivative is a line in a table; add yours, for NumPy's functions or your own."""

import numpy as np

import tinygrad_lossmix as lm

# A NumPy function without a rule says so, and how to add one.
try:
    np.sinc(lm.Tensor(0.5))
except TypeError as error:
    print(error)

lm.derivative(np.sinc, lambda g, z, x: g * (np.cos(np.pi * x) - z) / x)  # where x is not 0
x = lm.Tensor(0.5)
print("\nsinc'(1/2) =", float(lm.grad(np.sinc(x), x)), "= -4/π")


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
