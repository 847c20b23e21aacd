"""A training step as straight-line NumPy: read the backward pass, then train with it."""

import numpy as np

import tinygrad_lossmix as lm


def loss(w, b, x, y):
    z = x @ w + b
    z.name = "z"
    return lm.Mix("softmax", "ll").cost(z, y)


step = lm.compile(loss, wrt=(0, 1))

rng = np.random.default_rng(0)
x = rng.normal(size=(90, 2))
y = (x @ rng.normal(size=(2, 3))).argmax(axis=1)
w, b = np.zeros((2, 3)), np.zeros(3)
for epoch in range(200):
    value, (dw, db) = step(w, b, x, y)
    w, b = w - dw, b - db
    if epoch % 50 == 0:
        print(f"epoch {epoch:3}: cost {value:.4f}")

print(f"{np.mean((x @ w + b).argmax(axis=1) == y):.0%} right\n")
print(step.source)
