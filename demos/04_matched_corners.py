"""Two pairs, one delta: sigmoid with cross-entropy, softmax with log-likelihood."""

import numpy as np

import tinygrad_lossmix as lm

z = lm.Tensor([2.0, 1.0, 0.0], name="z")
y = np.array([0.0, 1.0, 0.0])

for output, cost in [
    (lm.book.sigmoid, lm.book.cross_entropy),
    (lm.book.softmax, lm.book.log_likelihood),
]:
    a = output(z)
    a.name = "a"
    c = cost(a, y)
    print(f"{output.__name__} + {cost.__name__}")
    print("  a            ", a.data)
    print("  dC/da        ", lm.grad(c, a) + 0, " different in each pair")
    print("  delta = dC/dz", lm.grad(c, z))
    print("  a - y        ", a.data - y)
    assert np.allclose(lm.grad(c, z), a.data - y)
