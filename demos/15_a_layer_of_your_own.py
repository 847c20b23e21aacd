"""An output layer of your own: is there a cost for it, which, and training with it."""

import numpy as np

import tinygrad_lossmix as lm


def bounded(z):
    """Outputs between -1 and 1, as of tanh, with heavier tails."""
    return z / np.sqrt(1.0 + z * z)


def normalised(z):
    """Sigmoids divided by their sum."""
    a = lm.sigmoid(z)
    return a / a.sum(axis=-1, keepdims=True)


# The rule: a cost with delta = a - y exists exactly if the layer is a gradient.
print(lm.matching_cost(normalised), end="\n\n")
found = lm.matching_cost(bounded, classes=2)
print(found, end="\n\n")

# The cost is one node; its gradient is a - y, and gradcheck agrees.
z, y = lm.Tensor([[3.0, -1.0]], name="z"), np.array([[0.5, 0.5]])
cost = found.cost(z, y)
cost.backward()
print(lm.tree(cost), end="\n\n")
assert (z.grad == bounded(z.data) - y).all()
assert lm.testing.gradcheck(lambda z: found.cost(z, y), z.data)

# Beside it the quadratic cost, whose delta fades where the layer is flat.
crossed = lm.Mix(bounded, "quadratic")
print(crossed.verdict(2), end="\n\n")

rng = np.random.default_rng(0)
x = rng.normal(size=(60, 3))
targets = bounded(x @ rng.normal(size=(3, 2)))
for name, cost in (("its own cost", found.cost), ("quadratic", crossed.cost)):
    step = lm.value_and_grad(lambda w, cost=cost: cost(x @ w, targets))
    w = np.full((3, 2), 8.0)  # outputs near 1, most of them wrong
    for _ in range(200):
        w = w - step(w)[1]
    print(f"{name:12} largest error after 200 steps {abs(bounded(x @ w) - targets).max():.4f}")
