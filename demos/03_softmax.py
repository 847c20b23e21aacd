"""Softmax outputs compete: what one gains, all the others lose."""

import numpy as np

import tinygrad_lossmix as lm

z = np.array([2.0, 1.0, 0.0, -1.0])
print("softmax", lm.softmax(z), " sum", lm.softmax(z).sum())
print("sigmoid", lm.sigmoid(z), " sum", lm.sigmoid(z).sum())


def jacobian(output, z):
    """∂a_k/∂z_j, row k: one sweep per output."""
    t = lm.Tensor(z)
    a = output(t)
    return np.array([lm.grad(a, t, seed=row) for row in np.eye(len(z))])


print("\nRaise the first logit by 1:")
raised = z + np.array([1, 0, 0, 0])
print("softmax", lm.softmax(raised) - lm.softmax(z))
print("sigmoid", lm.sigmoid(raised) - lm.sigmoid(z))

print("\nThe Jacobian of the output layer, row k holds da_k/dz:")
for output in (lm.book.softmax, lm.book.sigmoid):
    j = jacobian(output, z)
    print(f"{output.__name__}, rank {np.linalg.matrix_rank(j)} of {len(z)}")
    print(j.round(4))
