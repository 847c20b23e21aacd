"""The backward pass is recorded too, so it can be differentiated again."""

import numpy as np

import tinygrad_lossmix as lm

x = lm.Tensor(2.0, name="x")
y = x**5
for order in (1, 2, 3):
    y = lm.grad(y, x, create_graph=True)
    print(f"derivative {order} of x^5 at 2:", y.item())


def hessian(cost, z):
    """Row by row: the gradient of each component of the gradient."""
    slope = lm.grad(cost, z, create_graph=True)
    return np.array([lm.grad(slope, z, seed=row) for row in np.eye(z.size)])


print("\nIs the cost convex in the logits? The smallest eigenvalue of the Hessian at a bad start,")
print("z = [-2, 3, -2], right class 0:")
for mix in lm.MIXES:
    z = lm.Tensor([-2.0, 3.0, -2.0])
    h = hessian(mix.composed(z, 0), z)
    assert np.allclose(h, mix.hessian(z.data, 0))
    print(f"  {mix!s:26} {np.linalg.eigvalsh(h)[0]:8.4f}")
