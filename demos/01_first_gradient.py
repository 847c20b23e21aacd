"""A Tensor remembers how it was computed; that is all a gradient needs."""

import numpy as np

import tinygrad_lossmix as lm

# Write NumPy. Whatever touches a Tensor is recorded.
x = lm.Tensor([1.0, 2.0, 3.0], name="x")
cost = np.log(np.exp(x).sum())
print("cost              ", cost)

# The gradient, by the chain rule, from the cost back to x ...
gradient = lm.grad(cost, x)
print("gradient          ", gradient)

# ... and by finite differences, which need no rule at all.
h = 1e-6
differences = [
    np.log(np.exp(x.data + h * e).sum()) - np.log(np.exp(x.data - h * e).sum()) for e in np.eye(3)
]
print("finite differences", np.array(differences) / (2 * h))

# What was recorded, one line per operation:
print()
print(lm.tree(cost))
