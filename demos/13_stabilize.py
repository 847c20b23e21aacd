"""A formula of the book at large logits, and the same recording made stable."""

import numpy as np

import tinygrad_lossmix as lm

z = lm.Tensor([1000.0, 0.0, -1000.0], name="z")
with np.errstate(all="ignore"):
    a = np.exp(z) / np.exp(z).sum()
    cost = -np.log(a)[1]
    print("written down:", cost.item(), lm.grad(cost, z))

stable = lm.stabilize(cost)
print("stabilised:  ", stable.item(), lm.grad(stable, z))
print()
print(lm.rewriting(cost))
